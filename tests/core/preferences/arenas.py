"""Arenas whose truth is known."""

import numpy as np

from core.preferences.votes import Votes


def arena(random, strengths, prompts, *, pairs=2, voters=2, copied=0.5, ties=0.0):
    """Votes by Bradley and Terry on `pairs` pairs of each prompt, one to `voters` on each; a later voter repeats the
    first one's vote with the chance `copied`, so that votes of a prompt are correlated and each by itself is not
    changed. `ties` of the votes on even pairs are ties, half as many of those that won and of those that lost."""
    k = len(strengths)
    first = random.integers(k, size=(prompts, pairs))
    second = (first + random.integers(1, k, size=(prompts, pairs))) % k
    chance = 1 / (1 + np.exp(strengths[second] - strengths[first]))
    tied = 2 * ties * np.minimum(chance, 1 - chance)

    def votes():
        drawn = random.random((prompts, pairs))
        return np.where(drawn < chance - tied / 2, 1.0, np.where(drawn < chance + tied / 2, 0.5, 0.0))

    opening, count = votes(), random.integers(1, voters + 1, size=(prompts, pairs))
    cast = [np.where(random.random((prompts, pairs)) < copied * (n > 0), opening, votes()) for n in range(1, voters)]
    won = np.stack([opening, *cast])  # (voters, prompts, pairs)
    there = np.arange(voters)[:, None, None] < count
    ids = np.broadcast_to(np.arange(prompts)[:, None], (prompts, pairs))
    return Votes(*(np.broadcast_to(each, won.shape)[there] for each in (ids, first, second, won)))


def within(coverages, nominal=0.95):
    """Is the mean of each arena's coverage as far from the nominal rate as chance explains (3 standard errors)?"""
    return abs(np.mean(coverages) - nominal) < 3 * np.std(coverages) / len(coverages) ** 0.5
