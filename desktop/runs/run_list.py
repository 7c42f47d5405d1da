"""The runs of one kind, newest first; selecting one shows it."""

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPixmap
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QWidget

from core.config.training import ALGORITHMS, Run, TrainPolicyJob, TrainRewardJob
from core.records import Job
from core.runs import early_stopping, naming
from core.store.runs import run_labels
from core.store.runs.run_labels import RunLabel
from desktop.session import Session
from desktop.theme import theme
from desktop.theme.theme import SPACE, overlay_colour
from desktop.widgets.basics import column, label, rule
from desktop.widgets.dates import remaining
from desktop.widgets.strangers import tip

WORDS = {
    "queued": "waiting",
    "running": "running",
    "paused": "paused",
    "done": "",
    "stopped": "stopped",
    "failed": "failed",
    "interrupted": "interrupted",
}


class RunList(QListWidget):
    """Emits `chosen(job id)` when another run is to be shown."""

    chosen = Signal(int)
    filled = Signal(bool)
    """Whether there are any runs, each time they were read again."""
    ticked = Signal()
    """Other runs than before are to be laid over the one that is shown."""

    def __init__(self, session: Session, record: type[Run], *, overlays: bool = False) -> None:
        super().__init__()
        self.session = session
        self.record = record
        self._overlays = overlays
        self._numbers: dict[int, int] = {}
        self._noted: dict[int, RunLabel] = {}
        session.ticked.connect(self._show_left)
        if overlays:
            self.setToolTip("Tick a run to lay it over the one that is shown.")
            self.setIconSize(QSize(10, 10))
            self.itemChanged.connect(self._tick)
            theme.notifier.changed.connect(self._show_colours)
        self.setAccessibleName("Runs, newest first")
        self.setMinimumHeight(110)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWordWrap(True)  # what came of a run stands last: it is not cut
        self.setResizeMode(QListWidget.ResizeMode.Adjust)
        self.currentItemChanged.connect(self._moved)

    @property
    def current(self) -> int | None:
        item = self.currentItem()
        return None if item is None else int(item.data(Qt.ItemDataRole.UserRole))

    @property
    def overlaid(self) -> list[int]:
        """Ticked runs, newest first, without the one that is shown."""
        return [run for run in self._ticked() if run != self.current]

    @property
    def tags(self) -> dict[int, tuple[str, ...]]:
        """Of the runs that have any."""
        return {run: noted.tags for run, noted in self._noted.items()}

    def colour_number(self, run: int) -> int:
        """A ticked run keeps its colour until it is unticked, whatever else is ticked."""
        if run not in self._numbers:
            taken = set(self._numbers.values())
            self._numbers[run] = next(number for number in range(len(taken) + 1) if number not in taken)
        return self._numbers[run]

    def _tick(self) -> None:
        ticked = self._ticked()
        self._numbers = {run: number for run, number in self._numbers.items() if run in ticked}
        for run in reversed(ticked):
            self.colour_number(run)
        self._show_colours()
        self.ticked.emit()

    def _show_colours(self) -> None:
        """Each run that is laid over has its colour beside its box."""
        over = self.overlaid
        self.blockSignals(True)
        for place in range(self.count()):
            run = int(self.item(place).data(Qt.ItemDataRole.UserRole))
            self.item(place).setIcon(swatch(overlay_colour(self.colour_number(run))) if run in over else QIcon())
        self.blockSignals(False)

    def _ticked(self) -> list[int]:
        items = [self.item(place) for place in range(self.count())] if self._overlays else []
        ticked = [item for item in items if item.checkState() == Qt.CheckState.Checked]
        return [int(item.data(Qt.ItemDataRole.UserRole)) for item in ticked]

    def select(self, job_id: int) -> None:
        """Show a run, as if its line had been chosen."""
        for place in range(self.count()):
            if int(self.item(place).data(Qt.ItemDataRole.UserRole)) == job_id:
                self.setCurrentRow(place)

    def refresh(self, *, select_newest: bool = False) -> None:
        """Bring the list up to date; the shown run stays unless a newer one is asked for."""
        kept = None if select_newest else self.current
        ticked = set(self._ticked())
        self._noted = run_labels.listed(self.session.project)
        self.blockSignals(True)
        self.clear()
        for job in self.session.jobs(self.record):
            item = QListWidgetItem(self._line(job))
            item.setData(Qt.ItemDataRole.UserRole, job.id)
            note = self._noted.get(job.id, RunLabel()).note
            item.setToolTip(tip("\n".join(filter(None, (job.error or item.text(), note)))))
            if self._overlays:
                state = Qt.CheckState.Checked if job.id in ticked else Qt.CheckState.Unchecked
                item.setData(Qt.ItemDataRole.CheckStateRole, state)
            self.addItem(item)
            if job.id == kept:
                self.setCurrentItem(item)
        self.blockSignals(False)
        if self._overlays:
            self._show_colours()
        if self.currentItem() is None and self.count():
            self.setCurrentRow(0)
        self.filled.emit(self.count() > 0)

    def _line(self, job: Job) -> str:
        return " · ".join([describe(job, self.session.left(job)), *self._noted.get(job.id, RunLabel()).tags])

    def _show_left(self, job: Job) -> None:
        """The running job's time goes on."""
        self.blockSignals(True)
        for place in range(self.count()):
            if int(self.item(place).data(Qt.ItemDataRole.UserRole)) == job.id:
                self.item(place).setText(self._line(job))
        self.blockSignals(False)

    def _moved(self) -> None:
        if self._overlays:
            self._show_colours()
        if self.current is not None:
            self.chosen.emit(self.current)


