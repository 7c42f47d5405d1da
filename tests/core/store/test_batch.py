"""Many rows at once are stored as one by one, and as one whole."""

import json

import pytest

from core import data
from core.data import Refused
from core.errors import AlteredProject, BadInput
from core.events import NewCompletion
from core.records import NewRanking, Prompt
from core.store import batch, completions, labelers, pairs, prompts, rankings
from core.store.batch import Batch
from tests.conftest import copied

TABLES = ("prompts", "completion_groups", "completions", "rankings", "ranking_items", "criterion_ranks")
ANSWERS = (NewCompletion("good", 0, True, 0), NewCompletion("bad", 0, True, 0))


@pytest.fixture
def other(empty_project, tmp_path):
    with copied(empty_project, tmp_path / "other") as found:
        yield found


def write(path, *rows):
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


def preference(number):
    return {"prompt": f"question {number}?", "chosen": f"good {number}", "rejected": f"bad {number}"}


def held(project):
    """Every row of what an import writes, but for the moment and the ids that are made up."""
    left_out = {"created_at", "uid"}
    return {
        table: [
            {name: value for name, value in row.items() if name not in left_out}
            for row in project.database.rows(f"select * from {table}")
        ]
        for table in TABLES
    }


def test_rows_in_many_pieces_are_the_rows_in_one(project, other, tmp_path, monkeypatch):
    answers = [{"text": "x", "rank": 2}, {"text": "y", "rank": 1, "flag": "unsafe"}, {"text": "z"}]
    full = {"prompt": "whole?", "completions": answers, "labeler": {"name": "Ana"}, "comment": "c", "tags": ["t"]}
    rows = [*map(preference, range(20)), {**full, "criteria": {"kind": [1, 1, 2]}}, preference(3), full]
    path = write(tmp_path / "a.jsonl", *rows)
    first = data.import_preferences(project, path, "me")
    monkeypatch.setattr(batch, "MOST", 1)
    assert data.import_preferences(other, path, "me") == first
    assert (first.added, first.known) == (21, 2)
    assert held(project) == held(other)


def test_what_fails_after_pieces_were_written_leaves_nothing(project, tmp_path, monkeypatch):
    monkeypatch.setattr(batch, "MOST", 1)
    before = held(project)
    path = write(tmp_path / "a.jsonl", preference(1), {"prompt": "q", "responses": ["x", "y"], "winner": 1})
    with pytest.raises(BadInput):
        data.import_preferences(project, path, "me")
    assert held(project) == before and labelers.find(project, "me") is None


def test_nothing_is_read_back_and_no_row_is_a_transaction_of_its_own(project, tmp_path):
    said = []
    path = write(tmp_path / "a.jsonl", *map(preference, range(100)))
    project.database.conn.set_trace_callback(said.append)
    data.import_preferences(project, path, "me")
    project.database.conn.set_trace_callback(None)
    begins = [sql.split()[0].lower() for sql in said]
    assert begins.count("select") < 100 + 20, "whether each prompt is there, and little else"
    assert begins.count("savepoint") < 5 and begins.count("begin") == begins.count("commit") == 1


def test_the_number_of_what_was_deleted_is_not_given_again(project, tmp_path):
    prompts.add(project, [Prompt(0, "one?"), Prompt(0, "two?")])
    newest = prompts.newest_id(project)
    prompts.delete(project, [newest])
    data.import_preferences(project, write(tmp_path / "a.jsonl", preference(1)), "me")
    assert prompts.newest_id(project) == newest + 1
    assert prompts.add(project, [Prompt(0, "three?")]).ids == (newest + 2,)


def test_numbers_that_are_at_their_end_are_a_sentence(project):
    project.database.execute("insert into prompts (id, text, created_at) values (9223372036854775807, 'q', '')")
    with pytest.raises(AlteredProject, match="restore"), project.write():
        Batch(project)


@pytest.mark.parametrize("is_new", [True, False])
def test_a_ranking_of_other_completions_than_its_groups_is_refused(project, is_new):
    (prompt,) = prompts.add(project, [Prompt(0, "q?")]).ids
    other = completions.add_group(project, prompt, ANSWERS)
    who = labelers.named(project, "me").id
    foreign = dict.fromkeys(completions.ids(project, other), 1)
    with project.write():
        many = Batch(project)
        group = many.group(prompt, ANSWERS, ("a", "a")) if is_new else completions.add_group(project, prompt, ANSWERS)
        with pytest.raises(BadInput, match="each completion of its prompt once"):
            many.ranking(NewRanking(group, who, foreign))
        many.flush()
    assert not rankings.exist(project)


def test_an_order_of_answers_that_were_not_ranked_before_is_of_these_answers(project, tmp_path):
    unranked = {"prompt": "q?", "responses": ["first", "second"]}
    ranked = {"prompt": "q?", "chosen": "second", "rejected": "first"}
    report = data.import_preferences(project, write(tmp_path / "a.jsonl", unranked, ranked), "me")
    assert (report.added, report.unranked) == (2, 1) and not any(isinstance(each, Refused) for each in report.refused)
    assert [(pair.chosen, pair.rejected) for pair in pairs.listed(project)] == [("second", "first")]


def test_a_prompt_that_is_held_out_further_down_is_held_out(project, tmp_path):
    path = write(tmp_path / "a.jsonl", preference(1), {**preference(1), "rejected": "worse", "split": "test"})
    report = data.import_preferences(project, path, "me")
    assert report.added == 2 and [prompt.split for prompt in prompts.listed(project)] == ["heldout"]
