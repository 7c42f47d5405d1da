"""A live line chart: one curve for each series for its whole life, drawn in the theme's colours.

Raw values are a thin line, their moving mean a thick one. Long runs are reduced to pixels (peaks kept).
"""

from dataclasses import dataclass, field

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from core.metrics import METRICS, title
from desktop import theme
from desktop.widgets.parts import label, row

SMOOTHING = 0.6
#: Longer curves are drawn without antialiasing: beyond, a repaint costs tens of milliseconds.
SMOOTH_EDGES = 1500


@dataclass
class Series:
    """Values in arrays that double, so that appending never copies everything."""

    name: str
    curve: pg.PlotDataItem
    smooth: pg.PlotDataItem
    steps: np.ndarray = field(default_factory=lambda: np.zeros(64))
    values: np.ndarray = field(default_factory=lambda: np.zeros(64))
    means: np.ndarray = field(default_factory=lambda: np.zeros(64))
    size: int = 0

    def append(self, step: float, value: float) -> None:
        if self.size == len(self.steps):
            for part in ("steps", "values", "means"):
                setattr(self, part, np.concatenate([getattr(self, part), np.zeros(self.size)]))
        before = self.means[self.size - 1] if self.size else value
        self.steps[self.size], self.values[self.size] = step, value
        self.means[self.size] = SMOOTHING * before + (1 - SMOOTHING) * value
        self.size += 1

    def clear(self) -> None:
        self.size = 0


@dataclass(frozen=True)
class Line:
    """A level (dashed) or a marked step (dotted): `meaning` is its tooltip, `word` is drawn beside it; one that `fits`
    is always in view."""

    place: float
    meaning: str
    word: str = ""
    fits: bool = False


class StepAxis(pg.AxisItem):
    """An axis of whole steps: there is no step 1.5."""

    def tickSpacing(self, low: float, high: float, size: float) -> list[tuple[float, float]]:
        return [(max(1.0, spacing), offset) for spacing, offset in super().tickSpacing(low, high, size)]


