"""Sending what is seen in a conversation to Rank, and the line that says so and leads there."""

from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QMessageBox, QWidget

from core.config.jobs import GenerateConfig, JobKind
from core.conversation import Conversation
from core.errors import KnownError
from core.labeling import sending
from core.labeling.sending import Answered
from core.labeling.standing import Place, Standing, standing
from core.store import Changes, assignments, prompts
from core.store.undo.steps import CallableStep, Step
from desktop import errors
from desktop.conversation.talk_actions import TalkActions
from desktop.places import TabId
from desktop.session import Session
from desktop.theme.theme import SPACE
from desktop.widgets import message_boxes
from desktop.widgets.basics import label, row
from desktop.widgets.bound import action_button

FIRST = "Sent to Rank: first in the queue, and blind."
LATER = "Sent to Rank, blind: {} there."
SAID = {
    Place.RANKED: "You ranked these answers already: they do not come again.",
    Place.SKIPPED: "You skipped these answers in Rank: go there to rank them after all.",
    Place.OTHERS: "Sent to Rank, for the labelers whose part it is: you are none of them.",
}
WRITTEN = "Two more answers are being written: they will be first in Rank."
WRITTEN_FOR_SOME = "Two more answers are being written: they will be first in Rank for those whose part they are."
WRITER = "{} counts as the writer of what was scored."


class ToRank(QWidget):
    """Hidden until something was sent."""

    sent = Signal()

    def __init__(self, session: Session, actions: TalkActions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self._actions = actions
        self._group: int | None = None
        self.said = label("", "good", wrap=True)
        self.go = action_button(actions.rank_now, self._go, default=False)
        line = row(self.said, self.go, spacing=SPACE)
        line.setStretch(0, 1)
        self.setLayout(line)
        self.hide()
        session.replayed.connect(self._replayed)

    def _replayed(self, step: Step) -> None:
        """What was sent may have been taken back."""
        if step.label == sending.LABEL:
            self.hide()

    def ask(self, conversation: Conversation, answered: Answered | None, writer: GenerateConfig | None) -> QMessageBox:
        """Which answers to a turn are to be ranked: those that were seen, where there are two, or two more, where
        somebody can write them."""
        ranked = answered if answered is not None and len(answered.answers) > 1 else None
        found = message_boxes.box(self.window(), "Send this turn to Rank?", self._what_becomes(ranked, writer))
        role = QMessageBox.ButtonRole.AcceptRole
        if ranked is not None:
            found.addButton(self._actions.rank_these.label, role).clicked.connect(lambda: self.send(ranked))
        if writer is not None:
            more = found.addButton(self._actions.two_more.label, role)
            more.clicked.connect(lambda: self.write_more(conversation, writer))
        found.addButton(found.StandardButton.Cancel)
        return message_boxes.show(found)

    def _what_becomes(self, ranked: Answered | None, writer: GenerateConfig | None) -> str:
        if ranked is None and writer is None:
            return "Nothing can be sent: its answers are gone, and there is no tuned policy that could write others."
        whose = f" {WRITER.format(self.session.labeler_name)}" if ranked is not None and ranked.typed else ""
        return f"What is sent comes first in the queue.{whose}"

    def send(self, answered: Answered) -> None:
        """Let answers be ranked first."""
        project, name = self.session.project, self.session.labeler_name
        try:
            sent = sending.send(project, answered, name)
        except KnownError as error:
            errors.show(error, self)
            return
        self.session.announce(sent.changes, self, undoable=bool(sent.changes.tables))
        found = standing(project, sent.group_id, name)
        whose = f" {WRITER.format(name)}" if answered.typed and sent.changes.tables else ""
        self._say(said_of(found) + whose, sent.group_id, leads=found.place in (Place.QUEUE, Place.SKIPPED))

    def write_more(self, conversation: Conversation, writer: GenerateConfig) -> None:
        """Let two more answers be written, and ranked first."""
        project = self.session.project
        try:
            changes, config = sending.more(project, conversation, writer)
        except KnownError as error:
            errors.show(error, self)
            return
        try:
            job = self.session.start(JobKind.GENERATE, config)
        except KnownError as error:
            if changes.tables:
                prompts.delete(project, changes.ids)
            errors.show(error, self, partial(self.write_more, conversation, writer))
            return
        self.session.announce(changes, self, undoable=False)
        self.session.history.add(self._step(changes, conversation, job.id))
        self._say(WRITTEN_FOR_SOME if assignments.plan(project)[0] else WRITTEN, None)

    def _step(self, changes: Changes, asked: Conversation, job_id: int) -> CallableStep:
        undo = partial(sending.take_back, self.session.project, changes, asked, job_id)
        tables = frozenset({"prompts", "completions", "completion_groups"})
        return CallableStep(label=changes.label, tables=tables, undo=undo)

    def _say(self, text: str, group_id: int | None, *, leads: bool = True) -> None:
        self._group = group_id
        self.said.setText(text)
        self.go.setVisible(leads)
        self.show()
        self.sent.emit()

    def _go(self) -> None:
        self.hide()
        if self._group is None:
            self.session.navigator.open_tab(TabId.RANK)
        else:
            self.session.navigator.rank(self._group)


def said_of(found: Standing) -> str:
    """What becomes of answers that were sent."""
    if found.place is not Place.QUEUE:
        return SAID[found.place]
    before = "one group comes before" if found.before == 1 else f"{found.before} groups come before"
    return LATER.format(before) if found.before else FIRST
