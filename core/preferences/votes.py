"""Votes on pairs of answers of policies, and how often one policy wins over another.

A prompt is the unit: its votes share the answers, and whoever votes sees the same in them. Intervals are over prompts.
They say what other prompts would give with these voters, not what other voters would say.
"""

from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

from core.preferences.clustering import clustered_variance
from core.preferences.interval import NOTHING, Interval, estimated
from core.preferences.statistics import sums_by

#: What a prompt's votes may differ by through rounding.
CLOSE = 1e-9
Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Votes:
    """One vote in each place of four arrays, (V,) each, of people or of a judge, in any order.

    `prompts` are ids; `first` and `second` are policies by their numbers from 0; `won` is what the first one got: 1
    where it won, 0.5 for a tie, 0 where it lost, and what lies between for a judge that gives a probability. Raises
    `ValueError` for anything else.
    """

    prompts: Numbers
    first: Numbers
    second: Numbers
    won: Floats

    def __post_init__(self) -> None:
        if not self.prompts.shape == self.first.shape == self.second.shape == self.won.shape == (len(self.won),):
            raise ValueError("The prompts, policies and outcomes of votes are four arrays of one length.")
        if not ((self.won >= 0) & (self.won <= 1)).all():
            raise ValueError("A vote gives the first policy something from 0 to 1.")
        if (self.first == self.second).any() or (np.minimum(self.first, self.second) < 0).any():
            raise ValueError("A vote is on two different policies, numbered from 0.")

    def __len__(self) -> int:
        return len(self.won)

    def between(self, one: int, two: int) -> tuple[Numbers, Floats]:
        """The prompts of the votes on two policies, and what `one` got in each; (v,) each."""
        ahead, behind = (self.first == one) & (self.second == two), (self.first == two) & (self.second == one)
        either = ahead | behind
        return self.prompts[either], np.where(ahead, self.won, 1 - self.won)[either]


def win_rate(prompts: Numbers, won: Floats) -> Interval:
    """The share of votes that a policy wins, ties as half, with its interval over prompts; (V,) each.

    Each vote counts the same, so that a prompt counts as often as it was voted on. The interval is Wilson's with the
    effective sample size (see `interval.estimated`): of ten prompts a percentile bootstrap held the truth in 91 % of
    simulations, this one in 96 %. Student's quantile is only for prompts whose votes differ, because nobody knows how
    alike they are; how far single votes spread follows from how many were won and tied.
    """
    if not len(won):
        return NOTHING
    votes, got, squared = sums_by(prompts, np.ones(len(won)), won, won**2).T
    n, differ = len(votes), bool((squared - got**2 / votes > CLOSE).any())
    return estimated(float(won.mean()), clustered_variance(prompts, won), n - 1 if differ else inf, n)
