"""The table of policies and the vote that tells most, against an optimiser, brute force and known arenas."""

import numpy as np
import pytest
from scipy.optimize import minimize

from core.preferences.bradley_terry import bradley_terry
from core.preferences.next_vote import next_vote, worth_of_next
from core.preferences.statistics import bootstrap, sums_by
from core.preferences.votes import Votes
from tests.core.preferences.arenas import arena, within

FOUR = np.array([0.9, 0.3, -0.2, -1.0])


def votes_of(*rows):
    """(prompt, first, second, what the first won)."""
    table = np.array(rows, dtype=float).reshape(-1, 4)
    return Votes(*table[:, :3].astype(int).T, table[:, 3])


def optimised(votes, policies):
    """The mode of the likelihood and of the virtual ties, vote by vote, by another optimiser."""

    def loss(theta):
        x = theta[votes.first] - theta[votes.second]
        ties = np.logaddexp(0, theta) + np.logaddexp(0, -theta)
        return (votes.won * np.logaddexp(0, -x) + (1 - votes.won) * np.logaddexp(0, x)).sum() + ties.sum() / 2

    return minimize(loss, np.zeros(policies), method="BFGS", options={"gtol": 1e-8}).x


def test_strengths_are_those_that_an_optimiser_finds():
    votes = arena(np.random.default_rng(1), FOUR, 40, ties=0.3)
    table = bradley_terry(votes, 4, resamples=0)
    assert table.strengths == pytest.approx(optimised(votes, 4), abs=1e-4)
    assert table.difference(0, 3).value == pytest.approx(table.strengths[0] - table.strengths[3])
    assert (table.difference(0, 3).low, table.components) == (None, ((0, 1, 2, 3),))


def test_two_policies_read_as_their_win_rate():
    """Of 400 votes on 200 prompts with ties: the share, its bootstrap over prompts, and Elo's points of those odds."""
    votes = arena(np.random.default_rng(2), np.array([0.5, -0.5]), 200, pairs=1, voters=3, ties=0.5)
    prompts, won = votes.between(0, 1)
    plain = bootstrap(sums_by(prompts, won, np.ones(len(won))), lambda sums: float(sums[0] / sums[1]))
    table = bradley_terry(votes, 2)
    found, points = table.win_probability(0, 1), table.points(0, 1)
    assert [found.value, found.low, found.high] == pytest.approx([plain.value, plain.low, plain.high], abs=0.005)
    assert 1 / (1 + 10 ** ((1000 - points.value) / 400)) == pytest.approx(found.value)
    assert points.low < points.value < points.high
    assert table.points(1, 1).value == table.points(1, 1).low == 1000
    assert table.win_probability(1, 0).low == pytest.approx(1 - found.high)


def test_who_won_all_has_a_finite_place_and_a_wide_interval():
    """Ten wins of ten on ten prompts; Clopper and Pearson's lower end is 0.69. Twice as many votes on the same prompts
    that say the same tell hardly more."""
    rows = [(n, 0, 1, 1) for n in range(10)]
    found = bradley_terry(votes_of(*rows), 2).win_probability(0, 1)
    assert 0.9 < found.value < 1
    assert 0.4 < found.low < 0.692
    again = bradley_terry(votes_of(*rows, *rows), 2).win_probability(0, 1)
    assert again.low < found.low + 0.05


def test_a_vote_of_one_prompt_makes_no_interval_and_votes_of_few_a_wide_one():
    assert bradley_terry(votes_of(*[(1, 0, 1, n % 2) for n in range(50)]), 2).difference(0, 1).low is None
    even = [(n, 0, 1, n % 2) for n in range(50)] + [(7, 1, 2, n % 2) for n in range(50)]
    thin = bradley_terry(votes_of(*even), 3)
    assert thin.difference(1, 2).high > 2 * thin.difference(0, 1).high


def test_policies_that_were_never_compared_get_a_sentence_instead_of_a_number():
    votes = votes_of(*[(n, 0, 1, n % 2) for n in range(8)], *[(n, 2, 3, 1) for n in range(4)])
    table = bradley_terry(votes, 5)
    assert table.components == ((0, 1), (2, 3), (4,))
    assert table.difference(2, 3).value > 0
    for one, two in ((0, 2), (4, 0)):
        assert table.points(one, two).value is None
        assert table.win_probability(one, two).low is None
    pair, alone = table.lacks(["base", "ppo", "dpo", "sft", "grpo"])
    assert pair.startswith("dpo and sft were compared with each other only")
    assert alone.startswith("grpo was never compared")
    assert bradley_terry(votes_of(*[(n, 0, 1, 1) for n in range(8)]), 2).lacks(["base", "ppo"]) == []
    assert len(bradley_terry(votes_of(), 2).lacks(["base", "ppo"])) == 1
    with pytest.raises(ValueError):
        bradley_terry(votes, 3)


def covered(seed, arenas, strengths, prompts, **kind):
    """The share of the true differences that the intervals of each arena hold."""
    random, one, two = np.random.default_rng(seed), *np.triu_indices(len(strengths), k=1)
    truth = (strengths[:, None] - strengths)[one, two]
    found = []
    for _ in range(arenas):
        table = bradley_terry(arena(random, strengths, prompts, **kind), len(strengths), resamples=250)
        found.append(((table.low[one, two] <= truth) & (truth <= table.high[one, two])).mean())
    return found


