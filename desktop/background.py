"""Work of seconds that needs no model, beside the window: a function in a thread, its result on the window's."""

import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from typing import Any

from PySide6.QtCore import QCoreApplication, QObject, QThread, Signal
from PySide6.QtWidgets import QWidget
from shiboken6 import isValid

from core import stopping
from core.errors import Stopped
from core.store import Project
from desktop import errors

#: A thread that the program leaves behind would end it with a crash.
FOREVER = 7 * 24 * 3_600_000

_running: set["Task"] = set()


class Task(QThread):
    """Runs `work` at once, then gives its result to `done` or its exception to `failed`, on the window's thread.

    Nothing is called once `owner` has gone. `work` must not touch widgets, nor the window's project: it opens the
    project for itself if it needs it. What is `lasting` goes on when the project closes. What `only_reads` ends with
    `Stopped`, where it asks, once its owner has gone or it is `unwanted`.
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
        only_reads: bool = True,
    ) -> None:
        super().__init__()
        self.lasting, self.abandoned = lasting, False
        self.unwanted, self._only_reads = False, only_reads
        self._owner, self._work, self._done, self._failed = owner, work, done, failed
        # To methods of this object, which lives on the window's thread, so that they are called there.
        self._worked.connect(self._give)
        self._broke.connect(self._give_error)
        self.finished.connect(self._leave)
        _running.add(self)
        self.start()

    def run(self) -> None:
        try:
            self._worked.emit(stopping.heeding(self._ask).run(self._work))
        except Exception as error:
            self._broke.emit(error)

    def _ask(self) -> None:
        if self._only_reads and (self.unwanted or not isValid(self._owner)):
            raise Stopped("It was stopped.")

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
    """Start `work`, which need not come to its end. Without `failed`, a dialog says what went wrong."""
    Task(owner, work, done, failed or partial(_show, owner), lasting)


def with_project(
    owner: QObject,
    project: Project,
    work: Callable[[Project], Any],
    done: Callable[[Any], None],
    failed: Callable[[Any], object] | None = None,
) -> None:
    """Start `work` with a connection of its own to the same project. `failed` hears of one that is elsewhere by now."""

    def opened() -> Any:
        with closing(project.again()) as own:
            return work(own)

    Task(owner, opened, done, failed or partial(_show, owner), only_reads=False)


def _show(owner: QObject, error: Any) -> None:
    errors.show(error, owner if isinstance(owner, QWidget) else None)


def busy(*, lasting: bool = True) -> bool:
    """Is anything still at work, or its result not given yet?"""
    return any(lasting or not task.lasting for task in _running)


def hurry() -> None:
    """Nobody waits any more for what is only read."""
    for task in _running:
        task.unwanted = True


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
