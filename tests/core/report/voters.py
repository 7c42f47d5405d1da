"""Arenas of known strengths, prompt effects, lengths, voters and judges, whose true win rates can be computed."""

from dataclasses import dataclass

import numpy as np

from core.preferences.bradley_terry import bradley_terry
from core.preferences.next_vote import next_vote
from core.preferences.votes import Votes
from core.report.arena_material import Cast, Material, Voice
from core.store.arenas import ArenaPolicy

#: Of base, best-of-n, DPO and PPO.
STRENGTHS = np.array([0.0, 0.5, 0.9, 1.4])


@dataclass(frozen=True)
class Taste:
    """A voter's: what a much longer answer gains, what the first shown one gains, the noise of a vote as the scale of a
    logistic variable, and how close two answers must be for a tie."""

    length: float = 0.4
    first: float = 0.0
    noise: float = 1.0
    tie: float = 0.35


PEOPLE = (Taste(), Taste(length=0.0, noise=0.8), Taste(length=0.8, noise=1.3, tie=0.6))
FAIR = Taste(length=0.4, noise=0.7, tie=0.0)
BIASED = Taste(length=2.5, first=1.0, noise=0.7, tie=0.0)


@dataclass(frozen=True)
class World:
    """`worth` and `lengths` are of each policy's answer to each prompt, (M, K)."""

    worth: np.ndarray
    lengths: np.ndarray

    @classmethod
    def drawn(cls, random, prompts, strengths=STRENGTHS, *, effect=0.6, longer=60.0):
        """Each answer is better or worse than its policy is, by a normal variable; a policy that is stronger by 1
        writes `longer` letters more."""
        worth = strengths + effect * random.normal(size=(prompts, len(strengths)))
        lengths = 200 + longer * strengths + 80 * random.normal(size=worth.shape)
        return cls(worth, lengths)

    def ahead(self, taste, prompt, one, two):
        """How far `taste` puts the answer of `one`, which it sees first, before that of `two`."""
        longer = np.tanh((self.lengths[prompt, one] - self.lengths[prompt, two]) / 150)
        return self.worth[prompt, one] - self.worth[prompt, two] + taste.length * longer + taste.first

    def vote(self, random, taste, prompt, one, two):
        """What `one` gets, shown first."""
        felt = self.ahead(taste, prompt, one, two) + random.logistic(scale=taste.noise, size=np.shape(prompt))
        return np.where(np.abs(felt) < taste.tie, 0.5, (felt > 0) * 1.0)

    def chance(self, taste, prompt, one, two):
        """What `one` gets on the whole, in both orders."""

        def won(ahead):
            above, below = (1 / (1 + np.exp(-(ahead + side) / taste.noise)) for side in (-taste.tie, taste.tie))
            return (above + below) / 2

        return (won(self.ahead(taste, prompt, one, two)) + 1 - won(self.ahead(taste, prompt, two, one))) / 2


def true_rates(tastes=PEOPLE, strengths=STRENGTHS, *, equal_lengths=False, prompts=200_000, **kind):
    """The win rate of each policy over each, (K, K), of voters who come equally often."""
    world = World.drawn(np.random.default_rng(99), prompts, strengths, **kind)
    if equal_lengths:
        world = World(world.worth, np.zeros_like(world.lengths))
    each, k = np.arange(prompts), len(strengths)
    found = np.full((k, k), 0.5)
    for one in range(k):
        for two in range(k):
            if one != two:
                found[one, two] = np.mean([world.chance(taste, each, one, two).mean() for taste in tastes])
    return found


def voted(random, world, votes, tastes=PEOPLE, *, adaptive=True):
    """So many blind votes of people, one after the other on what `next_vote` asks, else on what is drawn."""
    prompts, policies = world.worth.shape
    ids, answered = np.arange(prompts), np.ones((prompts, policies), dtype=bool)
    found = np.zeros((votes, 4))
    for number in range(votes):
        sofar = Votes(*found[:number, :3].astype(int).T, found[:number, 3])
        if adaptive:
            table = bradley_terry(sofar, policies, resamples=0)
            asked = next_vote(table, sofar, ids, answered, seed=int(random.integers(2**31)))
            pair, prompt = (asked.first, asked.second), asked.prompt
        else:
            pair, prompt = random.permutation(policies)[:2].tolist(), int(random.integers(prompts))
        one, two = pair if random.random() < 0.5 else pair[::-1]
        taste = tastes[random.integers(len(tastes))]
        found[number] = prompt, one, two, world.vote(random, taste, prompt, one, two)
    return Votes(*found[:, :3].astype(int).T, found[:, 3])


def judged(random, world, taste):
    """A judge's verdicts on all pairs of all prompts: the pairs (J,), what the first one got when it stood first, and
    when it stood second."""
    prompts, policies = world.worth.shape
    one, two = np.triu_indices(policies, k=1)
    prompt = np.repeat(np.arange(prompts), len(one))
    one, two = np.tile(one, prompts), np.tile(two, prompts)
    return (
        prompt,
        one,
        two,
        world.vote(random, taste, prompt, one, two),
        1 - world.vote(random, taste, prompt, two, one),
    )


def cast(votes, start=0):
    """As a voice has them, of one labeler."""
    none = np.zeros(len(votes), dtype=int)
    number = np.arange(start, start + len(votes))
    return Cast(number, votes.prompts, votes.first, votes.second, votes.won, none > 0, none)


def material(world, people, **judges):
    """An arena with people's votes and the verdicts of judges by name, as `judged` gives them."""
    prompts, policies = world.worth.shape
    voices, orders, count = [Voice("people", "person", cast(people))], {}, len(people)
    for name, (prompt, one, two, forward, back) in judges.items():
        own = cast(Votes(prompt, one, two, (forward + back) / 2), count)
        orders |= dict(zip(own.number.tolist(), zip(forward.tolist(), back.tolist(), strict=True), strict=True))
        voices.append(Voice(name, "judge", own))
        count += len(own)
    kinds = ("base", "best-of-n", *["run"] * (policies - 2))
    named = tuple(ArenaPolicy(n, 1, f"policy {n}", kind) for n, kind in enumerate(kinds))
    tags = tuple(frozenset({"even" if n % 2 == 0 else "odd"}) for n in range(prompts))
    texts = np.arange(prompts * policies).reshape(prompts, policies)
    return Material("tried", named, tags, world.lengths, texts, tuple(voices), orders)
