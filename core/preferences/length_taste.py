"""How much a voter's or a judge's votes follow the length of the answers, whichever policies wrote them.

    P(i wins over j) = sigmoid(theta_i - theta_j + phi tanh(d / scale))

The length term of Dubois et al. (2024, arXiv 2404.04475) beside the strengths of all policies, as Chatbot Arena
controls for style (Li, Angelopoulos and Chiang 2024). That longer answers win need not be a fault, because people may
like them too: `beyond` tells how much more a judge follows length than people do.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from core.preferences import logistic
from core.preferences.interval import NOTHING, Interval, student
from core.preferences.votes import Floats, Numbers, Votes

#: Fewer prompts with votes tell nothing of the spread over prompts.
FEWEST = 5


@dataclass(frozen=True)
class LengthTaste:
    """`effect` is phi, in natural logarithms of odds; `longer_wins` is how often an answer that is longer by `scale`
    wins over one of an equally strong policy. `pulls` is how far each of `prompts` moves phi."""

    effect: Interval
    longer_wins: Interval
    prompts: Numbers
    pulls: Floats


def length_taste(votes: Votes, longer: Floats, policies: int, scale: float) -> LengthTaste:
    """Of votes and how much longer the first one's answer is, (V,); `scale` in the unit of the lengths.

    The interval is over prompts: the sandwich of Liang and Zeger (1986, Biometrika 73) with Student's quantile. There
    is no value where all answers are of one length, and no interval over fewer than `FEWEST` prompts.
    """
    ids, place = np.unique(votes.prompts, return_inverse=True)
    if not longer.any() or scale <= 0:
        return LengthTaste(NOTHING, NOTHING, ids, np.zeros(len(ids)))
    design = np.zeros((len(votes), policies + 1))
    rows = np.arange(len(votes))
    design[rows, votes.first], design[rows, votes.second], design[:, -1] = 1.0, -1.0, np.tanh(longer / scale)
    ones = np.ones((1, len(votes)))
    theta = logistic.fit(design, ones, votes.won[None])
    slopes = np.linalg.inv(logistic.information(design, ones, theta)[0])[-1]
    residual = votes.won - logistic.sigmoid(theta[0] @ design.T)
    pulls = np.bincount(place.reshape(-1), residual * (design @ slopes), len(ids)).astype(float)
    effect = _interval(float(theta[0, -1]), pulls)
    return LengthTaste(effect, scaled(effect), ids, pulls)


def beyond(judge: LengthTaste, people: LengthTaste) -> Interval:
    """How much more phi a judge has than people; votes on the same prompts are not taken for independent."""
    if judge.effect.value is None or people.effect.value is None:
        return NOTHING
    ids, place = np.unique(np.concatenate([judge.prompts, people.prompts]), return_inverse=True)
    pulls = np.bincount(place.reshape(-1), np.concatenate([judge.pulls, -people.pulls]), len(ids)).astype(float)
    few = min(len(judge.prompts), len(people.prompts))
    return _interval(judge.effect.value - people.effect.value, pulls, few)


def scaled(effect: Interval) -> Interval:
    """phi as the share that an answer wins which is longer by the scale."""
    ends = (effect.value, effect.low, effect.high)
    value, low, high = (None if end is None else float(logistic.sigmoid(end * np.tanh(np.ones(1)))[0]) for end in ends)
    return Interval(value, low, high, effect.n)


def _interval(value: float, pulls: Floats, prompts: int | None = None) -> Interval:
    n = len(pulls) if prompts is None else prompts
    if n < FEWEST:
        return Interval(value, n=n)
    wide = student(n - 1) * sqrt(n / (n - 1) * float((pulls**2).sum()))
    return Interval(value, value - wide, value + wide, n)
