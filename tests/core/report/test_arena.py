"""What is said of an arena: numbers against those worked by hand, and nothing claimed that chance explains."""

import json
import time

import numpy as np
import pytest

from core import cli
from core.preferences.holm import adjusted
from core.preferences.interval import Z
from core.preferences.judge_agreement import mutual_agreement
from core.preferences.length_taste import beyond, length_taste
from core.preferences.votes import Votes, win_rate
from core.records import Prompt
from core.report import arena, arena_pairs, experiment, page
from core.store import arena_votes, arenas, guidelines, labelers
from core.store.arena_votes import Asked, NewVote
from core.store.arenas import NewAnswer
from tests.core.report import simulated
from tests.core.report.voters import BIASED, FAIR, World, judged, material, voted

PROMPTS, SAME = 40, 8


@pytest.fixture
def voted_on(project):
    """Base, best-of-4 and a run, of which base and the run answer 8 of 40 prompts alike. Ann prefers the run to base on
    24 of the 32 other prompts; of the rest one is a tie, and one a tie because both are bad. Bob agrees with her but
    once. A judge, asked in both orders about the run and base, always says the first."""
    number = arenas.create(project, "Trial").id
    asked = [Prompt(n + 1, f"Question {n}?", ("odd",) if n % 2 else ()) for n in range(PROMPTS)]
    arenas.add_prompts(project, number, asked)
    prompts = [each.id for each in arenas.prompts(project, number)]
    for name, kind in (("base", "base"), ("best-of-4", "best-of-n"), ("run 12", "run")):
        policy = arenas.add_policy(project, number, name, kind)
        texts = ["Same." if n < SAME and kind != "best-of-n" else f"{name} says {n}." for n in range(PROMPTS)]
        arenas.add_answers(project, policy.id, [NewAnswer(*each) for each in zip(prompts, texts, strict=True)])
    answers = arenas.answers(project, number)
    base, best, run = (answers[at : at + PROMPTS] for at in (0, PROMPTS, 2 * PROMPTS))
    rules = guidelines.current_id(project)
    ann, bob = (labelers.named(project, name).id for name in ("ann", "bob"))
    judge = labelers.named(project, "tiny judge", kind="judge").id

    def vote(who, one, two, won, **more):
        return NewVote(one.id, two.id, who, rules, won, **more)

    votes = []
    for n in range(SAME, PROMPTS):
        won = 1.0 if n < SAME + 24 else 0.5 if n < SAME + 26 else 0.0
        swap = n % 2
        pair = (base[n], run[n]) if swap else (run[n], base[n])
        votes.append(vote(ann, *pair, 1 - won if swap else won, both_bad=n == SAME + 25))
        both = (Asked(run[n].id, base[n].id, "?", "A", 1.0), Asked(base[n].id, run[n].id, "?", "A", 1.0))
        votes.append(vote(judge, run[n], base[n], 0.5, asked=both))
    votes += [vote(bob, run[n], base[n], 1.0 if n > SAME else 0.0) for n in range(SAME, SAME + 10)]
    votes += [vote(ann, run[n], best[n], n % 2 * 1.0) for n in range(12)]
    arena_votes.cast(project, votes)
    return project


