"""Rankings are append-only; pairs follow from them by the rules of ranking data."""

import itertools
import math
import sqlite3

import pytest

from core.errors import BadInput
from core.labeling import gold
from core.preferences import judged_groups
from core.records import NewRanking
from core.runs import wishes
from core.store import DATABASE, completions, guidelines, labelers, pairs, rankings
from core.trust import gate
from tests.ranked import counting_rankings


def ids(project, group_id=1):
    return [item.id for item in completions.group(project, group_id).completions]


@pytest.fixture
def me(filled):
    return labelers.named(filled, "me")


def test_n_completions_without_ties_give_all_pairs_preferred_first(filled, me):
    a, b, c, d = ids(filled)
    rankings.add(filled, NewRanking(1, me.id, {c: 1, a: 2, d: 3, b: 4}))
    found = [(pair.chosen_id, pair.rejected_id, pair.gap) for pair in pairs.listed(filled)]
    order = [c, a, d, b]
    expected = {(x, y, order.index(y) - order.index(x)) for x, y in itertools.combinations(order, 2)}
    assert set(found) == expected
    assert len(found) == 4 * 3 // 2


def test_tied_completions_give_no_pair(filled, me):
    a, b, c, d = ids(filled)
    rankings.add(filled, NewRanking(1, me.id, {a: 1, b: 1, c: 2, d: 2}))
    assert {(pair.chosen_id, pair.rejected_id) for pair in pairs.listed(filled)} == {(a, c), (a, d), (b, c), (b, d)}
    assert pairs.counts(filled).ties == 2


def test_flagged_prompts_and_completions_give_none(filled, me):
    a, b, c, d = ids(filled)
    rankings.add(filled, NewRanking(1, me.id, {a: 1, b: 2, c: 3, d: 4}, flag="unsafe"))
    assert pairs.listed(filled) == []
    assert pairs.counts(filled).flagged == 1
    e, f, g, h = ids(filled, 2)
    rankings.add(filled, NewRanking(2, me.id, {e: 1, f: 2, g: 3, h: 4}, flags={e: "broken"}))
    assert {(pair.chosen_id, pair.rejected_id) for pair in pairs.listed(filled)} == {(f, g), (f, h), (g, h)}


def test_unranked_completions_are_below_the_ranked_and_not_among_themselves(filled, me):
    a, b, c, d = ids(filled)
    rankings.add(filled, NewRanking(1, me.id, {a: 2, b: 1, c: None, d: None}))
    found = {(pair.chosen_id, pair.rejected_id) for pair in pairs.listed(filled)}
    assert found == {(b, a), (a, c), (a, d), (b, c), (b, d)}
    judged = judged_groups.judged_groups(filled)[0]
    assert dict(zip(judged.completion_ids, judged.judgements[0].ranks, strict=True)) == {
        a: 2, b: 1, c: math.inf, d: math.inf,
    }  # fmt: skip


def test_the_newest_ranking_counts_and_undo_brings_back_the_older(filled, me):
    a, b, c, d = ids(filled)
    rankings.add(filled, NewRanking(1, me.id, {a: 1, b: 2, c: 3, d: 4}))
    second = rankings.add(filled, NewRanking(1, me.id, {a: 4, b: 3, c: 2, d: 1})).ids[0]
    assert pairs.listed(filled)[0].chosen_id == b
    assert len(pairs.listed(filled)) == 6
    assert rankings.latest(filled, me.id).id == second
    rankings.retract(filled, second)
    assert pairs.listed(filled)[0].chosen_id == a
    rankings.restore(filled, second)
    assert rankings.latest(filled, me.id).ranks == {a: 4, b: 3, c: 2, d: 1}


def test_a_ranking_knows_its_guidelines_and_is_on_disk_at_once(filled, me):
    a, b, c, d = ids(filled)
    version = guidelines.current(filled).id
    rankings.add(filled, NewRanking(1, me.id, {a: 1, b: 2, c: 5, d: 5}))
    guidelines.save(filled, criteria="New.", ties="", flags="", examples="")
    other = sqlite3.connect(filled.folder / DATABASE)
    assert other.execute("select guidelines_id from rankings").fetchall() == [(version,)]
    assert other.execute("select rank from ranking_items order by completion_id").fetchall() == [(1,), (2,), (3,), (3,)]


@pytest.mark.parametrize(
    ("ranks", "reason"),
    [
        ({}, "each completion"),
        ({1: None, 2: None, 3: None, 4: None}, "Nothing is ranked"),
        ({1: 0, 2: 1, 3: 2, 4: 3}, "start at 1"),
        ({1: 1, 2: 2, 3: 3, 9: 4}, "each completion"),
    ],
)
def test_what_is_no_ranking_is_refused(filled, me, ranks, reason):
    with pytest.raises(BadInput, match=reason):
        rankings.add(filled, NewRanking(1, me.id, ranks))
    assert filled.database.value("select count(*) from rankings") == 0


