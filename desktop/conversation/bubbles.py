"""A conversation to read: bubbles by role, the last turn always in view, what was said before it folded away.

What is one user turn and no more is shown as plain text. However long a conversation is, little of it is laid out:
the last turn at once, earlier ones when they are unfolded, the newest of them only.
"""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from core.conversation import Conversation
from desktop.actions import Action
from desktop.conversation.actions import EARLIER
from desktop.conversation.bubble import Turn
from desktop.conversation.earlier import EarlierTurns
from desktop.conversation.fitted import HIGHEST, FittedText, Offer
from desktop.theme import theme
from desktop.theme.theme import SPACE
from desktop.widgets.basics import button
from desktop.widgets.bound import bind
from desktop.widgets.strangers import on_button

#: Pixels that all of it may take.
HIGHEST_OF_ALL = 320
LEAST_EARLIER = 44
#: Below so many pixels the link stands over the last turn, and beside it else, where that is at the other side.
NARROW = 560
COPY = "Copy the whole conversation"


class ConversationView(QWidget):
    """`turn_chosen` carries a turn's place from 0, where `on_turn` is what can be done with one: it is in each turn's
    menu, by mouse and by key. `earlier` is the action that folds and unfolds; `size` and `weight` are those of the
    last turn's text."""

    turn_chosen = Signal(int)

    def __init__(
        self,
        parent: QWidget | None = None,
        *,
        earlier: Action = EARLIER,
        on_turn: Action | None = None,
        size: int = theme.BODY,
        weight: int = 400,
    ) -> None:
        super().__init__(parent)
        self._conversation: Conversation | None = None
        self._on_turn = on_turn
        self._wanted = self._open = self._made = False
        self.highest, self.highest_last = HIGHEST_OF_ALL, HIGHEST
        self.plain = FittedText(self, size=size, weight=weight)
        self.plain.setAccessibleName("Prompt")
        self._keys = f" ({earlier.keys[0]})" if earlier.keys else ""
        self.link = bind(earlier, button("", self.toggle, role="link"))
        self.link.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.earlier = EarlierTurns(self, self._dress)
        self.earlier.verticalScrollBar().rangeChanged.connect(self._share_room, Qt.ConnectionType.QueuedConnection)
        self.last = Turn(self, size=size, weight=weight, share=1.0)
        self._dress(self.last)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE - 2)
        self._end = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._end.setSpacing(SPACE)
        self._end.addWidget(self.link, 0, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        self._end.addWidget(self.last, 1)
        for part in (self.plain, self.earlier):
            layout.addWidget(part)
        layout.addLayout(self._end)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._show_parts()

    def show_conversation(self, conversation: Conversation | None) -> None:
        """None empties it."""
        self._conversation, self._made = conversation, False
        self._open = self._wanted or self._answers_tool
        plain = conversation is None or conversation.is_plain
        self.plain.show_text(conversation.text if conversation is not None and plain else "")
        if conversation is not None and not plain:
            self.last.show_turn(conversation.messages[-1], len(conversation.messages) - 1)
        self._show_parts()

    @property
    def text(self) -> str:
        """What can be read now, turn by turn."""
        turns = [*(self.earlier.turns if self.unfolded else ()), self.last] if not self.last.isHidden() else []
        return "\n\n".join(turn.bubble.text.toPlainText() for turn in turns) or self.plain.toPlainText()

    @property
    def unfolded(self) -> bool:
        """Are the earlier turns seen?"""
        return not self.earlier.isHidden()

    def toggle(self) -> None:
        """Fold or unfold what was said before the last turn; it stays so for the next conversation."""
        if not self._before:
            return
        self._wanted = self._open = not self._open
        self._show_parts()

    def unfold(self) -> None:
        """Show the earlier turns from now on."""
        if not self._wanted:
            self._wanted = self._open = True
            self._show_parts()

    def scroll_pages(self, pages: int) -> None:
        """The last turn, then the earlier ones, by what is seen of them."""
        text = self.plain if not self.plain.isHidden() else self.last.bubble.text
        bar = text.verticalScrollBar()
        at_edge = bar.value() == (bar.minimum() if pages < 0 else bar.maximum())
        if self.unfolded and at_edge:
            bar = self.earlier.verticalScrollBar()
        bar.setValue(bar.value() + pages * max(24, bar.pageStep() - 24))

    def set_highest(self, pixels: int, last: int = HIGHEST) -> None:
        """How much room all of it may take, and the text of the last turn."""
        self.highest, self.highest_last = pixels, last
        self._share_room()

    @property
    def _before(self) -> int:
        """Turns before the last one."""
        found = self._conversation
        return 0 if found is None or found.is_plain else len(found.messages) - 1

    @property
    def _answers_tool(self) -> bool:
        """What a tool said means little without what was asked."""
        found = self._conversation
        return found is not None and found.messages[-1].role == "tool"

    def _show_parts(self) -> None:
        found = self._conversation
        talk = found is not None and not found.is_plain
        unfolded = self._before > 0 and self._open
        if unfolded and not self._made:
            self.earlier.show_turns(found.messages[:-1] if found is not None else ())
            self._made = True
        self.plain.setVisible(not talk)
        self.last.setVisible(talk)
        self.link.setVisible(self._before > 0)
        noun = "turn" if self._before == 1 else "turns"
        self.link.setText(f"{'Hide' if unfolded else 'Show'} {self._before:,} earlier {noun}{self._keys}")
        self.earlier.setVisible(unfolded)
        self._place_link()
        self._share_room()

    def _dress(self, turn: Turn) -> None:
        """What can be done with a turn that was made."""
        offers: list[Offer] = [(COPY, self._copy)]
        if self._on_turn is not None:
            offers.insert(0, (on_button(self._on_turn.label), lambda: self.turn_chosen.emit(turn.place)))
            turn.bubble.text.reach_by_keys()
        turn.bubble.text.offers = offers

    def _copy(self) -> None:
        if self._conversation is not None:
            QGuiApplication.clipboard().setText(self._conversation.text)

    def _share_room(self) -> None:
        """The last turn has what it needs, up to a limit; earlier ones have the rest."""
        beside = 0 if self.last.isHidden() else 40
        lines = min(self.highest_last, max(48, self.highest - beside))
        self.last.set_highest(lines)
        if self.plain.highest != lines:
            self.plain.highest = lines
            self.plain.fit()
        if not self.unfolded:
            return
        rest = self.highest - self._end.sizeHint().height() - SPACE
        needed = self.earlier.needed
        height = max(min(LEAST_EARLIER, needed), min(rest, needed))
        if self.earlier.height() != height:
            self.earlier.setFixedHeight(height)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_link()
        self._share_room()

    def _place_link(self) -> None:
        """Beside what a user said, which stands at the right; over everything else."""
        found, directions = self._conversation, QBoxLayout.Direction
        over = self.width() < NARROW or found is None or found.messages[-1].role != "user"
        self._end.setDirection(directions.TopToBottom if over else directions.LeftToRight)
