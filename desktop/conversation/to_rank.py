"""Sending what is seen in a conversation to Rank, and the line that says so and leads there."""

from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QMessageBox, QWidget

from core.config.jobs import GenerateConfig, JobKind
from core.conversation import Conversation
from core.errors import KnownError
from core.labeling import sending
from core.labeling.sending import Answered
from core.store import Changes, prompts
from core.store.undo.steps import CallableStep, Step
from desktop import errors
from desktop.conversation.talk_actions import TalkActions
from desktop.places import TabId
from desktop.session import Session
from desktop.theme.theme import SPACE
from desktop.widgets import message_boxes
from desktop.widgets.basics import label, row
from desktop.widgets.bound import action_button

RANKED = "Sent to Rank: first in the queue, and blind."
WRITTEN = "Two more answers are being written: they will be first in Rank."


class ToRank(QWidget):
    """Hidden until something was sent."""

    sent = Signal()

    def __init__(self, session: Session, actions: TalkActions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self._actions = actions
        self._group: int | None = None
        self.said = label("", "good")
        self.go = action_button(actions.rank_now, self._go, default=False)
        self.setLayout(row(self.said, self.go, None, spacing=SPACE))
        self.hide()
        session.replayed.connect(self._replayed)

    def _replayed(self, step: Step) -> None:
        """What was sent may have been taken back."""
        if step.label == sending.LABEL:
            self.hide()

    def ask(self, conversation: Conversation, answered: Answered | None, writer: GenerateConfig) -> QMessageBox:
        """Which answers to a turn are to be ranked: those that were seen, where there are two, or two more."""
        found = message_boxes.box(self.window(), "Send this turn to Rank?", "What is sent comes first in the queue.")
        role = QMessageBox.ButtonRole.AcceptRole
        if answered is not None and len(answered.answers) > 1:
            found.addButton(self._actions.rank_these.label, role).clicked.connect(lambda: self.send(answered))
        more = found.addButton(self._actions.two_more.label, role)
        more.clicked.connect(lambda: self.write_more(conversation, writer))
        found.addButton(found.StandardButton.Cancel)
        return message_boxes.show(found)

    def send(self, answered: Answered) -> None:
        """Let answers be ranked first."""
        try:
            sent = sending.send(self.session.project, answered)
        except KnownError as error:
            errors.show(error, self)
            return
        self.session.announce(sent.changes, self)
        self._say(RANKED, sent.group_id)

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
        self.session.history.add(self._step(changes, job.id))
        self._say(WRITTEN, None)

    def _step(self, changes: Changes, job_id: int) -> CallableStep:
        undo = partial(sending.take_back, self.session.project, changes, job_id)
        tables = frozenset({"prompts", "completions", "completion_groups"})
        return CallableStep(label=changes.label, tables=tables, undo=undo)

    def _say(self, text: str, group_id: int | None) -> None:
        self._group = group_id
        self.said.setText(text)
        self.show()
        self.sent.emit()

    def _go(self) -> None:
        self.hide()
        if self._group is None:
            self.session.navigator.open_tab(TabId.RANK)
        else:
            self.session.navigator.rank(self._group)
