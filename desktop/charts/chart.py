"""A live line chart of one or two metrics of a run, in the theme's colours, with other runs laid over it."""

from collections.abc import Iterable

import pyqtgraph as pg
from PySide6.QtCore import QPoint, QRectF, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from core.config.metrics import METRICS, title
from desktop.charts import export
from desktop.charts.axes import Range, fit_unit, fitted, paint_axes, readable, unit_of, write
from desktop.charts.canvas import Canvas
from desktop.charts.curve import Curve, Key, overlay_style
from desktop.charts.export import Drawn
from desktop.charts.markers import Line, Lines
from desktop.charts.overlays import LaidOver, Overlay
from desktop.charts.readout import Readout, Value
from desktop.charts.series import Series
from desktop.theme import theme
from desktop.theme.theme import SPACE, overlay_colour
from desktop.widgets.basics import label, row
from desktop.widgets.figure import Figure
from desktop.widgets.growing import keep_least_height, keep_size
from desktop.widgets.strangers import tip

EMPTY: Range = (0, 10)
#: The height of the line that a chart begins with.
HEAD = 20
NOTHING_YET = "Drawn here from the first step on."


class Chart(QWidget):
    """`names` are metrics of `core.config.metrics`; the first one gives the chart its title, unit and tooltip.

    `words` name the curves in the readout, which is the legend too; `level` is a dashed line and its meaning. A chart
    follows its run until it is moved or zoomed. While its run has no point it says so and shows no axes. Where a page
    scrolls, the `wheel` is the page's, and zooms with Ctrl.
    """

    hovered = Signal(object)
    """The step that is pointed at, or None."""
    moved = Signal(float, float)
    """Somebody looks at the steps between these two."""
    followed = Signal()
    """All steps are shown again."""
    behind_asked = Signal(int)
    """Somebody wants to know what is behind this step."""

    def __init__(
        self,
        names: tuple[str, ...],
        *,
        heading: str = "",
        level: tuple[float, str] | None = None,
        small: bool = False,
        wheel: bool = True,
        words: tuple[str, ...] = (),
    ) -> None:
        super().__init__()
        self.names = names
        self.run = 0
        self.following = True
        self._words = dict(zip(names, words or tuple(title(name) for name in names), strict=True))
        self._pointed: float | None = None
        self._placing = self._stale = False
        self._smoothing = 0.0
        self.heading = label(heading or title(names[0]), "" if small else "subheading")
        self.warning = label("⚠", "warning")
        self.warning.hide()
        beside = small and len(names) == 1  # else every curve's name needs a whole line
        self.readout = Readout(alone=not beside)
        self.plot = Canvas(wheel=wheel)
        keep_least_height(self.plot, 104)
        self.plot.setAccessibleName(f"Chart of {self.heading.text()}")
        self._describe("the wheel" if wheel else "Ctrl and the wheel")
        self.series = {name: Series(name) for name in names}
        self.curves = {name: Curve(self.plot, each, exact=_exact(name)) for name, each in self.series.items()}
        self._over = LaidOver(self.plot, names)
        self._levels, self._marks = Lines(self.plot), Lines(self.plot)
        self.set_levels([Line(*level, fits=True)] if level else [])
        self._cursor = pg.InfiniteLine(angle=90)
        self._cursor.hide()
        self.plot.addItem(self._cursor, ignoreBounds=True)
        self.figure = Figure(self, self._write)
        self._wire()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        self.nothing = label("", "muted", wrap=True)
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        keep_least_height(self.nothing, 104)
        ends = [self._menu_button()] if beside else [self.figure.button(), self._menu_button()]
        head = row(self.heading, self.warning, self.readout if beside else None, *ends, spacing=SPACE // 2)
        if beside:
            head.setStretch(2, 1)
        layout.addLayout(head)
        if not beside:
            layout.addWidget(self.readout)
        layout.addWidget(self.plot, 1)
        layout.addWidget(self.nothing, 1)
        for item in (self.plot, self.nothing):  # as high as there is room, and never a reason to scroll
            item.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
        self._place(EMPTY, (0, 1))
        self._paint()
        self.draw()
        theme.notifier.changed.connect(self._paint)

    def _describe(self, wheel: str) -> None:
        metric = METRICS.get(self.names[0])
        if metric is None:
            return
        healthy = f"\nHealthy: {metric.healthy}." if metric.healthy else ""
        thick = "" if _exact(self.names[-1]) else "\nThin: each step, as the number above says. Thick: smoothed."
        self.setToolTip(f"{metric.meaning}{healthy}{thick}\nDrag to move, {wheel} to zoom, double-click for all steps.")

    def _wire(self) -> None:
        self.plot.exposed.connect(self._draw_if_stale)
        self.plot.pointed.connect(self.hovered)
        self.plot.walked.connect(self._walk)
        self.plot.all_asked.connect(self.show_all)
        self.plot.menu_asked.connect(lambda place: self.menu.popup(place))
        self.plot.tip_asked.connect(self._tip)
        self.plot.getViewBox().sigXRangeChanged.connect(self._moved)
        self.plot.getViewBox().sigResized.connect(lambda _: self._resized())
        self.hovered.connect(self.point_at)

    def _menu_button(self) -> QToolButton:
        self.menu = QMenu(self)
        export.fill(self.menu, self, lambda: Drawn(self.heading.text(), self.run, self.keys, self.plot))
        self.menu.addSeparator()
        self.menu.addAction("Show all steps", self.show_all)
        self.menu.addAction("On the whole window\tShift+F5", self.figure.ask)
        found = QToolButton()
        found.setText("⋯")
        found.setToolTip("Copy or save this chart")
        found.setAccessibleName(f"Copy or save the chart of {self.heading.text()}")
        found.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        found.setStyleSheet("QToolButton { padding: 0; } QToolButton::menu-indicator { image: none; }")
        keep_size(found, HEAD)
        found.setMenu(self.menu)
        return found

    # What is behind a point

    def offer_behind(self) -> None:
        """Let the menu and Return ask what is behind the step that is pointed at; the last one where none is."""
        asking = QAction("", self)
        asking.triggered.connect(lambda: self._ask_behind(asking.data()))
        first = self.menu.actions()[0]
        self.menu.insertAction(first, asking)
        self.menu.insertSeparator(first)

        def name() -> None:
            """The pointer leaves for the menu: the step is the one at which that was opened."""
            step = self._step_meant()
            asking.setData(step)
            asking.setText("What is behind this point …" if step is None else f"What is behind step {step} …")
            asking.setEnabled(step is not None)

        self.menu.aboutToShow.connect(name)
        self.plot.behind_asked.connect(lambda: self._ask_behind(self._step_meant()))
        self.setToolTip(f"{self.toolTip()}\nReturn, or the right button: what is behind a point.")

    def _step_meant(self) -> int | None:
        longest = self._longest()
        if longest is None:
            return None
        return int(longest.steps[-1 if self._pointed is None else longest.nearest(self._pointed)])

    def _ask_behind(self, step: int | None) -> None:
        if step is not None:
            self.behind_asked.emit(step)

    # What it shows

    def append(self, name: str, step: float, value: float | None) -> None:
        """Add a point without drawing; call `draw` once for many."""
        self.extend(name, [(step, value)])

    def extend(self, name: str, points: Iterable[tuple[float, float | None]]) -> None:
        if name in self.series:
            self.series[name].extend(points)

    def clear(self) -> None:
        """Forget all points; who looks at some steps goes on looking at them."""
        for series in self.series.values():
            series.clear()
        if self.following:
            self._place(EMPTY, (0, 1))
        self.draw()

    def smooth(self, smoothing: float) -> None:
        """From 0, the values as they are, to 0.99."""
        self._smoothing = smoothing
        for curve in self._all_curves():
            curve.smooth(smoothing)
        self._redraw()

    def set_levels(self, levels: list[Line]) -> None:
        """Draw these dashed levels and no others."""
        self._levels.show(levels)

    def set_marks(self, marks: list[Line]) -> None:
        """Mark these steps and no others."""
        self._marks.show(marks)

    @property
    def levels(self) -> list[Line]:
        return self._levels.all

    @property
    def marks(self) -> list[Line]:
        return self._marks.all

    def warn(self, text: str) -> None:
        """Say beside the heading that something looks wrong; nothing takes it away."""
        self.warning.setVisible(bool(text))
        self.warning.setToolTip(tip(text))
        self.warning.setAccessibleName(f"Warning: {text}" if text else "")
        self.plot.setAccessibleDescription(text)

    def overlay(self, runs: list[Overlay]) -> None:
        """Draw the same metrics of other runs: a colour for each run, dashes for the first metric, dots for the
        second."""
        if runs != self._over.runs:
            self._over.show(runs, self._smoothing, frozenset(filter(_exact, self.names)))
            self.draw()

    @property
    def overlays(self) -> list[Overlay]:
        return self._over.runs

    @property
    def keys(self) -> list[Key]:
        """Every curve: how it is drawn, what it is called, and its series."""
        colours = theme.current().series
        own = [
            Key(colours[number], Qt.PenStyle.SolidLine, self._named(self.run, name), self.series[name])
            for number, name in enumerate(self.names)
        ]
        return own + [
            Key(
                overlay_colour(run.number), overlay_style(run.number, self.names.index(name)),
                self._named(run.run, name), curve.series,
            )
            for run, name, curve in self._over.drawn
        ]  # fmt: skip

    def _named(self, run: int, name: str) -> str:
        parts = [f"Run {run}" if run else "", self._words[name] if len(self.names) > 1 else ""]
        return " ".join(part for part in parts if part) or self._words[name]

    def _all_curves(self) -> list[Curve]:
        return [*self.curves.values(), *self._over.curves]

    # Where it looks

    def show_all(self) -> None:
        """Show every step, and follow what comes."""
        self.following = True
        self.followed.emit()
        self._redraw()

    def look_at(self, low: float, high: float) -> None:
        """Look at these steps, and no longer follow."""
        self.following = False
        if self.plot.viewRange()[0] != [low, high]:
            self._place((low, high))
            self._redraw()

    def _moved(self, _: object, steps: Range) -> None:
        if not self._placing:
            self.following = False
            self._redraw()
            self.moved.emit(*steps)

    def _place(self, steps: Range | None = None, values: Range | None = None) -> None:
        """Move the view without telling anybody."""
        (low, high), shown = self.plot.viewRange()
        ranges = {"xRange": steps, "yRange": values}
        same = {"xRange": (low, high), "yRange": tuple(shown)}
        new = {name: found for name, found in ranges.items() if found is not None and found != same[name]}
        if new:
            self._placing = True
            self.plot.getViewBox().setRange(**new, padding=0, disableAutoRange=False)
            self._placing = False

    # Drawing

    def draw(self) -> None:
        """Draw what was added."""
        some = any(key.series.size for key in self.keys)
        self.plot.setVisible(some)
        self.nothing.setVisible(not some)
        self.nothing.setText(NOTHING_YET if self.run else "")  # else it would be seen before a run's curves are read
        self._redraw()
        self._read()

    def _resized(self) -> None:
        fit_unit(self.plot)
        self._redraw()

    def _redraw(self) -> None:
        """At once where it is seen, else when it comes into sight."""
        self._stale = True
        if not self.plot.viewport().visibleRegion().isEmpty():
            self._draw_if_stale()

    def _draw_if_stale(self) -> None:
        if not self._stale:
            return
        self._stale = False
        curves = self._all_curves()
        (low, high), shown = self.plot.viewRange()
        ends = [curve.series.steps[[0, -1]] for curve in curves if curve.series.size]
        if self.following and ends:
            first, last = min(end[0] for end in ends), max(end[1] for end in ends)
            low, high = fitted((low, high), first, last)
        pixels = int(self.plot.getViewBox().width())
        seen = [found for curve in curves if (found := curve.look(low, high, pixels)) is not None]
        values = None
        if seen:
            seen += [(line.place, line.place) for line in self._levels.all if line.fits]
            lowest, highest = readable(min(low for low, _ in seen), max(high for _, high in seen))
            values = fitted((shown[0], shown[1]), lowest, highest)
        self._place((low, high), values)
        (left, right), (bottom, top) = self.plot.viewRange()
        view = QRectF(left, bottom, right - left, top - bottom)
        for curve in curves:
            curve.draw(view)
        for lines in (self._levels, self._marks):
            lines.hide_outside(*self.plot.viewRange())
        box = self.plot.getViewBox().rect()
        if box.width() and box.height():
            self._marks.clear_words([found for curve in curves for found in curve.seen], view, box.size())
        self.plot.getViewBox().prepareForPaint()  # what it moves only when it paints would be painted twice

    def _paint(self) -> None:
        colours = theme.current()
        paint_axes(self.plot, unit_of(self.names[0]))
        self._cursor.setPen(pg.mkPen(colours.muted, style=Qt.PenStyle.DotLine))
        for lines in (self._levels, self._marks):
            lines.paint()
        for number, curve in enumerate(self.curves.values()):
            curve.paint(colours.series[number])
        self._over.paint()
        self._read()

    def _write(self, pixels: int) -> None:
        write(self.plot, pixels)
        self._paint()
        self._redraw()

    # What is said of a step

    def point_at(self, step: float | None) -> None:
        """Show every curve's value at a step, and where that is; None shows the last values."""
        self._pointed = step
        longest = self._longest()
        if step is not None and longest is not None:
            self._cursor.setPos(longest.steps[longest.nearest(step)])
        self._cursor.setVisible(step is not None and longest is not None)
        self._read()

    def _longest(self) -> Series | None:
        found = max(self.series.values(), key=lambda series: series.size)
        return found if found.size else None

    def _walk(self, way: int) -> None:
        """Point at the step before or after; the first time at the last that is seen."""
        longest = self._longest()
        if longest is None:
            return
        if self._pointed is None:
            place = longest.nearest(self.plot.viewRange()[0][1])
        else:
            place = min(max(longest.nearest(self._pointed) + way, 0), longest.size - 1)
        self.hovered.emit(float(longest.steps[place]))

    def _read(self) -> None:
        """The values at the step that is pointed at, else the last ones."""
        step, longest = self._pointed, self._longest()
        begin = f"step {longest.steps[longest.nearest(step)]:g}" if step is not None and longest is not None else ""
        values = []
        for number, key in enumerate(self.keys):
            if key.series.size:
                another = number >= len(self.names)
                word = key.words if another else "" if len(self.names) == 1 else self._words[self.names[number]]
                value = key.series.values[-1 if step is None else key.series.nearest(step)]
                values.append(Value(key, word, float(value), another))
        self.readout.say(begin, values)

    def _tip(self, place: QPoint, around: QRectF) -> None:
        """What the lines under the pointer mean. Elsewhere it would cover what is read, and stands over the title."""
        lines = [*self._marks.near(around), *self._levels.near(around)]
        self.plot.show_tip(place, "\n".join(line.meaning for line in lines))


def _exact(name: str) -> bool:
    """Held-out values are few and exact: they are drawn as they are."""
    return name.startswith("eval")
