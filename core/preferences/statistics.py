"""Measures of agreement between rankings, as pure functions, with bootstrap intervals.

A ranking of n items is an array of n ranks (1 is best, equal is tied, nan is unranked).
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ranks = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """A value with its 95 % interval over `n` units; None where it cannot be computed."""

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0


NOTHING = Interval(None)


def alike(first: Ranks, second: Ranks) -> tuple[float, int]:
    """How many pairs of items two rankings judge alike, of how many.

    A pair counts where both rankings place both items. Better against better is 1, tied against tied is 1, tied
    against better is 1/2: the labelers neither agree nor contradict each other. (Stiennon et al. 2020, arXiv
    2009.01325, count agreement over pairs; the half for a tie is the usual credit of a coin that decides it.)
    """
    placed = ~np.isnan(first) & ~np.isnan(second)
    a, b = first[placed], second[placed]
    upper = np.triu_indices(len(a), k=1)
    one = np.sign(a[:, None] - a[None, :])[upper]
    two = np.sign(b[:, None] - b[None, :])[upper]
    same = (one == two).sum() + 0.5 * ((one == 0) ^ (two == 0)).sum()
    return float(same), len(one)


def tau_b(first: Ranks, second: Ranks) -> float | None:
    """Kendall's tau-b over the items that both place (Kendall 1945); None if either ties everything."""
    from scipy.stats import kendalltau

    placed = ~np.isnan(first) & ~np.isnan(second)
    if placed.sum() < 2:
        return None
    value = float(kendalltau(first[placed], second[placed], variant="b").statistic)
    return None if np.isnan(value) else value


def kendall_w(table: NDArray[np.float64]) -> float | None:
    """Kendall's coefficient of concordance of m raters (rows) over n items, corrected for ties.

    W = (12 S) / (m^2 (n^3 - n) - m sum of T_j), with T_j = sum of (t^3 - t) over the ties of rater j (Kendall
    and Babington Smith 1939; Siegel and Castellan 1988, section 9.4). None if a rater leaves an item out, or if
    every rater ties everything.
    """
    from scipy.stats import rankdata

    m, n = table.shape
    if m < 2 or n < 2 or np.isnan(table).any():
        return None
    ranks = np.apply_along_axis(rankdata, 1, table)
    sums = ranks.sum(axis=0)
    s = float(((sums - sums.mean()) ** 2).sum())
    ties = 0.0
    for row in ranks:
        _, counts = np.unique(row, return_counts=True)
        ties += float((counts**3 - counts).sum())
    below = m**2 * (n**3 - n) - m * ties
    return None if below <= 0 else 12 * s / below


def alpha(table: NDArray[np.float64], level: str = "ordinal") -> float | None:
    """Krippendorff's alpha of raters (rows) over units (columns); nan is missing (Krippendorff 2011).

    None where there is nothing to compare, or where all values are the same.
    """
    import krippendorff

    paired = (~np.isnan(table)).sum(axis=0) >= 2
    values = table[:, paired]
    if not paired.any() or len(np.unique(values[~np.isnan(values)])) < 2:
        return None
    return float(krippendorff.alpha(reliability_data=values, level_of_measurement=level))


def coincidences(table: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The coincidence matrix of some units: (values, values), each unit weighted by 1 / (raters - 1)."""
    found = np.zeros((len(values), len(values)))
    counts = np.stack([(table == value).sum(axis=0) for value in values])  # (values, units)
    raters = counts.sum(axis=0)
    for unit in np.flatnonzero(raters >= 2):
        column = counts[:, unit].astype(float)
        found += (np.outer(column, column) - np.diag(column)) / (raters[unit] - 1)
    return found


def alpha_of(matrix: NDArray[np.float64]) -> float | None:
    """Ordinal alpha of a coincidence matrix whose values are in order; equals `alpha` on the same units."""
    totals = matrix.sum(axis=0)
    n = totals.sum()
    if n <= 1 or (totals > 0).sum() < 2:
        return None
    cumulated = np.cumsum(totals)
    between = cumulated[None, :] - cumulated[:, None] + totals[:, None]
    between = np.where(np.tri(len(totals)).T > 0, between, between.T)
    distance = (between - (totals[:, None] + totals[None, :]) / 2) ** 2
    np.fill_diagonal(distance, 0)
    observed = (matrix * distance).sum()
    expected = (np.outer(totals, totals) * distance).sum() / (n - 1)
    return None if expected == 0 else float(1 - observed / expected)


def bootstrap(
    units: int, statistic: Callable[[NDArray[np.intp]], float | None], *, resamples: int = 1000, seed: int = 0
) -> Interval:
    """Percentile bootstrap over units (Efron and Tibshirani 1993, chapter 13): `statistic` takes their places."""
    everything = np.arange(units)
    value = statistic(everything) if units else None
    if value is None or units < 2 or resamples < 2:
        return Interval(value, n=units)
    random = np.random.default_rng(seed)
    drawn = [statistic(random.integers(0, units, units)) for _ in range(resamples)]
    found = [item for item in drawn if item is not None]
    if not found:
        return Interval(value, n=units)
    low, high = np.percentile(found, [2.5, 97.5])
    return Interval(value, float(low), float(high), units)


def ratio(
    shares: NDArray[np.float64], weights: NDArray[np.float64], *, resamples: int = 1000, seed: int = 0
) -> Interval:
    """Sum of `shares` over sum of `weights`, with its interval over units; both are (units,)."""
    kept = weights > 0
    top, bottom = shares[kept], weights[kept]

    def statistic(places: NDArray[np.intp]) -> float | None:
        return float(top[places].sum() / bottom[places].sum())

    return bootstrap(len(top), statistic, resamples=resamples, seed=seed)


def mean(values: list[float], *, resamples: int = 1000, seed: int = 0) -> Interval:
    """The mean of values, one for each unit, with its interval."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ratio(np.array(values, dtype=float), np.ones(len(values)), resamples=resamples, seed=seed)


def proportion(successes: float, n: int) -> Interval:
    """A share with Wilson's 95 % interval (Wilson 1927)."""
    if not n:
        return NOTHING
    z, p = 1.959964, successes / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return Interval(p, float(max(0.0, centre - half)), float(min(1.0, centre + half)), n)
