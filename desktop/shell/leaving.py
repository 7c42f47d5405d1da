"""Closing the window: what runs is asked about, and what threads have begun is finished first, while it paints."""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QApplication, QWidget

from desktop import user_settings
from desktop.background import hurry, wait_for_all
from desktop.busy import soon_idle
from desktop.shell import close_dialog
from desktop.workspace import Workspace


class Leaving(QObject):
    """`may_close` says whether something of a window's own stands in the way, and asks about it; `begins` is called
    once it is certain that the window closes."""

    def __init__(
        self,
        workspace: Workspace,
        window: QWidget,
        *,
        may_close: Callable[[], bool],
        begins: Callable[[], object],
    ) -> None:
        super().__init__(window)
        self.workspace, self.window = workspace, window
        self._may_close, self._begins = may_close, begins
        self._agreed = False

    def leave(self) -> None:
        """Close without asking: what runs goes on."""
        self._agreed = True
        self.window.close()

    def close(self) -> bool:
        """Close what is open, if nobody says no: true if the window may go at once. If it may go later, it is closed
        anew then. No thread may outlive it."""
        app = QApplication.instance()
        hurried = isinstance(app, QApplication) and app.isSavingSession()
        workspace = self.workspace
        if workspace.ending and workspace.busy and not hurried:
            return False
        if not self._may_close() or self._asks(hurried):
            self._agreed = False
            return False
        workspace.ending = True
        self._begins()
        if workspace.session is not None:
            workspace.session.rest()
        if hurried:
            hurry()
            wait_for_all(lasting=True)
        elif not soon_idle(lasting=True):
            # Later in any case: a window cannot be closed anew while it refuses to.
            leave = partial(QTimer.singleShot, 0, self.leave)
            workspace.waiting.until_idle("Finishing what was begun …", leave, lasting=True)
            return False
        self._end()
        return True

    def _asks(self, hurried: bool) -> bool:
        session = self.workspace.session
        if self._agreed or hurried or session is None:
            return False
        return close_dialog.ask(session, self.window, self.leave) is not None

    def _end(self) -> None:
        session = self.workspace.session
        goes_on = session is not None and bool(session.active)
        user_settings.set_left_running(session.project.folder if session is not None and goes_on else None)
        self.workspace.drop()
        wait_for_all(lasting=True)  # what closing has begun: a moment
