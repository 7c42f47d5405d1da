"""What a reader does not know is no value, and what it leaves out is said."""

import csv
import json

import pytest

from core import data
from core.data import Refused
from core.errors import BadInput
from core.store import pairs


def lines(path, *rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def ranks(row):
    return [(answer.text, answer.rank) for answer in row.answers]


def test_an_answer_without_a_rank_or_a_score_is_not_ranked(tmp_path):
    rated = [{"prompt": "p", "response": text, "rank": rank} for text, rank in (("a", 1), ("b", 2), ("c", None))]
    refused, row = data.read(lines(tmp_path / "a.jsonl", *rated))
    assert ranks(row) == [("a", 1), ("b", 2)] and "how good" in refused.reason and refused.line == 3
    scored = {"prompt": "p", "completions": ["a", "b", "c"], "scores": [5, None, 1]}
    (row,) = data.read(lines(tmp_path / "b.jsonl", scored))
    assert ranks(row) == [("a", 1), ("b", None), ("c", 2)]


@pytest.mark.parametrize(
    ("said", "order"),
    [("Response A", [1, 2]), ("b", [1, 2]), ("tie", [1, 1]), ("skip", None), ("left", None), ("2", None)],
)
def test_a_selection_that_names_no_answer_is_no_tie(tmp_path, said, order):
    (row,) = data.read(lines(tmp_path / "a.jsonl", {"prompt": "p", "items": ["x", "y"], "pref": {"selection": said}}))
    assert isinstance(row, Refused) if order is None else [answer.rank for answer in row.answers] == order


UNSAID = "\n\nHuman: ill\n\nAssistant: \n\nHuman: there?\n\nAssistant:"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"prompt": "p", "chosen": "best", "rejected": ["worse", "worst"]}, "several answers where one"),
        ({"prompt": "p", "completions": ["a", "a", "b"], "scores": [3, 1, 2]}, "the same answer twice"),
        ({"prompt": "p", "history": ["odd"], "chosen": "a", "rejected": "b"}, "its history"),
        ({side: f"{UNSAID} {side}" for side in ("chosen", "rejected")}, "one of its turns is empty"),
    ],
)  # fmt: skip
def test_what_could_be_read_as_something_else_is_refused(tmp_path, row, reason):
    (refused,) = data.read(lines(tmp_path / "a.jsonl", row))
    assert isinstance(refused, Refused) and reason in refused.reason


PAIR = {"prompt": "and?", "chosen": "a", "rejected": "b"}
TALK = [{"role": "user", "content": "u"}, {"role": "assistant", "content": "a"}, {"role": "user", "content": "and?"}]
ARGILLA = {
    "fields": {"prompt": "q", "context": "green", "response-1": "a", "response-2": "b", "response-3": "c"},
    "responses": [{"values": {"r": {"value": [{"value": f"response-{n}", "rank": n} for n in (1, 2)]}}}],
}


@pytest.mark.parametrize(
    ("row", "lost"),
    [
        ({**PAIR, "messages": TALK}, ("`messages`",)),
        ({**PAIR, "messages": [{"role": "user", "content": "and?"}, {"role": "assistant", "content": "a"}]}, ()),
        ({**PAIR, "images": ["cat.png"]}, ("`images`",)),
        ({**PAIR, "System": "Be kind"}, ("`System`",)),
        ({**PAIR, "system_message": "Be kind"}, ("`system_message`",)),
        ({**PAIR, "history": [["u", "a"]]}, ()),
        ({"prompt": "q", "completions": ["a", "", "b", "a"]}, ("an empty answer", "the same answer again")),
        ({"prompt": "q", "completions": ["a", "", "b"], "scores": [1, 3, 2]}, ("an empty answer",)),
        ({"prompt": "q", "response": "a", "rank": 1, "context": "green"}, None),
        (ARGILLA, ("`context`",)),
    ],
)
def test_what_is_left_out_of_a_row_is_said(tmp_path, row, lost):
    rows = [row] if lost is not None else [row, {**row, "response": "b", "rank": 2}]
    (found,) = data.read(lines(tmp_path / "a.jsonl", *rows))
    assert found.lost == (("`context`",) if lost is None else lost)
    if row is ARGILLA:
        assert ranks(found) == [("a", 1), ("b", 2), ("c", None)]


