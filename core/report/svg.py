"""The report's plots as SVG text: small, sharp at any size, and readable in light and dark alike."""

from collections.abc import Sequence
from html import escape
from itertools import pairwise

import numpy as np

from core.report.calibration import Bin, Floats
from core.report.growth import Growth
from core.report.measure import Slice
from core.report.templates import clean

WIDTH, HEIGHT = 420, 240
LEFT, RIGHT, TOP, BOTTOM = 46, 14, 14, 36
BLUE, ORANGE, GREY = "#2f6fde", "#d9730d", "#8a8f98"
#: For curves side by side: Okabe and Ito's colours, as dark or as light as a white and a black ground both allow.
SERIES = ("#2f6fde", "#d9730d", "#0a9a73", "#c2599a", "#8a7a00", "#2a9bd0", "#b23c17", "#7a5fd0")
#: More points than these of one curve are not seen at this size.
POINTS = 300
ROW = 26
Points = list[tuple[int, float]]
#: (from, to) of steps, and of values.
Box = tuple[tuple[float, float], tuple[float, float]]


class Plot:
    """A frame with axes; `x` and `y` are (from, to) in data units."""

    def __init__(self, x: tuple[float, float], y: tuple[float, float], labels: tuple[str, str]) -> None:
        self.x, self.y = x, y
        self.parts: list[str] = []
        for tick in _ticks(*y):
            self._line([(x[0], tick), (x[1], tick)], "#8a8f9855", 1)
            self.text(LEFT - 6, self.down(tick) + 4, _short(tick), "end")
        for tick in _ticks(*x):
            self.text(self.right(tick), HEIGHT - BOTTOM + 16, _short(tick), "middle")
        self.text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 4, labels[0], "middle")
        self.text(LEFT, TOP - 3, labels[1], "start")

    def right(self, x: float) -> float:
        return LEFT + (x - self.x[0]) / (self.x[1] - self.x[0]) * (WIDTH - LEFT - RIGHT)

    def down(self, y: float) -> float:
        return HEIGHT - BOTTOM - (y - self.y[0]) / (self.y[1] - self.y[0]) * (HEIGHT - TOP - BOTTOM)

    def text(self, x: float, y: float, words: str, anchor: str, colour: str = GREY) -> None:
        place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
        self.parts.append(f'<text {place} font-size="11" fill="{colour}">{escape(clean(words))}</text>')

    def _line(self, points: Sequence[tuple[float, float]], colour: str, width: float, dash: str = "") -> None:
        path = " ".join(f"{self.right(x):.1f},{self.down(y):.1f}" for x, y in points)
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        self.parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"{dashed}/>')

    def line(self, points: Sequence[tuple[float, float]], colour: str, *, dashed: bool = False) -> None:
        self._line(points, colour, 2, "5 4" if dashed else "")

    def thin(self, points: Sequence[tuple[float, float]], colour: str) -> None:
        self._line(points, f"{colour}88", 1)

    def dot(self, x: float, y: float, colour: str) -> None:
        self.parts.append(f'<circle cx="{self.right(x):.1f}" cy="{self.down(y):.1f}" r="3.5" fill="{colour}"/>')

    def bar(self, left: float, right: float, height: float, colour: str) -> None:
        x, y = self.right(left), self.down(height)
        self.parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{self.right(right) - x:.1f}" height="{self.down(0) - y:.1f}"'
            f' fill="{colour}" fill-opacity="0.45"/>'
        )

    def done(self, name: str) -> str:
        return _svg(self.parts, HEIGHT, name)


def reliability(bins: Sequence[Bin]) -> str:
    """How often the model was right against how sure it was; on the dashed line both are the same."""
    plot = Plot((0.5, 1.0), (0.0, 1.0), ("confidence", "accuracy"))
    plot.line([(0.5, 0.5), (1, 1)], GREY, dashed=True)
    points = [(item.confidence, item.accuracy) for item in bins]
    plot.line(points, BLUE)
    for point in points:
        plot.dot(*point, BLUE)
    return plot.done("Reliability diagram")


def histogram(chosen: Floats, rejected: Floats) -> str:
    """Scores of the chosen and of the rejected completions."""
    edges, tall, low = bins(chosen, rejected)
    highest = max(1, *tall, *low)
    plot = Plot((edges[0], edges[-1]), (0, highest * 1.05), ("reward", "chosen (blue), rejected (orange)"))
    for counts, colour in ((low, ORANGE), (tall, BLUE)):
        for left, right, count in zip(edges[:-1], edges[1:], counts, strict=True):
            plot.bar(left, right, count, colour)
    return plot.done("Scores of chosen and rejected completions")


