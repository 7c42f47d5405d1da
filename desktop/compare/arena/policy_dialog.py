"""Ask who is to answer in an arena: the base, a run, the best of n, an adapter, another model, a server's."""

from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLineEdit,
    QSpinBox,
    QStackedWidget,
    QWidget,
)

from core.arena import policies
from core.config.training import TrainPolicyJob, TrainRewardJob
from core.errors import KnownError
from core.store.arenas import Arena
from core.store.runs import checkpoints
from core.trust.wish import AskFirst
from desktop import errors
from desktop.compare.arena import actions
from desktop.runs.run_list import describe
from desktop.runs.server_fields import ServerFields
from desktop.session import Session
from desktop.theme.theme import SPACE
from desktop.widgets import file_dialogs
from desktop.widgets.basics import button, column, label, row, without_icons

KINDS = {
    "run": "A policy that was tuned here",
    "base": "The base model",
    "best-of-n": "The best of n answers by a reward model",
    "adapter": "An adapter in a folder",
    "model": "Another model",
    "server": "The model of a server",
}
NO_RUN, NO_REWARD = "No policy is tuned yet: tune one first.", "No reward model is trained yet: train one first."
BASE = "What every run began from: the least that a tuned policy should beat."
BEST_OF = "The base answers so many times, and the reward model chooses. What tuning should come near, without tuning."


