"""A line on a plot that paints anew only what differs: a step that is added to 100,000 costs what its pixels cost.

pyqtgraph's own items paint the whole view for each step: 12 to 20 ms for 4 curves of 20,000 steps (`PlotCurveItem`,
`PlotDataItem` with clipping and peak downsampling), where this takes 3.
"""

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPen, QTransform
from PySide6.QtWidgets import QStyleOptionGraphicsItem

from desktop.charts.series import Array

#: Longer lines are drawn without antialiasing: beyond, a repaint costs tens of milliseconds.
SMOOTH_EDGES = 400
#: A line that goes so many pixels up or down from point to point is a band: one thin stroke is enough.
BAND = 4
#: Of a line with more points only the piece is drawn that is to be painted.
WHOLE = 100
#: Pixels that a stroke reaches beyond its points.
REACH = 3


class Polyline(pg.GraphicsObject):
    """A long thick line is drawn as two thin strokes, which cost a tenth of a thick one."""

    def __init__(self) -> None:
        super().__init__()
        self._x, self._y = np.zeros(0), np.zeros(0)
        self._pen = QPen()
        self._area = QRectF()
        self.setFlag(self.GraphicsItemFlag.ItemUsesExtendedStyleOption)  # else it is not told what is to be painted

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
        self._x, self._y = x, y

    def boundingRect(self) -> QRectF:
        return self._area

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: object) -> None:
        x, y = self._x, self._y
        if not len(x):
            return
        fine = len(x) <= SMOOTH_EDGES
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, fine)
        pen = QPen(self._pen)
        thick = pen.width() > 1
        pen.setWidth(pen.width() if fine else 1)
        painter.setPen(pen)
        to_pixels = painter.transform()
        twice = thick and not fine and np.abs(y[1:] - y[:-1]).mean() * abs(to_pixels.m22()) < BAND
        if len(x) > WHOLE and pen.style() == Qt.PenStyle.SolidLine:  # dashes are counted from the begin of the line
            exposed, reach = option.exposedRect, REACH / to_pixels.m11()
            first, end = np.searchsorted(x, (exposed.left() - reach, exposed.right() + reach))
            x, y = x[max(first - 1, 0) : end + 1], y[max(first - 1, 0) : end + 1]
        path = pg.functions.arrayToQPath(x, y, connect="all", finiteCheck=False)
        painter.drawPath(path)
        if twice:
            painter.setTransform(to_pixels * QTransform.fromTranslate(0, 1))
            painter.drawPath(path)