HH = {side: f"\n\nHuman: q\n\nAssistant: {side}" for side in ("chosen", "rejected")}
TEXTS = {"summaries": [{"text": "a"}, {"text": "b"}], "choice": 0, "info": {"post": "p", "title": "t"}}
WON = {"prompt": "q", "response_a": "a", "response_b": "b", "winner_model_a": 1, "winner_model_b": 0, "winner_tie": 0}
PKU = {"prompt": "q", "response_0": "a", "response_1": "b", "better_response_id": 0}
TASK = {"prompt": "q", "items": [{"id": "a", "body": "A"}, {"id": "b", "body": "B"}]}
OPENAI = {
    "input": {"messages": TALK[:1], "tools": []},
    "preferred_output": [{"role": "assistant", "content": "a"}],
    "non_preferred_output": [{"role": "assistant", "content": "b"}],
}


ORDER = "another order of its answers"


def task(*orders, **more):
    results = [{"type": "ranker", "from_name": f"{at}", "value": {"ranker": each}} for at, each in enumerate(orders)]
    return {"data": TASK | more, "annotations": [{"result": results}]}


@pytest.mark.parametrize(
    ("row", "lost"),
    [
        (HH, ""),
        (TEXTS, ""),
        ({"question": {"full_text": "q"}, "answer_0": "a", "answer_1": "b", "score_0": 1, "score_1": -1}, ""),
        ({"instruction": "q", "input": "i", "output_1": "a", "output_2": "b", "preference": 1}, ""),
        ({"history": "q", "human_ref_A": "a", "human_ref_B": "b", "labels": 1}, ""),
        ({"context": TALK[:1], "response1": "a", "response2": "b", "overall_preference": -2}, ""),
        (WON, ""),
        (OPENAI, ""),
        (PKU, ""),
        ({"text": "q", "completions": ["a", "b"], "x:::rank_order": "A,B"}, ""),
        (task(["a", "b"]), ""),
        (task(["a", "b"], ["b", "a"]), "another order or choice in the same annotation"),
        (PKU | {"is_response_1_safe": False}, "`is_response_1_safe`"),
        ({**PAIR, "completions": ["a", "b", "c"], "scores": [1, 2, 3]}, "`completions`"),
        ({**PAIR, "completions": ["b", "a"]}, ""),
        ({"prompt": "q", "completions": [{"text": "a", "rank": 1}, {"text": "b", "rank": 2}], "ranks": [2, 1]}, ORDER),
        ({"prompt": "q", "completions": [{"text": "a", "score": 3}, {"text": "b", "score": 2}], "ranks": [1, 2]}, ""),
        ({"prompt": "q", "completions": ["a", "b"], "responses": ["c", "d"], "scores": [1, 2]}, "`responses`"),
        (
            {"prompt": "q", "messages": TALK[:1], "chosen": "a", "rejected": "b", "text": "Passage"},
            "`messages`, `text`",
        ),
    ],
)
def test_every_reader_says_what_it_leaves_out_of_a_row(tmp_path, row, lost):
    (found,) = data.read(lines(tmp_path / "a.jsonl", row))
    assert ", ".join(found.lost) == lost
    beside = {"system_message": "Be kind", "document": "It was so."}
    more = {**row, "data": {**row["data"], **beside}} if "data" in row else {**row, **beside}
    (found,) = data.read(lines(tmp_path / "b.jsonl", more))
    assert {"`system_message`", "`document`"} < {*found.lost, ""}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (task(["a", "b", "a"]), "places one of its answers twice"),
        (task({"rank-1": ["a", "b"], "rank-2": ["a"]}), "places one of its answers twice"),
        (task(["a", "b"], items=[*TASK["items"], {"id": "a", "body": "C"}]), "the same id"),
        ({"text": "q", "completions": ["a", "b"], "x:::rank_order": "A,B,A"}, "places one of its answers twice"),
    ],
)
def test_an_answer_that_is_placed_twice_has_no_place(tmp_path, row, reason):
    (refused,) = data.read(lines(tmp_path / "a.jsonl", row))
    assert isinstance(refused, Refused) and reason in refused.reason


CALLED = {"tool_calls": [{"type": "function", "function": {"name": "f", "arguments": "{}"}}]}
TOOL = {"name": "f", "description": "d"}


def test_what_contradicts_itself_is_refused(tmp_path):
    (refused,) = data.read(lines(tmp_path / "a.jsonl", {**PAIR, "preferred": "b", "dispreferred": "a"}))
    assert "both that it is the better" in refused.reason
    (row,) = data.read(lines(tmp_path / "b.jsonl", {**PAIR, "preferred": "a", "dispreferred": "b"}))
    assert ranks(row) == [("a", 1), ("b", 2)]
    thumbs = [{"prompt": "q", "completion": text, "label": True, "is_good": text == "a"} for text in "ab"]
    refused, row = data.read(lines(tmp_path / "c.jsonl", *thumbs))
    assert refused.reason == "its `label` and its `is_good` contradict each other" and refused.line == 2
    assert [(each.text, each.verdict) for each in row.answers] == [("a", "good")]


