"""Work of seconds that needs no model, beside the window: a function in a thread, its result on the window's."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication, QObject, QThread, Signal
from PySide6.QtWidgets import QWidget
from shiboken6 import isValid

from core.store import Project, open_project
from desktop import errors

#: A thread that the program leaves behind would end it with a crash.
FOREVER = 7 * 24 * 3_600_000

_running: set["Task"] = set()


class Task(QThread):
    """Runs `work` at once, then gives its result to `done` or its exception to `failed`, on the window's thread.

    Nothing is called once `owner` has gone. `work` must not touch widgets, nor the window's project: it opens the
    project for itself if it needs it. What is `lasting` goes on when the project closes.
    """

    _worked = Signal(object)
    _broke = Signal(object)

    def __init__(
        self,
        owner: QObject,
        work: Callable[[], Any],
        done: Callable[[Any], None],
        failed: Callable[[Any], object],
        lasting: bool = False,
    ) -> None:
        super().__init__()
        self.lasting, self.abandoned = lasting, False
        self._owner, self._work, self._done, self._failed = owner, work, done, failed
        # To methods of this object, which lives on the window's thread, so that they are called there.
        self._worked.connect(self._give)
        self._broke.connect(self._give_error)
        self.finished.connect(self._leave)
        _running.add(self)
        self.start()

    def run(self) -> None:
        try:
            self._worked.emit(self._work())
        except Exception as error:
            self._broke.emit(error)

    def _give(self, result: Any) -> None:
        if isValid(self._owner) and not self.abandoned:
            self._done(result)

    def _give_error(self, error: Any) -> None:
        if isValid(self._owner) and not self.abandoned:
            self._failed(error)

    def _leave(self) -> None:
        _running.discard(self)


def in_background(
    owner: QObject,
    work: Callable[[], Any],
    done: Callable[[Any], None],
    failed: Callable[[Any], object] | None = None,
    *,
    lasting: bool = False,
) -> None:
    """Start `work`. Without `failed`, a dialog says what went wrong."""

    def show(error: Any) -> None:
        errors.show(error, owner if isinstance(owner, QWidget) else None)

    Task(owner, work, done, failed or show, lasting)


def with_project(
    owner: QObject,
    folder: Path,
    work: Callable[[Project], Any],
    done: Callable[[Any], None],
    failed: Callable[[Any], object] | None = None,
) -> None:
    """Start `work` with a connection of its own to the project in `folder`."""

    def opened() -> Any:
        project = open_project(folder)
        try:
            return work(project)
        finally:
            project.close()

    in_background(owner, opened, done, failed)


def busy(*, lasting: bool = True) -> bool:
    """Is anything still at work, or its result not given yet?"""
    return any(lasting or not task.lasting for task in _running)


def abandon() -> None:
    """Who has not ended by now was waited for long enough: it goes on, and what it finds is given to nobody."""
    for task in _running:
        if not task.lasting:
            task.lasting = task.abandoned = True


def wait_for_all(milliseconds: int = FOREVER, *, lasting: bool = False) -> None:
    """Without going on to paint; what a thread found is given before this returns. No thread may outlive the window,
    not even a `lasting` one."""
    end = time.monotonic() + milliseconds / 1000
    while waited := [task for task in _running if lasting or not task.lasting]:
        task = waited[0]
        if not task.wait(max(0, round(1000 * (end - time.monotonic())))):
            return
        QCoreApplication.sendPostedEvents(task)  # which may start another one
        _running.discard(task)
