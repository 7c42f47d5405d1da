"""The window's beginning: the application, its look, its first frame; then the project, if one was named."""

import gc
import sys
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from desktop import errors, user_settings
from desktop.background import in_background
from desktop.shell.gc import Collector
from desktop.shell.tabs import LOADS
from desktop.theme import theme
from desktop.window import Window

#: After the first frame, and before anybody has found a button.
SOON_MILLISECONDS = 150


def build(arguments: list[str]) -> tuple[QApplication, Window]:
    """The application and its window, not shown yet. `arguments` may name a project's folder."""
    existing = QApplication.instance()
    app = existing if isinstance(existing, QApplication) else QApplication(["plumbline"])
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


def run(arguments: list[str]) -> int:
    """Show the window until it is closed; returns the exit code."""
    app, window = build(arguments)
    errors.install(app)
    Collector(app)
    window.show()
    QTimer.singleShot(SOON_MILLISECONDS, window, lambda: read_ahead(window))
    return app.exec()


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

    in_background(window, read, lambda _: gc.freeze(), lasting=True)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
