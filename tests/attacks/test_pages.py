"""Answers of a page that were changed by hand: merged is only what its labeler could have ranked in it."""

import json
from contextlib import closing

import pytest

from core import cli
from core.errors import BadInput
from core.labeling import html_pack
from core.labeling import pack as packs
from core.records import NewRanking
from core.store import completions, labelers, open_project, rankings
from tests.pages import Filled
from tests.ranked import counting_rankings


@pytest.fixture
def page(filled, tmp_path) -> Filled:
    html_pack.write(filled, tmp_path / "bo.html", "Bo")
    found = Filled(tmp_path / "bo.html")
    found.rank(1)
    found.rank(2)
    return found


def first(**more):
    return lambda answers: answers["rankings"][0].update(more)


def item(**more):
    return lambda answers: answers["rankings"][0]["items"][0].update(more)


#: Nothing that a page writes: refused whole.
NO_ANSWERS = {
    "another kind": lambda answers: answers.update(plumbline="pack"),
    "a list for a number": lambda answers: answers.update(version=[1]),
    "no rankings": lambda answers: answers.pop("rankings"),
    "rankings by name": lambda answers: answers.update(rankings={"a": 1}),
    "a ranking that is none": lambda answers: answers["rankings"].append(7),
    "a labeler that is none": lambda answers: answers.update(labeler=None),
    "half a letter for a name": lambda answers: answers.update(labeler="\ud800"),
    "a name of megabytes": lambda answers: answers.update(labeler="x" * 2_000_000),
    "begun below nothing": lambda answers: answers.update(begun=-1),
    "a group by name": first(group="1"),
    "a group beyond all numbers": first(group=2**70),
    "a group that is true": first(group=True),
    "half a group": first(group=1.0),
    "a rank by name": item(rank="1"),
    "a verdict that there is not": item(verdict="fine"),
    "a flag that is a list": item(flag=["unsafe"]),
    "endless seconds": first(seconds=float("inf")),
    "seconds beyond all numbers": first(seconds=10**400),
    "no number of seconds": first(seconds=float("nan")),
    "a comment that is none": first(comment=None),
    "a comment of megabytes": first(comment="x" * 10_000_001),
    "decides by a word": first(adjudicates="yes"),
    "criteria without ranks": first(criteria=[["kindness", 1]]),
    "thousands of items": first(items=[{"id": 1, "rank": 1, "flag": None, "position": 1, "verdict": None}] * 5_000),
    "one ranking twice": lambda answers: answers["rankings"].append(dict(answers["rankings"][0])),
}  # fmt: skip


