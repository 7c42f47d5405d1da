"""Widgets side by side, in as many rows as they take: none is cut while there is room below."""

from math import ceil

from PySide6.QtCore import QEvent, QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QWidget

from desktop.theme.theme import SPACE


class Flowing(QWidget):
    """In columns, each as wide as the widest in it."""

    def __init__(self, *parts: QWidget, spacing: int = 3 * SPACE) -> None:
        super().__init__()
        self._parts = parts
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(spacing)
        self._grid.setVerticalSpacing(SPACE)
        self._lies: tuple[list[QWidget], int] = ([], 0)
        self._place(list(parts), len(parts))

    def minimumSizeHint(self) -> QSize:
        """No narrower than the widest of them."""
        return QSize(max(part.minimumSizeHint().width() for part in self._parts), super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.LayoutRequest:  # one is shown, hidden, or says something else
            self._fit()
        return super().event(event)

    def _fit(self) -> None:
        parts = [part for part in self._parts if not part.isHidden()]
        fitting = (count for count in range(len(parts), 1, -1) if self._width(parts, count) <= self.width())
        rows = ceil(len(parts) / next(fitting, 1))
        self._place(parts, max(1, ceil(len(parts) / max(1, rows))))  # rather 3 and 2 than 4 and 1

    def _width(self, parts: list[QWidget], columns: int) -> int:
        widths = [part.sizeHint().width() for part in parts]
        widest = [max(widths[place::columns]) for place in range(columns)]
        return sum(widest) + self._grid.horizontalSpacing() * (columns - 1)

    def _place(self, parts: list[QWidget], columns: int) -> None:
        if self._lies == (parts, columns):
            return
        self._lies = (parts, columns)
        for part in self._parts:
            self._grid.removeWidget(part)
        for place, part in enumerate(parts):
            self._grid.addWidget(part, place // columns, place % columns)
        for column in range(len(self._parts) + 1):
            self._grid.setColumnStretch(column, int(column == columns))
