"""What is open in one window, below the window: the session, how it is opened and closed, and what is said of it.

The window subscribes and shows; whoever does something with a project as a whole is given this and not the window.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from core import demo
from core.errors import KnownError
from core.store import DATABASE, Project, open_project
from core.store.migrating import is_older
from core.store.undo import Direction, History, waiting_rows
from core.trust import gate
from desktop import user_settings
from desktop.background import abandon, in_background
from desktop.busy import Busy
from desktop.session import Session

#: Bytes of a project's file that take a tenth of a second to check.
LARGE = 20_000_000
RESTED = "This project was not made here: its jobs were stopped, and wait until you resume them."


@dataclass(frozen=True)
class Said:
    """A sentence to be seen for a while, with one thing to do about it. It stays until the next one if it `stays`, goes
    with the project that is shown unless it is to be seen `everywhere`, and has a bar if it tells of `progress`."""

    text: str
    action_text: str = ""
    action: Callable[[], object] | None = None
    stays: bool = False
    everywhere: bool = False
    progress: bool = False


class Workspace(QObject):
    """One window's project, or none."""

    opened = Signal(object)
    """The `Session` that is open from now on."""
    leaving = Signal(object)
    """The `Session` that closes now: what shows it goes."""
    closed = Signal()
    """Nothing is open any more."""
    said = Signal(object)
    """A `Said`; None takes away what was said last."""
    progressed = Signal(float)
    """How much is done of what was said to go on, from 0 to 1."""
    failed = Signal(object)
    """An error to be shown."""
    listed = Signal()
    """The list of recent or of deleted projects is another now."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.session: Session | None = None
        self.history = History()
        """What was done in this window; what was done to whole projects outlives the session."""
        self.waiting = Busy(self)
        self.copying = ""
        """What is being written of a whole project, in words."""
        self.stays: Callable[[Callable[[], object]], bool] = lambda then: False
        """Asks where closing would lose what is typed, and calls `then` once it may go; true if it asked."""
        self.ending = False
        """The window closes: nothing may be opened any more."""
        self.returning = 0
        """How many things are being put back from the trash: what is taken back next may build on them."""

    @property
    def busy(self) -> bool:
        """Something must be finished first: nothing is opened, closed or taken back now."""
        return self.waiting.busy

    def is_open(self, folder: Path) -> bool:
        return self.session is not None and self.session.project.folder == folder.resolve()

    def open(self, folder: Path, then: Callable[[], object] | None = None, *, looked_through: bool = False) -> bool:
        """Open the project in `folder`, then call `then`; on failure say why and keep what was open. True if it is
        open by now: one of an older version, one that was never seen here, or one after another that has something to
        finish is opened later."""
        if self.busy or self.ending:
            return False
        again = partial(self.open, folder, then, looked_through=looked_through)
        if self.session is not None and self.stays(again):
            return False
        if is_older(folder.expanduser().resolve() / DATABASE):
            text = f"Opening “{folder.name}”: it is backed up and brought up to date …"
            self.do_first(text, lambda: open_project(folder).close(), lambda _: self.open(folder, then))
            return False
        try:
            project = open_project(folder)
            if not looked_through and gate.is_new(project):
                if self._is_large(project):
                    project.close()
                    text = f"Opening “{folder.name}”: it was never open here, so all of it is checked …"
                    again = partial(self.open, folder, then, looked_through=True)
                    self.do_first(text, partial(gate.look_through, project.folder), lambda _: again())
                    return False
                gate.look_through(project.folder)
        except KnownError as error:
            self.failed.emit(error)
            return False
        self.close(lambda: self._show(project, then))
        return self.session is not None and self.session.project is project

    @staticmethod
    def _is_large(project: Project) -> bool:
        """Would the window be felt to wait while all of it is read?"""
        return (project.folder / DATABASE).stat().st_size > LARGE

    def open_demo(self, then: Callable[[], object] | None = None) -> None:
        try:
            self.open(demo.install(), then)
        except KnownError as error:
            self.failed.emit(error)

    def _show(self, project: Project, then: Callable[[], object] | None) -> None:
        if self.ending:
            project.close()
            return
        user_settings.add_recent_project(project.folder)
        in_background(self, waiting_rows.remove_leftovers, lambda _: None, self.failed.emit, lasting=True)
        self.session = Session(project, self, self.do_first, self.history)
        self.session.moved.connect(self.failed)
        self.opened.emit(self.session)
        if self.session.rested:
            self.say(RESTED)
        if then is not None:
            then()

    def close(self, then: Callable[[], object] | None = None, *, tells: bool = True) -> None:
        """Close what is open, once what is being read of it was read; then call `then`. It `tells` what goes on."""
        if self.busy:
            return
        if self.session is None:
            self._closed(then, tells)
        elif self.stays(partial(self.close, then, tells=tells)):
            return
        else:
            self.session.rest()
            self.waiting.until_idle("Finishing what was begun …", lambda: self._closed(then, tells))

    def _closed(self, then: Callable[[], object] | None, tells: bool) -> None:
        folder = self.session.project.folder if self.session is not None else None
        left = goes_on(self.session) if self.session is not None and tells else ""
        self.drop()
        if then is not None:
            then()
        if left and folder is not None and not self.is_open(folder):
            self.say(left, "Open it", partial(self.open, folder))

    def drop(self) -> None:
        """Close what is open now, whatever still reads it."""
        if (session := self.session) is None:
            return
        abandon()
        self.leaving.emit(session)
        session.close()
        session.deleteLater()
        self.session = None
        self.closed.emit()

    def do_first(self, text: str, work: Callable[[], object], done: Callable[[Any], object]) -> None:
        """Run `work` beside the covered window, then `done` with its result, unless the window closes; errors are
        shown."""

        def ended(result: Any) -> None:
            if self.ending:
                return
            try:
                done(result)
            except KnownError as error:
                self.failed.emit(error)

        def broke(error: Exception) -> None:
            if not self.ending:
                self.failed.emit(error)

        self.waiting.do(text, work, ended, broke)

    def take_back(self, direction: Direction) -> None:
        """Undo or redo what was done last in this window, wherever that was, also without an open project."""
        if self.busy or self.ending:
            return
        if self.returning:
            self.say("Something is still being put back: try again in a moment.")
            return
        try:
            if self.session is not None:
                self.session.replay(direction)
            else:
                self.say(f"{(self.history.undo() if direction == 'undo' else self.history.redo()).label}.")
        except KnownError as error:
            self.failed.emit(error)

    def say(self, text: str, action_text: str = "", action: Callable[[], object] | None = None) -> None:
        """Say something in passing, unless that would cover how far a copy is."""
        if not self.copying:
            self.said.emit(Said(text, action_text, action))


def goes_on(session: Session) -> str:
    """What becomes of the jobs of a project that closes while the window stays; empty where nothing runs."""
    active = session.active
    if not active:
        return ""
    job, others = active[0], len(active) - 1
    how = "stays paused" if job.status == "paused" else "goes on in the background"
    more = f", and {others} more {'waits' if others == 1 else 'wait'}" if others else ""
    return f"Job {job.id}, {job.name}, {how}{more}: open “{session.project.name}” again to see how far it is."
