"""Who judges in place of people, on how many prompts, and whether it says why: the same wherever a judge is chosen."""

from collections.abc import Mapping
from typing import Any

from PySide6.QtWidgets import QCheckBox, QComboBox, QSpinBox, QWidget

from core.config.judging import JudgeBy, JudgeSpec, JudgingConfig
from core.config.training import TrainPolicyJob, TrainRewardJob
from core.labeling import gold
from desktop.actions import Action
from desktop.runs.kind_fields import SERVER, KindFields, form
from desktop.session import Session
from desktop.theme.theme import SPACE
from desktop.widgets.basics import turn_only_with_focus

KINDS = {
    "reward": "A reward model of this project",
    "gold": "A gold reward",
    "base": "The base model, asked in words",
    "run": "A tuned policy, asked in words",
    SERVER: "A server's model, asked in words",
}
#: Those that give a number, and no words.
SCORES = ("reward", "gold")
MOST = 1_000_000


class JudgeFields(KindFields):
    def __init__(
        self, session: Session, parent: QWidget, *, address: Action, model: Action, look: Action
    ) -> None:  # fmt: skip
        super().__init__(session, parent, "Who judges", address=address, model=model, look=look)
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
        turn_only_with_focus(self.gold, self.limit)
        pages = {
            "reward": form(("Run", self.reward)), "gold": form(("Reward", self.gold)), "run": form(("Run", self.run)),
            SERVER: self.server,
        }  # fmt: skip
        self.lay_out(pages, KINDS, form(("At most", self.limit)), self.explain)
        if not self.reward.count():
            self.choose("gold")

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

    def config(self, **on: Any) -> JudgingConfig:
        """With what it judges `on`. Raises `KnownError` for what is not filled in."""
        explain = self.kind.currentData() not in SCORES and self.explain.isChecked()
        return JudgingConfig(by=self.by, limit=self.limit.value(), explain=explain, **on)

    @property
    def needs(self) -> Mapping[str, QComboBox]:
        return {"run": self.run, "reward": self.reward}

    def refresh(self) -> None:
        """Read again which runs there are."""
        self.read_runs(TrainRewardJob, self.reward)
        self.read_runs(TrainPolicyJob, self.run)
        self.chosen.emit()

    def show_kind(self) -> None:
        self.explain.setVisible(self.kind.currentData() not in SCORES)
        super().show_kind()
