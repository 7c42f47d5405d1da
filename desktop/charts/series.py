"""The numbers behind a curve: they grow, are smoothed, and are drawn at any zoom without looking at all of them.

pyqtgraph's peak downsampling cuts its buckets anew at each move and leaves out the last values, so that a peak which
has just arrived may not be seen. Buckets at fixed places that are looked through at each move instead of being kept
(`Pyramid`) made moving 4 linked curves of 20,000 steps take 15 ms in place of 8.
"""

from collections.abc import Iterable

import numpy as np

Array = np.ndarray
#: Weights below this add nothing that could be seen.
NOTHING = 1e-9
#: Values beyond this have no place on any axis.
MOST = 1e100


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


class Pyramid(Column):
    """A column that keeps the lowest and the highest of every 2, 4, 8 ... of its values.

    A bucket is computed once, when it is first looked at after it was filled: what a repaint costs depends on the
    pixels and not on the length.
    """

    def __init__(self) -> None:
        super().__init__()
        self._levels: list[tuple[Column, Column]] = []

    def sides(self, level: int) -> tuple[Array, Array]:
        """The lowest and the highest of each full bucket of `2 ** level` values."""
        if 0 < level <= len(self._levels) and self._levels[level - 1][0].size == self.size >> level:
            lows, highs = self._levels[level - 1]  # no bucket was filled since
            return lows.values, highs.values
        below = (self.values, self.values)
        for number in range(level):
            if number == len(self._levels):
                self._levels.append((Column(), Column()))
            for kept, side, pick in zip(self._levels[number], below, (np.minimum, np.maximum), strict=True):
                begin, end = 2 * kept.size, len(side) // 2 * 2
                if end > begin:
                    kept.extend(pick(side[begin:end:2], side[begin + 1 : end : 2]))
            below = (self._levels[number][0].values, self._levels[number][1].values)
        return below


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
        self._steps, self._raw, self._means = Column(), Pyramid(), Pyramid()
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
        steps, values = found[np.abs(found[:, 1]) < MOST].T
        means, self._carried = smoothed(values, self._smoothing, self._carried, self.size)
        for column, more in ((self._steps, steps), (self._raw, values), (self._means, means)):
            column.extend(more)

    def smooth(self, smoothing: float) -> None:
        """Smooth all of it anew: 0 leaves the values as they are."""
        if smoothing != self._smoothing:
            self._smoothing, self._means = smoothing, Pyramid()
            means, self._carried = smoothed(self.values, smoothing)
            self._means.extend(means)

    def nearest(self, step: float) -> int:
        """The place of the point whose step is nearest."""
        place = int(np.searchsorted(self.steps, step))
        around = [each for each in (place - 1, place) if 0 <= each < self.size]
        return min(around, key=lambda each: abs(self.steps[each] - step))

    def drawn(self, low: float, high: float, pixels: int, *, means: bool) -> tuple[Array, Array]:
        """What to draw between two steps, up to both of them: at most some two points for each pixel.

        A bucket of values that share a pixel or two is drawn as its lowest and its highest, so no peak is lost.
        """
        x, y = self._points(low, high, pixels, self._means if means else self._raw)
        if len(x) and x[0] < low:
            x, y = _cut(x, y, low)
        if len(x) and x[-1] > high:
            x, y = (part[::-1] for part in _cut(x[::-1], y[::-1], high))
        return x, y

    def _points(self, low: float, high: float, pixels: int, column: Pyramid) -> tuple[Array, Array]:
        """Those between two steps and the neighbour on either side."""
        first = max(int(np.searchsorted(self.steps, low)) - 1, 0)
        end = min(int(np.searchsorted(self.steps, high, side="right")) + 1, self.size)
        level = ((end - first) // max(pixels, 1)).bit_length()
        if not level:
            return self.steps[first:end], column.values[first:end]
        lows, highs = column.sides(level)
        begin, stop = first >> level, min((end - 1) >> level, len(lows))
        width = 1 << level
        full, rest = slice(begin * width, stop * width), slice(stop * width, end)
        steps, last = self.steps[full], self.steps[rest]
        x, y = np.empty(2 * (stop - begin) + 3), np.empty(2 * (stop - begin) + 3)
        x[:-3:2], x[1:-3:2] = steps[::width], steps[width // 2 :: width]
        y[:-3:2], y[1:-3:2] = lows[begin:stop], highs[begin:stop]
        values = column.values[rest]  # a bucket that is not full yet, or seen in part
        x[-3:] = last[0], last[len(last) // 2], last[-1]
        y[-3:] = values.min(), values.max(), values[-1]
        return x, y


def _cut(x: Array, y: Array, edge: float) -> tuple[Array, Array]:
    """A line whose first points lie beyond the edge, begun at the edge; nothing where all of it lies beyond."""
    inside = int(np.argmax((x >= edge) if x[0] < edge else (x <= edge)))
    if inside == 0:
        return x[:0], y[:0]
    x, y = x[inside - 1 :].copy(), y[inside - 1 :].copy()
    share = (edge - x[0]) / (x[1] - x[0])
    x[0], y[0] = edge, y[0] + share * (y[1] - y[0])
    return x, y
