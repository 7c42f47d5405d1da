"""Work of seconds that needs no model, beside the window: a function in a thread, its result on the window's."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QThread, Signal
from PySide6.QtWidgets import QWidget

from core.store import Project, open_project
from desktop import errors

_running: set["Task"] = set()


class Task(QThread):
    """Runs `work` at once; then `done` with its result, or `failed` with its exception, on the window's thread.

    `work` must not touch widgets, nor the window's project: it opens the project for itself if it needs it.
    """

    done = Signal(object)
    failed = Signal(object)

    def __init__(self, work: Callable[[], Any], done: Callable[[Any], None], failed: Callable[[Any], None]) -> None:
        super().__init__()
        self._work = work
        self.done.connect(done)
        self.failed.connect(failed)
        self.finished.connect(lambda: _running.discard(self))
        _running.add(self)
        self.start()

    def run(self) -> None:
        try:
            self.done.emit(self._work())
        except Exception as error:
            self.failed.emit(error)


def in_background(
    owner: QWidget,
    work: Callable[[], Any],
    done: Callable[[Any], None],
    failed: Callable[[Any], None] | None = None,
) -> Task:
    """Start `work`; nothing is called once `owner` has gone. Without `failed`, a dialog says what went wrong."""

    def show(error: Any) -> None:
        errors.show(error, owner)

    task = Task(work, done, failed or show)
    owner.destroyed.connect(lambda: task.blockSignals(True))
    return task


def with_project(
    owner: QWidget,
    folder: Path,
    work: Callable[[Project], Any],
    done: Callable[[Any], None],
    failed: Callable[[Any], None] | None = None,
) -> Task:
    """Start `work` with a connection of its own to the project in `folder`."""

    def opened() -> Any:
        project = open_project(folder)
        try:
            return work(project)
        finally:
            project.close()

    return in_background(owner, opened, done, failed)


def busy() -> bool:
    """Is anything still at work?"""
    return bool(_running)


def wait_for_all(milliseconds: int = 30_000) -> None:
    """Before the window closes: no thread may outlive it."""
    for task in list(_running):
        task.wait(milliseconds)
