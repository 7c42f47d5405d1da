"""The best of n answers of the reference: the bar that a tuned policy has to clear."""

from collections.abc import Sequence
from math import comb, log

import numpy as np

from core.errors import BadInput
from core.preferences.interval import Interval
from core.preferences.statistics import bootstrap_rows, shares
from core.preferences.votes import Floats


def best_of_n(
    scores: Sequence[Floats], n: int, *, values: Sequence[Floats] | None = None, resamples: int = 1000
) -> Interval:
    """The expected reward of the best of n answers, with its bootstrap interval over prompts; or what else is known of
    the best by `scores`, such as its gold reward: `values`, of the same shapes.

    `scores` are those of all answers to each prompt, (m,) with m >= n. The mean over all subsets of n, which is
    unbiased and wastes no answer (Nakano et al. 2021, arXiv 2112.09332). Of answers with equal scores each is as likely
    to be taken. Raises `BadInput` where a prompt has fewer answers than n, or one without a score.
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
    both = zip(scores, scores if values is None else values, strict=True)
    best = np.array([_chances(found, n) @ value for found, value in both], dtype=float)
    return bootstrap_rows(np.stack([best, np.ones(len(best))], axis=1), shares, resamples=resamples)


def _chances(scores: Floats, n: int) -> Floats:
    """The chance of each of m answers (m,) to be taken as the best of n."""
    places, counts = np.unique(scores, return_inverse=True, return_counts=True)[1:]
    return np.asarray((np.bincount(places, _in_order(scores, n)) / counts)[places], dtype=float)


def _in_order(scores: Floats, n: int) -> Floats:
    """The same (m,) where of equal answers the last one is taken."""
    found = np.empty(len(scores))
    found[np.argsort(scores, kind="stable")] = subset_weights(len(scores), n)
    return found


def wins_of_best(scores: Sequence[Floats], n: int, *, resamples: int = 1000) -> Interval:
    """How often the best of n answers scores higher than one more answer of the same policy, with its bootstrap
    interval over prompts; equal scores count half. n / (n + 1) where no two score alike.

    `scores` are those of all answers to each prompt, (m,) with m > n: the mean over all subsets of n and one beside
    them. Raises `BadInput` as `best_of_n` does.
    """
    best_of_n(scores, n + 1, resamples=0)
    won = np.array([_won(found, n) for found in scores], dtype=float)
    return bootstrap_rows(np.stack([won, np.ones(len(won))], axis=1), shares, resamples=resamples)


def _won(scores: Floats, n: int) -> float:
    """Of n + 1 drawn answers, one of which is the opponent by chance: it beats the others alone where it is the only
    one with the highest score, and one of t equal highest ones is an opponent that ends even."""
    counts = np.unique(scores, return_counts=True)[1].tolist()
    drawn, below, lost = n + 1, 0, 0.0
    for count in counts:
        for t in range(1, min(count, drawn) + 1):
            chance = comb(count, t) * comb(below, drawn - t) / comb(len(scores), drawn)
            lost += chance * (t / drawn) * (1.0 if t == 1 else 0.5)
        below += count
    return 1.0 - lost


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
