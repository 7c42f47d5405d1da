"""The line between the prompt and the cards: dragged, it gives the prompt more room or less."""

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.rank.keys import BINDINGS
from desktop.theme import theme

HEIGHT = 6
WIDTH = 44


class PromptGrip(QWidget):
    """`moved` carries how many pixels lower the line is to be, `reset` asks for the room that the prompt has by
    itself."""

    moved = Signal(int)
    reset = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._at: int | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.SplitVCursor)
        more, less = BINDINGS["prompt_larger"].shown, BINDINGS["prompt_smaller"].shown
        self.setToolTip(f"Drag it for more or less of the prompt ({more}, {less}); a double click: as much as it needs")
        theme.notifier.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        return QSize(WIDTH, HEIGHT)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._at = event.globalPosition().toPoint().y()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        where = event.globalPosition().toPoint().y()
        if self._at is not None and where != self._at:
            step, self._at = where - self._at, where
            self.moved.emit(step)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._at = None

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self._at = None
        self.reset.emit()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.current().line))
        painter.drawRoundedRect(QRectF((self.width() - WIDTH) / 2, 1, WIDTH, HEIGHT - 2), 2, 2)
