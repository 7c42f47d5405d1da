"""The window's beginning: the application, its look, its first frame; then the project, if one was named."""

import gc
import os
import sys
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QEventLoop, QMessageLogContext, QTimer, QtMsgType, qInstallMessageHandler
from PySide6.QtWidgets import QApplication

from core.errors import explained
from core.machine import libraries
from core.projects import leftovers
from desktop import errors, user_settings
from desktop.background import in_background
from desktop.shell.gc import Collector
from desktop.shell.tabs import LOADS
from desktop.theme import theme
from desktop.window import Window

#: After the first frame, and before anybody has found a button.
SOON_MILLISECONDS = 150
NO_SCREEN = (
    "There is no screen to open the window on ({reason}): start it from a desktop, over `ssh -X`, or with `xvfb-run`; "
    "the commands need none, `plumbline --help` lists them."
)
#: What Qt says first where a library of X11 is missing, and there alone.
LACKING = "is needed to load"
NO_LIBRARY = "The window lacks a library of the system ({said}): {remedy}. The commands do without."


def build(arguments: list[str]) -> tuple[QApplication, Window]:
    """The application and its window, not shown yet. `arguments` may name a project's folder."""
    existing = QApplication.instance()
    app = existing if isinstance(existing, QApplication) else _application()
    app.setApplicationName("Plumbline")
    app.setDesktopFileName("plumbline")
    theme.apply(app, user_settings.theme(), user_settings.window_font_size())
    app.styleHints().colorSchemeChanged.connect(lambda: theme.apply(app, user_settings.theme()))
    window = Window()
    if arguments:
        window.open_later(Path(arguments[0]))
    elif (left := user_settings.left_running()) is not None:
        window.open_later(left)  # as if it had never been closed
    return app, window


def _application() -> QApplication:
    """Qt aborts where it finds no screen that it can use: then what it said before is told in one sentence."""
    heard: list[str] = []

    def tell(kind: QtMsgType, context: QMessageLogContext, text: str) -> None:
        heard.append(" ".join(text.split()).rstrip("."))
        if kind == QtMsgType.QtFatalMsg:
            if LACKING in heard[0] and not _is_unseen():
                sentence = NO_LIBRARY.format(said=heard[0], remedy=libraries.remedy())
            else:
                sentence = NO_SCREEN.format(
                    reason="neither DISPLAY nor WAYLAND_DISPLAY is set" if _is_unseen() else heard[0]
                )
            print(f"Error: {sentence}", file=sys.stderr, flush=True)  # noqa: T201
            os._exit(1)  # else it goes on to abort

    qInstallMessageHandler(tell)
    try:
        return QApplication(["plumbline"])
    finally:
        qInstallMessageHandler(None)
        for text in heard:
            print(text, file=sys.stderr)  # noqa: T201


def _is_unseen() -> bool:
    named = any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))
    return sys.platform.startswith("linux") and not named


def run(arguments: list[str]) -> int:
    """Show the window until it is closed; returns the exit code."""
    try:
        app, window = build(arguments)
    except Exception as error:
        if (sentence := explained(error)) is None:
            raise
        print(f"Error: {sentence}", file=sys.stderr)  # noqa: T201
        return sentence.exit_code
    errors.install(app)
    Collector(app)
    window.show()
    QTimer.singleShot(SOON_MILLISECONDS, window, lambda: read_ahead(window))
    return app.exec()


def leave(window: Window) -> None:
    """Close it without asking, and return once what its threads had begun is finished: the program may end then."""
    window.leave()
    while window.isVisible():
        QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)


def read_ahead(window: Window) -> None:
    """Import what projects, tabs, palette and settings are made of, beside the window: else the first look at each
    would wait for it. What is loaded stays, and is no garbage to look for."""

    def read() -> None:
        import core.store.schema  # noqa: F401
        import desktop.palette.palette
        import desktop.settings.dialog
        import desktop.shell.features  # noqa: F401

        for load in LOADS.values():
            load()
        leftovers.clear()

    in_background(window, read, lambda _: gc.freeze(), lasting=True)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
