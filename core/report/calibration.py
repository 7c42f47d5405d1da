"""Whether a model's probabilities mean what they say, as pure functions of probabilities and outcomes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
#: Fewest pairs in one bin of the reliability diagram.
IN_A_BIN = 15
BINS = 10


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
    order = np.argsort(confidence, kind="stable")
    count = int(np.clip(len(order) // IN_A_BIN, 1, BINS))
    return [
        Bin(float(confidence[part].mean()), float(correct[part].mean()), len(part))
        for part in np.array_split(order, count)
    ]


def calibration_error(bins: list[Bin]) -> float | None:
    """Expected calibration error: the mean distance of accuracy and confidence, by pairs (Guo et al. 2017)."""
    total = sum(item.pairs for item in bins)
    return sum(item.pairs * abs(item.accuracy - item.confidence) for item in bins) / total if total else None


def temperature(difference: Floats) -> float | None:
    """The T that minimises the log loss of D / T: above 1 the model is too sure of itself (Guo et al. 2017)."""
    if len(difference) < 2 or not np.any(difference):
        return None
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(lambda t: float(log_loss(difference / np.exp(t)).mean()), bounds=(-5, 5), method="bounded")
    return float(np.exp(found.x))
