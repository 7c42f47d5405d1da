"""Whether a model's probabilities mean what they say, as pure functions of probabilities and outcomes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
#: Fewest pairs in one bin of the reliability diagram.
IN_A_BIN = 15
BINS = 10
#: Draws of the noise floor.
DRAWS = 200


@dataclass(frozen=True)
class Bin:
    """Pairs of similar confidence: how sure the model was on average, and how often it was right."""

    confidence: float
    accuracy: float
    pairs: int


def right(difference: Floats) -> Floats:
    """1 where the chosen one has the higher score, 0 where it has not, 1/2 where both are equal; any shape.

    So a model that gives everything the same score has an accuracy of 1/2, not of 0 or 1.
    """
    return np.where(difference == 0, 0.5, (difference > 0).astype(float))


def log_loss(difference: Floats) -> Floats:
    """-log sigmoid(D), nats: ln 2 is chance."""
    return np.logaddexp(0.0, -difference)


def sigmoid(difference: Floats) -> Floats:
    return np.exp(-np.logaddexp(0.0, -difference))


def reliability(difference: Floats) -> list[Bin]:
    """Bins of equal mass over the confidence max(p, 1 - p), from 1/2 up."""
    if not len(difference):
        return []
    confidence = sigmoid(np.abs(difference))
    correct = right(difference)
    return [Bin(float(confidence[part].mean()), float(correct[part].mean()), len(part)) for part in _parts(confidence)]


def _parts(confidence: Floats) -> list[NDArray[np.intp]]:
    """The places of the pairs in each bin, from the least sure one up."""
    count = int(np.clip(len(confidence) // IN_A_BIN, 1, BINS))
    return np.array_split(np.argsort(confidence, kind="stable"), count)


def calibration_error(bins: list[Bin]) -> float | None:
    """Expected calibration error: the mean distance of accuracy and confidence, by pairs (Guo et al. 2017)."""
    total = sum(item.pairs for item in bins)
    return sum(item.pairs * abs(item.accuracy - item.confidence) for item in bins) / total if total else None


@dataclass(frozen=True)
class Floor:
    """The calibration error of a model whose probabilities are exactly right, on the same pairs: what it is on average,
    and what it stays below in 95 % of draws."""

    expected: float
    high: float

    def sentence(self, error: float) -> str:
        """Whether an error says more than that there are few pairs."""
        more = "is more than that" if error > self.high else "is no more than that"
        return (
            f"On as many pairs a perfectly calibrated model has an error of {self.expected:.1%} too "
            f"(at most {self.high:.1%} in 19 of 20 draws): {error:.1%} {more}."
        )


def noise_floor(
    difference: Floats, rankings: NDArray[np.int64], chosen: NDArray[np.int64], rejected: NDArray[np.int64]
) -> Floor | None:
    """What the calibration error would be if each pair were decided with the probability that the model gives it.

    Bins hold finitely many pairs, so that the mean distance is above 0 for a perfect model too (Kumar et al. 2019,
    arXiv 1909.10155). Rankings are drawn as Plackett and Luce have them: each completion of a ranking has Gumbel noise,
    the difference of two of which is logistic. So pairs of one ranking depend on each other as those of a real one.
    All arguments are (pairs,): log-odds, and who ranked which completion above which.
    """
    if not len(difference):
        return None
    keys = np.concatenate([np.stack([rankings, chosen], axis=1), np.stack([rankings, rejected], axis=1)])
    _, items = np.unique(keys, axis=0, return_inverse=True)
    first, second = items.reshape(2, -1)
    confidence, parts = sigmoid(np.abs(difference)), _parts(sigmoid(np.abs(difference)))
    order, starts = np.concatenate(parts), np.cumsum([0, *map(len, parts[:-1])])
    random = np.random.default_rng(0)
    found = []
    for _ in range(DRAWS):
        noise = random.gumbel(size=items.max() + 1)
        wins = difference + noise[first] - noise[second] > 0
        correct = np.where(difference == 0, 0.5, wins == (difference > 0))
        found.append(np.abs(np.add.reduceat((correct - confidence)[order], starts)).sum() / len(order))
    return Floor(float(np.mean(found)), float(np.quantile(found, 0.95)))


def temperature(difference: Floats) -> float | None:
    """The T that minimises the log loss of D / T: above 1 the model is too sure of itself (Guo et al. 2017)."""
    if len(difference) < 2 or not np.any(difference):
        return None
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(lambda t: float(log_loss(difference / np.exp(t)).mean()), bounds=(-5, 5), method="bounded")
    return float(np.exp(found.x))
