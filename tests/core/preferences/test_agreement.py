"""Agreement against published worked examples and hand-worked numbers; then over whole projects."""

import krippendorff
import numpy as np
import pytest
from scipy.stats import friedmanchisquare, kendalltau, rankdata

from core.preferences import agreement
from core.preferences.interval import proportion
from core.preferences.ordinal_alpha import Tables, alpha, coincidences, value_counts
from core.preferences.statistics import (
    alike,
    bootstrap,
    kendall_w,
    share,
    share_interval,
    tau_b,
    widened,
)
from core.store import calibration, labelers, prompts
from tests.core.labeling.test_labelers import person, rank
from tests.ranked import counting_rankings

NAN = np.nan
#: Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), section C: four observers, twelve units.
OBSERVERS = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, NAN, NAN, NAN],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NAN, 3],
        [NAN, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NAN],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NAN],
    ]
)


def test_alpha_as_krippendorff_computes_it():
    """The ordinal one of his four results, from the matrix of coincidences."""
    assert alpha(coincidences(value_counts(OBSERVERS, np.arange(1.0, 6)))) == pytest.approx(0.815, abs=5e-4)


def test_alpha_from_coincidences_is_the_librarys():
    random = np.random.default_rng(1)
    for _ in range(50):
        table = random.integers(1, 5, (3, 9)).astype(float)
        table[random.random(table.shape) < 0.2] = NAN
        theirs = krippendorff.alpha(reliability_data=table, level_of_measurement="ordinal")
        assert alpha(coincidences(value_counts(table, np.arange(1.0, 5)))) == pytest.approx(theirs)


def test_alpha_is_nothing_where_nothing_varies_or_nobody_overlaps():
    for table in (np.ones((2, 4)), np.array([[1, NAN], [NAN, 2]])):
        assert np.isnan(alpha(coincidences(value_counts(table, np.array([1.0, 2])))))


def alpha_of(*tables):
    """Of groups that follow each other, (G, m, n) each."""
    found, taken = Tables(), 0
    for table in tables:
        found.add(np.arange(taken, taken + len(table)), np.asarray(table, dtype=float))
        taken += len(table)
    return found.alpha(taken, resamples=0).value


def test_alpha_of_groups_of_one_size_is_the_librarys_on_average_ranks():
    random = np.random.default_rng(4)
    ranks = random.integers(1, 4, (25, 3, 5)).astype(float)  # no gaps are needed: the order alone counts
    average = np.array([[rankdata(rater) for rater in group] for group in ranks])
    theirs = krippendorff.alpha(np.concatenate(average, axis=1), level_of_measurement="ordinal")
    assert alpha_of(ranks) == pytest.approx(theirs)


@pytest.mark.parametrize("tied", [(1, 1, 2, 3), (1, 2, 2, 3)], ids=["the top two", "best and worst alone"])
def test_a_tie_costs_alpha_little_where_the_order_is_the_same(tied):
    """Two labelers over 200 groups of four; expected by a double loop over the values that they give."""
    full, average = (1.0, 2.0, 3.0, 4.0), rankdata(tied)
    values = [*full, *average]
    place = {value: rankdata(values)[values.index(value)] for value in values}  # mean places among all values
    observed = np.mean([(place[a] - place[b]) ** 2 for a, b in zip(full, average, strict=True)])
    expected = np.mean([(place[a] - place[b]) ** 2 for a in values for b in values])
    found = alpha_of([[full, tied]] * 200)
    assert found == pytest.approx(1 - observed / expected, abs=1e-3)
    assert found == pytest.approx(0.89, abs=5e-3), "ranks without gaps have 0.68 and 0.78"


def test_the_size_of_groups_is_no_agreement():
    """200 pairs ordered oppositely are at -1, 40 nines ordered alike at 1: 400 and 360 completions."""
    pairs, nines = [[(1, 2), (2, 1)]] * 200, [[range(1, 10)] * 2] * 40
    opposite = np.array([[1, 2] * 200, [2, 1] * 200])
    at_chance = krippendorff.alpha(opposite, level_of_measurement="ordinal")
    assert alpha_of(pairs, [[list(rater) for rater in group] for group in nines]) == pytest.approx(
        (400 * at_chance + 360 * 1) / 760
    )
    random = np.random.default_rng(0)
    guessed = [np.array([[random.permutation(n) + 1 for _ in range(2)] for _ in range(400)]) for n in (2, 9)]
    assert abs(alpha_of(*guessed)) < 0.06, "guesses are at chance in groups of any sizes"


