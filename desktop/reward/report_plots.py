"""The still plots of a reward model's report: scores, reliability, growth; and accuracy by parts as dots on lines."""

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QVBoxLayout, QWidget

from core.report.calibration import Bin
from core.report.growth import Growth
from core.report.measure import Slice
from core.report.svg import bins
from desktop.charts.axes import letters, paint_axes, roomy, write
from desktop.charts.chart import HEAD
from desktop.theme import theme
from desktop.theme.theme import SPACE
from desktop.widgets.basics import label, row
from desktop.widgets.figure import Figure
from desktop.widgets.strangers import tip as as_text

HEIGHT = 210
QWIDGETSIZE_MAX = 16_777_215
NOTHING_HELD_OUT = "Drawn here once pairs are held out: hold some prompts out under Instructions, Prompts, and train."
NOT_YET = "Drawn at the first measurement."
NO_CURVE = 'Train with "Learning curve" ticked to see here how accuracy grows with labels, and what more would bring.'


class StillPlot(QWidget):
    """A heading, a legend and a plot that cannot be moved; `draw` is called again when the theme changes."""

    def __init__(
        self, heading: str, x: str, y: str, tip: str = "", *, small: bool = False, empty: str = NOTHING_HELD_OUT
    ) -> None:
        super().__init__()
        self.heading = label(heading, "subheading")
        self.legend = label("", "small")
        self.legend.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.legend.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.plot = pg.PlotWidget(enableMenu=False)
        self.plot.hideButtons()
        self.plot.setMouseEnabled(x=False, y=False)
        self.plot.setMinimumSize(180, 120 if small else HEIGHT)
        self._small, self._large = small, False
        self.plot.setAccessibleName(f"Chart of {heading}")
        self.setToolTip(tip)
        self._labels = (x, y)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        self.nothing = label(empty, "muted", wrap=True)
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.nothing.setMinimumHeight(self.plot.minimumHeight())
        if small:
            self.heading.setMinimumHeight(HEAD)
            layout.setSpacing(2)
        self.figure = Figure(self, self._write, filled=lambda: self.filled)
        head = row(self.heading, None if small else self.legend, self.figure.button())
        layout.addLayout(head)
        if small:  # as the live charts beside it
            self.legend.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
            layout.addWidget(self.legend)
        else:
            head.setStretch(1, 1)
        layout.addWidget(self.plot, 1)
        layout.addWidget(self.nothing, 1)
        theme.notifier.changed.connect(self.paint)

    def paint(self) -> None:
        """Draw everything anew in the theme's colours."""
        self.plot.clear()
        paint_axes(self.plot)
        for side, text in zip(("bottom", "left"), self._labels, strict=True):
            if text:
                size = {"font-size": f"{max(theme.SMALL, letters(self.plot))}px"}
                self.plot.setLabel(side, text, color=theme.current().muted, **size)
                self.plot.getAxis(side).enableAutoSIPrefix(False)  # last: a label turns it on again
        self.plot.getAxis("bottom").setHeight(roomy(self.plot, 38))
        self.plot.getAxis("left").setWidth(roomy(self.plot, 56 if self._labels[1] else 46))
        self._fit()
        for item in (self.plot, self.legend):
            item.setVisible(self.filled)
        self.nothing.setVisible(not self.filled)
        if self.filled:
            self.draw()

    def _write(self, pixels: int) -> None:
        self._large = bool(pixels)
        write(self.plot, pixels)
        self.paint()

    def _fit(self) -> None:
        """As high as beside others, or as there is room."""
        if not self._small:
            height = theme.widened(HEIGHT)
            self.plot.setMinimumHeight(height)
            self.plot.setMaximumHeight(QWIDGETSIZE_MAX if self._large else height)

    @property
    def filled(self) -> bool:
        """Is there anything to draw?"""
        raise NotImplementedError

    def draw(self) -> None:
        raise NotImplementedError

    def line(
        self, points: Sequence[tuple[float, float]], colour: str, *, dots: bool = True, dashed: bool = False
    ) -> None:
        style = Qt.PenStyle.DashLine if dashed else Qt.PenStyle.SolidLine
        item = pg.PlotDataItem(
            [x for x, _ in points], [y for _, y in points], pen=pg.mkPen(colour, width=2, style=style),
            symbol="o" if dots else None, symbolSize=7, symbolBrush=colour, symbolPen=None, antialias=True,
        )  # fmt: skip
        self.plot.addItem(item)

    def named(self, *entries: tuple[str, str]) -> None:
        """The legend: (colour, words)."""
        self.legend.show_marked(
            "&nbsp;&nbsp; ".join(f'<span style="color:{c}">●</span> {words}' for c, words in entries)
        )


