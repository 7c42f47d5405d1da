"""The cards of one item: side by side in rows, or stacked, each as tall as its text needs, or one at full height.

Side by side rows share the window's height by what they need, stacked a card has at most `STACKED`; longer texts scroll
inside. Text grows with the window.
"""

from PySide6.QtCore import QEvent, QRect, QSize, Signal
from PySide6.QtGui import QResizeEvent, Qt
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget

from core.labeling.ordering import Ordering, letter
from core.preferences.differences import differences
from core.preferences.similar import near_identical
from core.records import Completion, Group
from core.texts import beginning
from desktop import user_settings
from desktop.rank.card import MIN_SIZE, RankingCard
from desktop.theme import theme

GAP = 12
#: Columns that look best for so many cards; a narrow window shows fewer.
COLUMNS = {1: 1, 2: 2, 3: 3, 4: 2, 5: 3, 6: 3, 9: 3}
#: What a card has beside its text: margins and the row with its letter.
FRAME = 76
STACKED = 340
#: Of the height that it could have, a row takes at least so much, however short its texts are.
LEAST_SHARE = 0.55
#: Pixels of width of the cards together from which on their text is a pixel larger, and one more, and so on.
LARGER_FROM = (1300, 1700, 2100)
#: A card that is seen alone is at most so many times as wide as its text is high: longer lines are hard to follow.
LINE = 60
#: Where texts do not fit there may be more columns, none narrower than this.
READABLE = 420


