"""Win rates of votes: as they are, at equal lengths, and with a judge's help; what more votes would show."""

import numpy as np
import pytest
from scipy.optimize import minimize

from core.preferences.clustering import clustered_variance, intraclass_correlation
from core.preferences.interval import Interval
from core.preferences.length_control import length_controlled
from core.preferences.power import doubt, doubt_of, is_seen, needed
from core.preferences.prediction_powered import prediction_powered
from core.preferences.votes import Votes, win_rate
from tests.core.preferences.arenas import within

NONE = np.zeros(0, dtype=int), np.zeros(0)


def test_a_win_rate_counts_votes_either_way_round_and_ties_as_half():
    votes = Votes(
        np.array([1, 1, 2, 3, 3]), np.array([0, 1, 0, 2, 1]), np.array([1, 0, 1, 1, 0]), np.array([1, 0.5, 1, 0, 1.0])
    )
    prompts, won = votes.between(0, 1)
    assert (prompts.tolist(), won.tolist()) == ([1, 1, 2, 3], [1, 0.5, 1, 0])
    found = win_rate(prompts, won)
    assert (found.value, found.n) == (2.5 / 4, 3)
    assert win_rate(*NONE) == Interval(None)
    for wrong in ((1, 0, 0, 1.0), (1, 0, 1, 1.5), (1, -1, 0, 1.0), (1, 0, 1, np.nan)):
        with pytest.raises(ValueError):
            Votes(*(np.array([each]) for each in wrong))


def test_the_interval_of_a_win_rate_is_over_prompts():
    """Ten voters who all say the same of each of 20 prompts know of 20 things and not of 200."""
    once = np.arange(20), np.arange(20) % 2 * 1.0
    often = win_rate(*(np.repeat(each, 10) for each in once))
    assert (often.low, often.high) == pytest.approx((win_rate(*once).low, win_rate(*once).high))


def lengthy(seed, prompts, *, level=0.3, length=1.0, difficulty=0.0, voters=2):
    """Votes of A with longer answers, whose length gains it something."""
    random = np.random.default_rng(seed)
    longer, hard = random.normal(60, 100, prompts), random.normal(size=prompts)
    chance = 1 / (1 + np.exp(-level - length * np.tanh(longer / 100) - difficulty * hard))
    ids = np.repeat(np.arange(prompts), voters)
    return ids, (random.random(len(ids)) < chance[ids]) * 1.0, longer[ids], hard[ids]


def test_the_rate_at_equal_lengths_is_that_of_the_regression_with_its_virtual_ties():
    prompts, won, lengths, hard = lengthy(0, 60, difficulty=0.8)
    x = np.stack([np.ones(120), np.tanh(lengths / lengths.std(ddof=1)), (hard - hard.mean()) / hard.std()], axis=1)

    def loss(theta):
        ties = np.logaddexp(0, theta) + np.logaddexp(0, -theta)
        return (np.logaddexp(0, x @ theta) - won * (x @ theta)).sum() + ties.sum() / 2

    theta = minimize(loss, np.zeros(3), method="BFGS", options={"gtol": 1e-8}).x
    found = length_controlled(prompts, won, lengths, hard, resamples=50)
    assert found.win_rate.value == pytest.approx(np.mean(1 / (1 + np.exp(-theta[0] - theta[2] * x[:, 2]))), abs=1e-5)
    assert found.length_effect.value == pytest.approx(theta[1], abs=1e-4)


def test_who_wins_by_length_alone_wins_half_at_equal_lengths():
    prompts, won, lengths, _ = lengthy(1, 300, level=0.0, length=1.5)
    found = length_controlled(prompts, won, lengths, resamples=100)
    assert found.win_rate.low < 0.5 < found.win_rate.high
    assert found.raw.low > 0.5 and found.length_effect.low > 0.5 and 0.6 < found.longer < 0.8
    other = length_controlled(prompts, 1 - won, -lengths, resamples=2)
    assert other.win_rate.value == pytest.approx(1 - found.win_rate.value)
    plain = length_controlled(prompts, won, 0 * lengths, resamples=2)
    assert plain.win_rate.value == pytest.approx(plain.raw.value, abs=0.002)


