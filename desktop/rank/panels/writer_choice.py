"""Who writes the completions: the base, a tuned policy, or the model of a server; and maybe another by turns."""

from typing import Any

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QComboBox, QWidget

from core.config.training import TrainPolicyJob
from core.jobs import queue
from desktop.rank import actions
from desktop.runs.checkpoint_box import CheckpointBox
from desktop.runs.server_fields import ServerFields
from desktop.session import Session
from desktop.widgets.basics import column, label
from desktop.widgets.bound import bind

BASE, NOBODY, SERVER = 0, -1, -2


class WriterChoice(QWidget):
    """`refused` carries why a server could not be asked, and what asks it again."""

    refused = Signal(object, object)

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self.session = session
        self.policy = bind(actions.POLICY, QComboBox(self))
        self.checkpoint = bind(actions.CHECKPOINT, CheckpointBox())
        self.mixed = bind(actions.MIXED, QComboBox(self))
        self.served = ServerFields(
            session, self, address=actions.SERVER, model=actions.SERVER_MODEL, look=actions.LOOK
        )  # fmt: skip
        self.server, self.model, self.look = self.served.address, self.served.model, self.served.look
        self.served.refused.connect(self.refused)
        self.setLayout(column(
            label("Written by", "small"), self.policy, self.checkpoint, self.served,
            label("Every second one by", "small"), self.mixed,
        ))  # fmt: skip
        self.policy.currentIndexChanged.connect(self._show_server)
        self._show_server()

    def refresh(self) -> None:
        """Read again which policies there are."""
        runs = [job.id for job in queue.listed(self.session.project, TrainPolicyJob) if job.result.adapter]
        policies = [("The base model", BASE), *((f"Tuned policy, run {run}", run) for run in runs)]
        _fill(self.policy, [*policies, ("The model of a server", SERVER)])
        _fill(self.mixed, [("Nobody else", NOBODY), *policies])
        self._show_server()

    def choose(self, policy_job: int, checkpoint: str = "last") -> None:
        self.policy.setCurrentIndex(max(0, self.policy.findData(policy_job)))
        self.checkpoint.choose(checkpoint)

    def values(self) -> dict[str, Any]:
        """As `GenerateConfig` has them. Raises `KnownError` where a server is meant and none is named."""
        writer = int(self.policy.currentData() or BASE)
        found: dict[str, Any] = {"policy_job": max(writer, 0), "mix_with": int(self.mixed.currentData())}
        found["checkpoint"] = self.checkpoint.checkpoint
        if writer != SERVER:
            return found
        return found | {"server": self.served.named(), "server_model": self.served.model_name}

    def remember(self) -> None:
        """Keep what was asked, for the next time."""
        if self.policy.currentData() == SERVER:
            self.served.remember()

    def _show_server(self) -> None:
        writer = self.policy.currentData()
        self.served.setVisible(writer == SERVER)
        self.checkpoint.show_run(self.session.project, self.session.job(writer, TrainPolicyJob))


def _fill(box: QComboBox, items: list[tuple[str, int]]) -> None:
    """Put other items into a box, and keep what is chosen in it; nobody hears of what stands there meanwhile."""
    chosen = box.currentData()
    with QSignalBlocker(box):
        box.clear()
        for text, data in items:
            box.addItem(text, data)
        box.setCurrentIndex(max(0, box.findData(chosen)))
