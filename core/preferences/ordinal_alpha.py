"""Krippendorff's ordinal alpha of rankings (Krippendorff, Computing Krippendorff's Alpha-Reliability, 2011).

Alpha is made for values on one scale; ranks are places within their own group. Two choices make it right for them:

- Ranks are average ranks among what all raters of the group judge: 1, 2.5, 2.5, 4. Ranks without gaps (1, 2, 2, 3)
  would call the last of a best-worst ranking third, and take it for a disagreement with a full order that has the
  same one last; and a flagged item would move all that is below it.
- Groups of each size have an alpha of their own, and the mean over sizes, weighted by how many ranks each compares,
  is told. In one table the size of a group would pass for agreement: that nobody gives a rank above 2 in a pair is
  certain, and among nines it would be rare. Two hundred pairs ordered oppositely and forty nines ordered alike would
  have an alpha of 0.66.

With groups of one size it is the ordinal alpha of the library `krippendorff` on average ranks.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from core.preferences.interval import Interval
from core.preferences.statistics import Ranks, bootstrap_rows, widened

Places = NDArray[np.intp]


class Tables:
    """Rankings of groups of items, by how many items of a group all its raters judge."""

    def __init__(self) -> None:
        self._found: dict[int, list[tuple[Places, Ranks]]] = defaultdict(list)

    def add(self, units: Places, table: Ranks) -> None:
        """Groups that the same raters ranked: `units` is (G,), what each counts towards; `table` is (G, m, n), with
        the ranks of `statistics`. A group of which fewer than two items are judged by all has nothing to compare."""
        for places, ranks in average_ranks(table):
            self._found[ranks.shape[-1]].append((units[places], ranks))

    def alpha(self, units: int, *, resamples: int = 1000, n: int | None = None) -> Interval:
        """Alpha with its interval over units, of which there are `n` if each bundles several."""
        matrices = [_by_unit(units, found) for found in self._found.values()]  # (units, values, values) each
        if not matrices:
            return Interval(None, n=units if n is None else n)
        ends = np.cumsum([matrix[0].size for matrix in matrices])[:-1]

        def statistic(sums: NDArray[np.float64]) -> NDArray[np.float64]:
            parts = np.split(sums, ends, axis=1)
            return mean_alpha(part.reshape(-1, *whole.shape[1:]) for part, whole in zip(parts, matrices, strict=True))

        flat = np.concatenate([matrix.reshape(units, -1) for matrix in matrices], axis=1)
        return widened(bootstrap_rows(flat, statistic, resamples=resamples, n=n), -1.0, 1.0)


def average_ranks(table: Ranks) -> Iterator[tuple[Places, Ranks]]:
    """(G, m, n) gives, for each number s >= 2 of items that all raters of a group judge, the places of the groups
    with as many, (g,), and their ranks among these, (g, m, s).

    Tied items share the mean of the places that they take together, unranked ones that of the last places.
    """
    from scipy.stats import rankdata

    judged = np.asarray(~np.isnan(table).any(axis=1))  # (G, n)
    counts = judged.sum(axis=-1)
    for size in np.unique(counts[counts >= 2]):
        places = np.flatnonzero(counts == size)
        items = table[places].swapaxes(1, 2)[judged[places]]  # (g s, m)
        ranks = items.reshape(len(places), size, -1).swapaxes(1, 2)
        yield places, rankdata(ranks, axis=-1)


def _by_unit(units: int, tables: list[tuple[Places, Ranks]]) -> NDArray[np.float64]:
    """The coincidence matrices of groups of one size, added up for each unit: (units, values, values)."""
    values = np.unique(np.concatenate([np.unique(ranks) for _, ranks in tables]))
    sums = np.zeros((units, len(values), len(values)))
    for unit, ranks in tables:
        np.add.at(sums, unit, coincidences(value_counts(ranks, values)))
    return sums


def value_counts(table: Ranks, values: Ranks) -> NDArray[np.float64]:
    """How many raters gave each of the values to each item: (..., m, n) gives (..., n, values)."""
    return (table[..., None] == values).sum(axis=-3, dtype=float)


def coincidences(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """The coincidence matrix of some items, each weighted by 1 / (raters - 1): (..., n, values) gives
    (..., values, values)."""
    raters = counts.sum(axis=-1, keepdims=True)
    weighted = counts / np.maximum(raters - 1, 1) * (raters >= 2)
    matrix = np.swapaxes(weighted, -1, -2) @ counts
    diagonal = np.arange(counts.shape[-1])
    matrix[..., diagonal, diagonal] -= weighted.sum(axis=-2)
    return matrix


def alpha(matrices: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ordinal alpha of coincidence matrices whose values are in order, (..., values, values) gives (...): 1 less
    observed over expected disagreement.

    The distance of two values is that of their mean places among all values given. nan where there is nothing to
    compare, or where all values are the same.
    """
    totals = matrices.sum(axis=-2)
    n = totals.sum(axis=-1)
    places = np.cumsum(totals, axis=-1) - totals / 2
    distance = (places[..., :, None] - places[..., None, :]) ** 2
    observed = (matrices * distance).sum(axis=(-2, -1))
    products = (totals[..., :, None] * distance * totals[..., None, :]).sum(axis=(-2, -1))
    known = (n > 1) & ((totals > 0).sum(axis=-1) >= 2) & (products > 0)
    return np.divide(products - observed * (n - 1), products, out=np.full(n.shape, np.nan), where=known)


def mean_alpha(matrices: Iterable[NDArray[np.float64]]) -> NDArray[np.float64]:
    """The mean of the alphas of coincidence matrices of several kinds, (rows, values, values) each, weighted by how
    many values each compares; (rows,), nan where there is none."""
    found = [(alpha(each), each.sum(axis=(-2, -1))) for each in matrices]
    values = np.stack([value for value, _ in found])
    weights = np.stack([weight for _, weight in found]) * ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return (np.nan_to_num(values) * weights).sum(axis=0) / weights.sum(axis=0)
