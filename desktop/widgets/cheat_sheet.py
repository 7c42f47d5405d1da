"""The keys of the Rank tab on one sheet, over the cards; any key or click puts it away."""

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QVBoxLayout, QWidget

from desktop.widgets.ranking_card import mix
from desktop.widgets.ranking_keys import SHEET


class Sheet(QFrame):
    """The panel in the middle."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("sheet")
        grid = QGridLayout(self)
        grid.setContentsMargins(32, 26, 32, 26)
        grid.setHorizontalSpacing(28)
        grid.setVerticalSpacing(7)
        rows = [0, 0]
        half = sum(len(keys) + 1 for _, keys in SHEET) / 2
        for title, keys in SHEET:
            side = 0 if rows[0] + len(keys) / 2 < half else 1
            heading = QLabel(title, self)
            heading.setProperty("role", "heading")
            heading.setContentsMargins(0, 10 if rows[side] else 0, 0, 2)
            heading.setMinimumHeight(heading.sizeHint().height())
            grid.addWidget(heading, rows[side], 2 * side, 1, 2)
            for place, (key, meaning) in enumerate(keys, start=rows[side] + 1):
                grid.addWidget(QLabel(key, self), place, 2 * side)
                grid.addWidget(QLabel(meaning, self), place, 2 * side + 1)
            rows[side] += len(keys) + 1
        row = max(rows)
        mouse = QLabel("Mouse: drag a card into a row of the ladder, between two rows, or onto a card to tie.", self)
        mouse.setProperty("role", "muted")
        mouse.setContentsMargins(0, 12, 0, 0)
        grid.addWidget(mouse, row, 0, 1, 4)

    def paintEvent(self, event: QPaintEvent) -> None:
        base, ink = self.palette().color(QPalette.ColorRole.Base), self.palette().color(QPalette.ColorRole.Text)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(mix(base, ink, 0.2), 1))
        painter.setBrush(base)
        painter.drawRoundedRect(self.rect().adjusted(1, 1, -1, -1), 12, 12)


class CheatSheet(QWidget):
    """Covers its parent while it is shown; the focus then goes back to `worker`."""

    def __init__(self, parent: QWidget, worker: QWidget) -> None:
        super().__init__(parent)
        self._under = parent
        self._worker = worker
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        layout = QVBoxLayout(self)
        layout.addWidget(Sheet(self), 0, Qt.AlignmentFlag.AlignCenter)
        parent.installEventFilter(self)
        self.hide()

    def toggle(self) -> None:
        self.setGeometry(self._under.rect())
        self.setVisible(not self.isVisible())
        self.raise_()
        if self.isVisible():
            self.setFocus()
        else:
            self._worker.setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self.setGeometry(self._under.rect())
        return super().eventFilter(watched, event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() not in (Qt.Key.Key_Shift, Qt.Key.Key_Control, Qt.Key.Key_Alt):
            self.toggle()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.toggle()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        shade = QColor(self.palette().color(QPalette.ColorRole.Window))
        shade.setAlpha(190)
        painter.fillRect(self.rect(), shade)
