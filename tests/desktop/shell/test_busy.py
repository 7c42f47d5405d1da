"""While something must be finished first, the window goes on painting; nothing is lost, and it can be closed."""

import threading

import pytest
from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtWidgets import QMessageBox
from shiboken6 import delete

from core import stopping
from core.errors import Stopped
from core.projects import trash
from core.store import DATABASE, schema
from core.store.migrating import is_older
from desktop import busy as waiting
from desktop.background import busy, in_background, with_project
from desktop.places import TabId
from desktop.shell.busy_overlay import BusyOverlay
from tests.core.store.test_store import older  # noqa: F401
from tests.desktop.rank.ranking import Key


@pytest.fixture
def slow():
    """Lets a thread go on."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def window(open_window, filled, qtbot):
    found = open_window()
    found.workspace.open(filled.folder)
    qtbot.wait(50)
    return found


def ticks(qtbot):
    """How often a timer of 10 ms rings in 150."""
    rung = []
    timer = QTimer(interval=10)
    timer.timeout.connect(lambda: rung.append(1))
    timer.start()
    qtbot.wait(150)
    timer.stop()
    return len(rung)


def said(window):
    return window.findChild(BusyOverlay).text.text() if window.findChild(BusyOverlay).card.isVisible() else ""


@pytest.mark.parametrize("leave", ["owner", "window"])
def test_what_only_reads_ends_once_nobody_waits_for_it(window, qtbot, leave):
    owner, began, ended = QObject(), threading.Event(), threading.Event()

    def read():
        began.set()
        try:
            while not ended.wait(0.001):
                stopping.heed()
        except Stopped:
            ended.set()
            raise

    in_background(owner, read, lambda _: None, lambda _: None)
    assert began.wait(5) and not ended.wait(0.05)
    if leave == "owner":
        delete(owner)
    else:
        window.workspace.close()
    assert ended.wait(5)
    qtbot.waitUntil(lambda: not busy())


def test_what_writes_comes_to_its_end_though_its_owner_has_gone(window, filled, qtbot):
    owner, began, go_on, asked = QObject(), threading.Event(), threading.Event(), []

    def write(project):
        began.set()
        go_on.wait(5)
        stopping.heed()
        asked.append(project.folder)

    with_project(owner, filled, write, lambda _: None)
    assert began.wait(5)
    delete(owner)
    go_on.set()
    qtbot.waitUntil(lambda: asked == [filled.folder] and not busy())


def test_a_project_closes_once_what_is_read_of_it_was_read(window, filled, qtbot, slow):
    found = []
    with_project(window.tabs[TabId.INSTRUCTIONS], filled, lambda project: slow.wait(20), found.append)
    window.workspace.close()
    assert window.session is not None and ticks(qtbot) > 5
    qtbot.waitUntil(lambda: "Finishing" in said(window))
    tab = window.shown
    qtbot.keyClick(window.findChild(BusyOverlay), Key.Key_2, Qt.KeyboardModifier.ControlModifier)
    assert window.shown == tab, "keys do nothing meanwhile"
    slow.set()
    qtbot.waitUntil(lambda: window.session is None)
    assert found == [True], "what was found was given while the project was open"
    assert not window.workspace.busy and not said(window)


def test_the_next_project_is_shown_once_the_last_one_is_closed(window, filled, qtbot, slow, tmp_path):
    in_background(window.tabs[TabId.INSTRUCTIONS], lambda: slow.wait(20), lambda _: None)
    shown = []
    assert not window.workspace.open(filled.folder, lambda: shown.append(window.session.project.folder))
    assert not window.workspace.open(tmp_path), "one at a time"
    slow.set()
    qtbot.waitUntil(lambda: shown == [filled.folder])


def test_the_window_closes_by_itself_once_no_thread_is_at_work(window, qtbot, slow):
    in_background(window, lambda: slow.wait(20), lambda _: None, lasting=True)
    assert not window.close() and not window.close()
    assert window.isVisible() and ticks(qtbot) > 5
    slow.set()
    qtbot.waitUntil(window.isHidden)
    assert window.session is None


def test_an_older_project_is_migrated_beside_the_window(open_window, older, qtbot, monkeypatch, slow):  # noqa: F811
    window = open_window()
    assert is_older(older / DATABASE)  # how each version looks is known from here on
    migrate = schema.migrations.apply
    monkeypatch.setattr(schema.migrations, "apply", lambda *given, **more: slow.wait(20) and migrate(*given, **more))
    shown = []
    assert not window.workspace.open(older, lambda: shown.append(window.session.project.name))
    assert ticks(qtbot) > 5
    qtbot.waitUntil(lambda: "brought up to date" in said(window))
    slow.set()
    qtbot.waitUntil(lambda: bool(shown))
    assert shown == ["Old"]


def test_a_window_closed_while_it_opens_an_older_project_opens_nothing(open_window, older, qtbot, monkeypatch, slow):  # noqa: F811
    window = open_window()
    assert is_older(older / DATABASE)  # how each version looks is known from here on
    migrate = schema.migrations.apply
    monkeypatch.setattr(schema.migrations, "apply", lambda *given, **more: slow.wait(20) and migrate(*given, **more))
    window.workspace.open(older)
    window.close()
    slow.set()
    qtbot.waitUntil(window.isHidden)
    assert window.session is None


def test_a_window_that_is_closed_while_it_goes_to_another_project_closes_whoever_sees_first_that_it_can(
    window, filled, qtbot, slow, monkeypatch
):
    in_background(window.tabs[TabId.INSTRUCTIONS], lambda: slow.wait(20), lambda _: None)
    monkeypatch.setattr(waiting, "LOOK_MILLISECONDS", 300)
    window.workspace.open(filled.folder)
    monkeypatch.setattr(waiting, "LOOK_MILLISECONDS", 5)
    window.leave()
    slow.set()
    qtbot.waitUntil(window.isHidden, timeout=2000)


@pytest.mark.parametrize("tab", [TabId.REVIEW, TabId.REWARD])
def test_a_project_closes_though_something_that_reads_it_does_not_end(window, filled, qtbot, slow, monkeypatch, tab):
    window.open_tab(tab)
    qtbot.waitUntil(lambda: not busy())
    monkeypatch.setattr(waiting, "LONGEST_SECONDS", 0.1)
    ended, given = [], []
    in_background(window, lambda: ended.append(slow.wait(5)), given.append)
    window.workspace.close()
    qtbot.waitUntil(lambda: window.session is None, timeout=3000)
    assert not ended, "it is still at work"
    slow.set()
    qtbot.waitUntil(lambda: not busy())
    assert ended and not given, "nobody is there to take it"


def test_the_window_closes_also_when_the_last_thread_ends_just_as_it_begins_to_wait(window, qtbot, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr("desktop.shell.leaving.soon_idle", lambda **_: False)
        assert not window.close()
    qtbot.waitUntil(window.isHidden, timeout=2000)


def test_a_project_is_not_deleted_while_the_window_finishes_something_and_that_is_said(window, qtbot, slow):
    folder = window.session.project.folder
    in_background(window.tabs[TabId.INSTRUCTIONS], lambda: slow.wait(20), lambda _: None)
    window.workspace.close()
    assert window.workspace.busy
    window.projects.put_in_trash(folder)
    box = window.findChild(QMessageBox)
    assert "delete the project once that is done" in box.informativeText()
    box.close()
    assert not window.notice.isVisible(), "it does not claim to delete anything"
    slow.set()
    qtbot.waitUntil(lambda: window.session is None)
    assert (folder / "plumbline.db").is_file() and not trash.listed()
