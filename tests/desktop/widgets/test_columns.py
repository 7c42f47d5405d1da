"""Widths of columns, and figures side by side: what is compared is never cut, however large the text."""

import pytest
from PySide6.QtCore import QEvent, QPoint, QSize
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import QApplication, QLabel, QToolTip, QWidget

from desktop.theme import theme
from desktop.widgets.columns import keep_columns
from desktop.widgets.flowing import Flowing
from desktop.widgets.tables import fill, table

NAME = "a rather long name of a labeler, with what it prefers"
ROW = (NAME, "0.62 (0.53, 0.70)", "1,234,567")


@pytest.fixture
def shown(qtbot):
    found = table("Agreement", ("Labeler", "Krippendorff's alpha", "n"))
    qtbot.addWidget(found)
    theme.dress(found)
    keep_columns(found, {1: 60, 2: 60})
    fill(found, [ROW])
    found.resize(700, 200)
    found.show()
    yield found
    theme.apply(QApplication.instance(), "light")


def is_whole(view, column):
    """Is there room for the heading and the cell, as the font measures them?"""
    heading, header = view.horizontalHeaderItem(column).text(), view.horizontalHeader()
    width = view.columnWidth(column)
    words = view.fontMetrics().horizontalAdvance(view.item(0, column).text())
    return header.fontMetrics().horizontalAdvance(heading) < width and words < width


def test_numbers_and_headings_are_whole_and_a_narrow_table_scrolls(shown, qtbot):
    for times in (1.0, 1.5, 2.0):
        theme.enlarge(QApplication.instance(), times)
        qtbot.waitUntil(lambda: is_whole(shown, 1) and is_whole(shown, 2))
    assert shown.horizontalScrollBar().maximum() > 0 and shown.columnWidth(0) >= 2 * 160
    theme.enlarge(QApplication.instance(), 1.0)
    qtbot.waitUntil(lambda: sum(map(shown.columnWidth, range(3))) == shown.viewport().width())
    shown.setColumnWidth(1, 90)
    shown.resize(900, 200)
    assert shown.columnWidth(1) == 90, "as somebody drew it"
    assert sum(map(shown.columnWidth, range(3))) == shown.viewport().width()


def test_what_is_cut_is_read_as_a_tip(shown, qtbot):
    shown.resize(400, 200)

    def tip(column):
        QToolTip.hideText()
        place = shown.visualRect(shown.model().index(0, column)).center()
        QApplication.sendEvent(shown.viewport(), QHelpEvent(QEvent.Type.ToolTip, place, QPoint(9, 9)))
        return QToolTip.text() if QToolTip.isVisible() else ""

    assert tip(0) == NAME
    qtbot.waitUntil(lambda: tip(1) == "")


def test_figures_take_as_many_rows_as_they_need(qtbot):
    class Figure(QLabel):
        def sizeHint(self):
            return QSize(100, 20)

        def minimumSizeHint(self):
            return QSize(10, 20)

    parts, ground = [Figure(f"figure {number}") for number in range(5)], QWidget()
    found = Flowing(*parts, spacing=20)
    found.setParent(ground)
    qtbot.addWidget(ground)
    ground.show()

    def rows():
        places = {}
        for part in parts:
            if part.isVisible():
                places.setdefault(part.y(), []).append(part.text()[-1])
        return ["".join(places[y]) for y in sorted(places)]

    for width, expected in ((580, ["01234"]), (579, ["012", "34"]), (230, ["01", "23", "4"]), (90, list("01234"))):
        found.resize(width, 400)
        qtbot.waitUntil(lambda expected=expected: rows() == expected)
    parts[1].hide()
    found.resize(460, 400)
    qtbot.waitUntil(lambda: rows() == ["0234"])
