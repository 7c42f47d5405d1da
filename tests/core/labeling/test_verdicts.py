"""A verdict on a completion by itself, from the key to the disk: begun, saved, revised, taken back, and on its way in
packs, archives and copies."""

import json
import sqlite3
from contextlib import closing

import pytest
from click.testing import CliRunner

from core import data
from core.cli import cli
from core.errors import BadInput
from core.projects import archive
from core.records import NewRanking
from core.store import completions, create_project, labelers, open_project, pairs, rankings, verdicts
from tests.core.labeling.test_packs_back import away as away
from tests.core.labeling.test_session import started
from tests.older import TO_M008
from tests.ranked import counting_rankings


def judge(session, place, verdict):
    session.editor.change(session.ordering.judge(session.ordering.shown[place], verdict))


def judged(project, group_id, who, **verdicts) -> int:
    ids = completions.ids(project, group_id)
    said = {ids[int(place[1:])]: verdict for place, verdict in verdicts.items()}
    return rankings.add(project, NewRanking(group_id, who, dict.fromkeys(ids), verdicts=said)).ids[0]


def test_a_verdict_is_on_disk_before_it_is_shown_and_undo_takes_it_back(filled):
    session = started(filled)
    judge(session, 1, "good")
    judge(session, 2, "bad")
    again = started(filled)
    again.open_next()
    first = again.ordering.shown
    assert again.ordering.verdicts == {first[1]: "good", first[2]: "bad"} and again.saveable
    again.save()
    (found,) = counting_rankings(filled)
    assert found.verdicts == {first[1]: "good", first[2]: "bad"} and set(found.ranks.values()) == {None}
    again.undo()
    assert counting_rankings(filled) == [] and again.ordering.verdicts == found.verdicts
    judge(again, 1, "good")  # the same once more is none
    assert again.ordering.verdicts == {first[2]: "bad"}
    again.undo()
    assert again.ordering.verdicts == found.verdicts
    again.save()
    assert [each.verdicts for each in counting_rankings(filled)] == [found.verdicts]
    assert filled.database.value("select count(*) from rankings") == 2  # nothing was written over


def test_a_verdict_is_good_or_bad_and_of_a_completion_of_the_prompt(filled):
    ids, me = completions.ids(filled, 1), labelers.named(filled, "me").id
    for wrong in ({ids[0]: "so-so"}, {999: "good"}):
        with pytest.raises(BadInput):
            rankings.add(filled, NewRanking(1, me, dict.fromkeys(ids), verdicts=wrong))
    with pytest.raises(BadInput, match="verdict"):
        rankings.add(filled, NewRanking(1, me, dict.fromkeys(ids)))


@pytest.mark.parametrize(
    ("said", "left"),
    [({}, "good bad good"), ({"verdicts": {1: "good"}}, "good good good"), ({"flags": {0: "unsafe"}}, "bad good"),
     ({"flag": "unsafe"}, "")],
)  # fmt: skip
def test_who_adjudicates_overrules_verdicts_on_what_they_judge_or_flag_alone(filled, tmp_path, said, left):
    ann, bo, who = (labelers.named(filled, name).id for name in ("Ann", "Bo", "Cy"))
    judged(filled, 1, ann, _0="good", _1="bad")
    judged(filled, 1, bo, _2="good")
    ids = completions.ids(filled, 1)
    of = {name: {ids[place]: what for place, what in value.items()} if isinstance(value, dict) else value
          for name, value in said.items()}  # fmt: skip
    order = {item: place for place, item in enumerate(ids, start=1)}
    rankings.add(filled, NewRanking(1, who, order, adjudicates=True, **of))
    found = sorted(verdicts.counting(filled), key=lambda each: each.completion_id)
    assert ["good" if each.good else "bad" for each in found] == left.split()
    assert data.export(filled, tmp_path / "a.jsonl", "kto").written == len(left.split()) == verdicts.count(filled)
    with closing(create_project(tmp_path / "again")) as again:
        data.export(filled, tmp_path / "whole.jsonl", "plumbline")
        data.import_preferences(again, tmp_path / "whole.jsonl", "")
        came = [("good" if each.good else "bad", each.text) for each in verdicts.counting(again)]
        assert sorted(came) == sorted(("good" if each.good else "bad", each.text) for each in found)
        assert pairs.counts(again).pairs == pairs.counts(filled).pairs


