"""All answers to a prompt as cards, and every key and button by which one orders them from best to worst.

The board says what is wanted (`saving`, and the other signals) and what was `placed`; whoever listens keeps it. It
writes nothing.
"""

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent
from PySide6.QtWidgets import QGridLayout, QWidget

from core.conversation import Conversation
from core.labeling.ordering import Ordering, letter
from core.store.arenas import ArenaAnswer
from desktop.compare.arena import actions
from desktop.compare.arena.answer_view import AnswerView
from desktop.compare.arena.blind_board import BlindBoard, key_button, repeats
from desktop.compare.arena.whole_keys import HINT, command
from desktop.theme.theme import SPACE
from desktop.widgets.basics import clear, column, label, row, scrolled

#: Pixels that a card has at least, before the cards scroll.
LEAST_CARD = 168


class PlacedAnswer(AnswerView):
    """An answer with its place in the order."""

    def __init__(self, name: str, parent: QWidget, place: Callable[[], object]) -> None:
        super().__init__(name, "", parent)
        self._name = name
        self.place = label("", "muted")
        self.choose = key_button(actions.PLACE, self, place)
        self.head.insertWidget(1, self.place)
        self.head.addWidget(self.choose)
        self.setMinimumHeight(LEAST_CARD)

    def show_rank(self, rank: int | None, tied: bool) -> None:
        said = "" if rank is None else f"Place {rank}{', tied' if tied else ''}"
        self.chip.filled = rank is not None
        self.chip.update()
        self.place.setText(said)
        self.choose.setVisible(rank is None)
        self.setAccessibleName(", ".join(filter(None, [f"Answer {self._name}", said])))


class WholeBoard(BlindBoard):
    saving = Signal(object)
    """The order, which lacks none of the answers."""
    all_bad = Signal()
    placed = Signal(object)
    """The order as it is begun."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, "Ordering all answers", actions.ORDER_EARLIER, HINT)
        self.ordering = Ordering(())
        self.cards: list[PlacedAnswer] = []
        self._grid = QGridLayout()
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(2 * SPACE)
        self.does |= {"take_back": self._take_letter_back, "save": self._save, "bad": self.all_bad.emit}
        self._lay_out()

    def _lay_out(self) -> None:
        inner = QWidget(self)
        inner.setLayout(self._grid)
        area = scrolled(inner)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.save = key_button(actions.SAVE_ORDER, self, self._save)
        self.bad = key_button(actions.ALL_BAD, self, self.all_bad.emit)
        self.letter_back = key_button(actions.LETTER_BACK, self, self._take_letter_back)
        self.take_back = key_button(actions.ORDER_BACK, self, self.taking_back.emit)
        self.later = key_button(actions.ORDER_LATER, self, self.putting_off.emit)
        buttons = row(
            self.save, self.letter_back, None, self.bad, None, self.take_back, self.later, spacing=2 * SPACE
        )  # fmt: skip
        whole = column(self.prompt, area, buttons, self.hint, spacing=SPACE + 4)
        whole.setStretch(1, 1)
        self.setLayout(whole)

    def show_table(self, asked: Conversation, answers: Sequence[ArenaAnswer], begun: Ordering) -> None:
        """Show another prompt and its answers, and what is begun of their order."""
        self.prompt.show_conversation(asked)
        if len(self.cards) != len(answers):
            clear(self._grid)
            self.cards = [
                PlacedAnswer(letter(place), self, lambda place=place: self._click(place))  # type: ignore[misc]
                for place in range(len(answers))
            ]
            columns = 3 if len(answers) == 3 or len(answers) > 4 else 2
            for place, card in enumerate(self.cards):
                self._grid.addWidget(card, place // columns, place % columns)
            for number in range(3):
                self._grid.setColumnStretch(number, int(number < columns))
        for card, answer in zip(self.cards, answers, strict=True):
            card.show_answer(answer)
        self.share_room()
        self._show_order(begun)

    @property
    def views(self) -> Sequence[AnswerView]:
        return self.cards

    def claims(self, event: QKeyEvent) -> bool:
        return command(event, len(self.cards)) is not None

    def _place(self, number: int, *, tie: bool = False) -> None:
        item = self.ordering.shown[number]
        if self.ordering.rank(item):
            self.say(f"{letter(number)} has its place already: Backspace takes the last letter back.")
        else:
            self._change(self.ordering.tie_last(item) if tie else self.ordering.place_last(item))

    def _click(self, number: int) -> None:
        self._place(number, tie=bool(QGuiApplication.keyboardModifiers() & Qt.KeyboardModifier.ShiftModifier))

    def _take_letter_back(self) -> None:
        if self.ordering.tiers:
            self._change(self.ordering.take_back())
        else:
            self.say("No answer has a place: Take back takes the last vote back.")

    def _change(self, ordering: Ordering) -> None:
        self._show_order(ordering)
        self.placed.emit(ordering)

    def _show_order(self, ordering: Ordering) -> None:
        self.ordering = ordering
        for card, item in zip(self.cards, ordering.shown, strict=True):
            card.show_rank(ordering.rank(item), ordering.tied(item))
        self.save.setEnabled(not ordering.unranked)
        self.letter_back.setEnabled(bool(ordering.tiers))
        self.say("")

    def _save(self) -> None:
        lacking = [letter(self.ordering.shown.index(item)) for item in self.ordering.unranked]
        if lacking:
            self.say(f"{' and '.join(lacking)} {'has' if len(lacking) == 1 else 'have'} no place yet: order them all.")
        else:
            self.saving.emit(self.ordering.tiers)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """A key that is held down does it once."""
        wish = command(event, len(self.cards))
        if wish is None:
            super().keyPressEvent(event)
        elif not repeats(wish.name, event):
            if wish.name in ("place", "tie"):
                self._place(wish.number, tie=wish.name == "tie")
            else:
                self.does[wish.name]()