@pytest.mark.parametrize("change", NO_ANSWERS.values(), ids=NO_ANSWERS.keys())
def test_what_no_page_writes_is_refused_whole_in_one_sentence(filled, page, tmp_path, capsys, change):
    answers = json.loads(json.dumps(page.answers))
    change(answers)
    (tmp_path / "back.json").write_text(json.dumps(answers))
    assert cli.run(["merge", str(filled.folder), str(tmp_path / "back.json")]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and len(said) < 400 and "bug" not in said
    assert counting_rankings(filled) == []


def test_what_is_too_deep_too_long_or_no_json_is_a_sentence(filled, page, tmp_path, capsys):
    for text in (
        '{"plumbline":"answers","rankings":' + "[" * 100_000,
        '{"plumbline":' + '{"a":' * 100_000 + "1" + "}" * 100_001,
        '{"plumbline":"answers"',
        "{",
        '{"a":' + "9" * 10_000 + "}",
        '{"plumbline":"answers","rankings":[' + "[]," * 10_100_000 + "[]]}",
    ):
        (tmp_path / "back.json").write_text(text)
        assert cli.run(["merge", str(filled.folder), str(tmp_path / "back.json")]) == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 1 and "bug" not in said
    with (tmp_path / "back.json").open("wb") as file:
        file.write(b"{")
        file.truncate(80 << 20)
    assert cli.run(["merge", str(filled.folder), str(tmp_path / "back.json")]) == 2
    assert "larger than" in capsys.readouterr().err


#: What has the form and was never made: left out and named, and the rest is taken.
LEFT_OUT = {
    "an item of another group": item(id=9),
    "an item that is missing": lambda answers: answers["rankings"][0]["items"].pop(),
    "an item twice": lambda answers: answers["rankings"][0]["items"].append(answers["rankings"][0]["items"][0]),
    "a rank beyond the last": item(rank=5),
    "rank 0": item(rank=0),
    "a place that there is not": item(position=0),
    "nothing that is ranked": lambda answers: [each.update(rank=None) for each in answers["rankings"][0]["items"]],
    "a flag for a terminal": first(flag="\x1b[2J"),
    "a criterion that is the whole order": first(criteria=[["Overall", number, 1] for number in (1, 2, 3, 4)]),
    "criteria of other completions": first(criteria=[["kindness", number, 1] for number in (1, 2, 3, 9)]),
    "thousands of criteria": first(criteria=[[f"c{n}", number, 1] for n in range(200) for number in (1, 2, 3, 4)]),
    "a decision between labelers": first(adjudicates=True),
    "no uid": first(uid="1"),
    "no time": first(created_at="yesterday"),
    "a time that never comes": first(created_at="9999-12-31T23:59:59-23:59"),
    "taken back at no time": first(retracted_at="1"),
    "a year of seconds and more": first(seconds=4e7),
    "a way that there is not": first(method="guessed"),
    "a repeat of nothing": first(repeat_of="0" * 32),
    "other words": first(digest="0" * 32),
    "a group that there is not": first(group=77),
    "a comment of too many letters": first(comment="x" * 1_000_001),
}  # fmt: skip


@pytest.mark.parametrize("change", LEFT_OUT.values(), ids=LEFT_OUT.keys())
def test_what_the_labeler_could_not_have_ranked_is_left_out_and_said(filled, page, tmp_path, change):
    answers = json.loads(json.dumps(page.answers))
    change(answers)
    (tmp_path / "back.json").write_text(json.dumps(answers))
    report = packs.merge(filled, tmp_path / "back.json")
    assert (report.added, report.conflicts, len(report.refused)) == (1, 0, 1), report
    assert [each.group_id for each in counting_rankings(filled)] == [2]


def test_nobody_speaks_of_the_rankings_of_another(filled, page, tmp_path):
    """Their uids are in no page; who knows one neither takes it back nor has it replaced."""
    ids = completions.ids(filled, 1)
    ana = labelers.named(filled, "Ana").id
    rankings.add(filled, NewRanking(1, ana, dict.fromkeys(ids, 1), shown=tuple(ids)))
    uid = filled.database.value("select uid from rankings")
    assert uid not in (tmp_path / "bo.html").read_text(encoding="utf-8")
    page.rankings[0] |= {"uid": uid, "retracted_at": "2026-05-01T10:30:00.000+00:00"}
    report = packs.merge(filled, page.write(tmp_path / "back.json", known=[uid]))
    assert (report.added, report.retracted, len(report.refused)) == (1, 0, 1)
    assert {each.labeler.name for each in counting_rankings(filled)} == {"Ana", "Bo"}


@pytest.mark.parametrize("kind", ["judge", "scripted"])
def test_what_people_ranked_is_no_work_of_a_judge_or_a_script(filled, page, tmp_path, kind):
    labelers.named(filled, "not a person", kind=kind)
    packs.pack(filled, tmp_path / "bo.plumbpack", "Bo")
    with closing(open_project(packs.unpack(tmp_path / "bo.plumbpack", tmp_path / "there"))) as there, there.write():
        there.database.execute("update labelers set name = 'not a person' where name = 'Bo'")
        there.set_setting("pack", "not a person")
    for path in (page.write(tmp_path / "back.json", labeler="not a person"), tmp_path / "there"):
        with pytest.raises(BadInput, match="for whom no pack was made"):
            packs.merge(filled, path)
    assert counting_rankings(filled) == []
