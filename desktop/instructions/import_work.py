"""An import at work beside the window: how far it is, and that it can be stopped."""

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Signal

from core.data.rows import Report
from core.errors import Stopped
from core.store import Project
from core.store.undo import bulk
from core.store.undo.bulk import Recorded
from desktop.background import with_project

TOUCHED = ("prompts", "rankings", "completion_groups", "labelers")
COUNT_MILLISECONDS = 200


class Reading:
    """How far something is, told by its thread, and whether it is to stop, told by the window's."""

    def __init__(self, sentence: str) -> None:
        self.count = 0
        self.stopped = False
        self._sentence = sentence

    def __call__(self, count: int) -> None:
        self.count = count
        if self.stopped:
            raise Stopped(self._sentence)


class ImportWork(QObject):
    """`counted` carries how many lines were read so far; then comes `done`, with the report and the changes, or
    `failed`, with the error."""

    counted = Signal(int)
    done = Signal(object, object)
    failed = Signal(object)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._reading: Reading | None = None
        self._clock = QTimer(self, interval=COUNT_MILLISECONDS)
        self._clock.timeout.connect(self._count)

    @property
    def is_on(self) -> bool:
        return self._reading is not None

    def start(self, project: Project, title: str, read: Callable[[Project, Reading], Report]) -> None:
        """Import in one transaction, which undo takes back by `title`."""
        reading = self._reading = Reading("It was stopped: nothing of the file was imported.")

        def work(project: Project) -> tuple[Report, Recorded]:
            return bulk.record(project, title, TOUCHED, lambda: read(project, reading))

        self._count()
        self._clock.start()
        with_project(self, project, work, self._finish, self._fail)

    def stop(self) -> None:
        if self._reading is not None:
            self._reading.stopped = True

    def _count(self) -> None:
        if self._reading is not None:
            self.counted.emit(self._reading.count)

    def _finish(self, found: tuple[Report, Recorded]) -> None:
        self._end()
        self.done.emit(*found)

    def _fail(self, error: object) -> None:
        self._end()
        self.failed.emit(error)

    def _end(self) -> None:
        self._clock.stop()
        self._reading = None


def outcome(report: Report) -> str:
    """What an import did, for whoever began it."""
    parts = [f"{report.imported} imported"]
    if report.known:
        parts.append(f"{report.known:,} were there already")
    if report.refused:
        parts.append(f"{len(report.refused):,} lines could not be used (see Refused)")
    return "\n".join([", ".join(parts) + ".", *report.notes])