def test_a_flag_moves_no_other_rank():
    """What one labeler flags is left out: the rest is in the same order."""
    assert alpha_of([[(1, 2, 3, 4), (NAN, 1, 2, 3)]] * 3) == 1
    assert alpha_of([[(1, NAN), (2, 1)]]) is None, "of fewer than two there is no order"
    unranked = [[(1, 2, np.inf, np.inf), (1, 2, 3, 3)]]
    assert alpha_of(unranked) == 1, "unranked is below all others"


def test_w_as_siegel_computes_it():
    """Siegel, Nonparametric Statistics for the Behavioral Sciences (1956), chapter 9: three executives rank six
    applicants (W = .16); three raters with ties (W = .828)."""
    executives = np.array([[1, 6, 3, 2, 5, 4], [1, 5, 6, 4, 2, 3], [6, 3, 2, 5, 4, 1]], dtype=float)
    assert kendall_w(executives) == pytest.approx(0.16, abs=5e-3)
    tied = np.array(
        [
            [1, 4.5, 2, 4.5, 3, 7.5, 6, 9, 7.5, 10],
            [2.5, 1, 2.5, 4.5, 4.5, 8, 9, 6.5, 10, 6.5],
            [2, 1, 4.5, 4.5, 4.5, 4.5, 8, 8, 8, 10],
        ]
    )
    assert kendall_w(tied) == pytest.approx(0.828, abs=5e-4)


def test_w_is_1_for_one_order_and_nothing_where_a_rater_leaves_out():
    assert kendall_w(np.array([[1, 2, 3], [10, 20, 30]], dtype=float)) == 1
    assert kendall_w(np.array([[1, 2, 3], [3, 2, 1]], dtype=float)) == 0
    assert np.isnan(kendall_w(np.array([[1, 2, NAN], [1, 2, 3]])))
    assert np.isnan(kendall_w(np.ones((3, 4))))
    assert kendall_w(np.array([[1, 2, np.inf, np.inf]] * 2)) == kendall_w(np.array([[1.0, 2, 3, 3]] * 2)) == 1


def test_tau_b_as_hollander_and_wolfe_compute_it():
    """Hollander and Wolfe, Nonparametric Statistical Methods (1973), p. 187: tuna, Hunter L and panel scores."""
    hunter = np.array([44.4, 45.9, 41.9, 53.3, 44.7, 44.1, 50.7, 45.2, 60.1])
    panel = np.array([2.6, 3.1, 2.5, 5.0, 3.6, 4.0, 5.2, 2.8, 3.8])
    assert tau_b(hunter, panel) == pytest.approx(0.4444, abs=5e-5)


def test_tau_b_counts_ties_by_hand():
    """Four items, six pairs: 4 concordant, 0 discordant, one tied in the first order only and one in the second;
    tau-b = 4 / sqrt(5 * 5)."""
    assert tau_b(np.array([1.0, 1, 2, 3]), np.array([1.0, 2, 3, 3])) == pytest.approx(0.8)
    assert np.isnan(tau_b(np.array([1.0, 1, 1]), np.array([1.0, 2, 3])))
    assert tau_b(np.array([1.0, NAN, 2]), np.array([1.0, 5, 2])) == 1
    assert tau_b(np.array([1.0, 2, np.inf, np.inf]), np.array([1.0, 2, 4, 3])) == 1


def test_many_rankings_at_once_are_as_scipy_has_them_one_by_one():
    random = np.random.default_rng(2)
    first, second = random.integers(1, 6, (2, 200, 6)).astype(float)
    theirs = [kendalltau(one, two, variant="b").statistic for one, two in zip(first, second, strict=True)]
    assert tau_b(first, second) == pytest.approx(np.array(theirs), nan_ok=True)
    table = np.array([rng.permutation(7) + 1.0 for rng in [random] * 4])
    friedman = friedmanchisquare(*table.T).statistic
    assert kendall_w(table) == pytest.approx(friedman / (4 * 6)), "W = chi-square / (m (n - 1))"


