"""What is told of a judge: whether it follows the place, how far it agrees with people; and the best of n."""

from itertools import combinations
from math import comb, log

import numpy as np
import pytest
from scipy.stats import norm

from core.cli import judging
from core.errors import BadInput
from core.preferences.best_of_n import best_of_n, kl_bound, subset_weights, wins_of_best
from core.preferences.judge_agreement import (
    JudgeAgreement,
    JudgeReport,
    cohen_kappa,
    judge_agreement,
    judge_report,
)
from core.preferences.judged import JudgeFigures
from core.preferences.position_bias import position_bias, settled
from core.preferences.statistics import alike
from core.records import Labeler
from core.report import arena_words


def test_a_judge_of_places_is_told_from_one_that_guesses():
    random = np.random.default_rng(0)
    prompts, fair = np.arange(60), random.integers(0, 2, 60) * 1.0
    places = position_bias(prompts, np.where(random.random(60) < 0.4, 1.0, fair), fair)
    guesses = position_bias(prompts, random.integers(0, 3, 60) / 2, random.integers(0, 3, 60) / 2)
    assert places.first.low > 0.5 and places.second_only.value == 0 and places.p_value < 0.01
    assert guesses.first.low < 0.5 < guesses.first.high and guesses.consistent.value < 0.6 and guesses.p_value > 0.05
    for each in (places, guesses):
        assert each.consistent.value + each.first_only.value + each.second_only.value == pytest.approx(1)


def test_position_bias_by_hand():
    """Six pairs: three consistent, two towards the first place (once from a tie), one towards the second."""
    forward, backward = np.array([1, 0, 0.5, 1, 0.5, 0]), np.array([1, 0, 0.5, 0, 0, 1])
    found = position_bias(np.arange(6), forward, backward)
    assert found.first.value == pytest.approx((6 + 1 + 0.5 - 1) / 12)  # of 12 verdicts, ties as half
    assert (found.consistent.value, found.first_only.value, found.second_only.value) == pytest.approx(
        (1 / 2, 1 / 3, 1 / 6)
    )
    assert found.p_value == pytest.approx(2 * (comb(3, 0) + comb(3, 1)) / 2**3)
    assert settled(forward, backward).tolist() == [1, 0, 0.5, 0.5, 0.5, 0.5]
    same = position_bias(np.repeat(np.arange(2), 5), np.ones(10), np.zeros(10))
    assert same.p_value == 0.5  # ten verdicts of two prompts are two signs
    assert position_bias(np.arange(3), np.ones(3), np.ones(3)).p_value is None


def test_of_few_votes_no_kappa_is_told():
    def found(votes: int) -> JudgeAgreement:
        people = np.arange(votes) % 2
        return judge_agreement(np.arange(votes), people.astype(float), people.astype(float), resamples=50)

    assert [found(votes).too_few for votes in (2, 9, 10)] == [True, True, False]
    assert arena_words.agreement(found(2)).endswith("; too few for a kappa.")
    assert "; kappa 1.00" in arena_words.agreement(found(10))
    figures = JudgeFigures(Labeler(1, "j", "judge"), JudgeReport(found(2), {"x": found(10)}), None)
    lines = "\n".join(judging.told(figures)).splitlines()
    assert ["too few" in line for line in lines[-2:]] == [True, False]


def test_kappa_of_a_published_table():
    """Cohen 1960, table 1: three categories, kappa 0.492; and Fleiss, Statistical Methods, 18.1: 0.676."""
    table = np.array([[0.44, 0.07, 0.09], [0.05, 0.20, 0.05], [0.01, 0.03, 0.06]])
    assert cohen_kappa(table) == pytest.approx(0.492, abs=5e-4)
    assert cohen_kappa(np.array([[75, 1, 4], [5, 4, 1], [0, 0, 10]])) == pytest.approx(0.676, abs=5e-4)
    assert cohen_kappa(np.array([9.0, 0, 0, 0])) is None


