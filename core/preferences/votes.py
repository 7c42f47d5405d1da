"""Votes on pairs of answers of policies, and how often one policy wins over another.

A prompt is the unit: its votes share the answers, and whoever votes sees the same in them. Intervals are over prompts.
They say what other prompts would give with these voters, not what other voters would say.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.preferences.clustering import clustered_variance
from core.preferences.interval import NOTHING, Interval, chance_of_even, estimated

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
    effective sample size (see `interval.estimated`): a bootstrap of ten prompts is too narrow.
    """
    return estimated(*_estimate(prompts, won)) if len(won) else NOTHING


def chance_of_difference(prompts: Numbers, won: Floats) -> float:
    """How likely a win rate is so far from a half, or further, where neither policy is better; below 0.05 just where
    its interval leaves a half out. 1 without votes."""
    return chance_of_even(*_estimate(prompts, won)) if len(won) else 1.0


def _estimate(prompts: Numbers, won: Floats) -> tuple[float, float, int, int]:
    """The win rate, its variance, and that one's degrees of freedom and prompts."""
    n = len(np.unique(prompts))
    return float(won.mean()), clustered_variance(prompts, won), n - 1, n
