"""A line on a plot that paints anew only what differs: a step that is added to 100,000 costs what its pixels cost."""

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter, QPainterPath, QPen, QTransform

from desktop.widgets.series import Array

#: Longer lines are drawn without antialiasing: beyond, a repaint costs tens of milliseconds.
SMOOTH_EDGES = 400
#: A line that goes so many pixels up or down from point to point is a band: one thin stroke is enough.
BAND = 4
#: Pixels that a stroke reaches beyond its points.
REACH = 3


class Stroke(pg.GraphicsObject):
    """A long thick line is drawn as two thin strokes, which cost a tenth of a thick one."""

    def __init__(self) -> None:
        super().__init__()
        self._x, self._y = np.zeros(0), np.zeros(0)
        self._pen = QPen()
        self._area = QRectF()
        self._path: QPainterPath | None = None

    def set_pen(self, pen: QPen) -> None:
        self._pen = pen
        self.update()

    def show_line(self, x: Array, y: Array, area: QRectF) -> None:
        """Draw these points; `area` is what of the plot is seen."""
        if area != self._area:
            self.prepareGeometryChange()
            self._area = area
            self.update()
        else:
            shared = min(len(x), len(self._x))
            differ = (x[:shared] != self._x[:shared]) | (y[:shared] != self._y[:shared])
            first = int(differ.argmax()) if differ.any() else shared
            if first < max(len(x), len(self._x)):
                begin = min((side[max(first - 1, 0)] for side in (x, self._x) if len(side) >= max(first, 1)), default=0)
                left = max(begin - REACH * self.pixelWidth(), area.left())
                self.update(QRectF(left, area.top(), area.right() - left, area.height()))
        self._x, self._y, self._path = x, y, None

    def boundingRect(self) -> QRectF:
        return self._area

    def paint(self, painter: QPainter, option: object, widget: object) -> None:
        if not len(self._x):
            return
        if self._path is None:
            self._path = pg.functions.arrayToQPath(self._x, self._y, connect="all", finiteCheck=False)
        fine = len(self._x) <= SMOOTH_EDGES
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, fine)
        pen = QPen(self._pen)
        thick = pen.width() > 1
        pen.setWidth(pen.width() if fine else 1)
        painter.setPen(pen)
        painter.drawPath(self._path)
        to_pixels = painter.transform()
        if thick and not fine and np.abs(np.diff(self._y)).mean() * abs(to_pixels.m22()) < BAND:
            painter.setTransform(to_pixels * QTransform.fromTranslate(0, 1))
            painter.drawPath(self._path)
