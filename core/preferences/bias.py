"""What else than quality may have decided a ranking: the place on the screen, the length, haste.

Pairs of one prompt share completions, and labelers who see the same quality in them: intervals of shares of pairs are
bootstraps over prompts. Places are drawn anew for each ranking, so that rankings are independent of each other in them
also where all labelers prefer the same completion.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from core.preferences.interval import NOTHING, Interval, proportion
from core.preferences.statistics import share_interval, sums_by
from core.store import Project, judgements, pairs
from core.store.judgements import Shown, Timed

#: Differences in characters between two completions of a pair, from the first up to the next.
LENGTH_EDGES = (1, 25, 75, 150, 300, 600, np.inf)
#: Beyond this robust z-score a time is an outlier (Iglewicz and Hoaglin 1993).
ODD = 3.5


@dataclass(frozen=True)
class PositionShare:
    """How often the best completion stood at a place (1 is the first); ties share the win."""

    position: int
    best: Interval
    expected: float
    n: int


@dataclass(frozen=True)
class LengthBias:
    """`buckets` are (from, up to, share that the longer wins, pairs), by difference in characters. Intervals are over
    prompts."""

    longer_wins: Interval
    buckets: list[tuple[float, float, Interval, int]]


@dataclass(frozen=True)
class Speed:
    """`outliers` are (ranking, seconds) far from the labeler's usual, in logarithms of seconds."""

    labeler_id: int
    name: str
    median_seconds: float
    n: int
    outliers: list[tuple[int, float]]
    log_seconds: list[float] = field(repr=False)


def _wins(project: Project, labeler_id: int | None) -> dict[int, dict[int, float]]:
    """By number of completions: how many wins each place had. Only rankings whose places are known count."""
    groups: dict[int, list[Shown]] = defaultdict(list)
    for shown in judgements.positions(project, labeler_id):
        groups[shown.ranking_id].append(shown)
    found: dict[int, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    for items in groups.values():
        best = [shown.position for shown in items if shown.rank == 1]
        for position in best:
            found[len(items)][position] += 1 / len(best)
    return found


def positions(project: Project, labeler_id: int | None = None) -> list[PositionShare]:
    """The share of rankings in which each place held the best completion, over the most usual number of them."""
    wins = _wins(project, labeler_id)
    if not wins:
        return []
    size = max(wins, key=lambda count: sum(wins[count].values()))
    n = round(sum(wins[size].values()))
    return [
        PositionShare(position, proportion(wins[size].get(position, 0.0), n), 1 / size, n)
        for position in range(1, size + 1)
    ]


def position_test(project: Project, labeler_id: int | None = None) -> float | None:
    """The chance of such shares, or more uneven ones, if the place did not matter (Pearson's chi-square)."""
    from scipy.stats import chisquare

    shares = positions(project, labeler_id)
    if not shares or shares[0].n < 5 * len(shares):
        return None
    return float(chisquare([(share.best.value or 0.0) * share.n for share in shares]).pvalue)


def lengths(project: Project, labeler_id: int | None = None) -> LengthBias:
    """How often the longer completion of a pair was chosen, by how much longer it is."""
    found = np.fromiter(pairs.length_differences(project, labeler_id), dtype=np.dtype((np.int64, 2)))
    prompts, longer = found[found[:, 1] != 0].T
    buckets = []
    for low, high in pairwise(LENGTH_EDGES):
        part = (np.abs(longer) >= low) & (np.abs(longer) < high)
        if part.any():
            share = _longer_wins(prompts[part], longer[part])
            buckets.append((float(low), float(high), share, int(part.sum())))
    return LengthBias(_longer_wins(prompts, longer), buckets)


def _longer_wins(prompts: NDArray[np.int64], longer: NDArray[np.int64]) -> Interval:
    """Both are (pairs,)."""
    if not len(longer):
        return NOTHING
    return share_interval(sums_by(prompts, (longer > 0).astype(float), np.ones(len(longer))))


def speeds(project: Project) -> list[Speed]:
    """Seconds for a ranking by labeler, and the rankings that were far quicker or slower than usual."""
    people: dict[int, list[Timed]] = defaultdict(list)
    for timed in judgements.times(project):
        people[timed.labeler_id].append(timed)
    found = []
    for who, items in people.items():
        logs = np.log([item.seconds for item in items])
        middle = np.median(logs)
        spread = np.median(np.abs(logs - middle))
        scores = 0.6745 * np.abs(logs - middle) / spread if spread > 0 else np.zeros(len(logs))
        odd = [(item.id, item.seconds) for item, score in zip(items, scores, strict=True) if score > ODD]
        found.append(Speed(who, items[0].name, float(np.exp(middle)), len(items), odd, logs.tolist()))
    return found
