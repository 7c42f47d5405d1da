"""A question on the table: what was asked, two answers side by side, and every key and button by which one votes.

The ballot says what is wanted (`voted`, and the other signals); whoever listens keeps it. It writes nothing.
"""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit, QPushButton, QWidget

from core.conversation import Conversation
from core.labeling.pack_check import LONGEST_COMMENT
from core.store.arenas import ArenaAnswer
from desktop.actions import Action
from desktop.compare.arena import actions
from desktop.compare.arena.answer_view import AnswerView
from desktop.compare.arena.blind_board import BlindBoard, key_button, repeats
from desktop.compare.arena.keys import HINT, Name, command
from desktop.theme import theme
from desktop.theme.theme import SPACE
from desktop.widgets.basics import column, row
from desktop.widgets.bound import bind

#: An answer is not wider: longer lines are hard to follow.
WIDEST = 880


class Ballot(BlindBoard):
    """`voted` carries an `Outcome`: the first answer is the left one."""

    voted = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, "Voting", actions.EARLIER, HINT)
        self.first, self.second = AnswerView("A", "left", self), AnswerView("B", "right", self)
        self.comment = bind(actions.COMMENT, QLineEdit(self))
        self.comment.setMaxLength(LONGEST_COMMENT)
        self.comment.setPlaceholderText(f"{actions.COMMENT.title} {actions.COMMENT.hint}")
        self.comment.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.comment.returnPressed.connect(self.setFocus)
        self.comment.installEventFilter(self)
        self.does |= {
            "first": lambda: self.voted.emit("first"),
            "second": lambda: self.voted.emit("second"),
            "tie": lambda: self.voted.emit("tie"),
            "bad": lambda: self.voted.emit("both bad"),
            "take_back": self.taking_back.emit,
            "comment": self.comment.setFocus,
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
        found = key_button(action, self, lambda: self.does[name]())
        found.setMinimumWidth(theme.widened(width))
        return found

    def show_question(self, asked: Conversation, first: ArenaAnswer, second: ArenaAnswer) -> None:
        """Show another question, each text from its beginning."""
        self.prompt.show_conversation(asked)
        self.first.show_answer(first)
        self.second.show_answer(second)
        self.share_room()
        self.say("")

    @property
    def views(self) -> Sequence[AnswerView]:
        return self.first, self.second

    def claims(self, event: QKeyEvent) -> bool:
        return command(event) is not None

    def obey(self, wish: Name) -> None:
        self.does[wish]()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """A key that is held down votes once."""
        wish = command(event)
        if wish is None:
            super().keyPressEvent(event)
        elif not repeats(wish, event):
            self.obey(wish)

    def eventFilter(self, watched: QWidget, event: QEvent) -> bool:  # type: ignore[override]
        """Esc leaves the comment."""
        if watched is self.comment and event.type() == QEvent.Type.KeyPress:
            assert isinstance(event, QKeyEvent)
            if event.key() == Qt.Key.Key_Escape:
                self.setFocus()
                return True
        return super().eventFilter(watched, event)