class ScoreHistogram(StillPlot):
    """How the scores of chosen and of rejected completions are spread over the same bins."""

    def __init__(self, heading: str = "Rewards", small: bool = False) -> None:
        super().__init__(
            heading, "" if small else "reward", "",
            "Scores of the held-out pairs' completions. The further the two hills are apart, the better.",
            small=small,
        )  # fmt: skip
        self._chosen, self._rejected = np.zeros(0), np.zeros(0)
        self.paint()

    def show_scores(self, chosen: np.ndarray, rejected: np.ndarray, awaited: bool = False) -> None:
        """`awaited`: where there are none yet, some will come while the model trains."""
        self._chosen, self._rejected = chosen, rejected
        self.nothing.setText(NOT_YET if awaited else NOTHING_HELD_OUT)
        self.paint()

    @property
    def filled(self) -> bool:
        return len(self._chosen) > 0

    def draw(self) -> None:
        blue, orange = theme.current().series[:2]
        self.named((blue, "chosen"), (orange, "rejected"))
        edges, tall, low = bins(self._chosen, self._rejected)
        for counts, colour in ((low, orange), (tall, blue)):
            brush = QColor(colour)
            brush.setAlpha(90)
            self.plot.addItem(
                pg.PlotDataItem(
                    edges, counts, stepMode="center", fillLevel=0, brush=brush, pen=pg.mkPen(colour, width=1.5)
                )
            )
        self.plot.setXRange(edges[0], edges[-1], padding=0.02)
        self.plot.setYRange(0, max(1, *tall, *low) * 1.05, padding=0)


class Reliability(StillPlot):
    def __init__(self) -> None:
        super().__init__(
            "Calibration", "confidence", "accuracy",
            "On the dashed line the model is right as often as it says. Below it, it is too sure of itself.",
        )  # fmt: skip
        self._bins: list[Bin] = []
        self.paint()

    def show_bins(self, found: list[Bin]) -> None:
        self._bins = found
        self.paint()

    @property
    def filled(self) -> bool:
        return bool(self._bins)

    def draw(self) -> None:
        colours = theme.current()
        self.line([(0.5, 0.5), (1, 1)], colours.muted, dots=False, dashed=True)
        self.line([(item.confidence, item.accuracy) for item in self._bins], colours.series[0])
        self.plot.setXRange(0.5, 1.0, padding=0.02)
        lowest = min([0.4, *(item.accuracy for item in self._bins)])
        self.plot.setYRange(lowest, 1.0, padding=0.03)


