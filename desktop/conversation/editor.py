"""A conversation to write: turns with roles, to be added, moved, changed and removed, or pasted as a whole."""

from functools import partial
from typing import Any

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from core.conversation import Conversation, Message, Role
from desktop.conversation import actions
from desktop.conversation.turn_editor import TurnEditor, tools_card
from desktop.theme.theme import SPACE
from desktop.widgets.basics import button, clear, column, row, scrolled
from desktop.widgets.bound import bind
from desktop.widgets.strangers import KEPT

#: More than this is for a file: a box for each turn takes its time.
MOST_TURNS, MOST_LETTERS = 200, 400_000
#: Of what was typed here before: letters that are put back.
MOST_KEPT = KEPT.letters
TOO_MUCH = "It is too long to be edited here: change it in a file of JSON lines, and import that."
LAID_OUT_MILLISECONDS = 20
#: Who speaks after whom.
NEXT: dict[Role, Role] = {"system": "user", "user": "assistant", "assistant": "user", "tool": "assistant"}
FIRST = "What is asked. A whole conversation can be pasted: as JSON, or as User: … Assistant: …"
PASTED_TOO_MUCH = f"The conversation was not put in. {TOO_MUCH}"


class ConversationEditor(QWidget):
    """`changed` with each key; `noted` carries a sentence about what was not done."""

    changed = Signal()
    noted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.turns: list[TurnEditor] = []
        self._tools: tuple[Any, ...] = ()
        self._gone: list[tuple[int, Message]] = []
        self.list = QVBoxLayout()
        self.list.setContentsMargins(0, 0, SPACE, 0)
        self.list.setSpacing(SPACE)
        self.add_button = bind(actions.ADD_TURN, button("", self.add))
        self.put_back_button = bind(actions.PUT_TURN_BACK, button("", self.put_back, role="link"))
        self.put_back_button.hide()
        inner = QWidget()
        self.below = column()
        self.below.setContentsMargins(0, 0, SPACE, 0)
        adding = row(self.add_button, self.put_back_button, None)
        inner.setLayout(column(self.list, adding, self.below, None, spacing=SPACE + 4))
        self.area = scrolled(inner)
        self.setLayout(column(self.area))

    def show_conversation(self, conversation: Conversation) -> None:
        """Begin with these turns, or with an empty one of the user."""
        self._clear()
        self._use_tools(conversation.tools)
        for message in conversation.messages or (Message("user", ""),):
            self._insert(len(self.turns), message)
        self._gone.clear()
        self._show_places()

    def conversation(self) -> Conversation:
        """As it stands; nobody has checked whether an answer could follow."""
        return Conversation(tuple(turn.message() for turn in self.turns), self._tools)

    def checked(self) -> Conversation | None:
        """The conversation; None where no answer could follow, which is said at the turn that it is about."""
        found = self.conversation()
        for turn in self.turns:
            turn.say("")
        try:
            return found.checked()
        except ValueError as error:
            problem = str(error)
        last = self.turns[-1]
        if found.messages[-1].role not in ("user", "tool"):
            problem += ": add what is asked next, or remove this turn"
        last.say(f"{problem[:1].upper()}{problem[1:]}.")
        self._see(last)
        return None

    def add(self) -> None:
        """A turn after the last one."""
        self._add_after(self.turns[-1])

    def put_back(self) -> None:
        """The turn that was removed last, where it was."""
        if self._gone:
            place, message = self._gone.pop()
            self._insert(min(place, len(self.turns)), message).text.setFocus()
            self._changed()

    def _add_after(self, turn: TurnEditor) -> None:
        if len(self.turns) >= MOST_TURNS:
            self.noted.emit(TOO_MUCH)
            return
        role = NEXT[turn.message().role]
        made = self._insert(self.turns.index(turn) + 1, Message(role, ""))
        self._changed()
        made.text.setFocus()
        self._see(made)

    def _move(self, turn: TurnEditor, by: int) -> None:
        place = self.turns.index(turn)
        if not 0 <= place + by < len(self.turns):
            return
        focused = self.focusWidget()
        self.turns.insert(place + by, self.turns.pop(place))
        self.list.insertWidget(place + by, turn)
        self._changed()
        if focused is not None and turn.isAncestorOf(focused):
            focused.setFocus()
        self._see(turn)

    def _remove(self, turn: TurnEditor) -> None:
        """The only turn that is left is emptied: something is always there to write in."""
        place, message = self.turns.index(turn), turn.message()
        if message.content or message.extra:
            self._gone.append((place, message))
        self._drop(turn)
        if not self.turns:
            self._insert(0, Message("user", ""))
        self.turns[min(place, len(self.turns) - 1)].text.setFocus()
        self._changed()

    def _paste(self, turn: TurnEditor, found: Conversation) -> None:
        """The turns after this one, or in its place where nothing was in it."""
        merged = (*self.conversation().messages, *found.messages)
        if not fits(Conversation(merged)):
            self.noted.emit(PASTED_TOO_MUCH)
            return
        place, message = self.turns.index(turn), turn.message()
        if message.content or message.extra:
            place += 1
        else:
            self._drop(turn)
        for number, each in enumerate(found.messages):
            self._insert(place + number, each)
        self._use_tools(self._tools or found.tools)
        self._changed()
        last = self.turns[place + len(found.messages) - 1]
        last.text.setFocus()
        self._see(last)

    def _insert(self, place: int, message: Message) -> TurnEditor:
        made = TurnEditor(message, self)
        self.turns.insert(place, made)
        self.list.insertWidget(place, made)
        made.show()  # now, so that it can have the focus
        made.changed.connect(self.changed)
        made.moved.connect(partial(self._move, made))
        made.removed.connect(partial(self._remove, made))
        made.followed.connect(partial(self._add_after, made))
        made.conversation_pasted.connect(partial(self._paste, made))
        return made

    def _drop(self, turn: TurnEditor) -> None:
        self.turns.remove(turn)
        self.list.removeWidget(turn)
        turn.hide()
        turn.deleteLater()

    def _clear(self) -> None:
        for turn in list(self.turns):
            self._drop(turn)

    def _changed(self) -> None:
        self._show_places()
        self.changed.emit()

    def _show_places(self) -> None:
        self.put_back_button.setVisible(bool(self._gone))
        for number, turn in enumerate(self.turns, start=1):
            turn.show_place(number, len(self.turns))
            turn.text.setPlaceholderText(FIRST if len(self.turns) == 1 else "")

    def _use_tools(self, tools: tuple[Any, ...]) -> None:
        self._tools = tools
        clear(self.below)
        if tools:
            self.below.addWidget(tools_card(tools, self))

    def _see(self, turn: TurnEditor) -> None:
        """Once it is laid out."""
        QTimer.singleShot(LAID_OUT_MILLISECONDS, turn, lambda: self.area.ensureWidgetVisible(turn, 0, SPACE))


def fits(conversation: Conversation, letters: int = MOST_LETTERS) -> bool:
    """Can it be edited turn by turn?"""
    return len(conversation.messages) <= MOST_TURNS and len(conversation.key) <= letters
