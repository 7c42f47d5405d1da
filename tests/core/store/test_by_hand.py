"""Answers that people write: they join a group, keep every blank, and leave all rankings from before as they were."""

import json
import random

import pytest

from core import data
from core.errors import BadInput
from core.events import NewCompletion
from core.preferences import agreement
from core.preferences.judged_groups import judged_groups
from core.records import NewRanking
from core.store import completions, counting, create_project, labelers, pairs, ranking_history, rankings
from core.store.undo.bulk import record, replay


@pytest.fixture
def ana(filled):
    return labelers.named(filled, "Ana").id


def order(project, labeler_id, *ids):
    ranks = {item: place for place, item in enumerate(ids, 1)}
    return rankings.add(project, NewRanking(1, labeler_id, ranks)).ids[0]


def test_answers_that_differ_in_blanks_alone_are_two_and_come_back_as_they_were(filled):
    texts = (" blue.", "blue.", "\tblue.\n", "blue.\r\n")
    group = completions.add_group(filled, 1, tuple(NewCompletion(text, 1, True, 0) for text in texts))
    assert tuple(item.text for item in completions.group(filled, group).completions) == texts


def test_what_is_written_or_mended_is_marked_with_who_did(filled, ana):
    first = completions.ids(filled, 1)[0]
    completions.write(filled, 1, ana, "  mine\n")
    completions.write(filled, 1, ana, "mine", of=first)
    *others, written, mended = completions.group(filled, 1).completions
    assert (written.text, written.written_by, written.origin) == ("  mine\n", "Ana", "Written by hand by Ana")
    assert (mended.text, mended.mended, mended.origin) == ("mine", first, "Mended by hand by Ana")
    assert all(not item.written_by for item in others)


def test_what_is_no_further_answer_is_refused(filled, ana):
    texts = [item.text for item in completions.group(filled, 1).completions]
    for text, of, why in ((" \n", None, "empty"), (texts[0], None, "already"), ("mine", 999, "none of this")):
        with pytest.raises(BadInput, match=why):
            completions.write(filled, 1, ana, text, of)


def test_earlier_rankings_go_without_it_and_give_the_pairs_that_they_gave(filled, ana):
    ids = completions.ids(filled, 1)
    order(filled, ana, *ids)
    before = pairs.listed(filled)
    bo = labelers.named(filled, "Bo").id
    (mine,) = completions.write(filled, 1, bo, "mine").ids
    assert pairs.listed(filled) == before and pairs.counts(filled).pairs == 6
    order(filled, bo, mine, *reversed(ids))
    assert pairs.counts(filled).pairs == len(pairs.listed(filled)) == 16
    (group,) = judged_groups(filled)
    anas, bos = (judgement.ranks for judgement in group.judgements)
    assert anas[:4] == (1, 2, 3, 4) and anas[4] != anas[4] and bos == (5, 4, 3, 2, 1)
    assert [len(ranking.answers) for ranking in counting.listed(filled)] == [4, 5]


def test_agreement_compares_what_both_judged(filled, ana):
    ids = completions.ids(filled, 1)
    order(filled, ana, *ids)
    bo = labelers.named(filled, "Bo").id
    (mine,) = completions.write(filled, 1, bo, "mine").ids
    order(filled, bo, mine, *ids)
    found = agreement.measure(filled, resamples=10)
    assert found.overall.pairwise.value == 1.0


def test_a_ranking_still_names_all_that_nobody_wrote_by_hand(filled, ana):
    ids = completions.ids(filled, 1)
    completions.write(filled, 1, ana, "mine")
    with pytest.raises(BadInput, match="each completion"):
        order(filled, ana, *ids[:3])
    order(filled, ana, *ids)


def test_it_moves_no_other_card_and_stands_anywhere_for_others(filled, ana):
    ids = completions.ids(filled, 1)
    places = set()
    for other in range(20):
        before = rankings.shown_order(1, other, ids)
        found = rankings.shown_order(1, other, [*ids, 77], by_hand={77: ana + 100})
        assert [item for item in found if item != 77] == before
        places.add(found.index(77))
    assert len(places) > 2
    assert rankings.shown_order(1, ana, [*ids, 77], by_hand={77: ana})[-1] == 77


