"""The cards of one item, in rows of one height: as tall as the longest text needs, at most as the window allows."""

from PySide6.QtCore import QEvent, QRect, QSize
from PySide6.QtGui import QResizeEvent, Qt
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget

from core.records import Group
from desktop.widgets.ordering import Ordering, letter
from desktop.widgets.ranking_card import MIN_SIZE, RankingCard

GAP = 12
#: Columns that look best for so many cards; a narrow window shows fewer.
COLUMNS = {1: 1, 2: 2, 3: 3, 4: 2, 5: 3, 6: 3, 9: 3}
#: What a card has beside its text: margins and the row with its letter.
FRAME = 76


class CardGrid(QScrollArea):
    """`cards` are in the shown order."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.cards: list[RankingCard] = []
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

    def show_group(self, group: Group | None, ordering: Ordering) -> list[RankingCard]:
        """Make the cards of `group` in the order of `ordering.shown`."""
        for card in self.cards:
            card.setParent(None)
            card.deleteLater()
        texts = {item.id: item for item in group.completions} if group else {}
        self.cards = [
            RankingCard(texts[item], letter(index), self._page)
            for index, item in enumerate(ordering.shown)
            if item in texts
        ]
        self._arrange()
        for card in self.cards:
            card.show()
        self.verticalScrollBar().setValue(0)
        return self.cards

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._arrange()

    def _arrange(self) -> None:
        count = len(self.cards)
        room = self.viewport().size()
        if not count:
            self._page.resize(room.width(), 1)
            return
        self.columns = max(1, min(COLUMNS.get(count, 4), (room.width() + GAP) // (MIN_SIZE.width() + GAP)))
        rows = -(-count // self.columns)
        width = (room.width() - GAP * (self.columns - 1)) // self.columns
        wanted = max(self._text_height(card, width) for card in self.cards) + FRAME
        share = (room.height() - GAP * (rows - 1)) // rows
        height = max(MIN_SIZE.height(), min(max(wanted, round(share * 0.55)), share))
        for index, card in enumerate(self.cards):
            row, column = divmod(index, self.columns)
            card.setGeometry(QRect(column * (width + GAP), row * (height + GAP), width, height))
        self._page.resize(room.width(), rows * (height + GAP) - GAP)

    def _text_height(self, card: RankingCard, width: int) -> int:
        document = card.text.document().clone()
        document.setTextWidth(width - 30)
        height = int(document.size().height())
        document.deleteLater()
        return height + (0 if card.completion.ended else 26)