class CardGrid(QScrollArea):
    """`cards` are in the shown order. The signals are those of the cards, with the completion's id."""

    picked = Signal(int)
    enlarged = Signal(int)
    toggled = Signal(int)
    flagging = Signal(int)
    dropped = Signal(int, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.cards: list[RankingCard] = []
        self._only: tuple[int, ...] | None = None
        self._selected: RankingCard | None = None
        self.columns = 1
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.viewport().setAutoFillBackground(False)
        self._page = QWidget(self)
        self._page.setAutoFillBackground(False)
        self.setWidget(self._page)

    def minimumSizeHint(self) -> QSize:
        return QSize(MIN_SIZE.width() + GAP, MIN_SIZE.height() + GAP)

    def show_group(self, group: Group | None, ordering: Ordering, *, origins: bool = False) -> None:
        """Show the completions of `group` in the order of `ordering.shown`; with `origins`, who wrote each."""
        texts = {item.id: item for item in group.completions} if group else {}
        shown = [texts[item] for item in ordering.shown if item in texts]
        for card in self.cards[len(shown) :]:
            card.setParent(None)
            card.deleteLater()
        self.cards = self.cards[: len(shown)]
        for card, completion in zip(self.cards, shown, strict=False):
            card.show_completion(completion)
        for completion in shown[len(self.cards) :]:
            self.cards.append(self._made(completion))
        twins = near_identical([beginning(card.completion.text) for card in self.cards])
        for place, other in twins.items():
            self.cards[place].show_twin(letter(other))
        for card in self.cards:
            card.show_origin(origins)
        self._only, self._selected = None, self.cards[0] if self.cards else None
        self._show_seen()
        self.verticalScrollBar().setValue(0)

    def _made(self, completion: Completion) -> RankingCard:
        card = RankingCard(completion, letter(len(self.cards)), self._page)
        card.extra = self._extra
        card.read_settings()
        card.picked.connect(self.picked)
        card.enlarged.connect(self.enlarged)
        card.toggled.connect(self.toggled)
        card.flagging.connect(self.flagging)
        card.dropped.connect(self.dropped)
        return card

    @property
    def seen(self) -> list[RankingCard]:
        """The cards that are not put aside."""
        if self.single and self._selected is not None:
            return [self._selected]
        return [card for card in self.cards if self._only is None or card.completion.id in self._only]

    @property
    def single(self) -> bool:
        """Is the selected card seen alone? Two that are asked about are seen both."""
        return self._only is None and user_settings.card_view("single")

    def show_selected(self, card: RankingCard | None) -> None:
        """Another card is the selected one."""
        if card is not self._selected:
            self._selected = card
            if self.single:
                self._show_seen()

    def _show_seen(self) -> None:
        seen = self.seen
        self._arrange()
        for card in self.cards:
            card.setVisible(card in seen)

    def show_only(self, items: tuple[int, ...] | None) -> None:
        """Put all cards but these aside; None shows all."""
        if items != self._only:
            self._only = items
            self._show_seen()
            self.verticalScrollBar().setValue(0)

    def read_settings(self) -> None:
        """Size, form and layout of the cards have changed."""
        for card in self.cards:
            card.read_settings()
        self._show_seen()

    def show_differences(self, selected: RankingCard | None) -> None:
        """In every other card, highlight what differs from the selected one, if the labeler wants that."""
        wanted = user_settings.card_view("differences") and selected is not None
        for card in self.seen:
            if wanted and selected is not None and (card is not selected or len(self.seen) == 2):
                other = selected if card is not selected else next(c for c in self.seen if c is not selected)
                card.mark(differences(other.text.toPlainText(), card.text.toPlainText()))
            else:
                card.mark([])

    @property
    def _extra(self) -> int:
        """Pixels by which the text is larger in so wide a window."""
        return sum(self.width() >= width for width in LARGER_FROM)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        for card in self.cards:
            if card.extra != self._extra:
                card.extra = self._extra
                card.read_settings()
        self._arrange()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._arrange()

    def _arrange(self) -> None:
        room = self.viewport().size()
        cards = self.seen
        if not cards:
            self._page.resize(room.width(), 1)
        elif self.single:
            self._lay_alone(cards[0], room)
        elif user_settings.card_view("stacked"):
            self._stack(cards, room)
        else:
            self._lay_in_rows(cards, room)

    def _lay_alone(self, card: RankingCard, room: QSize) -> None:
        self.columns = 1
        letters = theme.enlarged(user_settings.font_size() + card.extra)
        width = min(room.width(), max(MIN_SIZE.width(), LINE * letters))
        card.setGeometry(QRect((room.width() - width) // 2, 0, width, room.height()))
        self._page.resize(room)

    def _stack(self, cards: list[RankingCard], room: QSize) -> None:
        self.columns = 1
        top = 0
        share = (room.height() - GAP * (len(cards) - 1)) // len(cards)
        for card in cards:
            wanted = self._text_height(card, room.width()) + theme.widened(FRAME)
            height = max(110, min(wanted, max(STACKED, share)))
            card.setMinimumHeight(0)
            card.setGeometry(QRect(0, top, room.width(), height))
            top += height + GAP
        self._page.resize(room.width(), top - GAP)

    def _lay_in_rows(self, cards: list[RankingCard], room: QSize) -> None:
        count = len(cards)
        self.columns = max(1, min(COLUMNS.get(count, 4), (room.width() + GAP) // (MIN_SIZE.width() + GAP)))
        width, wanted = self._wanted(cards, room)
        if self.columns < count and sum(wanted) > self._height_of(len(wanted), room):
            more = max(self.columns, min(count, (room.width() + GAP) // (READABLE + GAP)))
            if more != self.columns:
                self.columns = more
                width, wanted = self._wanted(cards, room)
        top = 0
        for row, height in enumerate(shares(wanted, self._height_of(len(wanted), room))):
            for column, card in enumerate(cards[row * self.columns : (row + 1) * self.columns]):
                card.setGeometry(QRect(column * (width + GAP), top, width, height))
            top += height + GAP
        self._page.resize(room.width(), top - GAP)

    def _height_of(self, rows: int, room: QSize) -> int:
        """Of so many rows together, without the gaps between them."""
        return room.height() - GAP * (rows - 1)

    def _wanted(self, cards: list[RankingCard], room: QSize) -> tuple[int, list[int]]:
        """How wide a card is, and how tall each row has to be to show all of its texts."""
        width = (room.width() - GAP * (self.columns - 1)) // self.columns
        heights = [self._text_height(card, width) + theme.widened(FRAME) for card in cards]
        return width, [max(heights[first : first + self.columns]) for first in range(0, len(cards), self.columns)]

    def _text_height(self, card: RankingCard, width: int) -> int:
        card.text.ensurePolished()  # before it is shown it has another font, and so another height
        document = card.text.document().clone()
        document.setTextWidth(width - 30)
        height = int(document.size().height())
        document.deleteLater()
        return height + (theme.widened(26) if card.foot.text() else 0)


def shares(wanted: list[int], room: int) -> list[int]:
    """The height of each row: what it wants where that is there, and what is left by rows that want less."""
    share, left = room // len(wanted), room
    found = [0] * len(wanted)
    for done, row in enumerate(sorted(range(len(wanted)), key=wanted.__getitem__)):
        least = max(wanted[row], round(share * LEAST_SHARE))
        found[row] = max(MIN_SIZE.height(), min(least, left // (len(wanted) - done)))
        left -= found[row]
    return found
