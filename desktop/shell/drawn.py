"""Where something is drawn on a page, so that what lies over it can keep clear of that."""

from collections.abc import Iterator

from PySide6.QtCore import QPoint, QRect
from PySide6.QtWidgets import QAbstractScrollArea, QLabel, QScrollArea, QSplitterHandle, QWidget


def drawn_on(page: QWidget, *but: QWidget) -> list[QRect]:
    """What of each piece is seen, in the page's places: texts, fields, charts, but not what only holds them."""
    return list(_drawn(page, QPoint(0, 0), page.rect(), but))


def _drawn(widget: QWidget, at: QPoint, clip: QRect, but: tuple[QWidget, ...]) -> Iterator[QRect]:
    empty = True
    for child in widget.children():
        if isinstance(child, QWidget) and child.isVisible() and not child.isWindow() and child not in but:
            empty = False
            place = at + child.pos()
            if seen := _seen(child, place, clip):
                yield from _drawn(child, place, seen, but)
    if empty and not _is_blank(widget):
        yield clip


def _seen(widget: QWidget, at: QPoint, clip: QRect) -> QRect | None:
    seen = QRect(at, widget.size()).intersected(clip)
    return None if seen.isEmpty() else seen


def _is_blank(widget: QWidget) -> bool:
    """Is it there only for the room, or without a text yet? What scrolls by itself is drawn on its viewport."""
    if isinstance(widget, QLabel):
        return not widget.text() and widget.pixmap().isNull()
    if isinstance(widget, QSplitterHandle):
        return True
    above = widget.parentWidget()
    of_area = isinstance(above, QAbstractScrollArea) and not isinstance(above, QScrollArea)
    return type(widget) is QWidget and not of_area