def test_what_lengths_do_not_tell_is_a_sentence():
    prompts, won = np.arange(12), np.arange(12) % 3 / 2
    assert length_controlled(prompts, won, np.full(12, 40.0)).win_rate.value is None
    assert "cannot be told" in length_controlled(prompts, won, np.full(12, 40.0)).doubt
    assert "always the shorter" in length_controlled(prompts, won, -1.0 - np.arange(12)).doubt
    assert length_controlled(prompts, won, np.arange(12) - 6.0).doubt == ""
    assert length_controlled(*NONE, NONE[1]).win_rate == length_controlled(*NONE, NONE[1]).raw == Interval(None)
    one_prompt = length_controlled(0 * prompts, won, np.arange(12) - 6.0).win_rate
    assert one_prompt.low < 0.2 and one_prompt.high > 0.8
    all_won = length_controlled(prompts, np.ones(12), np.arange(12) - 6.0).win_rate
    assert all_won.low < 0.75 < all_won.value < 1


@pytest.mark.thorough
def test_length_controlled_intervals_of_500_arenas_hold_the_truth():
    truth = 1 / (1 + np.exp(-0.3))
    found = []
    for seed in range(500):
        prompts, won, lengths, _ = lengthy(seed, 40)
        each = length_controlled(prompts, won, lengths, resamples=300).win_rate
        found.append(each.low <= truth <= each.high)
    assert within(found)


def judged(seed, *, few=20, many=200, knows=0.9, favours=0.15):
    """A judge of `many` prompts that favours the policy, and one or two people on `few` more; on average it wins 60 %.
    Each prompt has its own chance, which a judge that `knows` 0 does not see."""
    random = np.random.default_rng(seed)
    chance = random.beta(0.8, 0.8 * 2 / 3, few + many)
    prompts = np.repeat(np.arange(few), random.integers(1, 3, few))
    seen = np.clip(knows * chance + (1 - knows) / 2 + favours, 0, 1)
    won, verdicts = (random.random(len(p)) < p for p in (chance[prompts], seen))
    return prompts, won * 1.0, np.arange(few + many), verdicts * 1.0


def holds(interval, truth=0.6):
    return interval.low <= truth <= interval.high


def width(interval):
    return interval.high - interval.low


def test_with_a_biased_judge_intervals_of_500_arenas_hold_the_truth_and_are_narrower():
    found = [prediction_powered(*judged(seed)) for seed in range(500)]
    assert within([holds(each.win_rate) for each in found])
    assert np.mean([holds(each.judge) for each in found]) < 0.1
    wider = [width(each.win_rate) / width(each.people) for each in found]
    assert np.median(wider) < 0.97
    assert np.mean([each.worth for each in found]) > 23


def test_a_judge_that_knows_nothing_costs_a_whisker():
    found = [prediction_powered(*judged(seed, knows=0.0)) for seed in range(200)]
    assert within([holds(each.win_rate) for each in found])
    wider = [width(each.win_rate) / width(each.people) for each in found]
    assert np.median(wider) < 1.01 and np.percentile(wider, 95) < 1.05


@pytest.mark.thorough
@pytest.mark.parametrize("kind", [{"few": 10, "many": 100}, {"few": 40, "many": 40}, {"few": 40, "many": 400}])
def test_prediction_powered_intervals_hold_the_truth_with_fewer_and_more(kind):
    found = [holds(prediction_powered(*judged(seed, **kind)).win_rate) for seed in range(2000)]
    assert 0.94 < np.mean(found) < 0.98


def test_prediction_powered_as_worked_from_the_papers_formula():
    """One vote a prompt; lambda by equation 4 of PPI++ and the mean by its estimator, prompt by prompt."""
    random = np.random.default_rng(5)
    y, f, g = (random.integers(0, 2, n) * 1.0 for n in (12, 12, 30))
    f[:9] = y[:9]
    pooled = [*f, *g]
    centre = sum(pooled) / 42
    variance = sum((each - centre) ** 2 for each in pooled) / 41
    together = sum((a - y.mean()) * (b - f.mean()) for a, b in zip(y, f, strict=True)) / 11
    weight = together / variance / (1 + 12 / 30)
    found = prediction_powered(np.arange(12), y, np.arange(42), np.array(pooled))
    assert found.weight == pytest.approx(weight)
    assert found.win_rate.value == pytest.approx(y.mean() + weight * (g.mean() - f.mean()))
    assert (found.prompts, found.further, found.left_out) == (12, 30, 0)


