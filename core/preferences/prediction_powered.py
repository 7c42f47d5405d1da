"""A win rate from few people's votes and many verdicts of a judge (Angelopoulos et al. 2023, arXiv 2301.09633).

    people's mean - lambda (judge's mean on the same prompts - judge's mean on further prompts)

The judge may be biased: what it says on the prompts that people voted on too shows by how much. lambda is chosen for
the narrowest interval (PPI++: Angelopoulos, Duchi and Zrnic 2023, arXiv 2311.01453), so that a judge that knows nothing
counts for nothing: lambda = Cov(people, judge) / (Var(judge) (1 + n / N)), within 0 and 1, for n and N prompts.

The prompts that people voted on must be drawn like the others, without a look at the answers or at what the judge said.
"""

from dataclasses import dataclass

import numpy as np

from core.preferences.interval import Interval, estimated
from core.preferences.votes import Floats, Numbers

#: Fewest prompts with both kinds of votes from which lambda is taken: of fewer it would be a guess.
FEWEST = 10


@dataclass(frozen=True)
class PredictionPowered:
    """Win rates in which each prompt counts once. `win_rate` is the prediction-powered one; `people` is from their
    votes alone; `judge` is from its verdicts alone, and is not about what people prefer. `weight` is lambda. `prompts`
    have both, `further` prompts the judge's verdicts alone, and `left_out` people's votes alone, which count in
    `people` only. As narrow an interval would take `worth` prompts of people alone."""

    win_rate: Interval
    people: Interval
    judge: Interval
    weight: float
    prompts: int
    further: int
    left_out: int
    worth: float


def prediction_powered(prompts: Numbers, won: Floats, judged: Numbers, verdicts: Floats) -> PredictionPowered:
    """From people's votes, (V,) prompts and what the policy got, and a judge's, (J,) the same.

    Each prompt counts with the mean of its votes, because a further prompt has no number of people's votes to weigh by.
    Intervals are Wilson's with the effective sample size that the variance over prompts comes to, and Student's
    quantile (Franco et al. 2019, Journal of Survey Statistics and Methodology 7), where the papers have symmetrical
    ones: with 20 prompts and a win rate of 0.9 these covered 82 % of simulations where they should 95 %. Without
    further prompts, or with fewer than `FEWEST` shared ones, lambda is 0.
    """
    ids, people = _means(prompts, won)
    judged_ids, judge = _means(judged, verdicts)
    y, f = people[np.isin(ids, judged_ids)], judge[np.isin(judged_ids, ids)]
    g = judge[~np.isin(judged_ids, ids)]
    alone = found = _estimate(people, len(people) - 1)
    weight = _weight(y, f, g)
    if weight > 0:
        found = _estimate(y - weight * f, len(y) - 2, weight * g)
    return PredictionPowered(
        win_rate=found.interval(len(y) if weight > 0 else len(people)),
        people=alone.interval(len(people)),
        judge=_estimate(judge, len(judge) - 1).interval(len(judge)),
        weight=weight,
        prompts=len(y),
        further=len(g),
        left_out=len(people) - len(y),
        worth=len(people) * alone.variance / found.variance if found.variance > 0 else float(len(people)),
    )


@dataclass(frozen=True)
class _Estimate:
    """A share with the variance of its estimate, which has so many degrees of freedom."""

    value: float
    variance: float
    freedom: int

    def interval(self, n: int) -> Interval:
        return estimated(self.value, self.variance, self.freedom, n)


def _estimate(labelled: Floats, freedom: int, further: Floats | None = None) -> _Estimate:
    """The mean of one, plus that of the other, (n,) and (N,)."""
    if freedom < 1:
        return _Estimate(float(labelled.mean()) if len(labelled) else 0.0, 0.0, 0)
    variance = float(((labelled - labelled.mean()) ** 2).sum() / freedom / len(labelled))
    if further is None:
        return _Estimate(float(labelled.mean()), variance, freedom)
    return _Estimate(
        float(labelled.mean() + further.mean()), variance + float(further.var(ddof=1)) / len(further), freedom
    )


def _weight(y: Floats, f: Floats, g: Floats) -> float:
    """PPI++'s lambda from people's and the judge's means on the same prompts, (n,), and on further ones, (N,)."""
    variance = float(np.var(np.concatenate([f, g]), ddof=1)) if len(y) >= FEWEST and len(g) > 1 else 0.0
    if variance <= 0:
        return 0.0
    return float(np.clip(np.cov(y, f)[0, 1] / variance / (1 + len(y) / len(g)), 0, 1))


def _means(prompts: Numbers, won: Floats) -> tuple[Numbers, Floats]:
    """The prompts and the mean on each."""
    ids, place = np.unique(prompts, return_inverse=True)
    return ids, np.bincount(place.reshape(-1), won) / np.maximum(np.bincount(place.reshape(-1)), 1)
