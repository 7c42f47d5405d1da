"""The keys of a page on one sheet, over what they do; any key or click puts it away."""

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QFrame, QGridLayout, QVBoxLayout, QWidget

from desktop.widgets.basics import column, label, row
from desktop.widgets.key_rows import KeySection
from desktop.widgets.letter_chip import mix


class Sheet(QFrame):
    """The panel in the middle; `mouse` is what can be done without a key."""

    def __init__(self, sections: tuple[KeySection, ...], mouse: str, parent: QWidget | None) -> None:
        super().__init__(parent)
        self.setObjectName("sheet")
        grids = (QGridLayout(), QGridLayout())  # each side has rows of its own: a heading makes none taller beside it
        for grid in grids:
            grid.setHorizontalSpacing(20)
            grid.setVerticalSpacing(7)
        rows = [0, 0]
        half = sum(len(section.rows) + 1 for section in sections) / 2
        for section in sections:
            side = 0 if rows[0] + len(section.rows) / 2 < half else 1
            heading = label(section.title, "heading")
            heading.setContentsMargins(0, 10 if rows[side] else 0, 0, 2)
            grids[side].addWidget(heading, rows[side], 0, 1, 2)
            for place, line in enumerate(section.rows, start=rows[side] + 1):
                grids[side].addWidget(label(line.keys), place, 0)
                grids[side].addWidget(label(line.meaning), place, 1)
            rows[side] += len(section.rows) + 1
        more = label(mouse, "muted")
        more.setContentsMargins(0, 12, 0, 0)
        sides = row(*(column(grid, None, spacing=0) for grid in grids), spacing=28)
        whole = column(sides, more, spacing=7)
        whole.setContentsMargins(32, 26, 32, 26)
        self.setLayout(whole)

    def paintEvent(self, event: QPaintEvent) -> None:
        base, ink = self.palette().color(QPalette.ColorRole.Base), self.palette().color(QPalette.ColorRole.Text)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(mix(base, ink, 0.2), 1))
        painter.setBrush(base)
        painter.drawRoundedRect(self.rect().adjusted(1, 1, -1, -1), 12, 12)


class CheatSheet(QWidget):
    """Covers its parent while it is shown; the focus then goes back to `worker`."""

    def __init__(self, parent: QWidget, worker: QWidget, sections: tuple[KeySection, ...], mouse: str) -> None:
        super().__init__(parent)
        self._under = parent
        self._worker = worker
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        layout = QVBoxLayout(self)
        layout.addWidget(Sheet(sections, mouse, self), 0, Qt.AlignmentFlag.AlignCenter)
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
