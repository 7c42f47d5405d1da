"""What the axes of a plot look like, what they say, and how far they reach."""

from functools import cache
from typing import Any, ClassVar

import pyqtgraph as pg
from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter
from PySide6.QtWidgets import QStyleOptionGraphicsItem

from core.config.metrics import METRICS
from desktop.theme import theme

WIDTH, WIDTH_WITH_UNIT = 46, 58
FONT, TEXT_BELOW, FOOT = 11, 2, 20
#: The property of a plot whose letters have a size of their own.
LETTERS = "letters"
#: Lines of the grid with less alpha than this are not drawn.
UNSEEN = 12
#: Less of its numbers' size than this an axis never shows: its ticks would need more digits than there is room for.
LEAST = 0.01
#: Left, above, right and below a number: what its glyphs reach beyond the room that is measured for it.
AROUND = (-3, -1, 3, 3)
#: So many axes of steps that differ are kept.
SHARED = 16
Range = tuple[float, float]


@cache
def _mixed(colour: int, ground: str) -> int:
    over, under = QColor.fromRgba(colour), QColor(ground)
    share = over.alphaF()
    red, green, blue = (
        round(share * above + (1 - share) * below)
        for above, below in (
            (over.red(), under.red()), (over.green(), under.green()), (over.blue(), under.blue()),
        )
    )  # fmt: skip
    return QColor(red, green, blue).rgb()


def opaque(colour: int) -> int:
    """What a colour looks like that is laid on the theme's surface with its alpha: it is painted ten times as fast."""
    return _mixed(colour, theme.current().surface)


class Axis(pg.AxisItem):
    """Draws what it worked out for a range again as it is, in opaque colours, and of it only what is to be painted.

    pyqtgraph replays a picture, which looks up the font for each number, and blends each line of the grid pixel by
    pixel: that costs more than all curves.
    """

    picture: Any

    def __init__(self, side: str) -> None:
        super().__init__(side)
        self.setFlag(self.GraphicsItemFlag.ItemUsesExtendedStyleOption)  # else it is not told what is to be painted
        self.enableAutoSIPrefix(False)  # else it would lay out its label anew whenever it moves

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: object) -> None:
        if self.picture is None:
            self.picture = self._worked_out(painter)
        if self.picture is None:
            return
        line, lines, texts = self.picture
        for area, colour in lines:
            painter.fillRect(area, colour)
        exposed = option.exposedRect
        self.drawPicture(painter, line, [], [text for around, text in texts if around.intersects(exposed)])

    def _worked_out(self, painter: QPainter) -> Any:
        specs = self.generateDrawSpecs(painter)
        if specs is None:
            return None
        line, ticks, texts = specs
        return line, _lines(ticks), [(text[0].adjusted(*AROUND), text) for text in texts]


def _lines(ticks: Any) -> list[tuple[QRect, QColor]]:
    """The lines of the grid that can be seen."""
    return [
        (QRectF(begin, end).normalized().adjusted(0, 0, 1, 1).toRect(), QColor.fromRgb(opaque(pen.color().rgba())))
        for pen, begin, end in ticks
        if pen.color().alpha() > UNSEEN
    ]