def test_agreement_with_people_is_that_of_rankings_of_two_and_by_tag():
    random = np.random.default_rng(1)
    prompts = np.repeat(np.arange(40), 2)
    people = random.integers(0, 3, 80) / 2
    judge = np.where(random.random(80) < 0.6, people, random.integers(0, 3, 80) / 2)
    same, count = alike(np.stack([1 - people, people], axis=1), np.stack([1 - judge, judge], axis=1))
    tags = {n: {"maths", "hard"} if n < 10 else {"maths"} if n < 30 else set() for n in range(40)}
    found = judge_report(prompts, people, judge, tags, resamples=200)
    assert found.overall.pairwise.value == pytest.approx(same.sum() / count.sum())
    assert found.overall.kappa.low < found.overall.kappa.value < found.overall.kappa.high
    assert {name: each.votes for name, each in found.tags.items()} == {"maths": 60, "hard": 20}
    assert list(found.tags) == ["maths", "hard"]
    assert found.tags["hard"] == judge_agreement(prompts[:20], people[:20], judge[:20], resamples=200)
    perfect = judge_agreement(prompts, people, people)
    assert perfect.kappa.value == 1 and perfect.kappa.low < 0.95
    with pytest.raises(ValueError):
        judge_agreement(prompts, people, judge * 0.9)


def test_the_best_of_n_is_the_mean_over_all_subsets():
    random = np.random.default_rng(2)
    scores = [random.normal(size=m) for m in (5, 7, 4)]
    for n in (1, 2, 4):
        means = [np.mean([max(drawn) for drawn in combinations(each, n)]) for each in scores]
        assert best_of_n(scores, n).value == pytest.approx(np.mean(means))
    assert subset_weights(7, 3).sum() == pytest.approx(1)
    assert subset_weights(2000, 1000)[-2:] == pytest.approx([0.5 * 1000 / 1999, 0.5])


def test_what_else_is_known_of_the_best_and_how_often_it_wins_are_means_over_all_subsets_too():
    random = np.random.default_rng(1)
    scores = [random.integers(0, 3, 6).astype(float) for _ in range(4)]  # with ties, each of which may be taken
    gold = [random.normal(size=6) for _ in scores]
    for n in (1, 2, 4, 5):
        values, wins = [], []
        for score, value in zip(scores, gold, strict=True):
            for subset in combinations(range(6), n):
                top = max(score[i] for i in subset)
                values.append(np.mean([value[i] for i in subset if score[i] == top]))
                others = [score[i] for i in range(6) if i not in subset]
                wins += [0.5 if top == other else float(top > other) for other in others]
        assert best_of_n(scores, n, values=gold).value == pytest.approx(np.mean(values))
        assert wins_of_best(scores, n).value == pytest.approx(np.mean(wins))
    different = [random.permutation(64).astype(float)]
    assert wins_of_best(different, 16).value == pytest.approx(16 / 17)
    with pytest.raises(BadInput, match="The best of 7 needs 7"):
        wins_of_best(scores, 6)


def test_the_interval_of_the_best_of_n_holds_the_truth():
    """The best of four normal rewards is 1.029 on average (Teichroew 1956); prompts differ by a reward of their own."""
    random = np.random.default_rng(3)
    truth = 4 * norm.expect(lambda x: x * norm.cdf(x) ** 3)
    assert truth == pytest.approx(1.0294, abs=1e-4)
    found = [
        best_of_n(list(random.normal(size=(40, 6)) + random.normal(size=(40, 1))), 4, resamples=200) for _ in range(100)
    ]
    assert np.mean([each.low <= truth <= each.high for each in found]) > 0.88


def test_what_has_no_best_of_n_is_a_sentence():
    for scores, n in (([np.zeros(3), np.zeros(5)], 4), ([np.array([1.0, np.nan])], 2), ([np.zeros(3)], 0)):
        with pytest.raises(BadInput):
            best_of_n(scores, n)
    assert best_of_n([], 4).value is None


def test_the_bound_on_kl_is_reached_by_answers_that_never_repeat_and_not_by_others():
    """The best of n of k answers, all as likely: answer i with ((i/k)^n - ((i-1)/k)^n)."""

    def divergence(k, n):
        best = np.diff((np.arange(k + 1) / k) ** n)
        return float((best * np.log(best * k))[best > 0].sum())

    for n in (1, 2, 8):
        assert kl_bound(n) == pytest.approx(log(n) - (n - 1) / n)
        assert divergence(100_000, n) == pytest.approx(kl_bound(n), abs=1e-3)
        assert divergence(3, n) < kl_bound(n) or n == 1
