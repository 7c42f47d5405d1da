"""Where the next turn is typed: the box, the system turn over it, and what cannot be sent yet."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from core.conversation import Conversation
from desktop.compare import actions
from desktop.conversation.left_behind import LeftBehind
from desktop.conversation.message_box import MessageBox
from desktop.conversation.talk import Talk
from desktop.conversation.talk_bar import TalkBar
from desktop.session import Session
from desktop.theme.theme import SPACE
from desktop.widgets.basics import column, label, row
from desktop.widgets.bound import action_button, bind
from desktop.widgets.drafts import Draft
from desktop.widgets.unwritten import NotWritten

#: The project's setting: the prompt that is being typed, and the system turn.
DRAFT = "draft/compare"
NEXT = "Type what you say next and press Enter"
FIRST = "Type a prompt and press Enter"
CHOOSE = "Go on from one of the answers, then type here"


class Composer(QWidget):
    """`asked` tells that what is typed is to be answered. What is typed is a draft on disk."""

    asked = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.bar = TalkBar(actions.TALK, self)
        self.prompt = bind(actions.PROMPT, MessageBox())
        self.prompt.sent.connect(self.asked)
        self.ask_button = action_button(actions.ANSWER, self.asked.emit)
        self.ask_button.setMinimumHeight(self.prompt.height())
        self.hint = label("", "warning", wrap=True)
        self.prompt.textChanged.connect(self.hint.hide)
        box = row(self.prompt, column(None, self.ask_button), spacing=SPACE)
        self._draft = Draft(session.project, DRAFT, {"prompt": self.prompt, "system": self.bar.system}, self)
        not_written, left = NotWritten(self._draft.throttle), LeftBehind(self._draft, "question")
        self.setLayout(column(self.bar, box, self.hint, not_written, left, spacing=SPACE))

    @property
    def text(self) -> str:
        return self.prompt.text().strip()

    def turn_after(self, talk: Talk) -> Talk | None:
        """The conversation with what is typed; None where there is nothing, or an answer is to be chosen first."""
        possible = self.text and (talk.goes_on or talk.begins_anew)
        return talk.with_question(self.text, self.bar.system_text) if possible else None

    def conversation(self, talk: Talk) -> Conversation | None:
        """What was said, with what is typed."""
        found = self.turn_after(talk) or talk
        return found.conversation if found.messages else None

    def show_talk(self, talk: Talk) -> None:
        """What can be typed now, and done besides."""
        self.bar.show_talk(talk)
        self.bar.show_answers(0)
        self.hint.hide()
        self.prompt.setPlaceholderText(NEXT if talk.goes_on else FIRST if talk.begins_anew else CHOOSE)

    def say(self, why: str) -> None:
        """Why it is not sent."""
        self.hint.setText(why)
        self.hint.show()

    def clear(self) -> None:
        """It was sent."""
        self.prompt.setText("")
        self._draft.keep()

    def put_back(self, text: str) -> None:
        """What was asked can be mended; what is typed already stays."""
        if text and not self.text:
            self.prompt.setText(text)

    def leave(self) -> None:
        """The project is about to close."""
        self._draft.leave()