class PolicyDialog(QDialog):
    """`added` tells that it takes part now."""

    added = Signal()

    def __init__(self, session: Session, arena: Arena, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Add a policy")
        self.session, self.arena = session, arena
        self.kind = QComboBox(self)
        self.kind.setAccessibleName("Who answers")
        self.fields = QStackedWidget(self)
        pages = {
            "run": self._run(), "base": _said(BASE), "best-of-n": self._best_of(), "adapter": self._adapter(),
            "model": self._model(), "server": self._server(),
        }  # fmt: skip
        for kind, title in KINDS.items():
            self.kind.addItem(title, kind)
            self.fields.addWidget(pages[kind])
        self.name = QLineEdit(self)
        self.name.setAccessibleName("Name")
        self.name.setPlaceholderText("As it is called in the results; empty for the usual name")
        self.error = label("", "error", wrap=True)
        self.error.hide()
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        self.buttons.button(QDialogButtonBox.StandardButton.Ok).setText("Add")
        without_icons(self.buttons)
        self.buttons.accepted.connect(self.add)
        self.buttons.rejected.connect(self.reject)
        layout = column(
            column(label("Who answers", "small"), self.kind, spacing=SPACE // 2), self.fields,
            column(label("Name", "small"), self.name, spacing=SPACE // 2), self.error, None, self.buttons,
            spacing=2 * SPACE,
        )  # fmt: skip
        layout.setContentsMargins(3 * SPACE, 3 * SPACE, 3 * SPACE, 3 * SPACE)
        self.setLayout(layout)
        self.setMinimumWidth(560)
        self.kind.currentIndexChanged.connect(self._show_kind)
        self.kind.setCurrentIndex(0 if self.run.count() else 1)

    @property
    def form(self) -> str:
        """What was chosen, as `core.arena.policies` reads it. Raises `KnownError` for what is not filled in."""
        kind = self.kind.currentData()
        match kind:
            case "run":
                chosen = self.checkpoint.currentData()
                return f"run:{self.run.currentData()}" + (f"@{chosen}" if chosen else "")
            case "best-of-n":
                return f"best-of-{self.n.value()}:{self.reward.currentData()}"
            case "adapter":
                return f"adapter:{self.folder.text().strip()}"
            case "model":
                return f"model:{self.model.text().strip()}"
            case "server":
                return f"server:{self.server.named()}#{self.server.model_name}"
        return "base"

    def add(self) -> None:
        """Where somebody must be asked first, they are, and it is added once they agreed."""
        project = self.session.project
        try:
            policies.add(project, self.arena.id, self.form, self.name.text())
        except AskFirst as error:
            errors.show(error, self, self.add)
            return
        except KnownError as error:
            self._say(str(error))
            return
        if self.kind.currentData() == "server":
            self.server.remember()
        self.session.announce(project.changed("Add a policy to the arena", "arenas", "arena_policies"))
        self.added.emit()
        self.accept()

    def _say(self, sentence: str) -> None:
        self.error.setText(sentence)
        self.error.setVisible(bool(sentence))

    def _show_kind(self, place: int) -> None:
        self.fields.setCurrentIndex(place)
        self._say("")
        lacking = {"run": self.run, "best-of-n": self.reward}.get(self.kind.currentData())
        ok = self.buttons.button(QDialogButtonBox.StandardButton.Ok)
        ok.setEnabled(lacking is None or lacking.count() > 0)

    def _run(self) -> QWidget:
        self.run, self.checkpoint = QComboBox(self), QComboBox(self)
        self.run.setAccessibleName("Run")
        self.run.setPlaceholderText(NO_RUN)
        self.checkpoint.setAccessibleName("Checkpoint")
        self.run.currentIndexChanged.connect(lambda _: self._show_checkpoints())
        for job in self.session.jobs(TrainPolicyJob):
            if job.usable:
                self.run.addItem(describe(job), job.id)
        self.run.setCurrentIndex(0)  # with a placeholder, Qt chooses none
        return _form(("Run", self.run), ("Checkpoint", self.checkpoint))

    def _show_checkpoints(self) -> None:
        """The last one, the best one, and every step that is kept."""
        self.checkpoint.clear()
        if (run := self.run.currentData()) is None:
            return
        kept = checkpoints.on_disk(self.session.project, run)
        best = checkpoints.best_step(self.session.project, run)
        self.checkpoint.addItem("The last", "")
        if best is not None and any(step == best for step, _ in kept):
            self.checkpoint.addItem(f"The best, step {best:,}", "best")
        for step, _ in kept:
            self.checkpoint.addItem(f"Step {step:,}", str(step))

    def _best_of(self) -> QWidget:
        self.n, self.reward = QSpinBox(self), QComboBox(self)
        self.n.setAccessibleName("Answers drawn (n)")
        self.n.setRange(policies.FEWEST, policies.MOST)
        self.n.setValue(4)
        self.n.lineEdit().setTextMargins(SPACE, 0, SPACE, 0)
        self.reward.setAccessibleName("Reward model")
        self.reward.setPlaceholderText(NO_REWARD)
        for job in self.session.jobs(TrainRewardJob):
            if job.usable:
                self.reward.addItem(describe(job), job.id)
        self.reward.setCurrentIndex(0)
        return _form(("Best of", self.n), ("By", self.reward), about=BEST_OF)

    def _adapter(self) -> QWidget:
        self.folder = QLineEdit(self)
        self.folder.setAccessibleName("Folder")
        self.folder.setPlaceholderText("A LoRA adapter of the base model, in PEFT's format")
        return _form(("Folder", self._browsed(self.folder)))

    def _model(self) -> QWidget:
        self.model = QLineEdit(self)
        self.model.setAccessibleName("Folder or name")
        self.model.setPlaceholderText("A model's folder, a GGUF file, or hub:owner/name")
        return _form(("Model", self._browsed(self.model)))

    def _browsed(self, field: QLineEdit) -> QWidget:
        def take(folder: Path) -> None:
            field.setText(str(folder))

        browse = button("Browse …", partial(file_dialogs.ask_folder, self, "Choose the folder", take), default=False)
        found = QWidget()
        line = row(field, browse)
        line.setStretch(0, 1)
        found.setLayout(line)
        return found

    def _server(self) -> QWidget:
        self.server = ServerFields(
            self.session, self, address=actions.SERVER, model=actions.SERVER_MODEL, look=actions.LOOK
        )
        self.server.look.setAutoDefault(False)
        self.server.refused.connect(self._refused)
        return self.server

    def _refused(self, error: KnownError, again: object) -> None:
        if isinstance(error, AskFirst) and callable(again):
            errors.show(error, self, again)
        else:
            self._say(str(error))


def _form(*lines: tuple[str, QWidget], about: str = "") -> QWidget:
    found, form = QWidget(), QFormLayout()
    form.setContentsMargins(0, 0, 0, 0)
    form.setSpacing(SPACE)
    for name, field in lines:
        form.addRow(name, field)
    if about:
        form.addRow(label(about, "muted", wrap=True))
    found.setLayout(form)
    return found


def _said(text: str) -> QWidget:
    return _form(about=text)
