"""Which vote would tell most about the policies of a Bradley-Terry table.

A vote on i and j adds c x x' to Fisher's information, x = e_i - e_j, c = p (1 - p) w. With S the inverse of the
information so far, the sum of the variances of all differences falls by

    c (K |S x|^2 - (1' S x)^2) / (1 + c x' S x)

(A-optimality: Atkinson, Donev and Tobias 2007; the inverse by Sherman and Morrison 1950). Chatbot Arena samples pairs
by how much a vote narrows their own intervals (Chiang et al. 2024, arXiv 2403.04132); this is the same idea for the
intervals of all differences, and also knows the prompt.

w is what one more vote on a prompt is worth. m votes of a prompt are worth m / (1 + (m - 1) rho) independent ones (Kish
1965), so that the next adds the difference to m + 1. A vote on the same two answers counts whole in m, one that shares
one of them half, and one that shares none not: so much do two differences of answers have in common.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.preferences.bradley_terry import BradleyTerry
from core.preferences.logistic import sigmoid
from core.preferences.votes import Floats, Numbers, Votes

#: The correlation of two votes on the same answers, until it is measured: between a coin and a single opinion.
CORRELATION = 0.3
#: Gains that differ by a smaller share than this are equal but for rounding.
SAME = 1e-9


@dataclass(frozen=True)
class NextVote:
    """On the answers of two policies to a prompt; which one is shown first is for whoever shows them to draw. The
    summed variance of all differences, in squared natural logarithms of odds, should fall by `gain`."""

    first: int
    second: int
    prompt: int
    gain: float


def next_vote(
    table: BradleyTerry,
    votes: Votes,
    prompts: Numbers,
    answered: NDArray[np.bool_],
    *,
    done: Votes | None = None,
    correlation: float = CORRELATION,
    seed: int = 0,
) -> NextVote | None:
    """The vote with the largest gain; of equal ones those with the fewest votes on the prompt, and then one by `seed`.

    `votes` are those of the table; `prompts`, (M,), are all that can be asked, and `answered`, (M, K), says which
    policies answered each. What is in `done`, of whoever votes next, is not asked again. None where nothing is left. A
    prompt that nobody was asked yet comes first where the best pair answered one.
    Raises `ValueError` for a correlation outside 0 to below 1.
    """
    if not 0 <= correlation < 1:
        raise ValueError("The correlation of two votes is at least 0 and below 1.")
    policies = answered.shape[1]
    one, two = np.triu_indices(policies, k=1)
    left = answered[:, one] & answered[:, two]  # (M, pairs)
    if done is not None and left.any():
        left &= ~(_counts(done, prompts, policies)[:, one, two] > 0)
    if not left.any():
        return None
    count = _counts(votes, prompts, policies)
    of_policy = count.sum(axis=2)  # (M, K)
    worth = worth_of_next((of_policy[:, one] + of_policy[:, two]) / 2, correlation)
    gain = np.where(left, gains(table, worth), -np.inf)
    best = gain >= gain.max() * (1 - SAME)
    asked = np.where(best, of_policy.sum(axis=1)[:, None], np.inf)
    candidates = np.argwhere(asked == asked.min())
    prompt, pair = candidates[np.random.default_rng(seed).integers(len(candidates))].tolist()
    return NextVote(int(one[pair]), int(two[pair]), int(prompts[prompt]), float(gain[prompt, pair]))


def worth_of_next(votes: Floats, correlation: float) -> Floats:
    """How many independent votes one more is worth after so many that are correlated with it and each other."""
    return (votes + 1) / (1 + votes * correlation) - votes / (1 + (votes - 1) * correlation)


def gains(table: BradleyTerry, worth: Floats) -> Floats:
    """By how much the summed variance of all differences falls with a vote on each pair, (..., pairs) as
    `np.triu_indices` has them, which is worth so many independent ones, (..., pairs)."""
    covariance = np.linalg.inv(table.information)
    one, two = np.triu_indices(len(covariance), k=1)
    column = covariance[:, one] - covariance[:, two]  # (K, pairs)
    variance = column[one, np.arange(len(one))] - column[two, np.arange(len(one))]
    chance = sigmoid(table.strengths[one] - table.strengths[two])
    added = chance * (1 - chance) * worth
    fall = len(covariance) * (column**2).sum(axis=0) - column.sum(axis=0) ** 2
    return added * fall / (1 + added * variance)


def _counts(votes: Votes, prompts: Numbers, policies: int) -> Numbers:
    """Votes on each prompt and pair of policies, (M, K, K), the same in both halves."""
    order = np.argsort(prompts)
    found = np.zeros((len(prompts), policies, policies), dtype=np.int64)
    place = np.searchsorted(prompts, votes.prompts, sorter=order)
    known = place < len(prompts)
    place = order[np.where(known, place, 0)]
    known &= prompts[place] == votes.prompts
    np.add.at(found, (place[known], votes.first[known], votes.second[known]), 1)
    return found + found.swapaxes(1, 2)
