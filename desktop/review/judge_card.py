"""Let a judge rank what waits: who judges, how many prompts, and whether it says why."""

from PySide6.QtWidgets import QWidget

from core.config.jobs import JobKind
from core.errors import KnownError
from core.trust.wish import AskFirst
from desktop import errors
from desktop.review import actions
from desktop.runs.judge_fields import JudgeFields
from desktop.session import Session
from desktop.widgets.basics import card, column, label, row, set_role
from desktop.widgets.bound import action_button, bind

ABOUT = (
    "A model or a reward function ranks what waits. Its rankings are marked as a judge's, and can be left out of what "
    "is learnt."
)


class JudgeCard(QWidget):
    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self.session = session
        self.fields = JudgeFields(
            session, self, address=actions.JUDGE_SERVER, model=actions.JUDGE_MODEL, look=actions.JUDGE_LOOK
        )  # fmt: skip
        bind(actions.JUDGE, self.fields.kind)
        bind(actions.EXPLAIN, self.fields.explain)
        bind(actions.JUDGE_LIMIT, self.fields.limit)
        self.let_rank = action_button(actions.LET_JUDGE, self.start)
        self.said = label("", "muted", wrap=True)
        self.said.hide()
        self.setLayout(column(card(column(
            label("Judge", "heading"), label(ABOUT, "muted", wrap=True), self.fields, row(None, self.let_rank),
            self.said,
        ))))  # fmt: skip
        self.fields.refused.connect(self._refused)
        self.fields.chosen.connect(self._show_kind)
        self._show_kind()

    def refresh(self) -> None:
        """Read again which runs there are."""
        self.fields.refresh()

    def start(self) -> None:
        """Queue the job; where somebody must be asked first, they are."""
        try:
            job = self.session.start(JobKind.JUDGE, self.fields.config(waiting=True))
        except KnownError as error:
            self._refused(error, self.start)
            return
        self.fields.remember()
        self._say(f"It judges as job {job.id}. Agreement shows how far it agrees with you.", "muted")

    def _show_kind(self) -> None:
        self.let_rank.setEnabled(self.fields.ready)

    def _refused(self, error: KnownError, again: object) -> None:
        if isinstance(error, AskFirst) and callable(again):
            errors.show(error, self, again)
        else:
            self._say(str(error), "error")

    def _say(self, text: str, role: str) -> None:
        self.said.setText(text)
        self.said.setVisible(bool(text))
        set_role(self.said, role)
