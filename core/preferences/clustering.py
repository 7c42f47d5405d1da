"""What it costs that the votes of a prompt are alike."""

import numpy as np
from numpy.typing import NDArray

from core.preferences.statistics import sums_by

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]


def clustered_variance(prompts: Numbers, won: Floats) -> float:
    """Of a win rate as an estimate, from the spread over prompts; (V,) each. 0 where there is one prompt or none.

    That of a ratio of totals over clusters (Cochran 1977, Sampling Techniques, section 6.4).
    """
    sums = sums_by(prompts, won, np.ones(len(won)))
    if len(sums) < 2:
        return 0.0
    got, votes = sums.T
    residuals = got - votes * got.sum() / votes.sum()
    return float(len(sums) / (len(sums) - 1) * (residuals**2).sum() / votes.sum() ** 2)


def intraclass_correlation(prompts: Numbers, won: Floats) -> float | None:
    """Of two votes of one prompt, within 0 and 1; None where there is one prompt, where none has two votes,
    or where all votes are the same.

    The estimator of the analysis of variance for clusters of several sizes (Donner 1986, International Statistical
    Review 54). Votes on several pairs are told apart by giving what each won beyond what was expected.
    """
    sums = sums_by(prompts, np.ones(len(won)), won, won**2)
    if len(sums) < 2 or len(won) == len(sums) or np.ptp(won) == 0:
        return None
    votes, got, squared = sums.T
    within = float((squared - got**2 / votes).sum()) / (len(won) - len(sums))
    between = float((got**2 / votes).sum() - got.sum() ** 2 / len(won)) / (len(sums) - 1)
    size = (len(won) - (votes**2).sum() / len(won)) / (len(sums) - 1)
    return float(np.clip((between - within) / (between + (size - 1) * within), 0, 1))