def test_it_is_taken_back_as_long_as_nobody_ranked_it(filled, ana):
    ids = completions.ids(filled, 1)
    (mine,) = completions.write(filled, 1, ana, "mine").ids
    completions.take_back(filled, mine)
    completions.take_back(filled, ids[0])
    assert completions.ids(filled, 1) == ids
    (mine,) = completions.write(filled, 1, ana, "mine").ids
    rankings.retract(filled, order(filled, ana, mine, *ids))
    with pytest.raises(BadInput, match="ranked"):
        completions.take_back(filled, mine)


def test_what_is_imported_or_written_is_nobodys_policy(filled, ana):
    base = completions.answered_prompts(filled, None)
    (prompt,) = filled.database.column("select prompt_id from completion_groups where id = 1")
    filled.database.execute('update completions set sampling = \'{"imported": "x.jsonl"}\' where group_id = 1')
    completions.write(filled, 1, ana, "mine")
    assert completions.answered_prompts(filled, None) == base - {prompt}
    assert prompt not in {answer.prompt_id for answer in completions.written_here(filled, 100)}


def test_what_was_written_beside_the_window_is_taken_away_and_brought_back(filled, ana, tmp_path):
    made, changes = record(filled, "Write", {"completions"}, lambda: completions.write(filled, 1, ana, "mine").ids)
    away = replay(filled, changes.bulk, changes.tables, tmp_path / "kept.db")
    assert made[0] not in completions.ids(filled, 1)
    replay(filled, away, changes.tables, tmp_path / "unused.db")
    assert completions.group(filled, 1).completions[-1].written_by == "Ana"


def test_it_is_marked_wherever_its_pairs_and_rankings_are_shown_and_exported(filled, ana, tmp_path):
    first, *rest = completions.ids(filled, 1)
    order(filled, ana, first, *rest)
    assert pairs.by_hand(filled) == 0 and "by hand" not in str(data.export(filled, tmp_path / "a", "trl").lost)
    (mine,) = completions.write(filled, 1, ana, "mine").ids
    order(filled, ana, first, mine, *rest)
    found = pairs.listed(filled)
    assert {pair.chosen_id for pair in found if pair.chosen_by == "Ana"} == {mine}
    assert {pair.rejected_id for pair in found if pair.rejected_by == "Ana"} == {mine}
    assert all(pair.chosen_by for pair in found if pair.chosen_id == mine)
    assert pairs.by_hand(filled) == 4
    assert [entry.by_hand for entry in ranking_history.newest(filled, ana, "person", 9)] == [1]
    for name in set(data.EXPORTERS) - {"plumbline", "csv"}:
        assert data.export(filled, tmp_path / f"b-{name}", name).lost["answers written by hand, without that mark"] == 1
    path = tmp_path / "whole.jsonl"
    assert not any("by hand" in kind for kind in data.export(filled, path, "plumbline").lost)
    (ranking,) = map(json.loads, path.read_text().splitlines())
    assert {item["text"]: item.get("written_by") for item in ranking["completions"]}["mine"] == "Ana"
    assert sum("written_by" in item for item in ranking["completions"]) == 1


def test_pairs_by_hand_are_those_that_the_list_of_pairs_marks(filled, ana):
    """Whatever is tied, flagged, unranked or ranked by several."""
    chance = random.Random(7)
    for group in completions.group_ids(filled):
        for number in range(group % 3):
            completions.write(filled, group, ana, f"by hand {number}")
        found = completions.ids(filled, group)
        for who in (ana, labelers.named(filled, "Bo").id):
            places = dict(zip(found, (1, 2, *(chance.choice([1, 2, 3, None]) for _ in found[2:])), strict=True))
            flags = {item: "broken" for item in found if chance.random() < 0.2}
            rankings.add(filled, NewRanking(group, who, places, flags=flags))
    marked = [pair for pair in pairs.listed(filled) if pair.chosen_by or pair.rejected_by]
    assert pairs.by_hand(filled) == len(marked) > 20


@pytest.mark.parametrize(("name", "file"), [("plumbline", "whole.jsonl"), ("csv", "whole.csv")])
def test_another_project_knows_that_it_was_written_by_hand(filled, ana, tmp_path, name, file):
    (mine,) = completions.write(filled, 1, ana, "mine").ids
    order(filled, ana, mine, *completions.ids(filled, 1)[:4])
    data.export(filled, tmp_path / file, name)
    other = create_project(tmp_path / "other")
    data.import_preferences(other, tmp_path / file, "somebody")
    origins = {item.text: item.origin for item in completions.group(other, 1).completions}
    other.close()
    assert origins["mine"] == f"Imported from {file}, written by hand by Ana"
