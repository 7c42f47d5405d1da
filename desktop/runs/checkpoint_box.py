"""Which of a run's checkpoints is meant."""

from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QComboBox

from core.config.training import TrainPolicyJob
from core.store import Project
from core.store.runs import checkpoints

LAST = "last"


class CheckpointBox(QComboBox):
    """Hidden where a run keeps no other checkpoint than its last one. What is chosen stays while its run does."""

    def __init__(self) -> None:
        super().__init__()
        self._run: TrainPolicyJob | None = None
        self.hide()

    @property
    def checkpoint(self) -> str:
        """As jobs name it."""
        return str(self.currentData() or LAST)

    def show_run(self, project: Project, run: TrainPolicyJob | None) -> None:
        same = run is not None and self._run is not None and run.id == self._run.id
        chosen, self._run = self.checkpoint if same else LAST, run
        last, best = self._step(LAST), self._step("best")
        steps = [step for step in checkpoints.kept(project, run)[::-1] if step not in (0, last)] if run else []
        with QSignalBlocker(self):
            self.clear()
            self.addItem(f"Step {last}, the last" if last else "The last checkpoint", LAST)
            for step in steps:
                self.addItem(f"Step {step}, the best" if step == best else f"Step {step}", str(step))
        self.setVisible(bool(steps))
        self.choose(chosen)

    def choose(self, checkpoint: str) -> None:
        """The last one where there is no such checkpoint."""
        places = [place for place in range(self.count()) if self._step(self.itemData(place)) == self._step(checkpoint)]
        with QSignalBlocker(self):
            self.setCurrentIndex(places[0] if places else 0)

    def means(self, checkpoint: str) -> bool:
        """Is what a job names so the checkpoint that is chosen here?"""
        return self._step(checkpoint) == self._step(self.checkpoint)

    def _step(self, checkpoint: str) -> int:
        if checkpoint.isdecimal():
            return int(checkpoint)
        if self._run is None:
            return 0
        last = checkpoints.step_of(self._run.result.adapter)
        return (self._run.result.best_step or last) if checkpoint == "best" else last
