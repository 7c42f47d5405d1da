"""The best of n answers of the reference: the bar that a tuned policy has to clear."""

from collections.abc import Sequence
from math import log

import numpy as np

from core.errors import BadInput
from core.preferences.interval import Interval
from core.preferences.statistics import bootstrap, share
from core.preferences.votes import Floats


def best_of_n(scores: Sequence[Floats], n: int, *, resamples: int = 1000) -> Interval:
    """The expected reward of the best of n answers, with its bootstrap interval over prompts.

    `scores` are those of all answers to each prompt, (m,) with m >= n. The mean over all subsets of n, which is
    unbiased and wastes no answer (Nakano et al. 2021, arXiv 2112.09332). Raises `BadInput` where a prompt
    has fewer answers than n, or one without a score.
    """
    if n < 1:
        raise BadInput("The best of how many answers? Choose 1 or more.")
    if (least := min((len(found) for found in scores), default=n)) < n:
        raise BadInput(
            f"The best of {n} needs {n} scored answers to each prompt, and one has {least}: draw more, or choose a "
            "smaller number."
        )
    if not all(np.isfinite(found).all() for found in scores):
        raise BadInput("An answer has no score that is a number: score it anew, or leave it out.")
    best = np.array([np.sort(found) @ subset_weights(len(found), n) for found in scores], dtype=float)
    return bootstrap(np.stack([best, np.ones(len(best))], axis=1), share, resamples=resamples)


def subset_weights(m: int, n: int) -> Floats:
    """The chance that each of m answers, from the worst to the best, is the best of n drawn without putting back: (m,).

    C(k - 1, n - 1) / C(m, n) for the k-th, because the others are drawn from those below it: n / m for the last, and
    (k - n + 1) / k of the next one's for each before it.
    """
    below = np.arange(m - 1, 0, -1)
    return (n / m * np.cumprod([1.0, *np.maximum(below - n + 1, 0) / below]))[::-1]


def kl_bound(n: int) -> float:
    """An upper bound on the KL divergence of the best of n from the reference, in nats: log n - (n - 1) / n.

    Often told as if it were the divergence itself (Stiennon et al. 2020, arXiv 2009.01325). It is so only
    where no two answers drawn are ever alike or score alike; else the divergence is smaller (Beirami et al. 2024, arXiv
    2401.01879).
    """
    return log(n) - (n - 1) / n
