"""Each format out and in again, each reader on a literal example, and what a preview says."""

import gzip
import json
import time
from pathlib import Path

import pytest

from core import data
from core.conversation import Conversation, of_named_turns
from core.data import jsonlines
from core.errors import BadInput
from core.events import NewCompletion
from core.records import NewRanking, Prompt
from core.store import Project, completions, create_project, labelers, pairs, prompts, rankings
from tests.ranked import counting_rankings

PROMPTS = (
    'Why is "the sky" blue,\nreally?',
    "  Grüße, 你好 🙂\tund 'mehr'; ok  ",
    "User: hi\n\nAssistant: hello, you\n\nUser: and now?",
    "plain",
    "flagged",
)
ANSWERS = ('one, "quoted"\nand\r\nmore', "zwei — ünïcode 🙂", "three\n\n\nlines", "\\four\\ 'x'; drop")


def _set(project: Project) -> set[tuple[str, str, str]]:
    return {(p.prompt.strip(), p.chosen.strip(), p.rejected.strip()) for p in pairs.listed(project)}


def _import(tmp_path: Path, path: Path) -> tuple[Project, data.Report]:
    fresh = create_project(tmp_path / f"fresh-{path.name}")
    return fresh, data.import_preferences(fresh, path, "imported")


@pytest.fixture
def rich(project: Project) -> Project:
    """Rankings with a tie, a partial order, flags, a comment, criteria, a best-worst order and an overruled one."""
    asked = [of_named_turns(text) or Conversation.of_text(text) for text in PROMPTS]
    splits = ["heldout" if text == "plain" else "train" for text in PROMPTS]
    tags = ("a,b", "ü")
    prompts.add(project, [Prompt.of(each, tags=tags, split=use) for each, use in zip(asked, splits, strict=True)])
    for prompt in prompts.listed(project):
        rows = tuple(NewCompletion(f"{text} {prompt.id}", 0, True, 0) for text in ANSWERS)
        completions.add_group(project, prompt.id, rows)
    me, other = (labelers.named(project, name) for name in ("me", "Zoë"))
    script = labelers.named(project, "script", kind="scripted", detail="gold")

    def rank(group: int, person, *ranks: int | None, flags: dict[int, str] | None = None, **rest) -> None:
        ids = completions.ids(project, group)
        chosen = {ids[place]: flag for place, flag in (flags or {}).items()}
        criteria = {name: dict(zip(ids, order, strict=True)) for name, order in rest.pop("criteria", {}).items()}
        order = dict(zip(ids, ranks, strict=True))
        rankings.add(project, NewRanking(group, person.id, order, flags=chosen, criteria=criteria, **rest))

    rank(1, me, 2, 1, 4, 3, comment='a "comment",\nof two lines', seconds=12.5)
    rank(1, other, 1, 1, 2, 3, criteria={"honest": (1, 2, None, 2), "kind, really": (4, 3, 2, 1)})
    rank(2, me, 1, None, 2, None, seconds=1.0)
    rank(3, me, 2, 1, 3, None, flags={3: "broken"})
    rank(3, script, 1, 2, 2, 3, method="best-worst")
    rank(4, me, 1, 2, 3, 4)
    rank(4, other, 4, 3, 2, 1, adjudicates=True)
    rank(5, me, *[None] * 4, flag="unsafe")
    return project


LOST = {
    "tied pairs": 1,
    "unranked completions": 2,
    "flagged prompts": 1,
    "flagged completions": 1,
    "comments": 1,
    "labelers' names": 3,
    "orders by criterion": 2,
    "ways of ranking": 1,
}
AS_TEXT = "prompts of several turns, written as one text"
BESIDES = {key: value for key, value in LOST.items() if key not in ("tied pairs", "unranked completions")}


