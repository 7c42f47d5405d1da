"""A value with its interval, and that of a share."""

import math
from dataclasses import dataclass

#: The normal distribution's quantile of 95 % intervals.
Z = 1.959964


@dataclass(frozen=True)
class Interval:
    """A value with its 95 % interval over `n` units; None where it cannot be computed."""

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0


NOTHING = Interval(None)


def student(freedom: float) -> float:
    """Student's quantile of 95 % intervals; the normal distribution's for infinite degrees of freedom."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 0.975))


def proportion(successes: float, n: int) -> Interval:
    """A share with Wilson's 95 % interval (Wilson 1927)."""
    return Interval(successes / n, *wilson(successes / n, n), n) if n else NOTHING


def estimated(value: float, variance: float, freedom: float, n: int) -> Interval:
    """Of a share that was estimated over `n` units, with the variance of the estimate and its degrees of freedom.

    Wilson's interval with the effective sample size that the variance comes to, and Student's quantile (Franco et al.
    2019, Journal of Survey Statistics and Methodology 7). Where there is no variance to go by, each unit is one vote.
    """
    if not n:
        return NOTHING
    value = min(1.0, max(0.0, value))
    if variance <= 0 or not 0 < value < 1:
        return proportion(value * n, n)
    return Interval(value, *wilson(value, value * (1 - value) / variance, student(freedom)), n)


def wilson(p: float, n: float, z: float = Z) -> tuple[float, float]:
    """The ends of Wilson's interval of a share `p` of `n`."""
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return float(max(0.0, centre - half)), float(min(1.0, centre + half))
