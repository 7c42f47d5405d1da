"""A question on the table: what was asked, two answers side by side, and every key and button by which one votes.

The ballot says what is wanted (`voted`, and the other signals); whoever listens keeps it. It writes nothing.
"""

from collections.abc import Callable

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QLineEdit, QPushButton, QSizePolicy, QWidget

from core.conversation import Conversation
from core.labeling.pack_check import LONGEST_COMMENT
from core.store.arenas import ArenaAnswer
from desktop import user_settings
from desktop.actions import Action
from desktop.compare.arena import actions
from desktop.compare.arena.answer_view import AnswerView
from desktop.compare.arena.keys import HINT, Name, command
from desktop.conversation.bubbles import ConversationView
from desktop.theme import theme
from desktop.theme.theme import SPACE
from desktop.widgets.basics import column, label, row, set_role
from desktop.widgets.bound import bind
from desktop.widgets.strangers import tip

#: Of the ballot's height the prompt has at most so much, and at least so many pixels.
PROMPT_SHARE, LEAST_PROMPT = 0.34, 104
#: An answer is not wider: longer lines are hard to follow.
WIDEST = 880


class Ballot(QWidget):
    """`voted` carries an `Outcome`: the first answer is the left one."""

    voted = Signal(str)
    putting_off = Signal()
    taking_back = Signal()
    helping = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Voting")
        self.prompt = ConversationView(self, earlier=actions.EARLIER, size=theme.HEADING, weight=600)
        self.prompt.link.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.prompt.earlier.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.first, self.second = AnswerView("A", "left", self), AnswerView("B", "right", self)
        self.comment = bind(actions.COMMENT, QLineEdit(self))
        self.comment.setMaxLength(LONGEST_COMMENT)
        self.comment.setPlaceholderText(f"{actions.COMMENT.title} {actions.COMMENT.hint}")
        self.comment.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.comment.returnPressed.connect(self.setFocus)
        self.comment.installEventFilter(self)
        self.hint = label(HINT, "muted")
        self.hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.hint.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._does: dict[Name, Callable[[], object]] = {
            "first": lambda: self.voted.emit("first"),
            "second": lambda: self.voted.emit("second"),
            "tie": lambda: self.voted.emit("tie"),
            "bad": lambda: self.voted.emit("both bad"),
            "later": self.putting_off.emit,
            "take_back": self.taking_back.emit,
            "scroll_up": lambda: self._scroll(-1),
            "scroll_down": lambda: self._scroll(1),
            "prompt_up": lambda: self.prompt.scroll_pages(-1),
            "prompt_down": lambda: self.prompt.scroll_pages(1),
            "earlier": self.prompt.toggle,
            "markdown": self._switch_markdown,
            "comment": self.comment.setFocus,
            "help": self.helping.emit,
        }
        self._lay_out()

    def _lay_out(self) -> None:
        buttons = row(
            self._button(actions.FIRST, "first", 168), None, self._button(actions.TIE, "tie", 112),
            self._button(actions.BAD, "bad", 112), None, self._button(actions.SECOND, "second", 168),
        )  # fmt: skip
        answers = row(self.first, self.second, spacing=2 * SPACE)
        answers.setStretch(0, 1)
        answers.setStretch(1, 1)
        self.take_back = self._button(actions.TAKE_BACK, "take_back")
        foot = row(self.comment, self.take_back, self._button(actions.LATER, "later"), spacing=2 * SPACE)
        foot.setStretch(0, 1)
        inner = QWidget(self)
        whole = column(self.prompt, answers, buttons, foot, self.hint, spacing=SPACE + 4)
        whole.setStretch(1, 1)
        inner.setLayout(whole)
        inner.setMaximumWidth(theme.widened(2 * WIDEST) + 2 * SPACE)
        self.setLayout(row(inner))

    def _button(self, action: Action, name: Name, width: int = 0) -> QPushButton:
        """Its keys are the ballot's: they work only while that has the focus."""
        found = bind(action, QPushButton(self))
        found.setProperty("role", action.role)
        found.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        found.setAutoDefault(False)
        found.setMinimumWidth(theme.widened(width))
        found.clicked.connect(lambda: self._does[name]())
        return found

    def show_question(self, asked: Conversation, first: ArenaAnswer, second: ArenaAnswer) -> None:
        """Show another question, each text from its beginning."""
        self.prompt.show_conversation(asked)
        self.first.show_answer(first)
        self.second.show_answer(second)
        self._share_room()
        self.say("")

    def read_settings(self) -> None:
        """The person likes to read in another way."""
        self.first.read_settings()
        self.second.read_settings()

    def _switch_markdown(self) -> None:
        user_settings.set_card_view("markdown", not user_settings.card_view("markdown"))
        self.read_settings()

    def say(self, sentence: str, role: str = "warning") -> None:
        """A word in the hint's line until the next question."""
        self.hint.setText(sentence or HINT)
        self.hint.setToolTip(tip(sentence or HINT))
        set_role(self.hint, role if sentence else "muted")

    def obey(self, wish: Name) -> None:
        self._does[wish]()

    def event(self, event: QEvent) -> bool:
        """Claim our keys before the window's shortcuts do, while the ballot has the focus."""
        if event.type() == QEvent.Type.ShortcutOverride:
            assert isinstance(event, QKeyEvent)
            if command(event):
                event.accept()
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """A key that is held down votes once."""
        wish = command(event)
        if wish is None:
            super().keyPressEvent(event)
        elif not event.isAutoRepeat() or wish.startswith(("scroll", "prompt")):
            self.obey(wish)

    def eventFilter(self, watched: QWidget, event: QEvent) -> bool:  # type: ignore[override]
        """Esc leaves the comment."""
        if watched is self.comment and event.type() == QEvent.Type.KeyPress:
            assert isinstance(event, QKeyEvent)
            if event.key() == Qt.Key.Key_Escape:
                self.setFocus()
                return True
        return super().eventFilter(watched, event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.setFocus()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._share_room()

    def _share_room(self) -> None:
        self.prompt.set_highest(max(LEAST_PROMPT, round(self.height() * PROMPT_SHARE)))

    def _scroll(self, pages: int) -> None:
        self.first.scroll_pages(pages)
        self.second.scroll_pages(pages)