def test_pairs_judged_alike_by_hand():
    assert alike(np.array([1.0, 2, 3]), np.array([1.0, 3, 2])) == (2, 3)
    assert alike(np.array([1.0, 1, 2]), np.array([1.0, 2, 3])) == (2.5, 3), "a tie against an order is half"
    assert alike(np.array([1.0, 1]), np.array([2.0, 2])) == (1, 1), "tied by both is agreement"
    assert alike(np.array([1.0, 2, NAN]), np.array([1.0, 2, 3])) == (1, 1), "what is not judged is left out"
    best_two, order = np.array([1.0, 2, np.inf, np.inf]), np.array([1.0, 3, 2, 4])
    assert alike(best_two, order) == (4, 5), "unranked is below the ranked, and without an order among its like"


def test_wilsons_interval_as_newcombe_gives_it():
    """Newcombe, Statistics in Medicine 17 (1998), table I, method 3: 81 of 263, 15 of 148, 0 of 20."""
    for successes, n, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611)):
        found = proportion(successes, n)
        assert (found.low, found.high) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))


def test_the_bootstrap_covers_what_it_should():
    """Of 95 % intervals for the mean of 60 draws from N(0, 1), about 95 % hold 0."""
    random = np.random.default_rng(3)
    held = 0
    for number in range(200):
        sums = np.stack([random.normal(size=60), np.ones(60)], axis=1)
        found = bootstrap(sums, share, resamples=300, seed=number)
        held += found.low <= 0 <= found.high
    assert 180 <= held <= 199


def test_bundles_of_units_give_nearly_the_same_interval():
    """Against the error of the mean of 4,000 draws from N(0, 1)."""
    drawn = np.random.default_rng(4).normal(size=4000)
    found = bootstrap(np.stack([drawn, np.ones(4000)], axis=1), share)
    assert found.high - found.low == pytest.approx(2 * 1.96 * drawn.std() / np.sqrt(4000), rel=0.1)
    assert found.n == 4000


@pytest.fixture
def two(filled):
    """Ana and Bo rank four prompts of four: alike, opposite, one pair swapped, and a flag by Bo."""
    ana, bo = person(filled, "Ana"), person(filled, "Bo")
    for group, theirs in ((1, (0, 1, 2, 3)), (2, (3, 2, 1, 0)), (3, (1, 0, 2, 3))):
        rank(filled, group, ana, 0, 1, 2, 3)
        rank(filled, group, bo, *theirs)
    rank(filled, 4, ana, 0, 1, 2, 3)
    rank(filled, 4, bo, flag="unsafe")
    return filled, ana, bo


def test_agreement_over_a_project_by_hand(two):
    project, ana, _bo = two
    report = agreement.measure(project, resamples=200)
    found = report.overall
    assert (found.groups, found.labelers) == (3, 2), "the flagged one has no order to compare"
    assert found.pairwise.value == pytest.approx((6 + 0 + 5) / 18)
    assert found.pairwise.low <= found.pairwise.value <= found.pairwise.high
    assert found.tau_b.value == pytest.approx((1 - 1 + 4 / 6) / 3)
    assert found.w.value == pytest.approx((1 + 0 + kendall_w(np.array([[1.0, 2, 3, 4], [2, 1, 3, 4]]))) / 3)
    table = np.array([[1, 2, 3, 4] * 3, [1, 2, 3, 4, 4, 3, 2, 1, 2, 1, 3, 4]], dtype=float)
    assert found.alpha.value == pytest.approx(krippendorff.alpha(table, level_of_measurement="ordinal"))
    assert found.alpha.low <= found.alpha.value <= found.alpha.high
    assert agreement.measure(project, resamples=200) == report, "the same each time"
    assert report.labelers[ana] == found, "of two labelers each is compared with the other one"
    assert report.tags == {"test": found}
    nothing = agreement.measure(project, tag="no such tag")
    assert (nothing.overall.groups, nothing.overall.pairwise.value, nothing.labelers, nothing.tags) == (0, None, {}, {})


def test_the_tags_of_most_prompts_are_measured_each_like_a_choice_of_it(two, monkeypatch):
    monkeypatch.setattr(agreement, "MOST_TAGS", 2)
    project, _ana, _bo = two
    for prompt_id, tags in zip(prompts.ids(project), (("z", "b", "few"), ("z", "b"), ("z",)), strict=False):
        prompts.edit(project, prompt_id, tags=tags)
    report = agreement.measure(project, resamples=100)
    assert {tag: found.groups for tag, found in report.tags.items()} == {"z": 3, "b": 2}
    for tag, found in report.tags.items():
        assert found == agreement.measure(project, tag=tag, by_tag=False, resamples=100).overall