@pytest.mark.parametrize(
    ("name", "file", "lost"),
    [
        ("plumbline", "a.jsonl", {"rankings overruled by adjudication": 1}),
        ("csv", "a.csv", {}),
        ("csv", "a.tsv", {}),
        ("trl", "a.jsonl", {**LOST, AS_TEXT: 1}),
        ("trl", "a.parquet", {**LOST, AS_TEXT: 1}),
        ("trl-conversational", "a.jsonl", LOST),
        ("trl-conversational", "a.parquet", LOST),
        ("hh", "a.jsonl", {**LOST, "pairs whose texts hold turns of a dialogue": 0}),
        ("hh", "a.jsonl.gz", {**LOST, "pairs whose texts hold turns of a dialogue": 0}),
        ("llama-factory", "a.json", LOST),
        ("argilla", "a.json", {"unranked completions": 2, **BESIDES}),
        ("label-studio", "a.json", BESIDES),
    ],
)
def test_every_format_brings_the_pairs_back(rich, tmp_path, name, file, lost):
    report = data.export(rich, tmp_path / file, name)
    assert report.lost == lost
    assert data.preview(tmp_path / file).format in (name, name.removesuffix("-conversational"))
    assert [path.name for path in tmp_path.iterdir() if "partial" in path.name] == []
    fresh, imported = _import(tmp_path, tmp_path / file)
    assert imported.refused == []
    expected = _set(rich)
    assert _set(fresh) == expected
    assert report.written == imported.added + imported.known
    again = data.import_preferences(fresh, tmp_path / file, "imported")
    assert (again.added, again.known) == (0, report.written)
    assert _set(fresh) == expected
    fresh.close()


@pytest.mark.parametrize(("name", "file"), [("plumbline", "a.jsonl"), ("csv", "a.csv"), ("csv", "a.tsv")])
def test_our_own_formats_bring_whole_rankings_back(rich, tmp_path, name, file):
    def told(project: Project) -> list[tuple]:
        texts = {row["id"]: row["text"] for row in project.database.rows("select id, text from completions")}
        return [
            (
                {texts[item]: rank for item, rank in ranking.ranks.items()},
                {texts[item]: flag for item, flag in ranking.flags.items()},
                {key: {texts[item]: rank for item, rank in order.items()} for key, order in ranking.criteria.items()},
                (ranking.labeler.name, ranking.labeler.kind, ranking.labeler.detail),
                (ranking.flag, ranking.comment, ranking.method, ranking.seconds),
            )
            for ranking in counting_rankings(project)
        ]

    data.export(rich, tmp_path / file, name)
    fresh, _ = _import(tmp_path, tmp_path / file)
    overruled = rich.database.rows("select id from current_rankings where id not in (select id from counting_rankings)")
    rankings.retract(rich, overruled[0]["id"])
    assert told(fresh) == told(rich)
    kept = {(item.text, item.tags, item.split) for item in prompts.listed(fresh)}
    assert kept == {(item.text, item.tags, item.split) for item in prompts.listed(rich)}
    fresh.close()


def test_hh_leaves_out_what_it_would_tear_apart(project, tmp_path):
    prompts.add(project, [Prompt(0, "p")])
    rows = tuple(NewCompletion(text, 0, True, 0) for text in ("a\n\nAssistant: b", "c", "d"))
    ids = completions.ids(project, completions.add_group(project, 1, rows))
    me = labelers.named(project, "me")
    rankings.add(project, NewRanking(1, me.id, dict(zip(ids, (1, 2, 3), strict=True))))
    report = data.export(project, tmp_path / "a.jsonl", "hh")
    assert (report.written, report.lost["pairs whose texts hold turns of a dialogue"]) == (1, 2)


def test_an_export_that_cannot_be_written_is_a_sentence(filled, tmp_path):
    with pytest.raises(BadInput, match="cannot be written"):
        data.export(filled, tmp_path / "no" / "folder.jsonl", "trl")


def test_an_export_of_nothing_is_a_file_that_holds_nothing(filled, tmp_path):
    for name in data.EXPORTERS:
        assert data.export(filled, tmp_path / "a.json", name).written == 0


