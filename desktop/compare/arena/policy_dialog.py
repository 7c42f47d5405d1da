"""Ask who is to answer in an arena: the base, a run, the best of n, an adapter, another model, a server's."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QLineEdit, QSpinBox, QWidget

from core.arena import policies
from core.config.training import TrainPolicyJob, TrainRewardJob
from core.store.arenas import Arena
from core.store.runs import checkpoints
from desktop.compare.arena import actions
from desktop.compare.arena.asking_dialog import KindDialog
from desktop.runs.kind_fields import SERVER, KindFields, form
from desktop.session import Session
from desktop.theme.theme import SPACE
from desktop.widgets import file_dialogs
from desktop.widgets.basics import button, column, label, row

KINDS = {
    "run": "A policy that was tuned here",
    "base": "The base model",
    "best-of-n": "The best of n answers by a reward model",
    "adapter": "An adapter in a folder",
    "model": "Another model",
    SERVER: "The model of a server",
}
BASE = "What every run began from: the least that a tuned policy should beat."
BEST_OF = "The base answers so many times, and the reward model chooses. What tuning should come near, without tuning."


class PolicyFields(KindFields):
    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(
            session, parent, "Who answers", address=actions.SERVER, model=actions.SERVER_MODEL, look=actions.LOOK
        )  # fmt: skip
        pages = {
            "run": self._run(), "base": form(about=BASE), "best-of-n": self._best_of(), "adapter": self._adapter(),
            "model": self._model(), SERVER: self.server,
        }  # fmt: skip
        self.lay_out(pages, KINDS)
        self.kind.setCurrentIndex(0 if self.run.count() else 1)

    @property
    def policy(self) -> str:
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

    @property
    def needs(self) -> Mapping[str, QComboBox]:
        return {"run": self.run, "best-of-n": self.reward}

    def _run(self) -> QWidget:
        self.run, self.checkpoint = self.runs(TrainPolicyJob, "Run"), QComboBox(self)
        self.checkpoint.setAccessibleName("Checkpoint")
        self.run.currentIndexChanged.connect(lambda _: self._show_checkpoints())
        self._show_checkpoints()
        return form(("Run", self.run), ("Checkpoint", self.checkpoint))

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
        self.n, self.reward = QSpinBox(self), self.runs(TrainRewardJob, "Reward model")
        self.n.setAccessibleName("Answers drawn (n)")
        self.n.setRange(policies.FEWEST, policies.MOST)
        self.n.setValue(4)
        self.n.lineEdit().setTextMargins(SPACE, 0, SPACE, 0)
        return form(("Best of", self.n), ("By", self.reward), about=BEST_OF)

    def _adapter(self) -> QWidget:
        self.folder = QLineEdit(self)
        self.folder.setAccessibleName("Folder")
        self.folder.setPlaceholderText("A LoRA adapter of the base model, in PEFT's format")
        return form(("Folder", self._browsed(self.folder)))

    def _model(self) -> QWidget:
        self.model = QLineEdit(self)
        self.model.setAccessibleName("Folder or name")
        self.model.setPlaceholderText("A model's folder, a GGUF file, or hub:owner/name")
        return form(("Model", self._browsed(self.model)))

    def _browsed(self, field: QLineEdit) -> QWidget:
        def take(folder: Path) -> None:
            field.setText(str(folder))

        browse = button("Browse …", partial(file_dialogs.ask_folder, self, "Choose the folder", take), default=False)
        found = QWidget()
        line = row(field, browse)
        line.setStretch(0, 1)
        found.setLayout(line)
        return found


class PolicyDialog(KindDialog):
    """`added` tells that it takes part now."""

    added = Signal()
    fields: PolicyFields

    def __init__(self, session: Session, arena: Arena, parent: QWidget) -> None:
        super().__init__(parent, "Add a policy", "Add")
        self.session, self.arena = session, arena
        self.fields = PolicyFields(session, self)
        self.name = QLineEdit(self)
        self.name.setAccessibleName("Name")
        self.name.setPlaceholderText("As it is called in the results; empty for the usual name")
        self.lay_out(self.fields, column(label("Name", "small"), self.name, spacing=SPACE // 2))

    def submit(self) -> None:
        project = self.session.project
        policies.add(project, self.arena.id, self.fields.policy, self.name.text())
        self.session.announce(project.changed("Add a policy to the arena", "arenas", "arena_policies"))
        self.added.emit()