def test_the_queue_is_what_a_labeler_has_still_to_rank(filled, me):
    assert completions.group_ids(filled, unranked_by=me.id) == [1, 2, 3, 4, 5, 6]
    done = rankings.add(filled, NewRanking(2, me.id, dict(zip(ids(filled, 2), (1, 2, 3, 4), strict=True))))
    assert completions.group_ids(filled, unranked_by=me.id) == [1, 3, 4, 5, 6]
    rankings.retract(filled, done.ids[0])
    assert completions.group_ids(filled, unranked_by=me.id) == [1, 2, 3, 4, 5, 6]


def test_the_shown_order_is_shuffled_and_the_same_each_time():
    orders = [rankings.shown_order(group, 1, [1, 2, 3, 4]) for group in range(20)]
    assert orders == [rankings.shown_order(group, 1, [1, 2, 3, 4]) for group in range(20)]
    assert len({tuple(order) for order in orders}) > 5


def test_a_scripted_labeler_is_marked_and_ties_equal_gold(filled):
    gold.rank_all(filled, "length")
    assert {ranking.labeler.kind for ranking in counting_rankings(filled)} == {"scripted"}
    assert {ranking.labeler.detail for ranking in counting_rankings(filled)} == {"length"}
    assert pairs.counts(filled).scripted == 6
    with pytest.raises(BadInput, match="scripted labeler"):
        labelers.named(filled, "scripted: length")
    assert gold.rank_all(filled, "length").ids == ()


def test_gold_rewards_are_found_by_name_pattern_and_file(project, tmp_path):
    assert (
        gold.find(project, "sentiment")("", "I love this, thank you!")
        > 0
        > gold.find(project, "sentiment")("", "I hate this, it is awful.")
    )
    assert gold.find(project, "warmth")("", "You can do it, and you will.") > gold.find(project, "warmth")(
        "", "It can be done."
    )
    warm = "Enjoy your walk, and take good care of yourself."
    brief, long = (gold.find(project, "brief-warmth")("", text) for text in (warm, warm + " Then go on and on" * 4))
    assert brief == gold.find(project, "warmth")("", warm) and brief - long == pytest.approx((29 - 10) / 20)
    assert gold.find(project, "short-warmth")("", warm) == pytest.approx(brief - (9 - 6) / 10)
    assert gold.find(project, "regex:[0-9]+")("", "1 and 22 and 333") == 3.0
    (tmp_path / "mine.py").write_text("def shout(prompt, completion):\n    return completion.count('!')\n")
    gate.choose(project, wishes.of_gold(f"{tmp_path / 'mine.py'}:shout"))
    assert gold.find(project, f"{tmp_path / 'mine.py'}:shout")("", "hey!!") == 2.0
    for wrong in ("nothing", "regex:[", "no_such_module:f", f"{tmp_path}/none.py:f", "math:hypot", "math:nothing"):
        with pytest.raises(BadInput):
            gold.find(project, wrong)


@pytest.mark.thorough
def test_what_a_function_gives_that_is_no_number_orders_nothing(filled, tmp_path):
    """Sorted beside numbers, a nan would give an order that means nothing."""
    (tmp_path / "own.py").write_text(
        "import os\n"
        "def nan(prompt, completion): return float('nan') if len(completion) % 2 else 1.0\n"
        "def infinite(prompt, completion): return float('-inf')\n"
        "def huge(prompt, completion): return 1e25\n"
        "def nothing(prompt, completion): return None\n"
        "def text(prompt, completion): return '7/10'\n"
        "def leaves(prompt, completion): raise SystemExit('quota used up')\n"
        "def ends(prompt, completion): print('a line'); input(); os._exit(3)\n"
        "def right(prompt, completion): return len(completion) > 3\n"
    )
    for name, said in (
        ("nan", "gave nan"), ("infinite", "gave -inf"), ("huge", "gave 1e"), ("nothing", "gave None, which is no num"),
        ("text", "gave '7/10', which is no number"), ("leaves", "quota used up"), ("ends", "EOFError"),
    ):  # fmt: skip
        function = f"{tmp_path / 'own.py'}:{name}"
        gate.choose(filled, wishes.of_gold(function))
        with pytest.raises(BadInput, match=said):
            for word in ("odd", "even"):
                gold.find(filled, function)("", word)
    right = function.replace("ends", "right")
    gate.choose(filled, wishes.of_gold(right))
    assert gold.find(filled, right)("", "even") == 1.0
