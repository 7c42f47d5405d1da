"""Simulated labelers with a known character, and whether the measures of bias find just that character."""

import math
import random
from collections import defaultdict

import pytest

from core.errors import BadInput
from core.events import NewCompletion
from core.labeling import simulate
from core.preferences import bias
from core.records import Prompt
from core.store import completions, pairs, prompts, rankings
from tests.ranked import counting_rankings


@pytest.fixture
def many(project):
    """200 prompts with four completions whose length says nothing about how good they are."""
    prompts.add(project, [Prompt(0, f"Prompt {n}?") for n in range(200)])
    chance = random.Random(0)
    for prompt in prompts.listed(project):
        words = chance.sample(["good", "good", "poor", "poor"], 4)
        texts = [f"{word} {'word ' * chance.randrange(1, 30)}{place}" for place, word in enumerate(words)]
        completions.add_group(project, prompt.id, tuple(NewCompletion(text, 5, True, 0) for text in texts))
    return project


def made(project, personality, **more):
    simulate.simulate(project, "regex:good", personality, **more)
    return simulate.labeler(project, "regex:good", personality, more.get("temperature")).id


def test_without_noise_the_gold_reward_is_followed_exactly(many):
    made(many, "careful", temperature=0)
    assert all("good" in pair.chosen and "poor" in pair.rejected for pair in pairs.listed(many) if pair.gap > 1)


@pytest.mark.thorough
def test_noise_follows_bradley_and_terry(project):
    """Two completions whose gold differs by 1 at T = 1: the better one wins with sigmoid(1) = 0.731."""
    prompts.add(project, [Prompt(0, f"Prompt {n}?") for n in range(1000)])
    with project.write():
        for prompt in prompts.listed(project):
            texts = (NewCompletion("good", 1, True, 0), NewCompletion("bad", 1, True, 0))
            completions.add_group(project, prompt.id, texts)
    made(project, "careful", temperature=1.0)
    right = sum(pair.chosen == "good" for pair in pairs.listed(project))
    assert right / 1000 == pytest.approx(0.731, abs=0.043)


def test_simulated_labelers_are_marked_and_repeat_themselves(many):
    who = made(many, "hasty", share=0.5)
    found = counting_rankings(many, labeler_id=who)
    assert 60 < len(found) < 140
    assert {(item.labeler.kind, item.labeler.detail) for item in found} == {("scripted", "regex:good (hasty)")}
    assert pairs.counts(many).scripted == len(found)
    before = [item.ranks for item in found]
    for item in found:
        rankings.retract(many, item.id)
    made(many, "hasty", share=0.5)
    assert [item.ranks for item in counting_rankings(many, labeler_id=who)] == before


def test_what_cannot_be_simulated_is_a_sentence(many):
    for wrong in ({"personality": "nobody"}, {"share": 0}, {"temperature": -1}):
        with pytest.raises(BadInput):
            simulate.simulate(many, "length", **({"personality": "careful"} | wrong))


@pytest.mark.thorough
def test_the_first_picker_is_found_by_position_and_the_careful_one_is_not(many):
    first, careful = made(many, "first-picker"), made(many, "careful")
    shares = bias.positions(many, first)
    assert shares[0].best.low > shares[0].expected == 0.25
    assert bias.position_test(many, first) < 0.001
    assert bias.position_test(many, careful) > 0.01
    assert sum(share.best.value for share in shares) == pytest.approx(1)


@pytest.mark.thorough
def test_the_length_lover_is_found_by_length_and_the_careful_one_is_not(many):
    long, careful = bias.lengths(many, made(many, "length-lover")), bias.lengths(many, made(many, "careful"))
    assert long.longer_wins.low > 0.55
    assert careful.longer_wins.low < 0.5 < careful.longer_wins.high
    shares = [share.value for _, _, share, _ in long.buckets]
    assert shares == sorted(shares), "the longer, the surer"


@pytest.fixture
def nines(project):
    """30 prompts with nine completions of any length, which say nothing about how good they are."""
    prompts.add(project, [Prompt(0, f"Prompt {n}?") for n in range(30)])
    chance = random.Random(1)
    for prompt in prompts.listed(project):
        texts = ["word " * chance.randrange(1, 60) for _ in range(9)]
        completions.add_group(project, prompt.id, tuple(NewCompletion(text, 5, True, 0) for text in texts))
    return project


def test_the_interval_of_length_bias_is_over_prompts(nines):
    """Against the standard error of a ratio over clusters (Cochran 1977, section 6.4), summed prompt by prompt."""
    who = made(nines, "careful", temperature=1000)
    won = defaultdict(list)
    for pair in pairs.listed(nines):
        if len(pair.chosen) != len(pair.rejected):
            won[pair.prompt_id].append(len(pair.chosen) > len(pair.rejected))
    n = sum(map(len, won.values()))
    share = sum(map(sum, won.values())) / n
    error = math.sqrt(sum((sum(each) - share * len(each)) ** 2 for each in won.values())) / n
    found = bias.lengths(nines, who)
    assert (found.longer_wins.value, found.longer_wins.n) == (pytest.approx(share), 30)
    assert found.longer_wins.high - found.longer_wins.low == pytest.approx(2 * 1.96 * error, rel=0.1)
    assert sum(count for *_, count in found.buckets) == n


@pytest.mark.thorough
def test_intervals_of_length_bias_hold_what_they_should(nines):
    """100 labelers who guess: of bootstraps over 30 prompts one in eight may leave an even share out; nominal is one in
    twenty. Taken for independent, the 36 pairs of a prompt put it outside one in five."""
    guessers = [made(nines, "careful", temperature=1000 + n) for n in range(100)]
    found = [bias.lengths(nines, who).longer_wins for who in guessers]
    assert sum(not share.low <= 0.5 <= share.high for share in found) <= 12


@pytest.mark.thorough
def test_ties_and_partial_orders_of_characters(many):
    tied, top = made(many, "tie-happy"), made(many, "top-two")
    assert any(len(set(item.ranks.values())) < 4 for item in counting_rankings(many, labeler_id=tied))
    assert {
        sum(rank is not None for rank in item.ranks.values()) for item in counting_rankings(many, labeler_id=top)
    } == {2}


def test_an_unusual_time_is_an_outlier(many):
    who = made(many, "careful")
    ranked = counting_rankings(many, labeler_id=who)
    many.database.execute("update rankings set seconds = 0.4 where id = ?", (ranked[7].id,))
    speed = next(item for item in bias.speeds(many) if item.labeler_id == who)
    assert [ranking for ranking, _ in speed.outliers] == [ranked[7].id]
    assert speed.median_seconds == pytest.approx(40, rel=0.2)
    assert speed.n == 200


def test_nothing_ranked_is_no_bias(project):
    assert bias.positions(project) == []
    assert bias.position_test(project) is None
    assert bias.lengths(project).longer_wins.value is None
    assert bias.speeds(project) == []