class Chart(QWidget):
    """`names` are metrics of `core.metrics`; the first one gives the chart its title and tooltip.

    `words` name the curves in the readout, which is the legend too; `level` is a dashed line and its meaning.
    """

    def __init__(
        self,
        names: tuple[str, ...],
        *,
        heading: str = "",
        level: tuple[float, str] | None = None,
        smooth: bool = True,
        small: bool = False,
        words: tuple[str, ...] = (),
    ) -> None:
        super().__init__()
        self.names = names
        self._words = dict(zip(names, words or tuple(title(name) for name in names), strict=True))
        self._smooth = smooth
        self._shown: tuple[dict[str, int], str] = ({}, "")
        self.heading = label(heading or title(names[0]), "" if small else "heading")
        self.warning = label("⚠", "warning")
        self.warning.hide()
        self.readout = label("", "small")
        self.readout.setTextFormat(Qt.TextFormat.RichText)
        self.readout.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.readout.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.plot = pg.PlotWidget(axisItems={"bottom": StepAxis("bottom")})
        self.plot.setMinimumHeight(104 if small else 128)
        self.plot.setMenuEnabled(False)
        self.plot.hideButtons()
        self.plot.setMouseEnabled(x=True, y=False)
        self.plot.setAccessibleName(f"Chart of {self.heading.text()}")
        metric = METRICS.get(names[0])
        if metric is not None:
            healthy = f"\nHealthy: {metric.healthy}." if metric.healthy else ""
            thick = "\nThin: each step, as the number above says. Thick: their running mean." if smooth else ""
            self.setToolTip(f"{metric.meaning}{healthy}{thick}\nDouble-click shows all steps again.")
        self.series = {name: self._make(name) for name in names}
        self._laid_over: list[pg.PlotDataItem] = []
        self._over: list[dict[str, list[tuple[int, float]]]] = []
        self._lines: list[pg.InfiniteLine] = []
        self._marks: list[pg.InfiniteLine] = []
        self.set_levels([Line(*level, fits=True)] if level else [])
        self._cursor = pg.InfiniteLine(angle=90)
        self._cursor.hide()
        self.plot.addItem(self._cursor, ignoreBounds=True)
        self.plot.scene().sigMouseMoved.connect(self._hover)
        self.plot.scene().sigMouseClicked.connect(lambda click: self.show_all() if click.double() else None)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        head = row(self.heading, self.warning, self.readout)
        head.setStretch(2, 1)
        layout.addLayout(head)
        layout.addWidget(self.plot, 1)
        self._paint()
        theme.notifier.changed.connect(self._paint)

    def _make(self, name: str) -> Series:
        curve, smooth = pg.PlotDataItem(name=name), pg.PlotDataItem()
        for item in (curve, smooth):
            item.setDownsampling(auto=True, method="peak")
            item.setClipToView(True)
            self.plot.addItem(item)
        return Series(name, curve, smooth)

    def append(self, name: str, step: float, value: float | None) -> None:
        """Add a point without drawing; call `draw` once for many."""
        if name in self.series and value is not None and np.isfinite(value):
            self.series[name].append(step, value)

    def set_levels(self, levels: list[Line]) -> None:
        """Draw these dashed levels and no others."""
        self._lines = self._swap(self._lines, levels, 0)

    def set_marks(self, marks: list[Line]) -> None:
        """Mark these steps with dotted lines, and no others."""
        self._marks = self._swap(self._marks, marks, 90)

    def _swap(self, before: list[pg.InfiniteLine], lines: list[Line], angle: int) -> list[pg.InfiniteLine]:
        """Take away and add only what differs: this is asked at every step of a run."""
        known = {drawn.line: drawn for drawn in before}
        found = [known.pop(line) if line in known else self._drawn(line, angle) for line in lines]
        for gone in known.values():
            self.plot.removeItem(gone)
        return found

    def _drawn(self, line: Line, angle: int) -> pg.InfiniteLine:
        beside = {"position": 0.9} if angle == 90 else {"position": 0.02, "anchors": [(0, 0), (0, 1)]}
        drawn = pg.InfiniteLine(pos=line.place, angle=angle, label=line.word or None, labelOpts=beside)
        drawn.line = line
        drawn.setToolTip(line.meaning)
        self.plot.addItem(drawn, ignoreBounds=not line.fits)
        self._pen(drawn)
        return drawn

    def _pen(self, line: pg.InfiniteLine) -> None:
        muted = theme.current().muted
        style = Qt.PenStyle.DotLine if line.angle == 90 else Qt.PenStyle.DashLine
        line.setPen(pg.mkPen(muted, style=style))
        if hasattr(line, "label"):
            line.label.setColor(muted)

    def warn(self, text: str) -> None:
        """Say beside the heading that something looks wrong; nothing takes it away."""
        self.warning.setVisible(bool(text))
        self.warning.setToolTip(text)
        self.warning.setAccessibleName(f"Warning: {text}" if text else "")
        self.plot.setAccessibleDescription(text)

    def overlay(self, runs: list[dict[str, list[tuple[int, float]]]]) -> None:
        """Draw the same metrics of other runs as dashed lines, each run in the colour of `overlay_colour`."""
        if runs == self._over:
            return
        self._over = runs
        for item in self._laid_over:
            self.plot.removeItem(item)
        self._laid_over = []
        for number, run in enumerate(runs):
            for name in self.names:
                if points := run.get(name, []):
                    item = pg.PlotDataItem(pen=pg.mkPen(overlay_colour(number), width=1.5, style=Qt.PenStyle.DashLine))
                    series = Series(name, item, item)
                    for step, value in points:
                        series.append(step, value)
                    shown = series.means if self._smoothed(name) else series.values
                    item.setData(series.steps[: series.size], shown[: series.size])
                    self.plot.addItem(item)
                    self._laid_over.append(item)

    def clear(self) -> None:
        for series in self.series.values():
            series.clear()
        self.plot.setRange(xRange=(0, 10), yRange=(0, 1), padding=0)  # until there is something to show
        self.show_all()
        self.draw()

    def show_all(self) -> None:
        """Show every step, and follow what comes."""
        self.plot.enableAutoRange()

    def draw(self) -> None:
        for series in self.series.values():
            x, y = series.steps[: series.size], series.values[: series.size]
            fine = series.size <= SMOOTH_EDGES
            series.curve.setData(x, y, skipFiniteCheck=True, antialias=fine)
            if self._smoothed(series.name):
                alone = "o" if series.size == 1 else None  # a single point makes no line
                series.smooth.setData(
                    x, series.means[: series.size], skipFiniteCheck=True, antialias=fine, symbol=alone
                )
        self._show_last()

    def _show_last(self) -> None:
        self._read({name: series.size - 1 for name, series in self.series.items() if series.size})

    def _read(self, places: dict[str, int], prefix: str = "") -> None:
        """Show the value at a place of each series, in the series' colour: the readout is the legend too."""
        self._shown = (places, prefix)
        colours = theme.current().series
        marks, words, values = [], [], []
        for number, (name, series) in enumerate(self.series.items()):
            if name in places:
                colour = colours[number % len(colours)]
                marks.append(f'<span style="color:{colour}">●</span> ' if len(self.series) > 1 else "")
                words.append(f"{self._words[name]} " if len(self.series) > 1 else "")
                values.append(_short(series.values[places[name]]))
        plain = prefix + "   ".join(f"● {word}{value}" for word, value in zip(words, values, strict=True))
        if self.readout.fontMetrics().horizontalAdvance(plain) > self.readout.width():
            words = ["" for _ in words]
        parts = [f"{mark}{word}{value}" for mark, word, value in zip(marks, words, values, strict=True)]
        self.readout.setText((f"{prefix}&nbsp;&nbsp; " if prefix else "") + "&nbsp;&nbsp; ".join(parts))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Where the readout has little room, the names of its curves give way and their values stay."""
        super().resizeEvent(event)
        self._read(*self._shown)

    def _smoothed(self, name: str) -> bool:
        """Held-out values are few and exact: they are drawn as they are."""
        return self._smooth and not name.startswith("eval")

    def _hover(self, position: object) -> None:
        """Every curve's value at the step under the pointer."""
        box = self.plot.getViewBox()
        if not self.plot.sceneBoundingRect().contains(position) or not any(s.size for s in self.series.values()):
            self._cursor.hide()
            self._show_last()
            return
        step = box.mapSceneToView(position).x()
        places = {
            name: int(np.abs(series.steps[: series.size] - step).argmin())
            for name, series in self.series.items()
            if series.size
        }
        longest = max(self.series.values(), key=lambda series: series.size)
        place = longest.steps[places[longest.name]]
        self._cursor.setPos(place)
        self._cursor.show()
        self._read(places, f"step {place:g}")

    def _paint(self) -> None:
        colours = theme.current()
        paint_axes(self.plot)
        self._cursor.setPen(pg.mkPen(colours.muted, style=Qt.PenStyle.DotLine))
        for line in (*self._lines, *self._marks):
            self._pen(line)
        for number, series in enumerate(self.series.values()):
            colour = QColor(colours.series[number % len(colours.series)])
            faint = QColor(colour)
            smoothed = self._smoothed(series.name)
            faint.setAlpha(90 if smoothed else 255)
            series.curve.setPen(pg.mkPen(faint, width=1 if smoothed else 2))
            if not smoothed:
                series.curve.setSymbol("o")
                series.curve.setSymbolSize(5)
                series.curve.setSymbolBrush(colour)
                series.curve.setSymbolPen(None)
            series.smooth.setPen(pg.mkPen(colour, width=2))
            series.smooth.setSymbolSize(6)
            series.smooth.setSymbolBrush(colour)
            series.smooth.setSymbolPen(None)
        over, self._over = self._over, []
        self.overlay(over)
        self._show_last()


def overlay_colour(number: int) -> str:
    """The colour of the n-th run that is laid over another: not one of the first two, which are the run's own."""
    series = theme.current().series
    return series[2 + number % (len(series) - 2)]


def paint_axes(plot: pg.PlotWidget) -> None:
    """Give a plot the theme's ground, axes and grid."""
    colours = theme.current()
    plot.setBackground(colours.surface)
    font = QFont()
    font.setPixelSize(11)
    for side in ("left", "bottom"):
        axis = plot.getAxis(side)
        axis.setPen(pg.mkPen(colours.line))
        axis.setTextPen(pg.mkPen(colours.muted))
        axis.setTickFont(font)
    plot.getAxis("left").setWidth(46)
    plot.showGrid(x=False, y=True, alpha=0.15)


def _short(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
