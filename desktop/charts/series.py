"""The numbers behind a curve: they grow, are smoothed, and are drawn at any zoom without looking at all of them."""

from collections.abc import Iterable

import numpy as np

Array = np.ndarray
#: Weights below this add nothing that could be seen.
NOTHING = 1e-9


class Column:
    """Numbers in an array that doubles, so that appending never copies everything."""

    def __init__(self) -> None:
        self._room = np.zeros(64)
        self.size = 0

    @property
    def values(self) -> Array:
        return self._room[: self.size]

    def extend(self, more: Array) -> None:
        size = self.size + len(more)
        if size > len(self._room):
            room = np.zeros(max(size, 2 * len(self._room)))
            room[: self.size] = self.values
            self._room = room
        self._room[self.size : size] = more
        self.size = size


def smoothed(values: Array, smoothing: float, carried: float = 0.0, before: int = 0) -> tuple[Array, float]:
    """The debiased exponential moving mean: mean_t = sum_i s^i x_(t-i) / sum_i s^i (Kingma and Ba 2015, section 3).

    `carried` is what an earlier call gave back after `before` values. Whole arrays are summed over windows that
    double, so no loop runs over the values.
    """
    sums = (1 - smoothing) * values
    window, weight = 1, smoothing
    while window < len(sums) and weight > NOTHING:
        sums[window:] += weight * sums[:-window]
        window, weight = 2 * window, weight * weight
    counts = np.arange(1, len(values) + 1)
    sums += smoothing**counts * carried
    return sums / (1 - smoothing ** (counts + before)), float(sums[-1]) if len(sums) else carried


class Series:
    """One metric of one run: its steps in rising order, its values, and their moving mean."""

    def __init__(self, name: str, smoothing: float = 0.0) -> None:
        self.name = name
        self._smoothing = smoothing
        self.clear()

    def clear(self) -> None:
        self._steps, self._raw, self._means = Column(), Column(), Column()
        self._carried = 0.0

    @property
    def size(self) -> int:
        return self._raw.size

    @property
    def steps(self) -> Array:
        return self._steps.values

    @property
    def values(self) -> Array:
        return self._raw.values

    @property
    def means(self) -> Array:
        return self._means.values

    def append(self, step: float, value: float) -> None:
        self.extend([(step, value)])

    def extend(self, points: Iterable[tuple[float, float | None]]) -> None:
        """Add points of later steps; what is not a number is left out."""
        found = np.array([(step, np.nan if value is None else value) for step, value in points], float).reshape(-1, 2)
        steps, values = found[np.isfinite(found[:, 1])].T
        means, self._carried = smoothed(values, self._smoothing, self._carried, self.size)
        for column, more in ((self._steps, steps), (self._raw, values), (self._means, means)):
            column.extend(more)

    def smooth(self, smoothing: float) -> None:
        """Smooth all of it anew: 0 leaves the values as they are."""
        if smoothing != self._smoothing:
            self._smoothing, self._means = smoothing, Column()
            means, self._carried = smoothed(self.values, smoothing)
            self._means.extend(means)

    def nearest(self, step: float) -> int:
        """The place of the point whose step is nearest."""
        place = int(np.searchsorted(self.steps, step))
        around = [each for each in (place - 1, place) if 0 <= each < self.size]
        return min(around, key=lambda each: abs(self.steps[each] - step))

    def drawn(self, low: float, high: float, pixels: int, *, means: bool) -> tuple[Array, Array]:
        """What to draw between two steps, up to both of them: at most some two points for each pixel.

        A bucket of values that share a pixel or two is drawn as its lowest and its highest, so no peak is lost. Where
        buckets begin depends on neither step: a value that is added, or a view that moves, leaves the others as they
        are. pyqtgraph's downsampling ("peak") cuts them anew at each move, and leaves out the last values.
        """
        first = max(int(np.searchsorted(self.steps, low)) - 1, 0)
        end = min(int(np.searchsorted(self.steps, high, side="right")) + 1, self.size)
        width = 1 << ((end - first) // max(pixels, 1)).bit_length()
        values = (self.means if means else self.values)[:end]
        if width == 1:
            return _between(self.steps[first:end], values[first:], low, high)
        begins = np.arange(first // width * width, end, width)
        middles = np.minimum(begins + width // 2, end - 1)
        x = np.stack([self.steps[begins], self.steps[middles]], axis=1).ravel()
        sides = [side.reduceat(values, begins) for side in (np.minimum, np.maximum)]
        y = np.stack(sides, axis=1).ravel()
        return _between(np.append(x, self.steps[end - 1]), np.append(y, values[-1]), low, high)


def _between(x: Array, y: Array, low: float, high: float) -> tuple[Array, Array]:
    """The piece of a line between two steps, cut where it crosses them."""
    first, end = int(np.searchsorted(x, low)), int(np.searchsorted(x, high, side="right"))
    before, after = [low] if 0 < first < len(x) else [], [high] if 0 < end < len(x) else []
    ends = [[float(np.interp(edge, x, y)) for edge in edges] for edges in (before, after)]
    return np.concatenate([before, x[first:end], after]), np.concatenate([ends[0], y[first:end], ends[1]])
