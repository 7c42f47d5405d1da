"""Who writes the completions: the base, a tuned policy, or the model of a server; and maybe another by turns."""

from typing import Any

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QComboBox, QLineEdit, QWidget

from core.config.training import TrainPolicyJob
from core.errors import KnownError
from core.jobs import queue
from core.runs import wishes
from desktop import user_settings
from desktop.background import in_background
from desktop.rank import actions
from desktop.runs.checkpoint_box import CheckpointBox
from desktop.session import Session
from desktop.widgets.basics import column, label, row
from desktop.widgets.bound import action_button, bind

BASE, NOBODY, SERVER = 0, -1, -2
#: Where the most widely used one listens.
EXAMPLE = "http://127.0.0.1:11434/v1"


class WriterChoice(QWidget):
    """`refused` carries why a server could not be asked, and what asks it again."""

    refused = Signal(object, object)

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self.session = session
        self.policy = bind(actions.POLICY, QComboBox(self))
        self.checkpoint = bind(actions.CHECKPOINT, CheckpointBox())
        self.mixed = bind(actions.MIXED, QComboBox(self))
        self.server = bind(actions.SERVER, QLineEdit(self))
        self.server.setText(user_settings.server())
        self.server.setPlaceholderText(EXAMPLE)
        self.model = bind(actions.SERVER_MODEL, QComboBox(self))
        self.model.setEditable(True)
        self.model.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.look = action_button(actions.LOOK, self.ask_server)
        self.served = QWidget(self)
        self.served.setLayout(column(
            label("Address of the server", "small"), row(self.server, self.look), label("Its model", "small"),
            self.model,
        ))  # fmt: skip
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
        return found | {"server": self._address(), "server_model": self.model.currentText().strip()}

    def remember(self) -> None:
        """Keep what was asked, for the next time."""
        if self.policy.currentData() == SERVER:
            user_settings.set_server(self.server.text().strip())

    def ask_server(self) -> None:
        """Fill the list of models with what the server has."""
        try:
            address = self._address()
            wishes.choose_server(self.session.project, address)
        except KnownError as error:
            self.refused.emit(error, self.ask_server)
            return
        self.look.setEnabled(False)
        in_background(self, lambda: _models(address), self._show_models, self._failed)

    def _address(self) -> str:
        if not (typed := self.server.text().strip()):
            raise KnownError(f"Give the address of the server, such as {EXAMPLE}.")
        return typed

    def _show_models(self, names: list[str]) -> None:
        self.look.setEnabled(True)
        typed = self.model.currentText()
        self.model.clear()
        self.model.addItems(names)
        begins = (name for name in names if typed and name.startswith(typed))
        self.model.setCurrentText(typed if typed in names else next(begins, typed or next(iter(names), "")))

    def _failed(self, error: KnownError) -> None:
        self.look.setEnabled(True)
        self.refused.emit(error, self.ask_server)

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


def _models(address: str) -> list[str]:
    from core.endpoints import keys  # the window's first frame does without the client
    from core.endpoints.address import parse
    from core.endpoints.server import Server

    where = parse(address)
    with Server(where, keys.of(where)) as server:
        return server.models()
