"""Two at a time: which of the two cards is better, and how many such questions are left."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QPushButton, QWidget

from core.labeling import pairwise
from core.labeling.ordering import Ordering, letter
from desktop.actions import Action
from desktop.rank import actions
from desktop.theme.theme import SPACE
from desktop.widgets.basics import label, row
from desktop.widgets.bound import bind


class QuestionBar(QFrame):
    """`answered` carries 1 (left), -1 (right) or 0 (neither)."""

    answered = Signal(int)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.left = self._button(1, actions.LEFT_BETTER)
        self.neither = self._button(0, actions.NEITHER)
        self.right = self._button(-1, actions.RIGHT_BETTER)
        self.text = label("", "muted")
        self.text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setLayout(row(self.left, None, self.text, self.neither, None, self.right, spacing=2 * SPACE))
        self.hide()

    def _button(self, sign: int, action: Action) -> QPushButton:
        button = bind(action, QPushButton(self))
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        button.setMinimumWidth(150)
        button.clicked.connect(lambda: self.answered.emit(sign))
        return button

    def show_ordering(self, ordering: Ordering) -> None:
        asked = ordering.question
        self.setVisible(asked is not None)
        if asked is None:
            return
        one, two = (letter(ordering.shown.index(item)) for item in asked)
        self.left.setText(f"←  {one} is better")
        self.right.setText(f"{two} is better  →")
        rest = pairwise.left(ordering.shown, ordering.answers)
        last = "the last question" if rest == 1 else f"at most {rest} left"
        self.text.setText(f"Question {len(ordering.answers) + 1}, {last}")
