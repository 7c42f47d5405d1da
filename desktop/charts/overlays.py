"""Other runs that are laid over the one that a chart shows: a colour for each run, a line for each metric."""

from dataclasses import dataclass, field

import pyqtgraph as pg

from desktop.charts.curve import Curve, overlay_style
from desktop.charts.series import Series
from desktop.theme.theme import overlay_colour


@dataclass(frozen=True)
class Overlay:
    """Another run: `number` gives its colour, `series` its metrics."""

    run: int
    number: int
    series: dict[str, list[tuple[int, float]]] = field(repr=False)


class LaidOver:
    """The curves of the other runs on one plot; `names` are its metrics."""

    def __init__(self, plot: pg.PlotWidget, names: tuple[str, ...]) -> None:
        self.runs: list[Overlay] = []
        self.drawn: list[tuple[Overlay, str, Curve]] = []
        self._plot, self._names = plot, names

    @property
    def curves(self) -> list[Curve]:
        return [curve for _, _, curve in self.drawn]

    def show(self, runs: list[Overlay], smoothing: float, exact: frozenset[str]) -> None:
        """Lay these over and no others; only means are drawn, but for the `exact` metrics."""
        for curve in self.curves:
            curve.remove()
        self.runs, self.drawn = runs, []
        for run in runs:
            for place, name in enumerate(self._names):
                if points := run.series.get(name):
                    curve = Curve(self._plot, Series(name), exact=name in exact, thin=False)
                    curve.series.extend(points)
                    curve.smooth(smoothing)
                    curve.paint(overlay_colour(run.number), overlay_style(run.number, place))
                    self.drawn.append((run, name, curve))

    def paint(self) -> None:
        for run, name, curve in self.drawn:
            curve.paint(overlay_colour(run.number), overlay_style(run.number, self._names.index(name)))
