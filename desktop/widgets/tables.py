"""Tables as they look everywhere: no grid, no row numbers, headers on the left; Tab goes on to the next field, and
what is cut can be read as a tip."""

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor, QHelpEvent, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QTableWidget,
    QTableWidgetItem,
    QToolTip,
)

from core.texts import one_line
from desktop.theme import theme
from desktop.widgets.growing import keep_rows
from desktop.widgets.strangers import tip

Index = QModelIndex | QPersistentModelIndex

ROW = 28


class RowFocus(QStyledItemDelegate):
    """The keyboard is at a row, not at a cell: where that is not the selected one, lines above and below mark it."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        super().paint(painter, option, index)
        view = self.parent()
        assert isinstance(view, QTableView)
        here = view.hasFocus() and index.row() == view.currentIndex().row()
        if here and not view.selectionModel().isRowSelected(index.row()):
            painter.setPen(QColor(theme.current().accent))
            painter.drawLine(option.rect.topLeft(), option.rect.topRight())
            painter.drawLine(option.rect.bottomLeft(), option.rect.bottomRight())

    def helpEvent(self, event: QHelpEvent, view: QAbstractItemView, option: QStyleOptionViewItem, index: Index) -> bool:
        """What is cut is its own tip, where there is no other."""
        if index.data(Qt.ItemDataRole.ToolTipRole) or self.sizeHint(option, index).width() <= option.rect.width():
            return super().helpEvent(event, view, option, index)
        QToolTip.showText(event.globalPos(), tip(str(index.data())), view)
        return True


def plain(view: QTableView, name: str) -> None:
    """Give a table its look, and its name for screen readers."""
    view.setAccessibleName(name)
    view.setShowGrid(False)
    view.setWordWrap(False)
    view.setTabKeyNavigation(False)
    view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    view.setItemDelegate(RowFocus(view))
    view.selectionModel().currentRowChanged.connect(lambda: view.viewport().update())
    view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    view.verticalHeader().hide()
    keep_rows(view, ROW)
    header = view.horizontalHeader()
    header.setHighlightSections(False)
    header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)


def table(name: str, columns: tuple[str, ...]) -> QTableWidget:
    """An empty table with these columns."""
    found = QTableWidget(0, len(columns))
    found.setHorizontalHeaderLabels(columns)
    plain(found, name)
    return found


def fill(found: QTableWidget, rows: list[tuple[str, ...]]) -> None:
    """Show these rows and no others, each cell on one line with its whole text as a tip."""
    found.setRowCount(len(rows))
    for place, texts in enumerate(rows):
        for number, text in enumerate(texts):
            line = one_line(text)
            item = QTableWidgetItem(line)
            if line != text:
                item.setToolTip(tip(text))
            found.setItem(place, number, item)