def test_without_further_verdicts_people_stand_alone():
    prompts, won, judged_prompts, verdicts = judged(0)
    for judge in (NONE, (judged_prompts[:20], verdicts[:20]), (judged_prompts[30:], verdicts[30:])):
        found = prediction_powered(prompts, won, *judge)
        assert (found.weight, found.win_rate) == (0.0, found.people)
    assert found.left_out == 20
    assert prediction_powered(*NONE, *NONE).win_rate == Interval(None)
    assert prediction_powered(np.arange(9), np.ones(9), *NONE).people.low == pytest.approx(0.70, abs=0.01)


def test_more_votes_of_the_same_kind_narrow_the_interval_to_what_was_asked():
    """As many further prompts as were said to be needed are drawn, with votes of a prompt as much alike as before."""
    random = np.random.default_rng(2)
    prompts = np.repeat(np.arange(1000), 3)
    won = (random.random(3000) < random.beta(1.0, 1.0, 1000)[prompts]) * 1.0
    now = prompts < 40
    more = needed(prompts[now], won[now], 0.07)
    assert more.votes == 3 * more.prompts
    then = prompts < 40 + more.prompts
    assert width(win_rate(prompts[then], won[then])) / 2 == pytest.approx(0.07, rel=0.1)
    assert needed(prompts, won, 0.07).votes == 0
    assert needed(*NONE, 0.1).votes == 97  # (1.96 / 0.1)^2 / 4


def test_the_variance_over_prompts_and_what_votes_of_one_have_in_common():
    random = np.random.default_rng(3)
    won = random.integers(0, 2, 60) * 1.0
    assert clustered_variance(np.arange(60), won) == pytest.approx(won.var(ddof=1) / 60)
    assert clustered_variance(np.repeat(np.arange(60), 4), np.repeat(won, 4)) == pytest.approx(won.var(ddof=1) / 60)
    assert intraclass_correlation(np.repeat(np.arange(60), 4), np.repeat(won, 4)) == 1
    assert intraclass_correlation(np.arange(60), won) is None
    prompts = np.repeat(np.arange(4000), random.integers(1, 5, 4000))
    alike = (random.random(len(prompts)) < random.beta(1, 1, 4000)[prompts]) * 1.0  # 1 / (1 + 1 + 1) for a beta (1, 1)
    assert intraclass_correlation(prompts, alike) == pytest.approx(1 / 3, abs=0.03)


def test_a_difference_that_cannot_be_seen_is_a_sentence_that_says_what_would_show_it():
    even = np.arange(40) % 2 * 1.0
    said = doubt(np.arange(40), even)  # (2.80 / 0.1)^2 / 4 * 40 / 39 - 40 = 161.2
    assert said == "No difference can be seen yet: some 170 more votes would most likely show one of 10 points."
    twice = doubt(np.arange(40) // 2, even * 0 + np.arange(40) // 2 % 2)
    assert "some 380 more votes, on 190 further prompts," in twice  # (2.80 / 0.1)^2 / 4 * 20 / 19 - 20 = 186.6
    assert doubt(np.arange(400), np.arange(400) % 2 * 1.0).startswith("No difference can be seen: one of 10 points")
    assert doubt(np.arange(20), np.ones(20)) == ""
    wide = Interval(0.55, 0.41, 0.69, 20)  # 60 * ((0.14 / 0.06996)^2 - 1) = 180.3, and a third as many prompts
    assert "some 190 more votes, on 65 further prompts, would" in doubt_of(wide, 60, 20)
    assert not is_seen(Interval(0.9)) and is_seen(Interval(0.4, 0.3, 0.49, 9))


@pytest.mark.thorough
def test_a_difference_shows_as_often_as_the_sentence_says():
    """196 votes are said to show 60 % with a chance of 0.8."""
    random = np.random.default_rng(4)
    seen = [is_seen(win_rate(np.arange(196), (random.random(196) < 0.6) * 1.0)) for _ in range(500)]
    assert np.mean(seen) == pytest.approx(0.8, abs=0.06)
