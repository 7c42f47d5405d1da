"""What was said before the last turn: the newest of it, in a column that scrolls."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QScrollArea, QWidget

from core.conversation import Message
from core.texts import Limits
from core.turns import said
from desktop.conversation.bubble import Turn
from desktop.theme.theme import SPACE
from desktop.widgets.basics import column, label

#: Turns that are shown, and of each so much; letters of all of them together.
MOST_TURNS = 60
EACH = Limits(8_000, 400, named=500)
MOST_LETTERS = 80_000
NOT_SHOWN = "{:,} turns before these are not shown. A turn's menu copies all of them."
ANY_HEIGHT = 1 << 20


class EarlierTurns(QScrollArea):
    """`dress` is told of each turn that is made. Turns are kept for the next conversation: making one takes longer than
    painting it."""

    def __init__(self, parent: QWidget, dress: Callable[[Turn], object]) -> None:
        super().__init__(parent)
        self._dress = dress
        self._made: list[Turn] = []
        self._shown = 0
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidgetResizable(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName("Earlier turns")
        self.verticalScrollBar().rangeChanged.connect(self._keep_end, Qt.ConnectionType.QueuedConnection)
        self._left_out = label("", "small")
        self._page = QWidget()
        self._layout = column(self._left_out, spacing=SPACE - 2)
        self._layout.setContentsMargins(0, 0, SPACE, 0)
        self._page.setLayout(self._layout)
        self.setWidget(self._page)

    @property
    def turns(self) -> list[Turn]:
        """Those that are shown."""
        return self._made[: self._shown]

    @property
    def needed(self) -> int:
        """Pixels in which all of it is seen."""
        return self._page.sizeHint().height() + 2

    def show_turns(self, messages: Sequence[Message]) -> None:
        first = _first_shown(messages)
        self._left_out.setText(NOT_SHOWN.format(first))
        self._left_out.setVisible(first > 0)
        self._shown = len(messages) - first
        while len(self._made) < self._shown:
            self._made.append(self._make())
        for turn, place in zip(self._made, range(first, len(messages)), strict=False):
            turn.show_turn(messages[place], place)
        for number, turn in enumerate(self._made):
            turn.setVisible(number < self._shown)

    def _make(self) -> Turn:
        turn = Turn(self._page, limits=EACH)
        turn.set_highest(ANY_HEIGHT)
        self._dress(turn)
        self._layout.addWidget(turn)
        return turn

    def _keep_end(self) -> None:
        """Laid out anew, what was said last stays in view. Queued: the bar is set after its range was told."""
        self.verticalScrollBar().setValue(self.verticalScrollBar().maximum())


def _first_shown(messages: Sequence[Message]) -> int:
    """The first turn that there is room for."""
    first, letters = len(messages), 0
    while first and len(messages) - first < MOST_TURNS:
        letters += min(EACH.letters, len(said(messages[first - 1])))
        if letters > MOST_LETTERS:
            break
        first -= 1
    return first
