"""How many more votes it takes until a difference could be seen."""

from dataclasses import dataclass
from math import ceil, floor, log10
from statistics import NormalDist

import numpy as np

from core.preferences.clustering import clustered_variance
from core.preferences.interval import Interval, Z
from core.preferences.votes import Floats, Numbers, win_rate

#: Fewer prompts do not tell how far votes spread: they are taken to spread as far as a share can.
FEWEST = 10
#: The chance with which a difference that is there should show.
POWER = 0.8


@dataclass(frozen=True)
class Needed:
    """More votes, and the further prompts they are on if each has as many votes as those until now."""

    votes: int
    prompts: int


def needed(prompts: Numbers, won: Floats, half_width: float) -> Needed:
    """Until the 95 % interval of a win rate reaches no further than `half_width` to either side; (V,) each.

    The variance of the win rate falls with the number of prompts (Cochran 1977, sections 4.4 and 6.4). More votes on
    the same prompts would narrow it less than this.
    """
    n = len(np.unique(prompts))
    votes = len(won) / n if n else 1.0
    variance = clustered_variance(prompts, won) * n if n >= FEWEST else 0.0
    more = max(0, ceil((variance or 0.25) * (Z / half_width) ** 2 - n))
    return Needed(ceil(more * votes), more)


def doubt(prompts: Numbers, won: Floats, difference: float = 0.1) -> str:
    """The sentence about a difference of a win rate from a half that cannot be seen; empty where one can. (V,) each.

    A true difference that is as wide as half the interval would show every other time. For one that shows with the
    chance `POWER` the interval has to be narrower (Cohen 1988, Statistical Power Analysis, chapter 5).
    """
    found = win_rate(prompts, won)
    if is_seen(found):
        return ""
    return _doubt(needed(prompts, won, _half_width(difference)), difference)


def doubt_of(found: Interval, votes: int, prompts: int, difference: float = 0.1) -> str:
    """The same of a win rate that so many votes on so many prompts gave, some of them on other policies; empty where it
    is seen, and where there is no interval to go by. Its variance is taken to fall with the number of prompts."""
    if found.low is None or found.high is None or is_seen(found):
        return ""
    wide = (found.high - found.low) / 2 / _half_width(difference)
    more = max(0, ceil(votes * (wide**2 - 1)))
    return _doubt(Needed(more, ceil(more * prompts / votes)), difference)


def _half_width(difference: float) -> float:
    """Of the interval in which a difference shows with the chance `POWER`."""
    return difference * Z / (Z + NormalDist().inv_cdf(POWER))


def _doubt(more: Needed, difference: float) -> str:
    size = f"{100 * difference:g} {'point' if difference == 0.01 else 'points'}"
    if not more.votes:
        return f"No difference can be seen: one of {size} would most likely have shown by now."
    counted = "1 more vote" if more.votes == 1 else f"some {rounded(more.votes):,} more votes"
    where = "" if more.votes == more.prompts else f", on {rounded(more.prompts):,} further prompts,"
    return f"No difference can be seen yet: {counted}{where} would most likely show one of {size}."


def is_seen(found: Interval) -> bool:
    """Does a win rate's interval leave a half out?"""
    return found.low is not None and found.high is not None and not found.low <= 0.5 <= found.high


def rounded(count: int) -> int:
    """Up, to what can be said with `some`: 7, 40, 340, 3,400."""
    step = 1 if count < 10 else 5 if count < 100 else 10 ** (floor(log10(count)) - 1)
    return step * ceil(count / step)