def _ranks(path: Path, *, labelers: bool = False) -> list:
    found = [row for row in data.read(path) if isinstance(row, data.Row)]
    ranked = [[(answer.text, answer.rank) for answer in row.answers] for row in found]
    return [(row.labeler, order) for row, order in zip(found, ranked, strict=True)] if labelers else ranked


def _file(path: Path, value: object) -> Path:
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def _reasons(path: Path) -> list[str]:
    return [item.reason for item in data.read(path) if isinstance(item, data.Refused)]


ITEMS = {"prompt": "p", "items": [{"id": key, "title": key, "body": key.upper()} for key in "abc"]}


def _task(*values: dict, kind: str = "ranker", data: dict = ITEMS, **rest) -> dict:
    results = [{"from_name": "rank", "type": kind, "value": value} for value in values]
    annotation = {"id": 7, "completed_by": 1, "result": results, "was_cancelled": False, "lead_time": 12.3, **rest}
    return {"id": 1, "data": data, "annotations": [annotation], "predictions": []}


def test_label_studio_orders_in_each_of_their_shapes(tmp_path):
    path = _file(
        tmp_path / "a.json",
        [
            _task({"ranker": {"rank": ["b", "a", "c"]}}),
            _task({"ranker": ["c", "b", "a"]}),
            _task({"ranker": {"_": ["a"], "good": ["c", "b"], "bad": []}}),
            _task({"ranker": {"rank-1": ["a", "b"], "rank-2": ["c"]}}),
            _task({"ranker": {"good": ["a"], "bad": ["b"]}}),
            _task({"ranker": {"rank": ["a", "x"]}}),
            _task({"ranker": ["a"]}, was_cancelled=True),
            _task(),
            {"data": ITEMS, "annotations": []},
            {"data": ITEMS, "annotations": [5]},
        ],
    )
    assert data.preview(path).format == "label-studio"
    assert _ranks(path) == [
        [("A", 2), ("B", 1), ("C", 3)],
        [("A", 3), ("B", 2), ("C", 1)],
        [("A", None), ("B", 2), ("C", 1)],
        [("A", 1), ("B", 1), ("C", 2)],
    ]
    reasons = _reasons(path)
    assert [
        any(word in reason for reason in reasons)
        for word in ("several buckets", "does not have", "7 was skipped", "no order", "nobody", "of the kind")
    ] == [True] * 6
    assert len(reasons) == 6


def test_label_studio_choices_and_labelers(tmp_path):
    two = {"prompt": "p", "answer1": "x", "answer2": "y"}
    first = _task({"selected": "right"}, kind="pairwise", data=two)
    second = _task({"selected": "left"}, kind="pairwise", data=two, completed_by={"id": 2, "email": "a@b"})
    first["annotations"] += second["annotations"]
    assert _ranks(_file(tmp_path / "a.json", [first]), labelers=True) == [
        ("label studio 1", [("y", 1), ("x", 2)]),
        ("label studio 2", [("x", 1), ("y", 2)]),
    ]


def test_label_studio_small_export(tmp_path):
    rest = {"id": 1, "annotator": 3, "annotation_id": 9, "created_at": "2026", "lead_time": 2.5}
    two = {"prompt": "p", "answer1": "x", "answer2": "y", "choice": "right"}
    path = _file(
        tmp_path / "a.json",
        [{**ITEMS, "rank": {"ranker": {"rank": ["b", "a", "c"]}}, **rest}, {**two, **rest}, {**ITEMS, **rest}],
    )
    assert _ranks(path, labelers=True) == [
        ("label studio 3", [("A", 2), ("B", 1), ("C", 3)]),
        ("label studio 3", [("y", 1), ("x", 2)]),
    ]
    assert len(_reasons(path)) == 1
    found = data.preview(path)
    assert found.rows[0].seconds == 2.5
    assert any("untouched order" in sentence and "2 rows" in sentence for sentence in found.hazards)


