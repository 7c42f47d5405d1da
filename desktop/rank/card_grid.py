"""The cards of one item: side by side in rows of one height, or stacked, each as tall as its text needs.

Side by side a card is at most as tall as the window allows, stacked at most `STACKED`; longer texts scroll inside.
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

GAP = 12
#: Columns that look best for so many cards; a narrow window shows fewer.
COLUMNS = {1: 1, 2: 2, 3: 3, 4: 2, 5: 3, 6: 3, 9: 3}
#: What a card has beside its text: margins and the row with its letter.
FRAME = 76
STACKED = 340


class CardGrid(QScrollArea):
    """`cards` are in the shown order. The signals are those of the cards, with the completion's id."""

    picked = Signal(int)
    toggled = Signal(int)
    flagging = Signal(int)
    dropped = Signal(int, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.cards: list[RankingCard] = []
        self._only: tuple[int, ...] | None = None
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
        self._only = None
        self._arrange()
        for card in self.cards:
            card.show()
        self.verticalScrollBar().setValue(0)

    def _made(self, completion: Completion) -> RankingCard:
        card = RankingCard(completion, letter(len(self.cards)), self._page)
        card.picked.connect(self.picked)
        card.toggled.connect(self.toggled)
        card.flagging.connect(self.flagging)
        card.dropped.connect(self.dropped)
        return card

    @property
    def seen(self) -> list[RankingCard]:
        """The cards that are not put aside by `show_only`."""
        return [card for card in self.cards if self._only is None or card.completion.id in self._only]

    def show_only(self, items: tuple[int, ...] | None) -> None:
        """Put all cards but these aside; None shows all."""
        if items != self._only:
            self._only = items
            for card in self.cards:
                card.setVisible(items is None or card.completion.id in items)
            self._arrange()
            self.verticalScrollBar().setValue(0)

    def read_settings(self) -> None:
        """Size, form and layout of the cards have changed."""
        for card in self.cards:
            card.read_settings()
        self._arrange()

    def show_differences(self, selected: RankingCard | None) -> None:
        """In every other card, highlight what differs from the selected one, if the labeler wants that."""
        wanted = user_settings.card_view("differences") and selected is not None
        for card in self.seen:
            if wanted and selected is not None and (card is not selected or len(self.seen) == 2):
                other = selected if card is not selected else next(c for c in self.seen if c is not selected)
                card.mark(differences(other.text.toPlainText(), card.text.toPlainText()))
            else:
                card.mark([])

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
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
        elif user_settings.card_view("stacked"):
            self._stack(cards, room)
        else:
            self._lay_in_rows(cards, room)

    def _stack(self, cards: list[RankingCard], room: QSize) -> None:
        self.columns = 1
        top = 0
        share = (room.height() - GAP * (len(cards) - 1)) // len(cards)
        for card in cards:
            wanted = self._text_height(card, room.width()) + FRAME
            height = max(110, min(wanted, max(STACKED, share)))
            card.setMinimumHeight(0)
            card.setGeometry(QRect(0, top, room.width(), height))
            top += height + GAP
        self._page.resize(room.width(), top - GAP)

    def _lay_in_rows(self, cards: list[RankingCard], room: QSize) -> None:
        count = len(cards)
        self.columns = max(1, min(COLUMNS.get(count, 4), (room.width() + GAP) // (MIN_SIZE.width() + GAP)))
        rows = -(-count // self.columns)
        width = (room.width() - GAP * (self.columns - 1)) // self.columns
        wanted = max(self._text_height(card, width) for card in cards) + FRAME
        share = (room.height() - GAP * (rows - 1)) // rows
        height = max(MIN_SIZE.height(), min(max(wanted, round(share * 0.55)), share))
        for index, card in enumerate(cards):
            row, column = divmod(index, self.columns)
            card.setGeometry(QRect(column * (width + GAP), row * (height + GAP), width, height))
        self._page.resize(room.width(), rows * (height + GAP) - GAP)

    def _text_height(self, card: RankingCard, width: int) -> int:
        card.text.ensurePolished()  # before it is shown it has another font, and so another height
        document = card.text.document().clone()
        document.setTextWidth(width - 30)
        height = int(document.size().height())
        document.deleteLater()
        return height + (26 if card.foot.text() else 0)
