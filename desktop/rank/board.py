"""One item on the table: the prompt, its completions as cards, the ladder, and every key and drag that orders them.

The board proposes orderings (`changed`); whoever listens keeps them and shows the result. It saves nothing.
"""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QPoint, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QGuiApplication, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QWidget

from core.labeling.answer_drafts import NEW
from core.labeling.ordering import Ordering, letter
from core.labeling.pack_check import LONGEST_COMMENT
from core.records import Group, Verdict
from desktop.rank import actions
from desktop.rank.board_parts import STEP, BoardParts
from desktop.rank.card import RankingCard
from desktop.rank.keys import Command, Name, command, hint
from desktop.widgets.strangers import tip

ANSWERS: dict[Name, int] = {"left": 1, "right": -1, "down": 0, "tie_up": 0}
COMMENT_FULL = f"A comment has at most {LONGEST_COMMENT:,} letters: what is beyond them was left out."
#: What is not done by hand while the order follows from answers or from two picks.
BY_HAND: tuple[Name, ...] = ("place", "tie", "place_selected", "to_rank", "tie_up", "better", "worse", "remove")


class RankingBoard(BoardParts):
    """`changed` carries the ordering that the labeler asks for, `viewing` a way to see the cards that is to be turned
    on or off, by its name in `actions.VIEWS`; the other signals are wishes without content."""

    changed = Signal(object)
    commented = Signal(str)
    saving = Signal()
    skipping = Signal()
    undoing = Signal()
    redoing = Signal()
    skipping_for_good = Signal()
    helping = Signal()
    instructions = Signal()
    switching = Signal(str)
    viewing = Signal(str)
    writing = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.ordering = Ordering(())
        self.selected = 0
        self.flags: dict[str, str] = {}
        self._connect()
        self._actions: dict[Name, Callable[[], None]] = {
            "place_selected": lambda: self._propose_for(Ordering.place_last),
            "tie_up": lambda: self._propose_for(Ordering.tie_up),
            "better": lambda: self._propose_for(Ordering.better),
            "worse": lambda: self._propose_for(Ordering.worse),
            "remove": lambda: self._propose_for(Ordering.remove),
            "good": lambda: self._judge("good"),
            "bad": lambda: self._judge("bad"),
            "take_back": self._take_back,
            "left": lambda: self.select(self.selected - 1),
            "right": lambda: self.select(self.selected + 1),
            "up": lambda: self.select(self.selected - self.grid.columns),
            "down": lambda: self.select(self.selected + self.grid.columns),
            "scroll_up": lambda: self._scroll(-1),
            "scroll_down": lambda: self._scroll(1),
            "flag": self.open_flags,
            "earlier": self.prompt.toggle,
            "prompt_up": lambda: self.prompt.scroll_pages(-1),
            "prompt_down": lambda: self.prompt.scroll_pages(1),
            "prompt_larger": lambda: self.resize_prompt(STEP),
            "prompt_smaller": lambda: self.resize_prompt(-STEP),
            "write": lambda: self.writing.emit(NEW),
            "mend": self._mend,
            "copy": self._copy,
            "comment": self.comment.setFocus,
            "save": self.saving.emit,
            "skip": self.skipping.emit,
            "skip_for_good": self.skipping_for_good.emit,
            "undo": self.undoing.emit,
            "redo": self.redoing.emit,
            "help": self.helping.emit,
            "escape": lambda: None,
        }

    def _connect(self) -> None:
        self.criteria.chosen.connect(self.switching)
        self.question.answered.connect(self._answer)
        self.grid.picked.connect(self._select_item)
        self.grid.enlarged.connect(self._enlarge)
        self.grid.toggled.connect(self._toggle)
        self.grid.flagging.connect(self._flag_item)
        self.grid.dropped.connect(self.tie)
        self.ladder.changed.connect(self._drop_on_ladder)
        self.ladder.picked.connect(self._select_item)
        self.menu.chosen.connect(self._flag)
        self.menu.instructions.connect(self.instructions)
        self.menu.mending.connect(self.writing)
        self.comment.textEdited.connect(self._remark)
        self.comment.inputRejected.connect(lambda: self.say(COMMENT_FULL))
        self.comment.returnPressed.connect(self.setFocus)
        self.comment.installEventFilter(self)
        self.write_button.clicked.connect(lambda: self.writing.emit(NEW))
        self.mend_button.clicked.connect(lambda: self._mend())
        self.good_button.clicked.connect(lambda: self._judge("good"))
        self.bad_button.clicked.connect(lambda: self._judge("bad"))
        self.flag_button.clicked.connect(lambda: self.open_flags())
        self.undo_button.clicked.connect(self.undoing)
        self.skip_button.clicked.connect(self.skipping)
        self.save_button.clicked.connect(self.saving)

    def show_item(self, group: Group | None, ordering: Ordering, note: str = "", *, origins: bool = False) -> None:
        """Show another item. `note` is one sentence above the cards; `origins` tells who wrote each of them."""
        self.prompt.show_conversation(group.prompt.conversation if group else None)
        self.selected = 0
        self.grid.show_group(group, ordering, origins=origins)
        self.show_ordering(ordering, note)

    def show_ordering(self, ordering: Ordering, note: str = "") -> None:
        """Show the present item's ordering."""
        self.ordering = ordering
        asked = ordering.question
        for card in self.grid.cards:
            item = card.completion.id
            rank, tied = ordering.rank(item), ordering.tied(item)
            if ordering.method == "best-worst" and item not in ordering.extremes:
                rank = None  # between the two, which is no place of its own
            card.show_state(
                rank, tied=tied, flag=ordering.flags.get(item), word=self._word(item),
                verdict=ordering.verdicts.get(item),
            )  # fmt: skip
        self.grid.show_only(asked)
        self.question.show_ordering(ordering)
        self.criteria.show_ordering(ordering)
        self.ladder.setVisible(asked is None)
        if asked is not None and self.ordering.shown[self.selected] not in asked:
            self.selected = self.ordering.shown.index(asked[0])
        if self.comment.text() != ordering.comment:
            self.comment.setText(ordering.comment)
        self.comment.setReadOnly(len(ordering.comment) > LONGEST_COMMENT)  # else a key would cut it
        if ordering.flag:
            note = f"⚑ The whole prompt is flagged “{ordering.flag}”: the order does not count."
        self.note.setText(note)
        self.note.setVisible(bool(note))
        self.share_room()
        self.say("")
        self.select(self.selected)

    def show_begun(self, begun: bool) -> None:
        """Is there an answer that somebody began to write and did not add?"""
        self.write_button.setText(f"{actions.WRITE.title} …" if begun else actions.WRITE.title)

    def _word(self, item: int) -> str:
        """What stands on a card in place of its rank."""
        if self.ordering.question is not None:
            return "Better"
        if self.ordering.method != "best-worst":
            return ""
        best, worst = self.ordering.extremes
        return "Best" if item == best else "Worst" if item == worst else "Place" if best is None else "Worst?"

    def read_settings(self) -> None:
        """The labeler likes to see the cards in another way."""
        self.grid.read_settings()
        self.say("")
        self.select(self.selected)

    def say(self, sentence: str) -> None:
        """A gentle word in the hint line until the next change."""
        text = sentence or hint(self.ordering.method, single=self.grid.single)
        self.hint.say(text)
        self.hint.setToolTip(tip(text))
        self.hint.setProperty("role", "warning" if sentence else "muted")
        self.hint.style().polish(self.hint)

    def show_left_out(self, items: tuple[int, ...]) -> None:
        """Ask whether these are to count as worse than what has a place, and lead to the first of them."""
        self.select(self.ordering.shown.index(items[0]))
        letters = [letter(self.ordering.shown.index(item)) for item in items]
        named = f"{', '.join(letters[:-1])} and {letters[-1]} have" if len(letters) > 1 else f"{letters[0]} has"
        self.say(f"{named} no place and would count as worse than the rest. Enter again saves it so.")

    @property
    def card(self) -> RankingCard | None:
        """The selected card."""
        return self.grid.cards[self.selected] if self.selected < len(self.grid.cards) else None

    def select(self, index: int) -> None:
        if 0 <= index < len(self.grid.cards):
            self.selected = index
        for position, card in enumerate(self.grid.cards):
            card.set_selected(position == self.selected, focused=self.hasFocus())
        self.grid.show_selected(self.card)
        if self.card:
            self.grid.ensureWidgetVisible(self.card, 0, 6)
        self.grid.show_differences(self.card)
        self.ladder.show_ordering(self.ordering, self.card.completion.id if self.card else None)

    def propose(self, ordering: Ordering) -> None:
        if ordering != self.ordering:
            self.changed.emit(ordering)

    def tie(self, item: int, other: int) -> None:
        """Tie `item` with `other`: what dropping a card onto another asks for."""
        if item not in self.ordering.shown or other not in self.ordering.shown:
            return
        self._select_item(item)
        if self.ordering.question is not None:
            self._answer(0)
        elif self.ordering.method == "order":
            self.propose(self.ordering.tie_with(item, other))

    def obey(self, wish: Command) -> None:
        if self.ordering.method == "pairwise" and (wish.name in ANSWERS or wish.name in BY_HAND):
            self._obey_answer(wish)
        elif self.ordering.method == "best-worst" and wish.name in BY_HAND:
            self._obey_pick(wish)
        elif wish.name in ("place", "tie"):
            self.select(wish.number)
            self._propose_for(Ordering.place_last if wish.name == "place" else Ordering.tie_last)
        elif wish.name == "to_rank":
            self._propose_for(lambda ordering, item: ordering.to_rank(item, wish.number))
        else:
            self._actions[wish.name]()

    def _obey_answer(self, wish: Command) -> None:
        asked = self.ordering.question
        if asked is None:
            if wish.name in BY_HAND:
                self.say("Every question is answered: Enter saves, Backspace takes back the last answer.")
            else:
                self._actions[wish.name]()
        elif wish.name == "place" and self.ordering.shown[wish.number] in asked:
            self._answer(1 if self.ordering.shown[wish.number] == asked[0] else -1)
        elif wish.name in ANSWERS:
            self._answer(ANSWERS[wish.name])

    def _answer(self, sign: int) -> None:
        self.setFocus()
        self.propose(self.ordering.answer(sign))

    def _obey_pick(self, wish: Command) -> None:
        if wish.name in ("place", "tie"):
            self.select(wish.number)
        if self.card is None:
            return
        item = self.card.completion.id
        if wish.name in ("tie", "worse"):
            self.propose(self.ordering.pick_worst(item))
        elif wish.name in ("place", "place_selected") or (wish.name == "remove" and item in self.ordering.extremes):
            self.propose(self.ordering.pick(item))

    def open_flags(self, item: int | None = None) -> None:
        """The menu of flags for the selected (or the given) completion and for the whole prompt."""
        if item is not None:
            self._select_item(item)
        if self.card is None:
            return
        self.menu.fill(self.flags, self.card.completion.id, self.card.letter, self.ordering)
        self.menu.popup(self._beside(self.card, self.menu.sizeHint()))

    def _beside(self, card: RankingCard, size: QSize) -> QPoint:
        """Where something of this size covers nothing of a card: below it, above it, or at its side."""
        below, above = card.mapToGlobal(QPoint(0, card.height() + 2)), card.mapToGlobal(QPoint(0, -size.height() - 2))
        room = card.screen().availableGeometry()
        if below.y() + size.height() <= room.bottom():
            return below
        return above if above.y() >= room.top() else card.mapToGlobal(QPoint(card.width() + 2, 0))

    def event(self, event: QEvent) -> bool:
        """Claim our keys before the window's shortcuts do, while the board has the focus."""
        if event.type() == QEvent.Type.ShortcutOverride:
            assert isinstance(event, QKeyEvent)
            if command(event, len(self.grid.cards)):
                event.accept()
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        wish = command(event, len(self.grid.cards))
        if wish is not None and wish.name == "escape" and self.grid.single:
            self.viewing.emit("single")
        elif wish is None or wish.name == "escape":
            super().keyPressEvent(event)
        else:
            self.obey(wish)

    def _remark(self, text: str) -> None:
        self.ordering = self.ordering.with_comment(text)  # what is placed next goes on from it
        self.commented.emit(text)

    def eventFilter(self, watched: QWidget, event: QEvent) -> bool:  # type: ignore[override]
        """Esc leaves the comment, Ctrl+Enter saves from within it."""
        if watched is self.comment and event.type() == QEvent.Type.KeyPress:
            assert isinstance(event, QKeyEvent)
            if event.key() == Qt.Key.Key_Escape:
                self.setFocus()
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and event.modifiers() & (
                Qt.KeyboardModifier.ControlModifier
            ):
                self.setFocus()
                self.saving.emit()
                return True
        return super().eventFilter(watched, event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.select(self.selected)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.select(self.selected)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.setFocus()

    def _propose_for(self, change: Callable[[Ordering, int], Ordering]) -> None:
        if self.card:
            self.propose(change(self.ordering, self.card.completion.id))

    def _take_back(self) -> None:
        self.propose(self.ordering.take_back())

    def _enlarge(self, item: int) -> None:
        """A card was clicked twice: it is seen alone, or beside the others again."""
        self._select_item(item)
        if self.ordering.question is None:
            self.viewing.emit("single")

    def _toggle(self, item: int) -> None:
        self._select_item(item)
        if (asked := self.ordering.question) is not None:
            self._answer(1 if item == asked[0] else -1)
            return
        if self.ordering.method == "best-worst":
            self.propose(self.ordering.pick(item))
            return
        if self.ordering.method == "pairwise":
            return
        placed = self.ordering.rank(item) is not None
        self.propose(self.ordering.remove(item) if placed else self.ordering.place_last(item))

    def _judge(self, verdict: Verdict) -> None:
        self._propose_for(lambda ordering, item: ordering.judge(item, verdict))

    def _flag_item(self, item: int) -> None:
        self.open_flags(item)

    def _flag(self, item: int, flag: str) -> None:
        """The menu's choice; item 0 is the whole prompt, no flag is the empty one."""
        self.setFocus()
        if item:
            self.propose(self.ordering.with_item_flag(item, flag or None))
        else:
            self.propose(self.ordering.with_flag(flag or None))

    def _select_item(self, item: int) -> None:
        self.setFocus()
        if item in self.ordering.shown:
            self.select(self.ordering.shown.index(item))

    def _drop_on_ladder(self, ordering: Ordering) -> None:
        if ordering.method == "order":
            self.propose(ordering)
        else:
            self.say("Dragging is for ordering by hand: F6 changes the way to rank.")

    def _scroll(self, pages: int) -> None:
        if self.card:
            self.card.scroll_text(pages)

    def _mend(self) -> None:
        if self.card:
            self.writing.emit(self.card.completion.id)

    def _copy(self) -> None:
        if self.card:
            QGuiApplication.clipboard().setText(self.card.completion.text)
            self.say(f"The text of {letter(self.selected)} is on the clipboard.")
