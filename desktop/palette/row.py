"""A command as a row of a list, painted: a hundred rows of widgets would take longer than typing the next letter."""

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem

from desktop.theme import theme
from desktop.theme.theme import SMALL, SPACE

HEIGHT = 36
#: Pixels for where a command belongs: a path may be longer. And between what stands in a row.
WHERE, BETWEEN = 260, 14
Index = QModelIndex | QPersistentModelIndex


class CommandRow(QStyledItemDelegate):
    """Its name at the left; at the right, dimmed, where it belongs and its keys."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(0, HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        super().paint(painter, option, index)  # the ground; the item has no text of its own
        command = index.data(Qt.ItemDataRole.UserRole)
        room = QRect(option.rect).adjusted(2 * SPACE, 0, -2 * SPACE, 0)
        small = QFont(option.font)
        small.setPixelSize(theme.sized(SMALL))
        painter.save()
        painter.setFont(small)
        painter.setPen(QColor(theme.current().muted))
        for text in (command.keys, command.where):
            if text:
                shown = QFontMetrics(small).elidedText(text, Qt.TextElideMode.ElideMiddle, WHERE)
                painter.drawText(room, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, shown)
                room.setRight(room.right() - QFontMetrics(small).horizontalAdvance(shown) - BETWEEN)
        painter.setFont(option.font)
        painter.setPen(QColor(theme.current().text))
        name = option.fontMetrics.elidedText(command.name, Qt.TextElideMode.ElideRight, room.width())
        painter.drawText(room, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, name)
        painter.restore()
