"""Ask for a judge: who votes in place of people, and on what of the arena."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QSpinBox,
    QStackedWidget,
    QWidget,
)

from core.config.jobs import JobKind
from core.config.judging import JudgeBy, JudgeSpec, JudgingConfig
from core.config.training import TrainPolicyJob, TrainRewardJob
from core.errors import KnownError
from core.labeling import gold
from core.store.arenas import Arena
from core.trust.wish import AskFirst
from desktop import errors
from desktop.compare.arena import actions
from desktop.runs.run_list import describe
from desktop.runs.server_fields import ServerFields
from desktop.session import Session
from desktop.theme.theme import SPACE
from desktop.widgets.basics import column, label, without_icons

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


class JudgeDialog(QDialog):
    """`started` tells that the job is queued."""

    started = Signal()

    def __init__(self, session: Session, arena: Arena, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Let a judge vote")
        self.session, self.arena = session, arena
        self.kind, self.fields = QComboBox(self), QStackedWidget(self)
        self.kind.setAccessibleName("Judge")
        self.reward = self._runs(TrainRewardJob, "No reward model is trained yet: train one first.")
        self.run = self._runs(TrainPolicyJob, "No policy is tuned yet: tune one first.")
        self.gold = QComboBox(self)
        self.gold.setAccessibleName("Gold reward")
        self.gold.addItems(list(gold.NAMED))
        self.gold.setEditable(True)
        self.server = ServerFields(session, self, address=actions.SERVER, model=actions.SERVER_MODEL, look=actions.LOOK)
        self.server.look.setAutoDefault(False)
        self.server.refused.connect(self._refused)
        pages = {
            "reward": _form(("Run", self.reward)), "gold": _form(("Reward", self.gold)), "base": QWidget(),
            "run": _form(("Run", self.run)), "server": self.server,
        }  # fmt: skip
        for kind, title in KINDS.items():
            self.kind.addItem(title, kind)
            self.fields.addWidget(pages[kind])
        self.explain = QCheckBox("It says why first, which takes longer and is kept", self)
        self.limit = QSpinBox(self)
        self.limit.setAccessibleName("At most so many prompts")
        self.limit.setRange(0, MOST)
        self.limit.setSpecialValueText("all prompts")
        self.limit.lineEdit().setTextMargins(SPACE, 0, SPACE, 0)
        self.error = label("", "error", wrap=True)
        self.error.hide()
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        self.ok = self.buttons.button(QDialogButtonBox.StandardButton.Ok)
        self.ok.setText("Let it vote")
        without_icons(self.buttons)
        self.buttons.accepted.connect(self.start)
        self.buttons.rejected.connect(self.reject)
        layout = column(
            label(ABOUT, "muted", wrap=True), column(label("Judge", "small"), self.kind, spacing=SPACE // 2),
            self.fields, _form(("At most", self.limit)), self.explain, self.error, None, self.buttons,
            spacing=2 * SPACE,
        )  # fmt: skip
        layout.setContentsMargins(3 * SPACE, 3 * SPACE, 3 * SPACE, 3 * SPACE)
        self.setLayout(layout)
        self.setMinimumWidth(560)
        self.kind.currentIndexChanged.connect(self._show_kind)
        self._show_kind(0)

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

    def start(self) -> None:
        """Where somebody must be asked first, they are, and it begins once they agreed."""
        try:
            config = JudgingConfig(
                by=self.by, arena=self.arena.name, limit=self.limit.value(),
                explain=self.explain.isEnabled() and self.explain.isChecked(),
            )  # fmt: skip
            self.session.start(JobKind.JUDGE, config)
        except AskFirst as error:
            errors.show(error, self, self.start)
            return
        except KnownError as error:
            self._say(str(error))
            return
        if self.kind.currentData() == "server":
            self.server.remember()
        self.started.emit()
        self.accept()

    def _runs(self, record: type[TrainRewardJob] | type[TrainPolicyJob], lacking: str) -> QComboBox:
        found = QComboBox(self)
        found.setAccessibleName("Run")
        found.setPlaceholderText(lacking)
        for job in self.session.jobs(record):
            if job.usable:
                found.addItem(describe(job), job.id)
        found.setCurrentIndex(0)  # with a placeholder, Qt chooses none
        return found

    def _show_kind(self, place: int) -> None:
        kind = self.kind.currentData()
        self.fields.setCurrentIndex(place)
        self.explain.setEnabled(kind not in SCORES)
        self._say("")
        lacking = {"run": self.run, "reward": self.reward}.get(kind)
        self.ok.setEnabled(lacking is None or lacking.count() > 0)

    def _say(self, sentence: str) -> None:
        self.error.setText(sentence)
        self.error.setVisible(bool(sentence))

    def _refused(self, error: KnownError, again: object) -> None:
        if isinstance(error, AskFirst) and callable(again):
            errors.show(error, self, again)
        else:
            self._say(str(error))


def _form(*lines: tuple[str, QWidget]) -> QWidget:
    found, form = QWidget(), QFormLayout()
    form.setContentsMargins(0, 0, 0, 0)
    form.setSpacing(SPACE)
    for name, field in lines:
        form.addRow(name, field)
    found.setLayout(form)
    return found