def test_the_command_tells_win_rates_equal_answers_and_judges(voted_on, capsys):
    folder = str(voted_on.folder)
    assert cli.run(["arena", "results", folder, "Trial", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    people, judge = found["standings"]
    assert (people["voice"], people["votes"], people["labelers"], people["both_bad"]) == ("people", 54, 2, 1)
    pair = next(each for each in people["pairs"] if {each["one"], each["two"]} == {0, 2})
    # 42 votes on 32 of 40 prompts: a fifth of what counts are ties, so 42 * 8 / 32 of them.
    won = 24 + 0.5 * 2 + 9
    rate = (won + 0.5 * 10) / (42 + 10)
    assert (pair["votes"], pair["ties"], pair["both_bad"], pair["same"], pair["same_counted"]) == (42, 2, 1, 8, 10)
    assert pair["win_rate"]["value"] == pytest.approx(rate if pair["one"] == 2 else 1 - rate)
    assert pair["win_rate"]["n"] == 40
    assert people["agreement"]["votes"] == 10
    assert people["agreement"]["pairwise"]["value"] == pytest.approx(0.9)
    said = " ".join(people["sentences"])
    assert pair["claimed"] and pair["fits"] and " wins over " in people["pair_sentences"][people["pairs"].index(pair)]
    assert (
        "run 12 wins over base: " in said and f"{rate:.0%} (" in said and "by the 42 votes on these two alone" in said
    )
    assert "to 8 of 40 prompts: these count as ties without a vote" in said
    assert "run 12 does not beat best-of-4, as far as can be seen: " in said
    (told,) = found["judge_sentences"]
    assert "follows the place" in told[1] and "first" in told[1]
    assert found["judges"][0]["both_orders"] == 32
    assert found["judges"][0]["places"]["first"]["value"] == 1.0
    assert judge["kind"] == "judge" and "not what people do" in judge["sentences"][0]


def test_tags_judges_and_names_are_chosen_or_refused_in_a_sentence(voted_on, capsys):
    folder = str(voted_on.folder)
    assert cli.run(["arena", "results", folder, "Trial", "--tag", "odd", "--judge", "tiny judge"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("tiny judge: 16 votes on 16 prompts with the tag odd")
    assert "people: " not in text
    (told,) = (each for each in arena.results(voted_on, "Trial").people.pairs if {each.one, each.two} == {0, 2})
    (odd,) = (
        each for each in arena.results(voted_on, "Trial", tag="odd").people.pairs if {each.one, each.two} == {0, 2}
    )
    assert told.by_tag["odd"] == odd.win_rate
    for wrong in (["Other"], ["Trial", "--tag", "even"], ["Trial", "--judge", "ann"]):
        assert cli.run(["arena", "results", folder, *wrong]) == 2
        assert capsys.readouterr().err.startswith("Error: ")


def test_a_judge_without_people_is_not_checked_and_an_arena_without_votes_says_so(project):
    arenas.create(project, "Empty")
    found = arena.results(project, "Empty")
    assert found.people.sentences == ("Nobody voted here yet.",)
    random = np.random.default_rng(0)
    world = World.drawn(random, 30)
    found = arena.computed(material(world, voted(random, world, 0), fair=judged(random, world, FAIR)))
    assert not found.judges[0].checked and "not checked against people yet" in found.judge_sentences[0][0]
    assert found.judges[0].corrected == ()


def test_a_judge_that_scores_is_not_told_to_lack_the_other_order(voted_on):
    one, two = arenas.answers(voted_on, arenas.listed(voted_on)[0].id)[::PROMPTS][:2]
    for name, detail in (("judge: gold length", "gold:length"), ("judge: small", "base")):
        who = labelers.named(voted_on, name, kind="judge", detail=detail).id
        arena_votes.cast(voted_on, [NewVote(one.id, two.id, who, guidelines.current_id(voted_on), 1.0)])
    found = arena.results(voted_on, "Trial")
    (_, gold_places, *_), (_, model_places, *_) = found.judge_sentences[1:]
    assert gold_places == "judge: gold length scores each answer by itself: the place cannot decide."
    assert model_places.startswith("judge: small was not asked in both orders")
    assert "of the judge “gold length”: they say" in found.of_judge("judge: gold length").sentences[0]


def test_nobody_leads_where_all_is_tied(voted_on):
    answers = arenas.answers(voted_on, arenas.listed(voted_on)[0].id)
    who = labelers.named(voted_on, "judge: undecided", kind="judge").id
    rules = guidelines.current_id(voted_on)
    pairs = [(answers[n], answers[n + way * PROMPTS]) for n in range(SAME, PROMPTS) for way in (1, 2)]
    arena_votes.cast(voted_on, [NewVote(one.id, two.id, who, rules, 0.5) for one, two in pairs])
    found = arena.results(voted_on, "Trial").of_judge("judge: undecided")
    assert not any(" leads" in each for each in found.sentences)
    assert "base and best-of-4 are level at the top of the table." in found.sentences


def test_the_report_of_an_experiment_has_the_arena_where_there_is_one(voted_on):
    text = page.page(experiment.gather(voted_on))
    assert "Put to the vote" in text and "run 12 wins over base" in text
    arenas.rename(voted_on, arenas.listed(voted_on)[0].id, "<script>")
    assert "<script>" not in page.page(experiment.gather(voted_on))


def test_a_report_without_an_arena_does_not_speak_of_one(project):
    assert "Put to the vote" not in page.page(experiment.gather(project))


def test_of_many_comparisons_only_what_survives_holm_is_claimed():
    """p-values 0.01, 0.02, 0.03 of three: 3 x 0.01, 2 x 0.02, and never less than the one before."""
    assert adjusted([0.02, 0.01, 0.03]) == pytest.approx([0.04, 0.03, 0.04])
    assert adjusted([0.02], family=6) == pytest.approx([0.12])
    assert adjusted([]) == []


def test_a_win_rate_is_wilsons_where_each_prompt_has_one_vote():
    won = np.array([1.0] * 14 + [0.0] * 6)
    centre = (0.7 + Z**2 / 38) / (1 + Z**2 / 19)  # the variance over 20 prompts has 19 in its denominator
    half = Z * np.sqrt(0.21 / 19 + Z**2 / (4 * 19**2)) / (1 + Z**2 / 19)
    found = win_rate(np.arange(20), won)
    assert (found.low, found.high) == pytest.approx((centre - half, centre + half))


def test_people_agree_as_krippendorff_counts_twos():
    """Three voters on one pair of answers, 1, 1 and 0, and two on another, both 0: of the four twos two are alike."""
    found = mutual_agreement(
        np.array([4, 4, 4, 9, 9]), np.array([1, 1, 1, 2, 2]), np.arange(5), np.array([1, 1, 0, 0, 0.0])
    )
    assert (found.votes, found.pairwise.value) == (4, pytest.approx(0.5))
    assert found.kappa.value == pytest.approx(0.0)  # both ways round 4 ones and 4 noughts: half by chance


def test_a_taste_for_length_is_found_beside_the_strengths_and_apart_from_peoples():
    random = np.random.default_rng(4)
    votes = 4000
    longer, first = random.normal(size=votes), random.integers(3, size=votes)
    second = (first + random.integers(1, 3, size=votes)) % 3
    strengths = np.array([0.0, 0.5, 1.0])

    def voted_with(phi):
        odds = strengths[first] - strengths[second] + phi * np.tanh(longer)
        won = (random.random(votes) < 1 / (1 + np.exp(-odds))) * 1.0
        return length_taste(Votes(np.arange(votes) // 2, first, second, won), longer, 3, 1.0)

    judge, people = voted_with(1.5), voted_with(0.5)
    assert judge.effect.low < 1.5 < judge.effect.high < 1.9
    assert judge.longer_wins.value == pytest.approx(1 / (1 + np.exp(-judge.effect.value * np.tanh(1))))
    more = beyond(judge, people)
    assert 0 < more.low < 1.0 < more.high
    alike = Votes(np.arange(3), np.zeros(3, dtype=int), np.ones(3, dtype=int), np.ones(3))
    assert length_taste(alike, np.zeros(3), 2, 1.0).effect.value is None


def shares(parts):
    return {name: (np.mean(values), len(values)) for name, values in simulated.together(parts).items()}


def nominal(found, least):
    """Does an interval hold as often as it should, within 3 binomial errors below, and not much too often?"""
    share, count = found
    return share > 0.95 - 3 * (0.95 * 0.05 / count) ** 0.5 and share >= least


@pytest.mark.thorough
def test_what_is_said_of_small_arenas_is_true():
    """Six arenas with 60 votes that were chosen one after the other; a judge with known faults."""
    truth = simulated.Truth(10_000)
    found = shares(simulated.arena(seed, truth, (60,))[60] for seed in range(6))
    for name in ("win rate", "table", "at equal lengths"):
        assert nominal(found[name], 0.85), name
    assert found["winner"][0] >= 0.5
    assert found["claimed wrongly"][0] == 0
    judge = shares([simulated.judging(0)])
    assert judge["biased: follows the place"][0] == judge["biased: likes length more"][0] == 1
    assert judge["fair: follows the place"][0] == judge["fair: likes length more"][0] == 0


@pytest.mark.thorough
@pytest.mark.timeout(1800)
def test_what_is_said_of_500_arenas_is_true():
    truth = simulated.Truth()
    arenas = [simulated.arena(seed, truth, (60,))[60] for seed in range(500)]
    found = shares(arenas)
    winner, best = (found[name] for name in ("winner", "winner at best"))
    for name in ("win rate", "table", "at equal lengths"):
        assert nominal(found[name], 0.93), name
    assert winner[0] > best[0] - 3 * (best[0] * (1 - best[0]) / 500) ** 0.5
    assert abs(found["bias"][0]) < 0.01
    assert found["claimed wrongly"][0] < 0.01


@pytest.mark.thorough
def test_corrected_rates_of_500_arenas_hold_the_truth_whatever_the_judge_likes():
    truth = simulated.Truth()
    powered = shares(simulated.powered(seed, truth) for seed in range(500))
    for name in ("fair: corrected", "biased: corrected"):
        assert nominal(powered[name], 0.93), name
    assert powered["fair: worth"][0] > 1


@pytest.mark.thorough
@pytest.mark.timeout(900)
def test_faulty_judges_are_told_fair_ones_are_left_alone_and_equals_do_not_win():
    judge = shares(simulated.judging(seed) for seed in range(100))
    assert judge["biased: follows the place"][0] == 1
    assert judge["biased: likes length more"][0] > 0.9
    assert judge["fair: follows the place"][0] < 0.05 + 3 * (0.05 * 0.95 / 100) ** 0.5
    equals = shares(simulated.equals(seed) for seed in range(100))
    assert equals["at the end"][0] < 0.05 + 3 * (0.05 * 0.95 / 100) ** 0.5


@pytest.mark.thorough
def test_the_table_of_20_000_votes_takes_less_than_a_second():
    random = np.random.default_rng(0)
    world = World.drawn(random, 500, np.linspace(0, 2, 10))
    prompt = random.integers(500, size=20_000)
    first = random.integers(10, size=20_000)
    second = (first + random.integers(1, 10, size=20_000)) % 10
    votes = Votes(prompt, first, second, world.vote(random, BIASED, prompt, first, second))
    whole = material(world, votes)
    start = time.process_time()
    arena_pairs.standing(whole, whole.voices[0].cast)
    assert time.process_time() - start < 1