def test_argilla_keeps_ties_in_its_first_version_and_reads_order_in_its_second(tmp_path):
    fields = {"prompt": "p", "response-1": "x", "response-2": "y", "response-3": "z"}

    def response(user: str, status: str, *ranks: int) -> dict:
        value = [{"value": f"response-{place}", "rank": rank} for place, rank in enumerate(ranks, start=1)]
        return {"user_id": user, "values": {"response_ranking": {"value": value}}, "status": status}

    first = _file(
        tmp_path / "1.json",
        [
            {"fields": fields, "responses": [response("u", "submitted", 2, 1, 1), response("v", "draft", 1, 2, 3)]},
            {"fields": fields, "responses": []},
        ],
    )
    assert _ranks(first, labelers=True) == [("argilla u", [("x", 2), ("y", 1), ("z", 1)])]
    assert ["draft" in reason or "no responses" in reason for reason in _reasons(first)] == [True, True]
    second = _file(
        tmp_path / "2.json",
        [
            {
                "id": "r1",
                **fields,
                "comment.responses": ["hm"],
                "comment.responses.users": ["u"],
                "ranking.responses": [["response-2", "response-1", "response-3"], ["3", "2", "1"], ["response-9"]],
                "ranking.responses.users": ["u", "v", "w"],
                "ranking.responses.status": ["submitted", "submitted", "submitted"],
            }
        ],
    )
    assert _ranks(second, labelers=True) == [
        ("argilla u", [("x", 2), ("y", 1), ("z", 3)]),
        ("argilla v", [("x", 3), ("y", 2), ("z", 1)]),
    ]
    assert len(_reasons(second)) == 1
    assert any("ties" in sentence for sentence in data.preview(second).hazards)


def test_llama_factory_in_both_shapes(tmp_path):
    sides = {"chosen": "c", "rejected": "r"}
    alpaca = _file(
        tmp_path / "a.json",
        [
            {"instruction": "i", "input": "", **sides},
            {"instruction": "i", "input": "more", **sides},
            {"instruction": "now", "system": "S", "history": [["q", "a"]], **sides},
            {"instruction": "", **sides},
        ],
    )
    shared = _file(
        tmp_path / "b.json",
        [
            {
                "conversations": [{"from": "human", "value": "i"}],
                "chosen": {"from": "gpt", "value": "c"},
                "rejected": {"from": "gpt", "value": "r"},
            }
        ],
    )
    assert data.preview(alpaca).format == data.preview(shared).format == "llama-factory"
    found = [row.prompt for row in data.read(alpaca) if isinstance(row, data.Row)]
    assert found == ["i", "i\nmore", "System: S\n\nUser: q\n\nAssistant: a\n\nUser: now"]
    assert len(_reasons(alpaca)) == 1
    assert _ranks(shared) == [[("c", 1), ("r", 2)]]


def _battle(winner: str, answer: str = "y") -> dict:
    sides = {
        f"conversation_{name}": [{"role": "user", "content": "p"}, {"role": "assistant", "content": text}]
        for name, text in (("a", "x"), ("b", answer))
    }
    return {"model_a": "m", "model_b": "n", "winner": winner, "judge": "j", **sides}


def test_comparisons_of_two_answers(tmp_path):
    info = {"post": "text", "title": "T", "subreddit": "s"}
    summary = {"info": info, "summaries": [{"text": "x"}, {"text": "y"}], "choice": 1, "worker": "w"}
    farm = {"instruction": "i", "input": "more", "output_1": "x", "output_2": "y", "annotator": "g"}
    one, two, tie = [("x", 1), ("y", 2)], [("y", 1), ("x", 2)], [("x", 1), ("y", 1)]
    path = _file(tmp_path / "s.json", [summary, {**summary, "choice": 3}])
    assert _ranks(path, labelers=True) == [("openai w", two)]
    assert next(data.read(path)).prompt == "SUBREDDIT: r/s\n\nTITLE: T\n\nPOST: text\n\nTL;DR:"
    assert _reasons(path) == ["nobody chose"]
    path = _file(tmp_path / "f.json", [{**farm, "preference": value} for value in (1, 2, 1.5, None, 7)])
    assert _ranks(path) == [one, two, tie]
    assert len(_reasons(path)) == 2
    path = _file(
        tmp_path / "b.json",
        [_battle(winner) for winner in ("model_a", "model_b", "tie", "tie (bothbad)", "nobody")]
        + [_battle("tie", "x")],
    )
    assert _ranks(path) == [one, two, tie, tie]
    assert len(_reasons(path)) == 2
    assert "2 rows have ties, which give no pair." in data.preview(path).hazards