def bins(chosen: Floats, rejected: Floats, count: int = 24) -> tuple[list[float], list[int], list[int]]:
    """Edges, and how many chosen and rejected scores lie between them; each pair counts."""
    both = np.concatenate([chosen, rejected])
    low, high = (float(both.min()), float(both.max())) if len(both) else (0.0, 1.0)
    if high - low < 1e-9:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, count + 1)
    return edges.tolist(), np.histogram(chosen, edges)[0].tolist(), np.histogram(rejected, edges)[0].tolist()


def growth(found: Growth) -> str:
    """Accuracy against the number of labeled prompts, and where it leads."""
    points = [*found.measured, *found.forecast]
    most = max((point.prompts for point in points), default=1)
    plot = Plot((0, most * 1.05), (0.4, 1.0), ("labeled prompts", "accuracy"))
    plot.line([(0, 0.5), (most * 1.05, 0.5)], GREY, dashed=True)
    measured = [(p.prompts, p.accuracy.value) for p in found.measured if p.accuracy.value is not None]
    forecast = [(p.prompts, p.accuracy.value) for p in found.forecast if p.accuracy.value is not None]
    plot.line(measured, BLUE)
    plot.line(measured[-1:] + forecast, ORANGE, dashed=True)
    for point in points:
        if point.accuracy.low is not None and point.accuracy.high is not None:
            plot.line([(point.prompts, point.accuracy.low), (point.prompts, point.accuracy.high)], GREY)
    for place, colour in [(p, BLUE) for p in measured] + [(p, ORANGE) for p in forecast]:
        plot.dot(*place, colour)
    return plot.done("Accuracy against labels")


def slices(rows: Sequence[Slice], name: str) -> str:
    """Accuracy with its interval on each part, a line for each; the dashed line is chance."""
    parts: list[str] = []
    left, right = 170, WIDTH - 60

    def across(value: float) -> float:
        return left + value * (right - left)

    for number, row in enumerate(rows):
        y = ROW * number + ROW / 2
        label = row.name if len(row.name) < 24 else row.name[:22] + "…"
        parts.append(f'<text x="0" y="{y + 4}" font-size="12" fill="{GREY}">{escape(clean(label))}</text>')
        value, low, high = row.accuracy.value, row.accuracy.low, row.accuracy.high
        if low is not None and high is not None:
            parts.append(
                f'<line x1="{across(low):.1f}" x2="{across(high):.1f}" y1="{y}" y2="{y}" stroke="{GREY}"'
                ' stroke-width="2"/>'
            )
        if value is not None:
            parts.append(f'<circle cx="{across(value):.1f}" cy="{y}" r="4.5" fill="{BLUE}"/>')
            parts.append(f'<text x="{right + 8}" y="{y + 4}" font-size="12" fill="{GREY}">{value:.0%}</text>')
    chance = across(0.5)
    height = ROW * len(rows)
    parts.append(
        f'<line x1="{chance}" x2="{chance}" y1="0" y2="{height}" stroke="{GREY}" stroke-dasharray="4 4" opacity="0.7"/>'
    )
    return _svg(parts, height, name)


def curves(lines: Sequence[tuple[Points, str]], box: Box, labels: tuple[str, str]) -> str:
    """Curves over steps, each in its colour; plots with one `box` can be compared at a glance."""
    plot = Plot(*box, labels)
    for points, colour in lines:
        kept = thinned(points)
        plot.line(kept, colour)
        if len(kept) == 1:
            plot.dot(*kept[0], colour)
    return plot.done(labels[1])


def around(lines: Sequence[Points]) -> Box:
    """The box that holds all curves, with some air above and below."""
    steps = [step for points in lines for step, _ in points]
    values = [value for points in lines for _, value in points]
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    air = 0.06 * (high - low) or 0.5
    return (0.0, float(max(1, *steps, 1))), (low - air, high + air)


def thinned(points: Points) -> Points:
    """At most `POINTS` points: the mean of each stretch of steps stands at its last one."""
    if len(points) <= POINTS:
        return points
    edges = np.linspace(0, len(points), POINTS + 1).astype(int)
    parts = [points[start:end] for start, end in pairwise(edges)]
    return [(part[-1][0], sum(value for _, value in part) / len(part)) for part in parts]


def _svg(parts: Sequence[str], height: float, name: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" width="{WIDTH}" height="{height:g}"'
        f' role="img" font-family="system-ui, sans-serif"><title>{escape(clean(name))}</title>{"".join(parts)}</svg>'
    )


def _ticks(low: float, high: float, most: int = 5) -> list[float]:
    rough = (high - low) / most
    power = 10 ** np.floor(np.log10(rough))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= rough * 0.999)
    return [float(v) for v in np.arange(np.ceil(low / step - 1e-9) * step, high + step * 1e-6, step)]


def _short(value: float) -> str:
    value = 0.0 if abs(value) < 1e-9 else value  # not -0
    return f"{value:g}" if abs(value) < 1e4 else f"{value:.2g}"