def swatch(colour: str) -> QIcon:
    found = QPixmap(10, 10)
    found.fill(QColor(colour))
    return QIcon(found)


def runs_section(runs: RunList) -> QWidget:
    """The list under its heading; while there are no runs it takes its room and shows nothing."""
    inner = QWidget()
    inside = column(rule(), label("Runs", "heading"), runs, spacing=SPACE + 4)
    inside.setStretch(2, 1)
    inner.setLayout(inside)
    runs.filled.connect(inner.setVisible)
    section = QWidget()
    outer = column(inner, None, spacing=0)
    outer.setStretch(0, 1)
    outer.setStretch(1, 0)
    section.setLayout(outer)
    return section


def describe(job: Job, left: float | None = None) -> str:
    """`Run 3 · accuracy 0.71`, or with the seconds that are left `Run 5 · PPO · 12 of 30, about 2 min left`. Its name,
    or the values of its sweep, stand behind its number."""
    word = WORDS[job.status]
    if job.status == "running" and job.total > 1:
        rest = f", {remaining(left)}" if left is not None else ""
        stage = f"{job.stage[:1].lower()}{job.stage[1:]}, " if _measures(job) else ""
        word = f"{stage}{job.done} of {job.total}{rest}"
    if isinstance(job, TrainRewardJob) and (found := early_stopping.steps(job)) is not None:
        sure = "" if job.result.accuracy is None else f"accuracy {job.result.accuracy:.2f}, "
        word = f"{sure}{word or 'stopped'} after {found[0]} of {found[1]} steps"
    elif not word:
        word = _outcome(job)
    algorithm = ALGORITHMS.get(job.config.algorithm) if isinstance(job, TrainPolicyJob) else None
    parts = (f"Run {job.id}", naming.called(job), algorithm.title if algorithm else "")
    return " · ".join([*filter(None, parts), word])


def _measures(job: Job) -> bool:
    """Does a run of the policy count other things than its steps?"""
    return isinstance(job, TrainPolicyJob) and job.stage.startswith("Measuring")


def _outcome(job: Job) -> str:
    """What came of a run that ended well."""
    if isinstance(job, TrainRewardJob) and job.result.accuracy is not None:
        return f"accuracy {job.result.accuracy:.2f}"
    if not isinstance(job, TrainPolicyJob):
        return "done"
    if job.result.reward_after is not None:
        return f"reward {job.result.reward_before or 0:+.2f} → {job.result.reward_after:+.2f}"
    return f"{job.total if job.result.steps is None else job.result.steps} steps"
