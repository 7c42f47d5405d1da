"""The last two minutes of one number as a small line, in the theme's colours."""

from collections import deque

from PySide6.QtCore import QPointF, QRectF, QSize
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.theme import theme

#: Values that are kept: one a second.
KEPT = 120


class Sparkline(QWidget):
    """Newest on the right. Its top is `top`, or the largest value seen where there is none."""

    def __init__(self, top: float | None = 1.0) -> None:
        super().__init__()
        self.top = top
        self.values: deque[float | None] = deque(maxlen=KEPT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumWidth(80)
        theme.notifier.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        return QSize(140, 26)

    def add(self, value: float | None) -> None:
        """None is a gap."""
        self.values.append(value)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colours = theme.current()
        area = QRectF(self.rect()).adjusted(1, 3, -1, -3)
        painter.setPen(QPen(QColor(colours.line), 1))
        painter.drawLine(area.bottomLeft(), area.bottomRight())
        painter.setPen(QPen(QColor(colours.series[0]), 1.5))
        for part in self._parts(area):
            if part.size() == 1:
                painter.drawPoint(part.first())
            painter.drawPolyline(part)

    def _parts(self, area: QRectF) -> list[QPolygonF]:
        """The lines between the gaps."""
        top = self.top or max((value for value in self.values if value is not None), default=0.0) or 1.0
        first = KEPT - len(self.values)
        parts = [QPolygonF()]
        for place, value in enumerate(self.values, first):
            if value is None:
                parts.append(QPolygonF())
                continue
            x = area.left() + area.width() * place / (KEPT - 1)
            parts[-1].append(QPointF(x, area.bottom() - area.height() * min(value / top, 1.0)))
        return [part for part in parts if not part.isEmpty()]
