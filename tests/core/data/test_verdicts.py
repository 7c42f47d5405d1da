"""Answers that are good or bad by themselves: thumbs of many files come in, each with its verdict or a sentence, and go
out again as TRL's unpaired preference."""

import csv
import json
from pathlib import Path

import pytest

from core import data
from core.conversation import Conversation, Message
from core.errors import BadInput
from core.events import NewCompletion
from core.labeling import gold
from core.preferences.demonstrated import demonstrations_of
from core.records import NewRanking, Prompt
from core.store import completions, create_project, labelers, pairs, prompts, rankings
from core.store import counting as found_in

UP, DOWN = {"prompt": "p", "completion": "a"}, {"prompt": "q", "completion": "b"}


def written(tmp_path: Path, *values: dict, name: str = "a.jsonl") -> Path:
    path = tmp_path / name
    path.write_text("\n".join(map(json.dumps, values)), encoding="utf-8")
    return path


def stored(project) -> set[tuple[str, str, str, str]]:
    """Prompt, answer, verdict and labeler of each verdict that counts."""
    return {
        (ranking.prompt, answer.text, answer.verdict, ranking.labeler.name)
        for ranking in found_in.listed(project)
        for answer in ranking.answers
        if answer.verdict
    }


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("label", True, False), ("label", 1, 0), ("kto_tag", True, False), ("thumb", "up", "down"),
        ("thumb", "👍", "👎"),
        ("rating", 1, -1), ("is_good", 1, 0), ("is_good", "yes", "no"), ("feedback", "positive", "negative"),
        ("vote", 1, -1), ("liked", True, False), ("thumbs", "Thumbs Up", "thumbs-down"), ("verdict", "good", "bad"),
    ],
)  # fmt: skip
def test_thumbs_of_single_answers_come_in_with_their_verdicts(project, tmp_path, name, good, bad):
    path = written(tmp_path, UP | {name: good}, DOWN | {name: bad})
    assert data.import_preferences(project, path, "me").added == 2
    assert stored(project) == {("p", "a", "good", "me"), ("q", "b", "bad", "me")}
    assert pairs.counts(project).pairs == 0
    assert data.import_preferences(project, path, "me").known == 2
    assert [item.text for item in demonstrations_of(project, "written")] == ["a"]  # nothing bad is shown how it is done


@pytest.mark.parametrize("named", [{}, {"labeler": "Ann"}])
def test_thumbs_that_an_older_version_imported_as_an_order_get_their_verdicts(project, tmp_path, named):
    who = named.get("labeler", "me")
    thumbs = [{"prompt": "p", "completion": text, "label": text == "a"} | named for text in "abc"]
    data.import_preferences(project, written(tmp_path, *thumbs), who)
    (ranking,) = found_in.listed(project)
    ids = completions.ids(project, ranking.group_id)
    kept = NewRanking(ranking.group_id, ranking.labeler.id, dict(zip(ids, (1, 2, 2), strict=True)), comment="seen")
    rankings.add(project, kept)  # all that it kept of them
    assert stored(project) == set()
    for added in (1, 0):
        report = data.import_preferences(project, written(tmp_path, *thumbs), who)
        assert (report.added, report.known, report.notes) == (added, 1 - added, [])
        assert stored(project) == {("p", "a", "good", who), ("p", "b", "bad", who), ("p", "c", "bad", who)}
    assert [found.comment for found in found_in.listed(project)] == ["seen"]
    assert pairs.counts(project).pairs == 2 and pairs.contradictions(project) == 0


def test_our_own_table_is_no_table_of_thumbs_where_its_first_answer_has_a_verdict(project, tmp_path):
    answers = [{"text": "a", "rank": 2, "verdict": "good"}, {"text": "b", "rank": 1, "verdict": "bad"}, {"text": "c"}]
    row = {"prompt": "p", "completions": answers, "labeler": {"name": "Ann"}, "comment": "why"}
    data.import_preferences(project, written(tmp_path, row), "me")
    data.export(project, tmp_path / "mine.csv", "csv")
    (found,) = data.read(tmp_path / "mine.csv")
    assert [(each.text, each.rank, each.verdict) for each in found.answers] == [
        ("a", 2, "good"), ("b", 1, "bad"), ("c", None, None)
    ]  # fmt: skip
    assert (found.labeler, found.comment) == ("Ann", "why")