@pytest.mark.parametrize("tools", [TOOL, [TOOL], json.dumps(TOOL), json.dumps([TOOL]), str([TOOL])])
def test_one_tool_is_a_list_of_one(tmp_path, tools):
    rows = [{**PAIR, "tools": tools}, {"prompt": {"messages": TALK, "tools": tools}, "chosen": "a", "rejected": "b"}]
    for row in data.read(lines(tmp_path / "a.jsonl", *rows)):
        assert row.conversation.tools == (TOOL,)


@pytest.mark.parametrize("tools", ["{}", "null", "None", " ", "nan", "[]", "[null]", [None], False, {}])
def test_a_cell_without_tools_is_none(tmp_path, tools):
    (row,) = data.read(lines(tmp_path / "a.jsonl", {**PAIR, "tools": tools}))
    assert row.conversation.tools == ()


@pytest.mark.parametrize(
    "row",
    [
        {"instruction": "q", "input": "", "output": '[{"a": 1, "a": 2}]'},
        {"prompt": "q", "chosen": '[{"a": 1, "a": 2}]\n', "rejected": "b"},
        {"prompt": "q", "answers": '["a", {"x": 1, "x": 2}]'},
    ],
)
def test_an_answer_may_say_what_no_row_may(tmp_path, row):
    """It is a text, whatever stands twice in it."""
    list(data.read(lines(tmp_path / "a.jsonl", row, {"prompt": "r", "chosen": "a", "rejected": "b"})))


@pytest.mark.parametrize("tools", ["use f()", {"f": {"description": "d"}}, [["f"]], "[{broken", 5])
def test_tools_that_cannot_be_read_are_not_left_out(tmp_path, tools):
    for row in ({**PAIR, "tools": tools}, {"prompt": "q", "tools": tools}):
        (refused,) = data.read(lines(tmp_path / "a.jsonl", row))
        assert isinstance(refused, Refused) and refused.reason == "its `tools` are no list of tools"


@pytest.mark.parametrize(
    ("turn", "found"),
    [
        ({"role": "tool_calls", **CALLED}, CALLED),
        ({"role": "tool_calls", "content": "", **CALLED}, CALLED),
        ({"role": "tool_calls"}, "no content"),
        ({"role": "assistant", **CALLED, "function_call": {"name": "g"}}, "one is meant"),
    ],
)
def test_a_turn_that_calls_a_tool_is_its_calls(tmp_path, turn, found):
    talk = [TALK[0], turn, {"role": "tool", "content": "42"}]
    (row,) = data.read(lines(tmp_path / "a.jsonl", {"prompt": talk, "chosen": "a", "rejected": "b"}))
    assert found in row.reason if isinstance(row, Refused) else row.conversation.messages[1].extra == found


THOUGHT = [{"type": "thinking", "text": "hm"}, {"type": "text", "text": "a"}]


@pytest.mark.parametrize(
    "row",
    [
        {**PAIR, "chosen": [{"role": "assistant", "content": THOUGHT}]},
        {**PAIR, "chosen": {"role": "assistant", "content": THOUGHT}},
        {**PAIR, "prompt": [TALK[0], {"role": "assistant", "content": THOUGHT}, TALK[2]]},
    ],
)
def test_what_was_thought_is_no_part_of_what_was_said(tmp_path, row):
    row = {**row, "rejected": [{"role": "assistant", "content": "b"}]} if row["chosen"] != "a" else row
    (found,) = data.read(lines(tmp_path / "a.jsonl", row))
    assert ranks(found) == [("a", 1), ("b", 2)] and found.lost == ("reasoning of answers",)
    assert found.prompt in ("and?", "User: u\n\nAssistant: a\n\nUser: and?")


def test_a_picture_is_no_text_because_it_has_one(tmp_path):
    asked = [{"role": "user", "content": [{"type": "image_url", "text": "a cat"}, {"type": "text", "text": "What?"}]}]
    (refused,) = data.read(lines(tmp_path / "a.jsonl", {**PAIR, "prompt": asked}))
    assert refused.reason == "a part of a message is no text but image_url"


def test_the_text_of_an_item_is_asked_rather_than_what_stands_beside_it(tmp_path):
    item = {"context": "Passage", "text": "Why?", "completions": ["a", "b"], "x:::rank_order": "A,B"}
    (row,) = data.read(lines(tmp_path / "a.jsonl", item))
    assert row.prompt == "Why?" and row.lost == ("`context`",)