def test_tables_of_other_programs(tmp_path):
    path = tmp_path / "h2o.csv"
    path.write_text("id,parent_id,prompt,chosen_response,rejected_response\n1,,p,c,r\n2,,p,c,\n", encoding="utf-8")
    assert _ranks(path) == [[("c", 1), ("r", 2)]]
    assert _reasons(path) == ["one of its answers is empty"]
    path = tmp_path / "arena.csv"
    path.write_text(
        "prompt,response_a,response_b,winner_model_a,winner_model_b,winner_tie\n"
        '"[""p""]","[""x""]","[""y""]",0,1,0\n"[""p"", ""q""]","[""x""]","[""y""]",1,0,0\n',
        encoding="utf-8",
    )
    assert _ranks(path) == [[("y", 1), ("x", 2)]]
    assert "several turns" in _reasons(path)[0]


def test_parquet_prompts_and_conversations_are_read_like_json(project, tmp_path):
    import pyarrow
    from pyarrow import parquet

    turns = [{"role": "user", "content": "q"}]
    parquet.write_table(
        pyarrow.table({"prompt": [turns, turns, None], "tags": [["a"], None, None], "split": ["test", None, None]}),
        tmp_path / "a.parquet",
    )
    report = data.import_prompts(project, tmp_path / "a.parquet")
    assert (report.added, report.known, len(report.refused)) == (1, 1, 1)
    assert prompts.listed(project) == [Prompt(1, "q", ("a",), "heldout", "a.parquet")]
    (tmp_path / "b.parquet").write_bytes((tmp_path / "a.parquet").read_bytes()[:-20])
    with pytest.raises(BadInput, match="damaged"):
        data.import_prompts(project, tmp_path / "b.parquet")


def test_json_lines_may_be_named_json_and_come_gzipped(tmp_path):
    text = '{"prompt": "a"}\n{"prompt": "b\u2028c"}\n'
    (tmp_path / "a.json").write_text(text, encoding="utf-8")
    with gzip.open(tmp_path / "b.json.gz", "wt", encoding="utf-8") as file:
        file.write(json.dumps([{"prompt": "a"}, 5]))
    assert [row.prompt for row in data.read(tmp_path / "a.json")] == ["a", "b\u2028c"]
    assert [type(row) for row in data.read(tmp_path / "b.json.gz")] == [data.Row, data.Refused]


def test_a_preview_shows_the_beginning_and_names_every_hazard(tmp_path):
    sides = [
        {"chosen": f"\n\nHuman: q{number}\n\nAssistant: a", "rejected": f"\n\nHuman: {other}\n\nAssistant: b"}
        for number, other in ((1, "q1"), (2, "other"), (3, "q3"), (3, "q3"))
    ]
    path = tmp_path / "a.jsonl"
    path.write_text("broken\n" + "\n".join(map(json.dumps, sides)), encoding="utf-8")
    found = data.preview(path, 2)
    assert (found.format, found.what, found.total, len(found.rows)) == ("hh", "rankings", 3, 2)
    assert [item.line for item in found.refused] == [1, 3]
    assert found.hazards == [
        "1 row has prompts that differ between the sides: left out.",
        "Rows that repeat an earlier one, and count once: 1.",
    ]
    assert found.note.startswith("This format has no place for ties, partial orders, flags and comments")
    with pytest.raises(BadInput, match="not a file"):
        data.preview(tmp_path / "none")
    (tmp_path / "empty.jsonl").write_text("")
    assert data.preview(tmp_path / "empty.jsonl").total == 0


