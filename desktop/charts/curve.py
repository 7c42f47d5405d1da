"""A series on a plot: its values as a thin line, their mean as a thick one, dots where they are few and exact."""

from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor

from desktop.charts.axes import Range, letters, opaque, thick
from desktop.charts.polyline import SMOOTH_EDGES, Polyline
from desktop.charts.series import Array, Series
from desktop.theme import theme
from desktop.theme.theme import OVERLAY_COLOURS

#: How opaque the values behind their mean are: on a dark ground a thin line fades sooner.
FAINT = {"light": 90, "dark": 150}
#: For the first and the second metric of a chart; the second pair is for runs whose colours are there already.
STYLES = (
    (Qt.PenStyle.DashLine, Qt.PenStyle.DotLine),
    (Qt.PenStyle.DashDotLine, Qt.PenStyle.DashDotDotLine),
)
MARKS = {
    Qt.PenStyle.SolidLine: "●",
    Qt.PenStyle.DashLine: "╌╌",
    Qt.PenStyle.DotLine: "┈┈",
    Qt.PenStyle.DashDotLine: "╌·",
    Qt.PenStyle.DashDotDotLine: "┈·",
}


@dataclass(frozen=True)
class Key:
    """How a curve is drawn, what it is called, and its numbers."""

    colour: str
    style: Qt.PenStyle
    words: str
    series: Series

    @property
    def mark(self) -> str:
        return mark(self.colour, self.style)


def overlay_style(number: int, place: int) -> Qt.PenStyle:
    """The line of a metric of the n-th run that is laid over another: `place` tells the chart's metrics apart."""
    return STYLES[number // OVERLAY_COLOURS % len(STYLES)][place % 2]


def mark(colour: str, style: Qt.PenStyle) -> str:
    """A piece of a line, as rich text."""
    return f'<span style="color:{colour}; font-weight:600">{MARKS[style]}</span>'


class Curve:
    """`exact` values, as held-out ones, are never smoothed; `thin` shows the values behind their mean."""

    def __init__(self, plot: pg.PlotWidget, series: Series, *, exact: bool = False, thin: bool = True) -> None:
        self.series = series
        self.exact = exact
        self._plot = plot
        self._means: tuple[Array, Array] = (np.zeros(0), np.zeros(0))
        self._values = self._means
        self._raw = Polyline() if thin and not exact else None
        self._line = Polyline()
        self._dots = pg.ScatterPlotItem(size=5, pen=pg.mkPen(None))
        self._items = [item for item in (self._raw, self._line, self._dots) if item is not None]
        for item in self._items:
            plot.addItem(item, ignoreBounds=True)

    def remove(self) -> None:
        for item in self._items:
            self._plot.removeItem(item)

    def paint(self, colour: str, style: Qt.PenStyle = Qt.PenStyle.SolidLine) -> None:
        faint = QColor(colour)
        faint.setAlpha(FAINT[theme.current().name])
        if self._raw is not None:
            self._raw.set_pen(pg.mkPen(QColor.fromRgb(opaque(faint.rgba())), width=1))
        self._line.set_pen(pg.mkPen(colour, width=thick(self._plot), style=style))
        self._dots.setBrush(pg.mkBrush(colour))
        self._dots.setSize(max(5, letters(self._plot) // 3))

    def smooth(self, smoothing: float) -> None:
        self.series.smooth(0.0 if self.exact else smoothing)
        if self._raw is not None:
            self._raw.setVisible(smoothing > 0)

    @property
    def dots(self) -> int:
        """Points that are drawn as dots."""
        return len(self._dots.data)

    @property
    def seen(self) -> list[tuple[Array, Array]]:
        """Steps and values of what was found to be drawn."""
        return [found for found in (self._means, self._values) if len(found[0])]

    def look(self, low: float, high: float, pixels: int) -> Range | None:
        """Find what is to be drawn between two steps; the lowest and the highest value of it."""
        raw = self._raw is not None and self._raw.isVisible()
        self._means = self.series.drawn(low, high, pixels, means=True)
        self._values = self.series.drawn(low, high, pixels, means=False) if raw else self._means
        seen = [y for _, y in (self._means, self._values) if len(y)]
        return (float(min(y.min() for y in seen)), float(max(y.max() for y in seen))) if seen else None

    def draw(self, area: QRectF) -> None:
        """Draw what was found; `area` is what of the plot is seen."""
        x, y = self._means
        self._line.show_line(x, y, area)
        if self._raw is not None and self._raw.isVisible():
            self._raw.show_line(*self._values, area)
        dotted = self.series.size == 1 or (self.exact and len(x) <= SMOOTH_EDGES)  # a single point makes no line
        self._dots.setVisible(dotted)
        if dotted:
            self._dots.setData(x, y)
        elif self.dots:
            self._dots.clear()
