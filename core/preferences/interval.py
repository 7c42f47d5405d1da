"""A value with its interval, and that of a share."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Interval:
    """A value with its 95 % interval over `n` units; None where it cannot be computed."""

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0


NOTHING = Interval(None)


def proportion(successes: float, n: int) -> Interval:
    """A share with Wilson's 95 % interval (Wilson 1927)."""
    if not n:
        return NOTHING
    z, p = 1.959964, successes / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return Interval(p, float(max(0.0, centre - half)), float(min(1.0, centre + half)), n)