def test_verdicts_travel_in_packs_and_archives_and_come_back(filled, away, tmp_path):
    mine = judged(away.project, 1, away.bo, _0="good", _3="bad")
    assert away.merge().added == 1
    assert [found.verdicts for found in counting_rankings(filled)] == [rankings.get(away.project, mine).verdicts]
    archive.archive(filled, tmp_path / "a.zip")
    with closing(open_project(archive.restore(tmp_path / "a.zip", tmp_path / "copy"))) as copy:
        assert [found.verdicts for found in counting_rankings(copy)] == [found.verdicts for found in
                                                                         counting_rankings(filled)]  # fmt: skip


def test_the_terminal_takes_verdicts_one_by_one_or_at_once(filled):
    def run(*arguments, typed=""):
        done = CliRunner().invoke(cli, ["rank", str(filled.folder), "--json", *arguments], input=typed)
        assert done.exit_code == 0, done.output
        return done.stderr, json.loads(done.stdout.strip().splitlines()[-1])

    told, result = run(typed="g 2\nb 1\n\n" + "s\n" * 5)
    assert result == {"ranked": 1} and "2 is good" in told
    run("--group", "2", "--good", "3", "--good", "1", "--order", "1>2")
    first, second = counting_rankings(filled)
    assert sorted(first.verdicts.values()) == ["bad", "good"] and set(second.verdicts.values()) == {"good"}
    assert sorted(rank for rank in second.ranks.values() if rank) == [1, 2]


def test_an_older_project_takes_verdicts_after_a_backup(filled, tmp_path):
    path = filled.folder / "plumbline.db"
    rankings.add(filled, NewRanking(1, labelers.named(filled, "me").id, dict.fromkeys(completions.ids(filled, 1), 1)))
    filled.close()
    with closing(sqlite3.connect(path)) as database:
        database.executescript(TO_M008)
        database.commit()
    with closing(open_project(filled.folder)) as again:
        assert len(counting_rankings(again)) == 1
        judged(again, 2, labelers.named(again, "me").id, _0="bad")
        assert [list(found.verdicts.values()) for found in counting_rankings(again)] == [[], ["bad"]]


def test_a_verdict_by_command_leaves_the_order_that_was_saved_before(filled):
    given = ["rank", str(filled.folder), "--group", "1", "--labeler", "Ada"]
    for more in (["--order", "2>1>3>4"], ["--good", "1"]):
        assert CliRunner().invoke(cli, [*given, *more]).exit_code == 0
    newest = "select rank from ranking_items where ranking_id = (select max(ranking_id) from ranking_items)"
    ranks = filled.database.column(newest)
    assert sorted(ranks) == [1, 2, 3, 4]


@pytest.mark.parametrize("more", [("--order", "1>2>3>4"), ("--flag", "unsafe"), ("--order", "4>3>2>1")])
def test_an_order_or_a_flag_by_command_leaves_what_else_was_said_before(filled, plumbline, more):
    ids = completions.ids(filled, 1)
    orders = {"kind": dict(zip(ids, (1, 2, 3, None), strict=True))}
    ada = labelers.named(filled, "Ada").id
    judged(filled, 1, ada, _0="good", _1="bad")
    rank = ["rank", filled.folder, "--group", 1, "--labeler", "Ada"]
    assert plumbline(*rank, "--order", "4>3>2>1")[0] == 0
    before = rankings.current(filled, 1, ada)
    said = {"flags": {ids[3]: "broken"}, "comment": "a long remark", "criteria": orders, "verdicts": before.verdicts}
    rankings.add(filled, NewRanking(1, ada, before.ranks, **said))
    assert plumbline(*rank, *more)[0] == 0
    found = rankings.current(filled, 1, ada)
    assert {name: getattr(found, name) for name in said} == said
    assert found.id == before.id + 2 and (found.flag == "unsafe") == ("--flag" in more)
    assert (found.ranks == before.ranks) == ("4>3>2>1" in more), "the same order once more is no fault"