def test_an_earlier_talk_is_part_of_the_question_of_a_pair(tmp_path):
    (row,) = data.read(lines(tmp_path / "a.jsonl", {**PAIR, "history": [["u", "a"]]}))
    assert [turn.content for turn in row.conversation.messages] == ["u", "a", "and?"]


def test_a_chosen_answer_that_is_scored_below_the_rejected_one_is_said(tmp_path):
    found = data.preview(lines(tmp_path / "a.jsonl", {**PAIR, "chosen_score": 1, "rejected_score": 9}))
    assert "scored below the rejected one" in " ".join(found.hazards)


def test_a_flag_a_comment_and_criteria_are_not_known_because_the_order_is(project, tmp_path):
    def own(name, **more):
        row = {
            "prompt": "q",
            "completions": [{"text": "a", "rank": 1}, {"text": "b", "rank": 2}],
            "labeler": {"name": "Ada"},
        }
        return lines(tmp_path / name, row | more)

    data.import_preferences(project, own("a.jsonl"), "")
    assert data.import_preferences(project, own("a.jsonl"), "").notes == []
    flagged = data.import_preferences(project, own("b.jsonl", flag="unsafe"), "")
    assert (flagged.added, flagged.known) == (0, 1) and "say otherwise than a ranking in the project" in flagged.notes[
        0
    ]
    more = data.import_preferences(project, own("c.jsonl", comment="a lie", criteria={"kind": [2, 1]}), "")
    assert more.known == 1 and "another comment or other criteria" in more.notes[0]
    one = [{"text": "a", "rank": 1, "flag": "unsafe"}, {"text": "b", "rank": 2}]
    both = lines(
        tmp_path / "d.jsonl",
        *(json.loads(own("x", prompt="two", **each).read_text()) for each in ({}, {"completions": one})),
    )
    report = data.import_preferences(project, both, "")
    assert report.added == 2 and "contradict an earlier verdict" in report.notes[0]


@pytest.mark.parametrize("by", ["rank", "completion"])
def test_our_table_is_the_same_rankings_however_a_spreadsheet_sorted_it(project, tmp_path, by):
    answers = [{"text": text, "rank": rank} for rank, text in enumerate("abcd", start=1)]
    rows = [{"prompt": f"q{number}", "completions": answers, "labeler": {"name": "Ada"}} for number in range(2)]
    data.import_preferences(project, lines(tmp_path / "a.jsonl", *rows), "")
    data.export(project, tmp_path / "own.csv", "csv")
    with (tmp_path / "own.csv").open(newline="") as file:
        first, *table = csv.reader(file)
    with (tmp_path / "sorted.csv").open("w", newline="") as file:
        csv.writer(file).writerows([first, *sorted(table, key=lambda row: row[first.index(by)])])
    report = data.import_preferences(project, tmp_path / "sorted.csv", "")
    assert (report.added, report.known, report.refused) == (0, 2, []) and pairs.counts(project).pairs == 12
    twice = (tmp_path / "own.csv").read_text()
    (tmp_path / "twice.csv").write_text(twice + twice)
    assert len(list(data.read(tmp_path / "twice.csv"))) == 4, "two tables that were put together are as many rankings"


TWICE = '{"prompt": "p", "chosen": "good", "rejected": "bad", "chosen": "worse"}'
SOUND = json.dumps({"prompt": "q", "chosen": "a", "rejected": "b"})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.jsonl", f"{TWICE}\n{SOUND}\n"),
        ("a.json", f"[{TWICE},\n{SOUND}]"),
        ("b.json", f"{TWICE}\n{SOUND}\n"),
        ("c.json", '[{"prompt": "p", "completions": [{"text": "a", "rank": 1, "rank": 2}]},\n' + SOUND + "]"),
        (
            "d.csv",
            'prompt,chosen,rejected\n"[{""role"": ""user"", ""content"": ""a"", ""content"": ""b""}]",x,y\nq,a,b\n',
        ),
    ],
)
def test_a_name_that_stands_twice_is_refused_wherever_it_stands(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    refused, row = data.read(tmp_path / name)
    assert isinstance(refused, Refused) and "twice" in refused.reason and ranks(row) == [("a", 1), ("b", 2)]


def test_two_columns_of_one_name_are_refused_in_parquet(tmp_path):
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    table = arrow.table([arrow.array([text]) for text in "qabc"], names=["prompt", "chosen", "rejected", "chosen"])
    parquet.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(BadInput, match=r"Two columns of a\.parquet are called `chosen`"):
        list(data.read(tmp_path / "a.parquet"))
