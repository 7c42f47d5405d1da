"""Ask for a judge: who votes in place of people, and on what of the arena."""

from collections.abc import Mapping

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QSpinBox, QWidget

from core.config.jobs import JobKind
from core.config.judging import JudgeBy, JudgeSpec, JudgingConfig
from core.config.training import TrainPolicyJob, TrainRewardJob
from core.labeling import gold
from core.store.arenas import Arena
from desktop.compare.arena.kind_dialog import KindDialog, form
from desktop.session import Session
from desktop.theme.theme import SPACE

KINDS = {
    "reward": "A reward model of this project",
    "gold": "A gold reward",
    "base": "The base model, asked in words",
    "run": "A tuned policy, asked in words",
    "server": "The model of a server, asked in words",
}
ABOUT = (
    "A judge votes on every pair of answers of this arena. Its votes stay its own: they are never counted with those "
    "of people, and Results says how far it agrees with people."
)
SCORES = ("reward", "gold")
MOST = 100_000


class JudgeDialog(KindDialog):
    """`started` tells that the job is queued."""

    started = Signal()

    def __init__(self, session: Session, arena: Arena, parent: QWidget) -> None:
        super().__init__(session, parent, "Let a judge vote", "Judge", "Let it vote")
        self.arena = arena
        self.reward, self.run = self.runs(TrainRewardJob, "Run"), self.runs(TrainPolicyJob, "Run")
        self.gold = QComboBox(self)
        self.gold.setAccessibleName("Gold reward")
        self.gold.addItems(list(gold.NAMED))
        self.gold.setEditable(True)
        self.explain = QCheckBox("It says why first, which takes longer and is kept", self)
        self.limit = QSpinBox(self)
        self.limit.setAccessibleName("At most so many prompts")
        self.limit.setRange(0, MOST)
        self.limit.setSpecialValueText("all prompts")
        self.limit.lineEdit().setTextMargins(SPACE, 0, SPACE, 0)
        pages = {
            "reward": form(("Run", self.reward)), "gold": form(("Reward", self.gold)), "base": QWidget(),
            "run": form(("Run", self.run)), "server": self.server,
        }  # fmt: skip
        self.lay_out(pages, KINDS, form(("At most", self.limit)), self.explain, above=ABOUT)

    @property
    def by(self) -> str:
        """The judge, as `core.config.judging` reads it. Raises `KnownError` for what is not filled in."""
        kind = self.kind.currentData()
        match kind:
            case "reward":
                return f"reward:{self.reward.currentData()}"
            case "run":
                return f"run:{self.run.currentData()}"
            case "gold":
                return f"gold:{self.gold.currentText().strip()}"
            case "server":
                return JudgeSpec(JudgeBy.SERVER, name=self.server.named(), model=self.server.model_name).text
        return "base"

    @property
    def needs(self) -> Mapping[str, QComboBox]:
        return {"run": self.run, "reward": self.reward}

    def submit(self) -> None:
        config = JudgingConfig(
            by=self.by, arena=self.arena.name, limit=self.limit.value(),
            explain=self.explain.isEnabled() and self.explain.isChecked(),
        )  # fmt: skip
        self.session.start(JobKind.JUDGE, config)
        self.started.emit()

    def show_kind(self, place: int) -> None:
        super().show_kind(place)
        self.explain.setEnabled(self.kind.currentData() not in SCORES)
