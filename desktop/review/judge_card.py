"""Let a judge rank what waits: who judges, how many prompts, and whether it says why."""

from PySide6.QtWidgets import QCheckBox, QComboBox, QLineEdit, QSpinBox, QWidget

from core.config.jobs import JobKind
from core.config.judging import JudgeBy, JudgeSpec, JudgingConfig
from core.config.training import TrainPolicyJob, TrainRewardJob
from core.errors import KnownError
from core.jobs import queue
from core.labeling import gold
from core.trust.wish import AskFirst
from desktop import errors, user_settings
from desktop.review import actions
from desktop.session import Session
from desktop.theme.theme import SPACE
from desktop.widgets.basics import card, column, label, row, set_role, turn_only_with_focus
from desktop.widgets.bound import action_button, bind

#: What stands for a server, whose address is typed beside.
SERVER = JudgeBy.SERVER.value
#: Where the most widely used one listens.
EXAMPLE = "http://127.0.0.1:11434/v1"


class JudgeCard(QWidget):
    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self.session = session
        self.judge = bind(actions.JUDGE, QComboBox(self))
        self.server = bind(actions.JUDGE_SERVER, QLineEdit(self))
        self.server.setText(user_settings.server())
        self.server.setPlaceholderText(EXAMPLE)
        self.model = bind(actions.JUDGE_MODEL, QLineEdit(self))
        self.model.setPlaceholderText("the only one")
        self.explain = bind(actions.EXPLAIN, QCheckBox(self))
        self.limit = bind(actions.JUDGE_LIMIT, QSpinBox(self))
        self.limit.setRange(0, 1_000_000)
        self.limit.setSpecialValueText("all")
        self.limit.lineEdit().setTextMargins(SPACE, 0, SPACE, 0)
        self.let_rank = action_button(actions.LET_JUDGE, self.start)
        self.said = label("", "muted", wrap=True)
        self.said.hide()
        self.served = QWidget(self)
        self.served.setLayout(column(
            label("Address of the server", "small"), self.server, label("Its model", "small"), self.model
        ))  # fmt: skip
        self.setLayout(column(card(column(
            label("Judge", "heading"),
            label(
                "A model or a reward function ranks what waits. Its rankings are marked as a judge's, and can be left "
                "out of what is learnt.", "muted", wrap=True,
            ),
            row(label("Judged by"), self.judge),
            self.served,
            self.explain,
            row(label("Prompts"), self.limit, None),
            row(None, self.let_rank),
            self.said,
        ))))  # fmt: skip
        turn_only_with_focus(self.judge, self.limit)
        self.judge.currentIndexChanged.connect(self._show_fields)
        self.refresh()

    def refresh(self) -> None:
        """Read again which runs there are."""
        project, chosen = self.session.project, self.judge.currentData()
        items = [
            ("The base model", "base"),
            *((f"Reward model, run {run.id}", f"reward:{run.id}") for run in queue.listed(project, TrainRewardJob)
              if run.usable),
            *((f"Tuned policy, run {run.id}", f"run:{run.id}") for run in queue.listed(project, TrainPolicyJob)
              if run.result.adapter),
            *((f"Gold reward: {name}", f"gold:{name}") for name in gold.NAMED),
            ("The model of a server", SERVER),
        ]  # fmt: skip
        self.judge.blockSignals(True)
        self.judge.clear()
        for text, data in items:
            self.judge.addItem(text, data)
        self.judge.setCurrentIndex(max(0, self.judge.findData(chosen)))
        self.judge.blockSignals(False)
        self._show_fields()

    def start(self) -> None:
        """Queue the job; where somebody must be asked first, they are."""
        try:
            by = self._by()
            explain = self.explain.isChecked() and JudgeSpec.parse(by).is_asked
            config = JudgingConfig(by=by, waiting=True, explain=explain, limit=self.limit.value())
            job = self.session.start(JobKind.JUDGE, config)
        except AskFirst as error:
            errors.show(error, self, self.start)
            return
        except KnownError as error:
            self._say(str(error), "error")
            return
        if self.judge.currentData() == SERVER:
            user_settings.set_server(self.server.text().strip())
        self._say(f"It judges as job {job.id}. Agreement shows how far it agrees with you.", "muted")

    def _by(self) -> str:
        if self.judge.currentData() != SERVER:
            return str(self.judge.currentData())
        if not (typed := self.server.text().strip()):
            raise KnownError(f"Give the address of the server, such as {EXAMPLE}.")
        return JudgeSpec(JudgeBy.SERVER, name=typed, model=self.model.text().strip()).text

    def _show_fields(self) -> None:
        chosen = str(self.judge.currentData())
        self.served.setVisible(chosen == SERVER)
        self.explain.setVisible(chosen == SERVER or JudgeSpec.parse(chosen).is_asked)

    def _say(self, text: str, role: str) -> None:
        self.said.setText(text)
        self.said.setVisible(bool(text))
        set_role(self.said, role)