def test_a_table_and_messages_come_in_as_well(project, tmp_path):
    with (tmp_path / "a.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["prompt", "response", "thumbs_up"], ["p", "a", "True"], ["q", "b", "False"]])
    asked = [{"role": "user", "content": "m"}]
    talk = {"prompt": asked, "completion": [{"role": "assistant", "content": "c"}], "label": False}
    assert data.import_preferences(project, tmp_path / "a.csv", "me").added == 2
    assert data.import_preferences(project, written(tmp_path, talk), "me").added == 1
    assert {told[:3] for told in stored(project)} == {("p", "a", "good"), ("q", "b", "bad"), ("m", "c", "bad")}


def test_stars_are_no_thumbs_and_what_says_nothing_is_refused_by_its_line(project, tmp_path):
    stars = [UP | {"rating": 1}, DOWN | {"rating": 5}]
    refused = [item for item in data.read(written(tmp_path, *stars)) if isinstance(item, data.Refused)]
    assert len(refused) == 2 and "verdict=COLUMN" in refused[0].reason
    found = list(data.read(written(tmp_path, UP | {"label": True}, DOWN | {"label": None}, UP | {"label": False})))
    said = {item.line: item.reason for item in found if isinstance(item, data.Refused)}
    assert said.keys() == {2, 3} and "how good" in said[2] and "than line 1" in said[3]


def test_a_column_of_any_name_is_said_to_be_the_verdict(project, tmp_path):
    rows = [{"q": "p", "said": "a", "ok": 1}, {"q": "q", "said": "b", "ok": 0}]
    columns = data.Columns.parse("prompt=q,answers=said,verdict=ok")
    path = written(tmp_path, *rows)
    data.import_preferences(project, path, "me", options=data.ReadOptions(columns))
    assert {told[:3] for told in stored(project)} == {("p", "a", "good"), ("q", "b", "bad")}
    with pytest.raises(BadInput, match="answers=COLUMN"):
        data.Columns.parse("prompt=q,verdict=ok")


@pytest.mark.parametrize("name", ["out.jsonl", "out.parquet"])
@pytest.mark.parametrize("talks", [False, True])
def test_verdicts_go_out_as_unpaired_preferences_and_come_back(project, tmp_path, name, talks):
    asked = [Prompt(0, "one?"), Prompt(0, "two?")]
    if talks:
        turns = (Message("user", "hi"), Message("assistant", "yes?"), Message("user", "two?"))
        asked[1] = Prompt.of(Conversation(turns))
    people = [labelers.named(project, name).id for name in ("Ann", "Bo")]
    for number in prompts.add(project, asked).ids:
        group = completions.add_group(project, number, tuple(NewCompletion(text, 0, True, 0) for text in "abc"))
        a, b, c = completions.ids(project, group)
        rankings.add(project, NewRanking(group, people[0], {a: None, b: None, c: None}, verdicts={a: "good", b: "bad"}))
        rankings.add(project, NewRanking(group, people[1], {a: 2, b: 1, c: 3}, verdicts={a: "bad"}))
    report = data.export(project, tmp_path / name, "kto")
    assert (report.what, report.written, report.lost["orders of answers"]) == ("verdicts", 6, 2)
    other = create_project(tmp_path / "other")
    assert data.import_preferences(other, tmp_path / name, "nobody").refused == []
    assert stored(other) == stored(project) and len(stored(other)) == 6
    assert data.import_preferences(other, tmp_path / name, "nobody").added == 0
    assert data.export(project, tmp_path / "pairs.jsonl", "trl").lost["verdicts on single answers"] == 6
    other.close()


@pytest.mark.parametrize(("form", "name"), [("plumbline", "a.jsonl"), ("csv", "a.csv")])
def test_whole_rankings_keep_their_verdicts(filled, tmp_path, form, name):
    gold.rank_all(filled, "warmth")
    first = completions.ids(filled, 1)
    me, ranks = labelers.named(filled, "me").id, dict.fromkeys(first)
    rankings.add(filled, NewRanking(1, me, ranks | {first[0]: 1}, verdicts={first[0]: "bad", first[1]: "good"}))
    data.export(filled, tmp_path / name, form)
    other = create_project(tmp_path / "other")
    data.import_preferences(other, tmp_path / name, "nobody")
    assert stored(other) == stored(filled) and len(stored(other)) == 2
    other.close()