def test_intervals_of_small_arenas_hold_the_truth():
    assert within(covered(0, 100, FOUR, 60, ties=0.3))


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("strengths", "prompts", "kind"),
    [
        (FOUR, 60, {"ties": 0.3}),
        (FOUR, 25, {"voters": 4, "copied": 0.7}),
        (FOUR, 200, {"pairs": 1, "voters": 1, "ties": 0.8}),
        (np.array([0.5, 0.0, -0.5]), 30, {"pairs": 1}),
    ],
    ids=["small", "tiny and correlated", "mostly ties", "three policies"],
)
def test_intervals_of_500_arenas_hold_the_truth(strengths, prompts, kind):
    assert within(covered(1, 500, strengths, prompts, **kind))


@pytest.mark.thorough
def test_where_policies_win_nearly_all_intervals_hold_at_least_what_they_should():
    """Of 20 prompts for six policies, some of which never lose: the bootstrap alone held 90 %."""
    assert np.mean(covered(2, 500, np.linspace(2, -2, 6), 20)) > 0.94


def test_the_next_vote_is_the_one_that_brute_force_would_ask():
    """Each candidate's vote is added to the information, which is inverted anew."""
    random = np.random.default_rng(3)
    votes = arena(random, FOUR, 12, pairs=1)
    table = bradley_terry(votes, 4, resamples=0)
    prompts = np.array([5, 3, 4, 11, 8, 100])
    answered = random.random((6, 4)) < 0.8

    def spread(information):
        covariance = np.linalg.inv(information)
        return sum(
            covariance[i, i] + covariance[j, j] - 2 * covariance[i, j] for i in range(4) for j in range(i + 1, 4)
        )

    best = {}
    for m, prompt in enumerate(prompts):
        for i in range(4):
            for j in range(i + 1, 4):
                here = votes.prompts == prompt
                touched = sum(((votes.first == p) | (votes.second == p))[here].sum() for p in (i, j)) / 2
                more = (touched + 1) / (1 + touched * 0.4) - touched / (1 + (touched - 1) * 0.4)
                x = np.eye(4)[i] - np.eye(4)[j]
                p = 1 / (1 + np.exp(-table.strengths @ x))
                if answered[m, i] and answered[m, j]:
                    added = table.information + more * p * (1 - p) * np.outer(x, x)
                    best[i, j, int(prompt)] = spread(table.information) - spread(added)
    found = next_vote(table, votes, prompts, answered, correlation=0.4)
    assert found.gain == pytest.approx(max(best.values()))
    assert best[found.first, found.second, found.prompt] == pytest.approx(found.gain)


def test_a_new_arena_asks_every_prompt_and_every_pair_before_it_repeats_one():
    prompts, answered, votes = np.arange(12), np.ones((12, 3), dtype=bool), votes_of()
    asked = []
    for number in range(24):
        found = next_vote(bradley_terry(votes, 3, resamples=0), votes, prompts, answered, seed=number)
        asked.append(found)
        votes = votes_of(*((each.prompt, each.first, each.second, 0.5) for each in asked))
    assert len({each.prompt for each in asked[:12]}) == 12
    pairs = [(each.first, each.second) for each in asked]
    assert {pairs.count(pair) for pair in set(pairs)} == {8}
    assert len({(*pair, each.prompt) for pair, each in zip(pairs, asked, strict=True)}) == 24
    first = next_vote(bradley_terry(votes_of(), 3), votes_of(), prompts, answered, seed=0)
    assert first == next_vote(bradley_terry(votes_of(), 3), votes_of(), prompts, answered, seed=0)
    assert any(
        first != next_vote(bradley_terry(votes_of(), 3), votes_of(), prompts, answered, seed=seed) for seed in (1, 2, 3)
    )


def test_nobody_is_asked_the_same_twice_and_in_the_end_nothing():
    prompts, answered, table = np.array([4, 9]), np.ones((2, 2), dtype=bool), bradley_terry(votes_of(), 2)
    mine = votes_of((9, 1, 0, 1))
    assert next_vote(table, mine, prompts, answered, done=mine).prompt == 4
    assert next_vote(table, mine, prompts, answered, done=votes_of((9, 1, 0, 1), (4, 0, 1, 1))) is None
    assert next_vote(table, mine, prompts[:0], answered[:0], done=mine) is None
    with pytest.raises(ValueError):
        next_vote(table, mine, prompts, answered, correlation=1)


def test_a_vote_on_an_asked_prompt_is_worth_less_the_more_its_votes_are_alike():
    votes = np.arange(4.0)
    assert worth_of_next(votes, 0.0) == pytest.approx([1, 1, 1, 1])
    for correlation in (0.3, 0.9):
        worth = worth_of_next(votes, correlation)
        assert worth[0] == 1 and (np.diff(worth) < 0).all()
        assert worth.sum() == pytest.approx(4 / (1 + 3 * correlation))  # Kish's design effect of four
