"""The window without a screen, and without ever starting a worker process."""

import gc
import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QTimer
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from core.jobs import launch
from core.store import Project
from desktop import user_settings
from desktop.app import build
from desktop.background import abandon
from desktop.session import Session
from desktop.window import Window


@pytest.fixture(autouse=True)
def started(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Folders for which a worker would have been started."""
    folders: list[object] = []
    monkeypatch.setattr(launch, "ensure_worker", lambda folder, **_: folders.append(folder))
    return folders


@pytest.fixture(autouse=True)
def _unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Orders of a few cards are saved without a question; what asks it has a test of its own."""
    monkeypatch.setattr(user_settings, "VIEWS_ON", user_settings.VIEWS_ON - {"left_out"})


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown() -> None:
    """As when a project closes: nothing that is still read of it reaches the window."""
    abandon()


@pytest.fixture(autouse=True)
def _collected_here(qapp: QApplication) -> Iterator[None]:
    """With an application before the first pixmap, and no garbage collected in another thread, as in the program."""
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def session(qtbot: QtBot, filled: Project) -> Iterator[Session]:
    """A session on a project with completions and nothing ranked."""
    found = Session(filled)
    yield found
    found.rest()


@pytest.fixture
def open_window(qtbot: QtBot, tmp_path: Path) -> Iterator[Callable[..., Window]]:
    """Build and show the window; it is closed afterwards, before its projects' folders go, and no timer may survive
    it."""
    windows: list[Window] = []

    def make(*arguments: str) -> Window:
        window = build([str(item) for item in arguments])[1]
        windows.append(window)
        window.show()
        qtbot.waitExposed(window)
        return window

    yield make
    for window in windows:
        window.leave()
        qtbot.waitUntil(lambda window=window: window.isHidden(), timeout=20_000)
        assert not [timer for timer in window.findChildren(QTimer) if timer.isActive()], "a timer outlived its project"
        window.deleteLater()
    # At once: else windows of earlier tests are dressed anew whenever the theme changes, while they go.
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
