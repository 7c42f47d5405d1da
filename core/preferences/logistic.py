"""Logistic regression of votes, for many resamples at once, with one virtual tie for each coefficient.

P(won) = sigmoid(x theta). A tie counts as half a win and half a loss, as any share does in the quasi-likelihood of
Papke and Wooldridge (1996, Journal of Applied Econometrics 11).

The virtual tie, at x = 1 for that coefficient and 0 for the others, is the log-F(1, 1) prior of Greenland and
Mansournia (2015, Statistics in Medicine 34): it keeps finite what votes alone would not (a policy that won them all),
and its weight is one vote. For a single coefficient the estimate is log((wins + 1/2) / (losses + 1/2)), less biased
than the likelihood's (Haldane 1956; Firth 1993).
"""

import numpy as np
from numpy.typing import NDArray

from core.errors import Diverged

Floats = NDArray[np.float64]
#: Newton steps; ten are many, but for strengths in the hundreds.
MOST_STEPS = 1000
CLOSE = 1e-8


def sigmoid(x: Floats) -> Floats:
    return 0.5 + 0.5 * np.tanh(x / 2)


def fit(design: Floats, votes: Floats, won: Floats, start: Floats | None = None) -> Floats:
    """The coefficients at the mode, (R, k), by Newton's method.

    `design` is (v, k); `votes` and `won` are (R, v): how many votes each of its rows has in each resample, and how much
    of them was won. `start` is (k,). No coefficient moves by more than 1 in a step, so that no step overshoots. Raises
    `Diverged` where there is no mode to be found.
    """
    theta = np.zeros((len(votes), design.shape[1])) + (0.0 if start is None else start)
    for _ in range(MOST_STEPS):
        slope = (won - votes * sigmoid(theta @ design.T)) @ design + 0.5 - sigmoid(theta)
        step = np.linalg.solve(information(design, votes, theta), slope[..., None])[..., 0]
        size = np.abs(step).max(axis=1, keepdims=True, initial=0.0)
        theta += step / np.maximum(size, 1.0)
        if size.max(initial=0.0) < CLOSE:
            return theta
    raise Diverged("The strengths that explain the votes could not be found: an outcome is not a number.")


def information(design: Floats, votes: Floats, theta: Floats) -> Floats:
    """Fisher's information with that of the virtual ties, (R, k, k)."""
    k = design.shape[1]
    squares = (design[:, :, None] * design[:, None, :]).reshape(len(design), k * k)
    chance, virtual = sigmoid(theta @ design.T), sigmoid(theta)
    found = ((votes * chance * (1 - chance)) @ squares).reshape(-1, k, k)
    found[:, np.arange(k), np.arange(k)] += virtual * (1 - virtual)
    return found


def covariance(design: Floats, votes: Floats, won: Floats, squared: Floats, theta: Floats) -> Floats:
    """Of the coefficients if each vote were independent of the others, (k, k).

    The inverse of the information times Pearson's dispersion, which is below 1 where there are ties (McCullagh and
    Nelder 1989, section 4.5); `votes`, `won` and the sum of the squares of what was won, `squared`, are (v,), and
    `theta` is (k,). The virtual ties count as half a win and half a loss each.
    """
    chance, virtual = sigmoid(theta @ design.T), sigmoid(theta)
    residual = (squared - 2 * chance * won + votes * chance**2).sum() + (0.5 - virtual * (1 - virtual)).sum()
    expected = (votes * chance * (1 - chance)).sum() + (virtual * (1 - virtual)).sum()
    return residual / expected * np.linalg.inv(information(design, votes[None], theta[None])[0])
