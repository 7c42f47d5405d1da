"""Whether a judge that is asked in both orders follows the place of an answer (Zheng et al. 2023, arXiv 2306.05685).

`forward` is what A got where it stood first and `backward` what A got where it stood second, (V,) each: 1, 0.5 or 0. A
judge of answers gives the same in both; one of places gives 1 and 0.
"""

from dataclasses import dataclass

import numpy as np

from core.preferences.interval import Interval
from core.preferences.statistics import share_interval, sums_by
from core.preferences.votes import Floats, Numbers


@dataclass(frozen=True)
class PositionBias:
    """`first` is the share of all verdicts, of either order, for what stood first, ties as half: a half where the place
    does not matter, or where the judge is consistent. `first_only` is the share of pairs on which the verdict moved
    towards what stood first, `second_only` towards what stood second, and `consistent` the rest. `p_value` is the
    chance of so uneven a first and second, or more so, if the place did not matter. Intervals are over prompts."""

    first: Interval
    consistent: Interval
    first_only: Interval
    second_only: Interval
    p_value: float | None


def position_bias(prompts: Numbers, forward: Floats, backward: Floats) -> PositionBias:
    """Over pairs of answers, (V,) each.

    That a verdict changes need not be the place: a judge that guesses changes too, and as often either way. The test is
    the sign test over prompts, by which way the verdicts of each moved on the whole (Dixon and Mood 1946; for one pair
    of each prompt it is McNemar's, 1947). None where nothing moved.
    """
    from scipy.stats import binomtest

    moved = forward - backward

    def share(column: Floats) -> Interval:
        return share_interval(sums_by(prompts, column, np.ones(len(column))))

    ways = sums_by(prompts, moved)[:, 0]
    ahead, either = int((ways > 0).sum()), int((ways != 0).sum())
    return PositionBias(
        first=share(0.5 + moved / 2),
        consistent=share(1 - np.abs(np.sign(moved))),
        first_only=share(np.maximum(np.sign(moved), 0)),
        second_only=share(np.maximum(-np.sign(moved), 0)),
        p_value=float(binomtest(ahead, either).pvalue) if either else None,
    )


def side(won: float) -> float:
    """1 for a win, 0.5 for a tie, 0 for a loss, also of a probability to win."""
    return 0.5 if won == 0.5 else float(won > 0.5)


def settled(forward: Floats, backward: Floats) -> Floats:
    """What A gets of both orders, (V,): what both say, and a tie where the judge changed its mind (Zheng et al.
    2023)."""
    return np.where(forward == backward, forward, 0.5)
