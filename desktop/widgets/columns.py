"""How wide a table's columns are: what is compared is read whole, what is read shares the rest, and where there is too
little room the table scrolls sideways."""

from collections.abc import Mapping

from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView
from shiboken6 import isValid

from desktop.theme import theme

#: Pixels, where text has its usual size, that a column of texts has at least, and that another one has at most.
LEAST, MOST = 160, 260


def keep_columns(view: QTableView, pixels: Mapping[int, int]) -> None:
    """Columns in `pixels` are as wide as the widest of what is seen in them, and at least so many pixels where text has
    its usual size; the others share the rest. One that somebody drew to another width stays so until text has another
    size."""
    _Columns(view, pixels)


class _Columns(QObject):
    """Goes with its table."""

    def __init__(self, view: QTableView, pixels: Mapping[int, int]) -> None:
        super().__init__(view)
        self._view, self._pixels = view, pixels
        self._drawn: dict[int, int] = {}
        self._fitting = self._asked = False
        header = view.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setResizeContentsPrecision(0)  # rows that are not seen are not fetched for it
        header.sectionResized.connect(self._draw)
        view.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        view.viewport().installEventFilter(self)
        model = view.model()
        for changed in (
            model.modelReset, model.dataChanged, model.rowsInserted, model.rowsRemoved, model.headerDataChanged
        ):  # fmt: skip
            changed.connect(self._later)
        theme.notifier.changed.connect(self._grow)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Resize, QEvent.Type.Show):
            self.fit()
        return False

    def _draw(self, column: int, before: int, width: int) -> None:
        if not self._fitting:
            self._drawn[column] = width

    def _grow(self) -> None:
        self._drawn.clear()
        self.fit()

    def _later(self) -> None:
        """Once all that is changing has changed."""
        if not self._asked:
            self._asked = True
            QTimer.singleShot(0, self, self.fit)

    def fit(self) -> None:
        self._asked = False
        if self._fitting or not isValid(self._view) or not self._view.isVisible():
            return  # what is not seen is not read: its project may be closed by now
        self._fitting = True
        header, shared = self._view.horizontalHeader(), []
        left = self._view.viewport().width()
        for column in range(header.count()):
            if column in self._drawn:
                left -= self._drawn[column]
            elif column in self._pixels:
                header.resizeSection(column, self._whole(column))
                left -= header.sectionSize(column)
            else:
                shared.append(column)
        for place, column in enumerate(shared):
            width = max(left // (len(shared) - place), theme.widened(LEAST))
            header.resizeSection(column, width)
            left -= width
        self._fitting = False

    def _whole(self, column: int) -> int:
        contents = min(self._view.sizeHintForColumn(column), theme.widened(MOST))
        return max(contents, self._view.horizontalHeader().sectionSizeHint(column), theme.widened(self._pixels[column]))