class GrowthPlot(StillPlot):
    def __init__(self) -> None:
        super().__init__(
            "More labels", "labeled prompts", "accuracy",
            "Accuracy of models that learnt from a part of the prompts, and where that leads (dashed).",
            empty=NO_CURVE,
        )  # fmt: skip
        self._growth = Growth([], [], "")
        self.paint()

    def show_growth(self, found: Growth) -> None:
        self._growth = found
        self.paint()

    @property
    def filled(self) -> bool:
        return len(self._growth.measured) > 1  # a single point is no curve

    def draw(self) -> None:
        colours = theme.current()
        self.named((colours.series[0], "measured"), (colours.series[1], "led on"))
        measured, forecast = self._growth.measured, self._growth.forecast
        for points, colour in ((measured, colours.series[0]), (measured[-1:] + forecast, colours.series[1])):
            self.line(
                [(p.prompts, p.accuracy.value) for p in points if p.accuracy.value is not None], colour,
                dashed=points is not measured, dots=points is measured,
            )  # fmt: skip
        for point in [*measured, *forecast]:
            low, high = point.accuracy.low, point.accuracy.high
            if low is not None and high is not None:
                self.line([(point.prompts, low), (point.prompts, high)], colours.muted, dots=False)
        for point in forecast:
            if point.accuracy.value is not None:
                self.line([(point.prompts, point.accuracy.value)], colours.series[1])
        self.line(
            [(0, 0.5), (max(p.prompts for p in [*measured, *forecast]), 0.5)], colours.muted, dots=False, dashed=True
        )
        self.plot.setYRange(0.4, 1.0, padding=0.02)


def _row() -> int:
    """The height of a line of `SliceDots`."""
    return theme.widened(30)


class SliceDots(QWidget):
    """Accuracy on each part as a dot on a line from 0 to 1 with its interval; the dashed line is chance."""

    def __init__(self, rows: Sequence[Slice], name: str) -> None:
        super().__init__()
        self.rows = list(rows)
        self.setAccessibleName(name)
        said = [f"{item.name}: {item.accuracy.value or 0:.0%} of {item.pairs} pairs" for item in self.rows]
        self.setAccessibleDescription("; ".join(said))
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.notifier.changed.connect(self._paint)

    def sizeHint(self) -> QSize:
        return QSize(320, _row() * len(self.rows) + SPACE)

    def _paint(self) -> None:
        self.updateGeometry()
        self.update()

    def minimumSizeHint(self) -> QSize:
        return QSize(220, self.sizeHint().height())

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip:
            place = int(event.pos().y() // _row())  # type: ignore[attr-defined]
            if 0 <= place < len(self.rows):
                item = self.rows[place]
                low, high = item.accuracy.low, item.accuracy.high
                between = "" if low is None or high is None else f", 95 % between {low:.0%} and {high:.0%}"
                said = as_text(f"{item.name}: {item.pairs} pairs{between}")
                QToolTip.showText(event.globalPos(), said, self)  # type: ignore[attr-defined]
            return True
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        colours = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        metrics = painter.fontMetrics()
        words = max((metrics.horizontalAdvance(item.name) for item in self.rows), default=0)
        words = min(words + 4, self.width() // 2)
        count = metrics.horizontalAdvance("00,000")
        left, right = words + 2 * SPACE, self.width() - metrics.horizontalAdvance("100%") - count - 3 * SPACE

        def across(value: float) -> float:
            return left + value * (right - left)

        painter.setPen(QPen(QColor(colours.muted), 1, Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(across(0.5), 0), QPointF(across(0.5), _row() * len(self.rows)))
        for number, item in enumerate(self.rows):
            y = _row() * (number + 0.5)
            base = y + metrics.ascent() / 2 - 1
            painter.setPen(QColor(colours.text))
            painter.drawText(QPointF(0, base), metrics.elidedText(item.name, Qt.TextElideMode.ElideMiddle, words))
            painter.setPen(QPen(QColor(colours.line), 1))
            painter.drawLine(QPointF(left, y), QPointF(right, y))
            value, low, high = item.accuracy.value, item.accuracy.low, item.accuracy.high
            if low is not None and high is not None:
                painter.setPen(QPen(QColor(colours.muted), 2))
                painter.drawLine(QPointF(across(low), y), QPointF(across(high), y))
            if value is not None:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(QColor(colours.series[0]))
                painter.drawEllipse(QPointF(across(value), y), 5, 5)
                painter.setPen(QColor(colours.text))
                painter.drawText(QPointF(right + SPACE, base), f"{value:.0%}")
            painter.setPen(QColor(colours.muted))
            pairs = f"{item.pairs:,}"
            painter.drawText(QPointF(self.width() - metrics.horizontalAdvance(pairs), base), pairs)
        painter.end()
