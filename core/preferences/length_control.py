"""How often a policy would win if its answers were as long as the other's (Dubois et al. 2024, arXiv 2404.04475).

    P(A wins) = sigmoid(theta + phi tanh(d / sd(d)) + psi g)

d is A's length less B's and g how hard the prompt is, standardised. The length-controlled win rate of AlpacaEval 2 is
the mean of that over the votes at d = 0.

How we differ: AlpacaEval fits with an L1 penalty chosen by cross-validation and adds answers of its own that are cut
short, which need its data; here each coefficient has one virtual tie (see `logistic`), weak, stated, and without a
draw. Its difficulties come from all the models of its leaderboard; ours are given or left out. It tells no
interval; ours is a bootstrap over prompts, in which the scale of the lengths stays that of the data.
"""

from dataclasses import dataclass

import numpy as np

from core.preferences import logistic
from core.preferences.interval import NOTHING, Interval, Z
from core.preferences.statistics import AT_ONCE, BUNDLES, bundle_of, draws, expanded_tails
from core.preferences.votes import Floats, Numbers, win_rate

#: Arrays of the size of the resampled votes that a fit holds at once.
HELD = 4


@dataclass(frozen=True)
class LengthControlled:
    """`win_rate` is at equal lengths and `raw` as voted. `length_effect` is phi: how many natural logarithms of odds a
    much longer answer gains. `longer` is the share of votes in which A's answer was the longer one, equal lengths as
    half."""

    win_rate: Interval
    raw: Interval
    length_effect: Interval
    longer: float

    @property
    def doubt(self) -> str:
        """The sentence about what the lengths do not tell; empty where they do."""
        if self.win_rate.value is None and self.raw.value is not None:
            return "All answers differ in length by the same: what they would win at equal lengths cannot be told."
        if self.raw.value is not None and self.longer in (0.0, 1.0):
            which = "longer" if self.longer else "shorter"
            return (
                f"One policy's answers are always the {which} ones: what they would win at equal lengths is a guess "
                "that no vote shows."
            )
        return ""


def length_controlled(
    prompts: Numbers,
    won: Floats,
    lengths: Floats,
    difficulty: Floats | None = None,
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> LengthControlled:
    """Of votes, (V,) each: what A got in each, its answer's length less B's, and how hard the prompt is, on any scale.

    The interval is never narrower than Wald's of independent votes, in which each prompt counts once where all votes
    say the same, or are on one prompt. Where all lengths differ by the same and not by nothing there is no value.
    """
    raw = win_rate(prompts, won)
    longer = float(((lengths > 0) + 0.5 * (lengths == 0)).mean()) if len(won) else 0.5
    spread = lengths.std(ddof=1) if len(won) > 1 else 0.0
    if not len(won) or (spread == 0 and lengths.any()):
        return LengthControlled(NOTHING, raw, NOTHING, longer)
    columns = [np.ones(len(won)), np.tanh(lengths / (spread or 1.0))]
    if difficulty is not None and (sd := difficulty.std()) > 0:
        columns.append((difficulty - difficulty.mean()) / sd)
    design = np.stack(columns, axis=1)  # (V, k)
    ones = np.ones((1, len(won)))
    theta = logistic.fit(design, ones, won[None])
    found = np.stack([_logit_at_equal_lengths(design, ones, theta)[0], theta[0, 1]])
    again = _redrawn(design, prompts, won, theta[0], resamples, seed)
    wide = Z * _standard_errors(design, prompts, won, theta[0])
    low, high = found - wide, found + wide
    if raw.n > 1:
        drawn = np.percentile(again, expanded_tails(min(raw.n, BUNDLES)), axis=0)
        low, high = np.minimum(low, drawn[0]), np.maximum(high, drawn[1])
    ends = np.stack([found, low, high])
    rate, effect = (
        Interval(float(value), float(low), float(high), raw.n)
        for value, low, high in (logistic.sigmoid(ends[:, 0]), ends[:, 1])
    )
    return LengthControlled(rate, raw, effect, longer)


def _logit_at_equal_lengths(design: Floats, votes: Floats, theta: Floats) -> Floats:
    """The length-controlled win rate as log-odds, (R,), from votes, (R, V), and coefficients, (R, k)."""
    chance = (votes * logistic.sigmoid(theta @ _equal(design).T)).sum(axis=1) / votes.sum(axis=1)
    return np.log(chance / (1 - chance))


def _equal(design: Floats) -> Floats:
    """As if all lengths were equal."""
    return np.where(np.arange(design.shape[1]) == 1, 0.0, design)


def _redrawn(design: Floats, prompts: Numbers, won: Floats, theta: Floats, resamples: int, seed: int) -> Floats:
    """The log-odds at equal lengths and phi in each resample of the prompts, (R, 2)."""
    unit = bundle_of(prompts)
    drawn = draws(int(unit.max()) + 1, resamples=resamples, seed=seed)
    found = []
    for part in np.array_split(drawn, -(-resamples * len(won) * HELD // AT_ONCE)):
        votes = part[:, unit].astype(float)
        coefficients = logistic.fit(design, votes, votes * won, theta)
        found.append(np.stack([_logit_at_equal_lengths(design, votes, coefficients), coefficients[:, 1]], axis=1))
    return np.concatenate(found)


def _standard_errors(design: Floats, prompts: Numbers, won: Floats, theta: Floats) -> Floats:
    """Wald's of the log-odds at equal lengths (by the delta method) and of phi, (2,)."""
    votes = np.ones(len(won))
    _, place, count = np.unique(prompts, return_inverse=True, return_counts=True)
    if np.ptp(won) == 0 or len(count) == 1:  # resamples do not show how much votes of a prompt are alike
        votes = 1 / count[place.reshape(-1)]
    covariance = logistic.covariance(design, votes, votes * won, votes * won**2, theta)
    equal = _equal(design)
    chance = logistic.sigmoid(equal @ theta)
    rate = chance.mean()
    slope = (chance * (1 - chance)) @ equal / len(won) / (rate * (1 - rate))
    return np.sqrt([slope @ covariance @ slope, covariance[1, 1]])
