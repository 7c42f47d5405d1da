"""The frontier as an SVG: a curve for each run through its checkpoints, and the best of n, dashed."""

from core.report.frontier import AXES, Axis, BestOf, Frontier, Point, on
from core.report.svg import GREY, SERIES, Plot


def drawn(found: Frontier, axis: Axis = "reward") -> str:
    points = [point for point in found.points if on(point, axis).value is not None and point.kl.value is not None]
    best = [each for each in found.best_of if on(each, axis).value is not None]
    both: list[Point | BestOf] = [*points, *best]
    ends = [end for each in both for end in _ends(each, axis)]
    low, high = (min(ends), max(ends)) if ends else (0.0, 1.0)
    air = 0.06 * (high - low) or 0.5
    widest = max([1.0, *(nats(each) for each in both)])
    plot = Plot((min(0.0, *map(nats, both), 0.0), 1.12 * widest), (low - air, high + air), ("KL, nats", AXES[axis]))
    curve = [(each.kl, on(each, axis).value or 0.0) for each in best]
    plot.line(curve, GREY, dashed=True)
    for each in best:
        _interval(plot, each, axis, GREY)
        plot.dot(each.kl, on(each, axis).value or 0.0, GREY)
    if best:
        _name(plot, best[-1], axis, f"best of {best[-1].n}" if best[-1].n > 1 else "reference", GREY)
    for number, run in enumerate(dict.fromkeys(point.run for point in points)):
        colour, own = SERIES[number % len(SERIES)], [point for point in points if point.run == run]
        plot.line([(nats(point), on(point, axis).value or 0.0) for point in own], colour)
        for point in own:
            _interval(plot, point, axis, colour)
            plot.dot(nats(point), on(point, axis).value or 0.0, colour)
        _name(plot, own[-1], axis, f"run {run}", colour)
    return plot.done(f"{AXES[axis].capitalize()} against KL from the reference")


def nats(each: Point | BestOf) -> float:
    """How far it is from the reference."""
    return each.kl if isinstance(each, BestOf) else each.kl.value or 0.0


def _ends(each: Point | BestOf, axis: Axis) -> list[float]:
    found = on(each, axis)
    return [end for end in (found.low, found.value, found.high) if end is not None]


def _interval(plot: Plot, each: Point | BestOf, axis: Axis, colour: str) -> None:
    found = on(each, axis)
    if found.low is not None and found.high is not None:
        plot.thin([(nats(each), found.low), (nats(each), found.high)], colour)


def _name(plot: Plot, each: Point | BestOf, axis: Axis, words: str, colour: str) -> None:
    across, down = plot.right(nats(each)), plot.down(on(each, axis).value or 0.0)
    plot.text(across, down - 8, words, "middle", colour)
