"""Beside the guide's text: its contents as a tree, or what was found in it."""

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter
from PySide6.QtWidgets import (
    QListWidget,
    QListWidgetItem,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeWidget,
    QTreeWidgetItem,
)

from desktop.guide import book
from desktop.guide.book import Hit
from desktop.theme import theme
from desktop.theme.theme import SMALL, SPACE

PLACE = Qt.ItemDataRole.UserRole
Index = QModelIndex | QPersistentModelIndex


class Contents(QTreeWidget):
    """Pages and their headings; those of the page that is shown are unfolded."""

    chosen = Signal(str, str)
    """A page, and the anchor of a heading; without one for its beginning."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Contents of the guide")
        self.setHeaderHidden(True)
        self.setColumnCount(1)
        self.setIndentation(2 * SPACE)
        self.setExpandsOnDoubleClick(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.items: dict[str, list[QTreeWidgetItem]] = {page: self._page(page) for page in book.PAGES}
        self.itemClicked.connect(self._choose)
        self.itemActivated.connect(self._choose)

    def show_place(self, page: str, heading: int) -> None:
        """Select what is read in the text."""
        for name, items in self.items.items():
            items[0].setExpanded(name == page)
        if page in self.items:
            self.setCurrentItem(self.items[page][heading])

    def _page(self, page: str) -> list[QTreeWidgetItem]:
        """The items of a page, in the order of its headings."""
        items: list[QTreeWidgetItem] = []
        above: dict[int, QTreeWidgetItem] = {}
        for section in book.contents(page):
            item = QTreeWidgetItem([section.title])
            item.setToolTip(0, section.title)
            item.setData(0, PLACE, (page, section.anchor if items else ""))
            if items:
                above[max(level for level in above if level < section.level)].addChild(item)
            else:
                self.addTopLevelItem(item)
            above = {level: each for level, each in above.items() if level < section.level} | {section.level: item}
            items.append(item)
        return items

    def _choose(self, item: QTreeWidgetItem) -> None:
        self.chosen.emit(*item.data(0, PLACE))


class Results(QListWidget):
    """What was found: where it stands, and some words around it with what was looked for marked."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("What was found")
        self.setUniformItemSizes(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setItemDelegate(_HitRow(self))
        self.query = ""

    def show_hits(self, query: str, hits: list[Hit]) -> None:
        self.query = query
        self.clear()
        for hit in hits:
            item = QListWidgetItem()
            item.setData(PLACE, hit)
            item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{hit.where}: {hit.excerpt}")
            item.setToolTip(hit.where)
            self.addItem(item)
        self.setCurrentRow(0)


class _HitRow(QStyledItemDelegate):
    """Painted: where it stands in one line, and two lines of words under it."""

    def __init__(self, results: Results) -> None:
        super().__init__(results)
        self.results = results

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(0, option.fontMetrics.lineSpacing() + 2 * QFontMetrics(_small(option)).lineSpacing() + 2 * SPACE)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        super().paint(painter, option, index)  # the ground; the item has no text of its own
        hit, room = index.data(PLACE), QRect(option.rect).adjusted(SPACE, SPACE, -SPACE, -SPACE)
        painter.save()
        painter.setFont(option.font)
        painter.setPen(QColor(theme.current().text))
        title = option.fontMetrics.elidedText(hit.where, Qt.TextElideMode.ElideMiddle, room.width())
        painter.drawText(room, Qt.AlignmentFlag.AlignTop, title)
        room.setTop(room.top() + option.fontMetrics.lineSpacing())
        self._paint_words(painter, room, hit.excerpt, _small(option))
        painter.restore()

    def _paint_words(self, painter: QPainter, room: QRect, words: str, font: QFont) -> None:
        """Two lines, each piece of a word that was looked for on the accent's ground."""
        metrics, colours = QFontMetrics(font), theme.current()
        marks = book.pattern(self.results.query)
        painter.setFont(font)
        x, y, line = room.left(), room.top() + metrics.ascent(), 1
        for word in words.split():
            width = metrics.horizontalAdvance(word)
            if x + width > room.right() and x > room.left():
                if line == 2:
                    return
                x, y, line = room.left(), y + metrics.lineSpacing(), line + 1
            for span in marks.finditer(word) if marks else ():
                begin = x + metrics.horizontalAdvance(word[: span.start()])
                painter.fillRect(begin, y - metrics.ascent(), metrics.horizontalAdvance(span[0]), metrics.height(),
                                 QColor(colours.accent_soft))  # fmt: skip
            painter.setPen(QColor(colours.accent if marks and marks.search(word) else colours.muted))
            painter.drawText(x, y, word)
            x += width + metrics.horizontalAdvance(" ")


def _small(option: QStyleOptionViewItem) -> QFont:
    font = QFont(option.font)
    font.setPixelSize(theme.sized(SMALL))
    return font
