"""The plane of KL and reward: a curve for each run through its checkpoints, one of which can be picked, and the best of
n of the reference."""

import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QHelpEvent, QKeyEvent, QPainter, QPen
from PySide6.QtWidgets import QToolTip

from core.config.frontier import PolicyState
from core.preferences.interval import Interval
from core.report.frontier import AXES, Axis, BestOf, Frontier, Point, on
from core.report.frontier_svg import nats
from desktop.charts.axes import letters, paint_axes, roomy, write
from desktop.theme import theme
from desktop.widgets.figure import Figure
from desktop.widgets.strangers import tip

#: How near the pointer must be to a point, in pixels; how large points are; how see-through their intervals.
REACH, SIZE, PICKED, FAINT = 14, 9, 17, 90
EMPTY = Frontier(0, "", 0, 0)
#: What stands beside the vertical axis.
SHORT: dict[Axis, str] = {"reward": "reward", "gold": "gold reward", "wins": "wins over the reference"}


class FrontierPlot(pg.PlotWidget):
    """Points are picked with the mouse, or with the arrow keys from left to right and back; Home and End pick the first
    and the last. Filled ones have no other above them at no more KL."""

    picked = Signal(object)
    """The `Point`."""

    def __init__(self) -> None:
        super().__init__(enableMenu=False)
        self.hideButtons()
        self.setMouseEnabled(x=False, y=False)
        self.setMinimumSize(200, 120)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Chart of the frontier")
        self.found = EMPTY
        self.axis: Axis = "reward"
        self.state: PolicyState | None = None
        self.scene().sigMouseClicked.connect(lambda click: self._click(click.scenePos()))
        theme.notifier.changed.connect(self.paint)
        self.figure = Figure(self, self._write)

    def _write(self, pixels: int) -> None:
        write(self, pixels)
        self.paint()

    def show_found(self, found: Frontier, axis: Axis, state: PolicyState | None) -> None:
        """`state` is what is picked, if anything is."""
        self.found, self.axis, self.state = found, axis, state
        said = [told(point, axis) for point in self.points]
        self.setAccessibleDescription(" ".join(said))
        self.paint()

    @property
    def points(self) -> list[Point]:
        """Those that can be drawn, from left to right."""
        known = [point for point in self.found.points if on(point, self.axis).value is not None]
        return sorted((point for point in known if point.kl.value is not None), key=nats)

    @property
    def best_of(self) -> list[BestOf]:
        return [each for each in self.found.best_of if on(each, self.axis).value is not None]

    def paint(self) -> None:
        """Draw everything anew in the theme's colours."""
        self.clear()
        paint_axes(self)
        colours = theme.current()
        for side, text in (("bottom", "KL to the reference, nats a completion"), ("left", SHORT[self.axis])):
            self.setLabel(side, text, color=colours.muted, **{"font-size": f"{letters(self)}px"})
            self.getAxis(side).enableAutoSIPrefix(False)  # a label turns it on again
        self.getAxis("bottom").setHeight(roomy(self, 38))
        self.getAxis("left").setWidth(roomy(self, 58))
        self._fit()
        self._draw_best_of(colours.muted)
        first = self.found.efficient(self.axis)
        for number, run in enumerate(dict.fromkeys(point.run for point in self.found.points)):
            own = [point for point in self.found.points if point.run == run and point in self.points]
            if own:
                self._draw_run(own, colours.series[number % len(colours.series)], first)
        self.viewport().update()

    def _fit(self) -> None:
        everything: list[Point | BestOf] = [*self.points, *self.best_of]
        ends = [end for each in everything for end in _ends(on(each, self.axis))]
        low, high = (min(ends), max(ends)) if ends else (0.0, 1.0)
        air = 0.1 * (high - low) or 0.5
        places = [nats(each) for each in everything]
        least, most = min([0.0, *places]), max([1.0, *places])
        room = 0.05 * (most - least)
        self.setXRange(least - room, most + 2 * room, padding=0)
        self.setYRange(low - air, high + air, padding=0)

    def _draw_best_of(self, colour: str) -> None:
        curve = self.best_of
        for each in curve:
            self._interval(each, colour)
        self.plot(
            [each.kl for each in curve], [on(each, self.axis).value for each in curve], antialias=True,
            pen=pg.mkPen(colour, width=2, style=Qt.PenStyle.DashLine), symbol="d", symbolSize=SIZE - 1,
            symbolBrush=colour, symbolPen=None,
        )  # fmt: skip
        for each in curve[:1]:
            self._name(each, "reference", colour, beside=True)
        for each in curve[1:][-1:]:
            self._name(each, f"best of {each.n}", colour)

    def _draw_run(self, own: list[Point], colour: str, first: set[PolicyState]) -> None:
        for point in own:
            self._interval(point, colour)
        ground = theme.current().surface
        self.plot(
            [nats(point) for point in own], [on(point, self.axis).value for point in own], antialias=True,
            pen=pg.mkPen(colour, width=1.5), symbol="o", symbolSize=[SIZE for _ in own],
            symbolBrush=[pg.mkBrush(colour if point.state in first else ground) for point in own],
            symbolPen=pg.mkPen(colour, width=2),
        )  # fmt: skip
        for point in own:
            if point.state == self.state:
                ring = pg.mkPen(theme.current().accent, width=2.5)
                self.plot([nats(point)], [on(point, self.axis).value], pen=None, symbol="o", symbolSize=PICKED,
                          symbolBrush=None, symbolPen=ring, antialias=True)  # fmt: skip
        self._name(max(own, key=lambda point: point.step), f"run {own[0].run}", colour)

    def _interval(self, each: Point | BestOf, colour: str) -> None:
        found = on(each, self.axis)
        if found.low is not None and found.high is not None:
            faint = QColor(colour)
            faint.setAlpha(FAINT)
            self.plot([nats(each)] * 2, [found.low, found.high], pen=pg.mkPen(faint, width=1.5), antialias=True)

    def _name(self, each: Point | BestOf, words: str, colour: str, *, beside: bool = False) -> None:
        """Above the point, or at its right."""
        item = pg.TextItem(words, color=colour, anchor=(-0.12, 0.5) if beside else (0.5, 1.35))
        font = item.textItem.font()
        font.setPixelSize(letters(self))
        item.setFont(font)
        item.setPos(nats(each), on(each, self.axis).value or 0.0)
        self.addItem(item, ignoreBounds=True)

    def _near(self, place: QPointF) -> Point | BestOf | None:
        """What is drawn within reach of a place in the scene."""
        everything: list[Point | BestOf] = [*self.points, *self.best_of]
        far = {id(each): (self.place_of(each) - place).manhattanLength() for each in everything}
        nearest = min(everything, key=lambda each: far[id(each)], default=None)
        return nearest if nearest is not None and far[id(nearest)] <= REACH else None

    def place_of(self, each: Point | BestOf) -> QPointF:
        """Where it is drawn in the scene."""
        return self.getViewBox().mapViewToScene(QPointF(nats(each), on(each, self.axis).value or 0.0))

    def _click(self, place: QPointF) -> None:
        near = self._near(place)
        if isinstance(near, Point):
            self.picked.emit(near)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        points = self.points
        places = [number for number, point in enumerate(points) if point.state == self.state]
        now = places[0] if places else None
        ways = {
            Qt.Key.Key_Right: 0 if now is None else now + 1, Qt.Key.Key_Left: -1 if now is None else now - 1,
            Qt.Key.Key_Home: 0, Qt.Key.Key_End: len(points) - 1,
        }  # fmt: skip
        to = ways.get(Qt.Key(event.key()))
        if to is None or not points:
            event.ignore()
            return
        if now is not None:
            to = min(max(to, 0), len(points) - 1)
        self.picked.emit(points[to])

    def viewportEvent(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent):
            near = self._near(self.mapToScene(event.pos()))
            QToolTip.showText(event.globalPos(), tip(told(near, self.axis)) if near else "", self)
            return True
        return bool(super().viewportEvent(event))

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.viewport().update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.viewport().update()

    def drawForeground(self, painter: QPainter, rect: QRectF | QPointF) -> None:
        if self.hasFocus():
            painter.resetTransform()
            painter.setPen(QPen(QColor(theme.current().accent), 2))
            painter.drawRect(self.viewport().rect().adjusted(1, 1, -1, -1))


def _ends(found: Interval) -> list[float]:
    return [end for end in (found.low, found.value, found.high) if end is not None]


def told(each: Point | BestOf, axis: Axis) -> str:
    """A point in a sentence."""
    found = on(each, axis)
    sure = "" if found.low is None else f" (95%: {found.low:+.2f} to {found.high:+.2f})"
    what = f"{AXES[axis]} {found.value:+.2f}{sure}"
    if axis == "wins" and found.value is not None:
        sure = "" if found.low is None else f" (95%: {found.low:.0%} to {found.high:.0%})"
        what = f"scores higher than the reference in {found.value:.0%}{sure}"
    if isinstance(each, BestOf):
        name = "The reference itself" if each.n == 1 else f"The best of {each.n} answers of the reference"
        return f"{name}: {what}, at {'a KL of 0' if each.n == 1 else f'no more than {each.kl:.2f} nats'}."
    return f"Run {each.run}, step {each.step} ({each.algorithm}): {what}, at {nats(each):.2f} nats."
