"""A choice among the reward models that can be used, the newest first."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QWidget

from core.config.training import TrainRewardJob
from desktop.runs.run_list import describe
from desktop.session import Session
from desktop.widgets.basics import turn_only_with_focus


class RunChoice(QComboBox):
    """Emits `chosen` when another run is shown; `job` is the run, or None while there is none."""

    chosen = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.setPlaceholderText("No reward model yet")
        turn_only_with_focus(self)
        self.currentIndexChanged.connect(lambda _: self.chosen.emit())

    @property
    def job(self) -> TrainRewardJob | None:
        found = self.currentData()
        return None if found is None else self.session.job(int(found), TrainRewardJob)

    def refresh(self) -> None:
        """Bring the runs up to date; the chosen one stays unless a new one was made."""
        jobs = [job for job in self.session.jobs(TrainRewardJob) if job.result.adapter]
        before = [self.itemData(place) for place in range(self.count())]
        kept = self.currentData() if set(before) == {job.id for job in jobs} else None
        self.blockSignals(True)
        self.clear()
        for job in jobs:
            self.addItem(describe(job), job.id)
        place = self.findData(kept) if kept is not None else 0
        self.setCurrentIndex(max(place, 0) if jobs else -1)
        self.blockSignals(False)
        if kept is None:
            self.chosen.emit()