class StepAxis(Axis):
    """An axis of whole steps, there is no step 1.5; it says so at its end, in the line of its numbers."""

    _shared: ClassVar[dict[tuple[str | float, ...], Any]] = {}

    def tickSpacing(self, low: float, high: float, size: float) -> list[tuple[float, float]]:
        return [(max(1.0, spacing), offset) for spacing, offset in super().tickSpacing(low, high, size)]

    def generateDrawSpecs(self, painter: QPainter) -> Any:
        specs = super().generateDrawSpecs(painter)
        if specs is None:
            return None
        line, ticks, texts = specs
        bounds = self.mapRectFromParent(self.geometry())
        width = painter.fontMetrics().horizontalAdvance("step") + 2
        room = QRectF(bounds.right() - width, bounds.top() + TEXT_BELOW, width, bounds.height() - TEXT_BELOW)
        kept = [text for text in texts if text[0].right() < room.left() - 6]
        align = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextDontClip
        return line, ticks, [*kept, (room, align, "step")]

    def _worked_out(self, painter: QPainter) -> Any:
        """Linked charts look at the same steps: what one of their axes has worked out is there for the others."""
        look = (theme.current().name, self.style["tickFont"].pixelSize())
        key = (*look, *self.range, *self.mapRectFromParent(self.geometry()).getRect())
        if key in self._shared:
            return self._shared[key]
        found = super()._worked_out(painter)
        if found is not None:
            if len(self._shared) == SHARED:
                self._shared.clear()
            self._shared[key] = found
        return found


def unit_of(name: str) -> str:
    """The unit of a metric as an axis says it: nats/completion."""
    return METRICS[name].unit.replace(" per ", "/") if name in METRICS else ""


def letters(plot: pg.PlotWidget) -> int:
    """Pixels of what is written on a plot: small print beside text, and as large as text before a room."""
    return int(plot.property(LETTERS) or 0) or theme.sized(FONT if theme.scale() == 1 else theme.BODY)


def write(plot: pg.PlotWidget, pixels: int) -> None:
    """Let what is written on a plot have so many pixels when it is painted again; 0 is as everywhere."""
    plot.setProperty(LETTERS, pixels)


def roomy(plot: pg.PlotWidget, pixels: int) -> int:
    """Room that goes along with what is written in it."""
    return round(pixels * letters(plot) / FONT)


def thick(plot: pg.PlotWidget) -> int:
    """The width of a curve that goes along with what is written beside it."""
    return max(2, round(letters(plot) / 8))


def paint_axes(plot: pg.PlotWidget, unit: str = "") -> None:
    """Give a plot the theme's ground, axes and grid, and the unit of its values beside them."""
    colours = theme.current()
    plot.setBackground(colours.surface)
    font = QFont()
    font.setPixelSize(letters(plot))
    for side in ("left", "bottom"):
        axis = plot.getAxis(side)
        axis.setPen(pg.mkPen(colours.line))
        axis.setTextPen(pg.mkPen(colours.muted))
        axis.setTickFont(font)
        axis.setStyle(maxTickLevel=1)
        axis.setZValue(-1000)  # the grid lies under the curves
    plot.getAxis("bottom").setHeight(roomy(plot, FOOT))
    left = plot.getAxis("left")
    if left.autoSIPrefix:  # asked again, pyqtgraph would scale the numbers once more
        left.enableAutoSIPrefix(False)
    left.setWidth(roomy(plot, WIDTH_WITH_UNIT if unit else WIDTH))
    if unit:
        left.setLabel(unit, color=colours.muted, **{"font-size": f"{letters(plot)}px"})
    plot.showGrid(x=False, y=True, alpha=0.15)


def fit_unit(plot: pg.PlotWidget) -> None:
    """Leave the unit beside the values out where it would be cut."""
    left = plot.getAxis("left")
    if left.labelText:
        left.showLabel(left.label.boundingRect().width() <= plot.height())


def readable(low: float, high: float) -> Range:
    """A range of values wide enough for ticks of few digits; a single value's stays as it is."""
    short = LEAST * max(abs(low), abs(high)) - (high - low)
    return (low - short / 2, high + short / 2) if low < high and short > 0 else (low, high)


def fitted(shown: Range | None, low: float, high: float) -> Range:
    """A range with some room around low and high; the one that is shown stays where it still does, so that a curve
    that grows moves the axes now and then and not at every point."""
    if shown and shown[0] <= low and high <= shown[1] and high - low >= 0.8 * (shown[1] - shown[0]):
        return shown
    room = 0.04 * (high - low) or max(0.1 * abs(high), 0.5)
    return low - room, high + room
