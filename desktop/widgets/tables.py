"""Tables as they look everywhere: no grid, no row numbers, headers on the left; Tab goes on to the next field."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractItemView, QTableView, QTableWidget, QTableWidgetItem

ROW = 32


def plain(view: QTableView, name: str) -> None:
    """Give a table its look, and its name for screen readers."""
    view.setAccessibleName(name)
    view.setShowGrid(False)
    view.setWordWrap(False)
    view.setTabKeyNavigation(False)
    view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    view.verticalHeader().hide()
    view.verticalHeader().setDefaultSectionSize(ROW)
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
            line = " ".join(text.split())[:400]
            item = QTableWidgetItem(line)
            if line != text:
                item.setToolTip(text[:2000])
            found.setItem(place, number, item)