@pytest.mark.slow
def test_a_hundred_thousand_prompts_are_imported_and_previewed_in_seconds(project, tmp_path):
    path = tmp_path / "many.jsonl"
    path.write_text("".join(f'{{"prompt": "question {number}?"}}\n' for number in range(100_000)), encoding="utf-8")
    began = time.process_time()
    assert data.preview(path).total == 100_000
    looked = time.process_time()
    assert data.import_prompts(project, path).added == 100_000
    print(f"preview {looked - began:.1f} s, import {time.process_time() - looked:.1f} s")
    assert looked - began < 10
    assert time.process_time() - looked < 20


@pytest.mark.thorough
def test_many_preferences_for_one_prompt_stay_linear(project, tmp_path):
    path = tmp_path / "one.jsonl"
    rows = (json.dumps({"prompt": "p", "chosen": f"c{number}", "rejected": "r"}) for number in range(3000))
    path.write_text("\n".join(rows), encoding="utf-8")
    began = time.process_time()
    assert data.import_preferences(project, path, "them").added == 3000
    assert data.import_preferences(project, path, "them").known == 3000
    assert time.process_time() - began < 15


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("prompt", "\0a", "binary"),
        ("prompt", "\ud800", "half of a character"),
        ("labeler", {"name": "a\ud800"}, "half of a character"),
        ("prompt", " \n", "no prompt"),
        ("method", "dice", "no way to rank"),
        ("completions", [{"text": "a", "rank": 0}, {"text": "b", "rank": 1}], "below 1"),
        ("completions", [{"text": "a", "rank": 1e999}, {"text": "b", "rank": 1}], "of the kind"),
        ("completions", [{"text": "a", "rank": 1.5}, {"text": "b", "rank": 1}], "of the kind"),
        ("completions", [{"text": "a"}, {"text": "b"}], "nothing in it"),
        ("criteria", {"kind": [1]}, "by criterion"),
        ("criteria", {"kind": [1, -1]}, "below 1"),
        ("labeler", {"name": "script"}, "choose another name"),
        ("strength", 1e300, "its strength is 1e+300"),
    ],
)
def test_what_a_project_cannot_hold_is_refused_and_the_rest_comes_in(project, tmp_path, field, value, reason):
    labelers.named(project, "script", kind="scripted")
    good = {
        "prompt": "p",
        "completions": [{"text": "a", "rank": 1}, {"text": "b", "rank": 2}],
        "labeler": {"name": "me"},
    }
    path = tmp_path / "a.jsonl"
    path.write_text(f"{json.dumps(good)}\n{json.dumps({**good, field: value})}\n", encoding="utf-8")
    report = data.import_preferences(project, path, "them")
    assert report.added == 1
    assert [(item.line, reason in item.reason) for item in report.refused] == [(2, True)]


def test_a_line_without_end_is_refused_before_it_fills_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(jsonlines, "LINE", 1000)
    for name, opens in (("a.jsonl", open), ("a.jsonl.gz", gzip.open), ("a.json", open), ("a.json.gz", gzip.open)):
        with opens(tmp_path / name, "wb") as file:
            file.write(b'{"prompt": "' + b"a" * 3000 + b'"}')
        with pytest.raises(BadInput, match="longer than 1,000 characters"):
            list(data.read(tmp_path / name))


@pytest.mark.thorough
def test_a_table_that_unpacks_to_more_than_any_is_refused_at_once(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    column = pyarrow.DictionaryArray.from_arrays(pyarrow.array([0] * 60_000, pyarrow.int32()), ["a" * 20_000])
    parquet.write_table(pyarrow.table({"prompt": column}), tmp_path / "bomb.parquet", compression="zstd")
    assert (tmp_path / "bomb.parquet").stat().st_size < 50_000
    with pytest.raises(BadInput, match="unpacks to more than any data set"):
        list(data.read(tmp_path / "bomb.parquet"))
