"""One turn of a conversation that is being written: who speaks, what is said, and what is called, as JSON."""

import json
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QFrame, QToolButton, QWidget

from core.conversation import ROLES, Message, Role
from core.texts import Limits
from desktop.actions import Action
from desktop.conversation import actions
from desktop.conversation.fitted import FittedText
from desktop.conversation.pasting import PastingBox
from desktop.theme.theme import SPACE
from desktop.widgets.basics import card, column, label, row, turn_only_with_focus
from desktop.widgets.bound import add_shortcuts, bind
from desktop.widgets.growing import keep_size
from desktop.widgets.strangers import KEPT

#: Lines of text that a box shows before it scrolls.
LEAST, MOST = 2, 12
DATA = Limits(8_000, 200, named=500)
CALLS = "What is called, as data that the template reads:"
MORE = "Data beside the text, which the template reads:"


class TurnEditor(QFrame):
    """`moved` carries by how many places it shall move."""

    changed = Signal()
    moved = Signal(int)
    removed = Signal()
    followed = Signal()
    """Another turn shall come after it."""
    conversation_pasted = Signal(object)

    def __init__(self, message: Message, parent: QWidget) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self._extra = message.extra
        self.role = QComboBox(self)
        for role in ROLES:
            self.role.addItem(role.capitalize(), role)
        self.role.setCurrentIndex(self.role.findData(message.role))
        turn_only_with_focus(self.role)
        self.text = PastingBox(self)
        self.text.setPlainText(self.text.fitted(message.content, KEPT))
        self.problem = label("", "error", wrap=True)
        self.problem.hide()
        self.up = self._button(actions.MOVE_UP, "↑", lambda: self.moved.emit(-1))
        self.down = self._button(actions.MOVE_DOWN, "↓", lambda: self.moved.emit(1))
        self.remove = self._button(actions.REMOVE_TURN, "✕", self.removed.emit)
        add_shortcuts(actions.ADD_TURN, self, self.followed.emit)
        head = row(self.role, None, self.up, self.down, self.remove, spacing=SPACE // 2)
        inside = column(head, self.text, *self._data(), self.problem)
        inside.setContentsMargins(SPACE + 4, SPACE, SPACE + 4, SPACE + 4)
        self.setLayout(inside)
        self.role.currentIndexChanged.connect(lambda _: self.changed.emit())
        self.text.textChanged.connect(self.changed)
        self.text.conversation_pasted.connect(self.conversation_pasted)
        self.text.document().documentLayout().documentSizeChanged.connect(lambda _: self._fit())
        self._fit()

    def _button(self, action: Action, sign: str, run: Callable[[], object]) -> QToolButton:
        found = bind(action, QToolButton(self))
        found.setText(sign)
        found.setAccessibleName(action.title)
        found.setProperty("role", "more")
        keep_size(found, 26)
        found.clicked.connect(lambda: run())
        add_shortcuts(action, self, run)
        return found

    def _data(self) -> list[QWidget]:
        """The calls of tools and the like, which stay as they are."""
        if not self._extra:
            return []
        calls = "tool_calls" in self._extra
        shown = FittedText(self, limits=DATA)
        shown.setAccessibleName("Data of the turn")
        shown.reach_by_keys()
        shown.show_text(as_json(self._extra["tool_calls"] if list(self._extra) == ["tool_calls"] else self._extra))
        return [label(CALLS if calls else MORE, "small", wrap=True), shown]

    def message(self) -> Message:
        role: Role = self.role.currentData()
        return Message(role, self.text.text(), self._extra)

    def show_place(self, number: int, count: int) -> None:
        """It is turn `number` of `count` now, from 1."""
        self.role.setAccessibleName(f"Role of turn {number}")
        self.text.setAccessibleName(f"Text of turn {number}")
        self.up.setEnabled(number > 1)
        self.down.setEnabled(number < count)

    def say(self, problem: str) -> None:
        """What is wrong with it; empty for nothing."""
        self.problem.setText(problem)
        self.problem.setVisible(bool(problem))

    def _fit(self) -> None:
        lines = max(LEAST, min(MOST, round(self.text.document().size().height())))
        height = lines * self.text.fontMetrics().lineSpacing() + 2 * SPACE + 8
        if self.text.height() != height:
            self.text.setFixedHeight(height)


def as_json(value: Any) -> str:
    """As people read it; what lies very deep, which a few lines could not show, in one line."""
    try:
        return json.dumps(value, ensure_ascii=False, indent=2)
    except RecursionError:
        return json.dumps(value, ensure_ascii=False)


def tools_card(tools: tuple[Any, ...], parent: QWidget) -> QFrame:
    """The descriptions of tools that may be called."""
    shown = FittedText(parent, limits=DATA)
    shown.setAccessibleName("Tools that may be called")
    shown.reach_by_keys()
    shown.show_text(as_json(list(tools)))
    return card(column(label("Tools that may be called, as data that the template reads:", "small", wrap=True), shown))
