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


def student(freedom: int) -> float:
    """Student's quantile of 95 % intervals."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 0.975))


def proportion(successes: float, n: int) -> Interval:
    """A share with Wilson's 95 % interval (Wilson 1927)."""
    return Interval(successes / n, *wilson(successes / n, n), n) if n else NOTHING


def wilson(p: float, n: float, z: float = Z) -> tuple[float, float]:
    """The ends of Wilson's interval of a share `p` of `n`."""
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return float(max(0.0, centre - half)), float(min(1.0, centre + half))
