"""How often what is said of an arena is true, counted over simulated ones whose truth is known."""

from collections import defaultdict

import numpy as np

from core.preferences.bradley_terry import bradley_terry
from core.preferences.prediction_powered import prediction_powered
from core.preferences.votes import Votes
from core.report.arena_judges import judges
from core.report.arena_pairs import standing
from tests.core.report.voters import BIASED, FAIR, PEOPLE, STRENGTHS, World, judged, material, true_rates, voted

PROMPTS = 200
Counts = dict[str, list[float]]


class Truth:
    """The win rates that intervals should hold, as voted and at equal lengths, (K, K) each."""

    def __init__(self, prompts=50_000):
        self.rates = true_rates(prompts=prompts)
        self.at_equal_lengths = true_rates(prompts=prompts, equal_lengths=True)
        self.odds = np.log(self.rates / (1 - self.rates))


def first(votes, count):
    return Votes(*(column[:count] for column in (votes.prompts, votes.first, votes.second, votes.won)))


def holds(found, truth):
    return float(found.low <= truth <= found.high)


def arena(seed, truth, sizes):
    """One arena after each of so many votes: what held and what was claimed, by the name of what is counted and the
    number of votes."""
    random = np.random.default_rng([17, seed])
    world = World.drawn(random, PROMPTS)
    votes = voted(random, world, max(sizes))
    found = {}
    for size in sizes:
        table, pairs = standing(material(world, first(votes, size)), material(world, first(votes, size)).voices[0].cast)
        fitted = bradley_terry(first(votes, size), len(STRENGTHS), resamples=0)
        counted: Counts = defaultdict(list)
        for pair in pairs:
            at, odds = (pair.one, pair.two), truth.odds[pair.one, pair.two]
            counted["table"].append(holds(pair.modelled, 1 / (1 + np.exp(-odds))))
            counted["claimed"].append(float(pair.claimed))
            counted["claimed wrongly"].append(float(pair.claimed and truth.rates[at] < 0.5))
            if pair.votes:
                counted["win rate"].append(holds(pair.win_rate, truth.rates[at]))
                turned = 1 if at[0] < at[1] else -1
                counted["bias"].append(turned * (pair.win_rate.value - truth.rates[at]))
            if (equal := pair.at_equal_lengths.win_rate).value is not None:  # not of a single vote
                counted["at equal lengths"].append(holds(equal, truth.at_equal_lengths[at]))
        counted["winner"].append(float(table.places[0].policy == STRENGTHS.argmax()))
        counted["winner at best"].append(bound(fitted, first(votes, size), truth))
        found[size] = counted
    return found


def bound(fitted, votes, truth, draws=400):
    """How often the best policy would come first by an unbiased estimate with the variance of Cramer and Rao's bound,
    the inverse of Fisher's information of these votes at the true odds; a tie lowers a vote's variance."""
    k = len(truth.rates)
    x = np.zeros((len(votes), k))
    rows = np.arange(len(votes))
    x[rows, votes.first], x[rows, votes.second] = 1.0, -1.0
    chance = truth.rates[votes.first, votes.second]
    spread = chance * (1 - chance) - (votes.won == 0.5).mean() / 4
    information = (x * ((chance * (1 - chance)) ** 2 / spread)[:, None]).T @ x
    covariance = np.linalg.pinv(information)
    theta = truth.odds[:, 0] - truth.odds[:, 0].mean()
    drawn = np.random.default_rng(0).multivariate_normal(theta, covariance, size=draws)
    return float((drawn.argmax(axis=1) == theta.argmax()).mean())


def judging(seed):
    """After 60 votes: is a judge told that likes what is long and what stands first, and another left alone?"""
    random = np.random.default_rng([18, seed])
    world = World.drawn(random, PROMPTS)
    votes = voted(random, world, 60)
    found = material(world, votes, fair=judged(random, world, FAIR), biased=judged(random, world, BIASED))
    counted: Counts = defaultdict(list)
    for judge in judges(found, standing(found, found.voices[0].cast)[1], resamples=100):
        more = judge.beyond_people
        counted[f"{judge.name}: follows the place"].append(float(judge.follows_place))
        counted[f"{judge.name}: likes length more"].append(float(more.low > 0))
        counted[f"{judge.name}: likes length less"].append(float(more.high < 0))
        counted[f"{judge.name}: kappa"].append(judge.agreement.overall.kappa.value)
    return counted


def powered(seed, truth, votes=60):
    """Two policies, so many votes of people on prompts drawn by chance, and a judge's verdicts on all of them."""
    random = np.random.default_rng([19, seed])
    counted: Counts = defaultdict(list)
    world = World.drawn(random, PROMPTS)
    pair = (3, 1)
    prompts = random.permutation(PROMPTS)[:votes]

    won = np.array([
        world.vote(random, PEOPLE[random.integers(len(PEOPLE))], prompt, *pair).item() for prompt in prompts
    ])  # fmt: skip
    for name, taste in (("fair", FAIR), ("biased", BIASED)):
        every = np.arange(PROMPTS)
        verdicts = (world.vote(random, taste, every, 3, 1) + 1 - world.vote(random, taste, every, 1, 3)) / 2
        found = prediction_powered(prompts, won, every, verdicts)
        counted[f"{name}: corrected"].append(holds(found.win_rate, truth.rates[pair]))
        counted[f"{name}: judge alone"].append(holds(found.judge, truth.rates[pair]))
        counted[f"{name}: worth"].append(found.worth / votes)
    return counted


def equals(seed, looks=range(10, 61, 10)):
    """Four equal policies: is a win claimed after the last look at the votes, and at any of them?"""
    random = np.random.default_rng([20, seed])
    world = World.drawn(random, PROMPTS, np.zeros(4))
    votes, claimed = voted(random, world, max(looks)), []
    for size in looks:
        found = material(world, first(votes, size))
        claimed.append(any(pair.claimed for pair in standing(found, found.voices[0].cast)[1]))
    return {"at the end": [float(claimed[-1])], "at any look": [float(any(claimed))]}


def together(parts):
    """The counts of several arenas."""
    found: Counts = defaultdict(list)
    for part in parts:
        for name, values in part.items():
            found[name] += values
    return found