def test_where_people_disagree_most_comes_first_and_the_decided_last(two):
    project, _ana, _bo = two
    assert [item.group_id for item in agreement.measure(project).disagreements] == [2, 3, 1]
    rank(project, 2, person(project, "Judge"), 0, 1, 2, 3, adjudicates=True)
    worst = agreement.measure(project).disagreements
    assert [(item.group_id, item.adjudicated) for item in worst] == [(3, False), (1, False), (2, True)]


def test_a_third_labeler_is_compared_only_where_they_ranked(two):
    project, ana, _bo = two
    rank(project, 1, person(project, "Cy"), 3, 2, 1, 0)
    found = agreement.measure(project, resamples=50).labelers
    assert found[person(project, "Cy")].pairwise.value == 0
    assert found[ana].pairwise.value == pytest.approx((6 + 0 + 0 + 5) / 24), "with Bo thrice and with Cy once"


def test_simulated_labelers_can_be_left_out(two):
    project, _ana, _bo = two
    script = labelers.named(project, "script", kind="scripted", detail="length").id
    rank(project, 1, script, 3, 2, 1, 0)
    assert agreement.measure(project, people_only=True).overall.pairwise.value == pytest.approx(11 / 18)
    assert agreement.measure(project).overall.pairwise.value < 11 / 18


def test_a_labeler_against_the_calibration_set(two):
    project, ana, bo = two
    for group in (1, 2, 3):
        calibration.add(project, counting_rankings(project, labeler_id=ana)[group - 1].id)
    found = agreement.against_calibration(project, bo)
    assert (found.ranked, found.total) == (3, 3)
    assert found.agreement.value == pytest.approx(11 / 18)
    assert [item.group_id for item in found.differences] == [2, 3]
    assert agreement.against_calibration(project, ana).total == 0, "the author is not measured by their own keys"
    new = agreement.against_calibration(project, person(project, "New"))
    assert (new.ranked, new.total, new.agreement.value) == (0, 3, None)


def test_a_labeler_against_themselves(two):
    project, ana, bo = two
    first = counting_rankings(project, labeler_id=ana)[0].id
    rank(project, 1, ana, 0, 1, 3, 2, repeat_of=first)
    assert agreement.self_consistency(project)[ana].value == pytest.approx(5 / 6)
    assert bo not in agreement.self_consistency(project)


def test_a_share_on_which_all_of_a_few_agree_is_not_sure():
    two = share_interval(np.array([[3.0, 3.0], [2.0, 2.0]]))
    assert (two.value, two.low, two.high, two.n) == (1.0, pytest.approx(0.3424, abs=1e-4), 1.0, 2)
    one = share_interval(np.array([[1.0, 2.0]]))
    assert one.low < 0.1 < 0.9 < one.high
    mixed = np.array([[1.0, 1.0], [0.0, 1.0], [1.0, 1.0]])
    assert share_interval(mixed) == bootstrap(mixed, share)


def test_no_measure_of_a_few_that_agree_is_sure(filled):
    """Three of three alike: Wilson's interval for 3 of 3 (0.438 to 1 by his formula), on each measure's own scale."""
    ana, bo = person(filled, "Ana"), person(filled, "Bo")
    for group in (1, 2, 3):
        rank(filled, group, ana, 0, 1, 2, 3)
        rank(filled, group, bo, 0, 1, 2, 3)
        calibration.add(filled, counting_rankings(filled, labeler_id=ana)[-1].id)
        rank(filled, group, bo, 0, 1, 2, 3, repeat_of=counting_rankings(filled, labeler_id=bo)[-1].id)
    low = 3 / (3 + 1.959964**2)  # Wilson's lower end for n of n is n / (n + z^2)
    found = agreement.measure(filled).overall
    shares = [found.pairwise, found.w, agreement.self_consistency(filled)[bo]]
    shares.append(agreement.against_calibration(filled, bo).agreement)
    for measure in shares:
        assert (measure.value, measure.low, measure.high) == (1, pytest.approx(low), pytest.approx(1))
    for measure in (found.tau_b, found.alpha):
        assert (measure.value, measure.low, measure.high) == (1, pytest.approx(2 * low - 1), pytest.approx(1))


def test_an_interval_with_a_width_stays():
    mixed = bootstrap(np.array([[1.0, 1.0], [0.0, 1.0], [1.0, 1.0]]), share)
    assert widened(mixed) is mixed
    assert widened(bootstrap(np.array([[-1.0, 1.0]] * 2), share), -1.0, 1.0).low == pytest.approx(-1)
