"""Work of seconds that needs no model, beside the window: a function in a thread, its result on the window's."""

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, QThread, Signal

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
    owner: QObject, work: Callable[[], Any], done: Callable[[Any], None], failed: Callable[[Any], None]
) -> Task:
    """Start `work`; nothing is called once `owner` has gone."""
    task = Task(work, done, failed)
    owner.destroyed.connect(lambda: task.blockSignals(True))
    return task


def wait_for_all(milliseconds: int = 30_000) -> None:
    """Before the window closes: no thread may outlive it."""
    for task in list(_running):
        task.wait(milliseconds)
