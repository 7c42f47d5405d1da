"""Each shape that published sets and other programs have, with values of our own: what is asked, by whom which answer
was preferred, and what is said where a file cannot be taken as it is."""

import codecs
import csv
import json
import resource
import time
from pathlib import Path

import pytest

from core import data
from core.conversation import Conversation
from core.errors import BadInput
from core.machine.base_models import data_folder
from core.preferences.judged_groups import judged_groups
from core.store import completions, create_project, labelers, pairs, prompts, rankings


def said(role: str, text: object) -> dict:
    return {"role": role, "content": text}


ASK, GOOD, BAD = said("user", "Which bird swims?"), said("assistant", "A penguin."), said("assistant", "A wren.")
BEFORE = [said("system", "Be short."), said("user", "Which bird flies?"), said("assistant", "A swift."), ASK]


def rows(tmp_path: Path, *values: dict, name: str = "a.jsonl") -> list[data.Row]:
    path = tmp_path / name
    path.write_text("\n".join(map(json.dumps, values)), encoding="utf-8")
    return [row for row in data.read(path) if isinstance(row, data.Row)]


def told(row: data.Row) -> tuple:
    """Roles, the last turn, and the answers with their ranks."""
    asked = row.conversation.messages
    answers = [(answer.text, answer.rank) for answer in row.answers]
    return "".join(turn.role[0] for turn in asked), asked[-1].content, answers


PAIR = [("A penguin.", 1), ("A wren.", 2)]
ULTRA = {"prompt": "Which bird swims?", "chosen": [ASK, GOOD], "rejected": [ASK, BAD], "messages": [ASK, GOOD]}
PARTS = [{"type": "text", "text": "Which bird swims?", "image": None}]
CALL = {"name": "look", "arguments": {"at": "birds"}}


@pytest.mark.parametrize(
    ("value", "roles"),
    [
        (ULTRA | {"score_chosen": 7.0, "score_rejected": 2.0}, "u"),
        ({"prompt": "Which bird flies?", "chosen": [*BEFORE, GOOD], "rejected": [*BEFORE, BAD]}, "suau"),
        ({"chosen": [*BEFORE, GOOD], "rejected": [*BEFORE, BAD]}, "suau"),
        ({"prompt": BEFORE, "chosen": [GOOD], "rejected": [BAD]}, "suau"),
        ({"prompt": BEFORE, "chosen": "A penguin.", "rejected": "A wren."}, "suau"),
        ({"system": "Be short.", "question": "Which bird swims?", "chosen": "A penguin.", "rejected": "A wren."}, "su"),
        (
            {"input": {"messages": BEFORE, "tools": []}, "preferred_output": [GOOD], "non_preferred_output": [BAD]},
            "suau",
        ),
        ({"messages": [*BEFORE, GOOD], "rejected_response": "A wren."}, "suau"),
        ({"messages": [ASK, GOOD], "rejected_messages": [ASK, BAD]}, "u"),
        ({"query": "Which bird swims?", "response": "A penguin.", "rejected_response": "A wren."}, "u"),
        ({"chosen_messages": [said("user", PARTS), GOOD], "rejected_messages": [said("user", PARTS), BAD]}, "u"),
        ({"instruction": "Which bird swims?", "input": "", "output": ["A penguin.", "A wren."]}, "u"),
        (
            {"instruction": "Which bird swims?", "system": "S", "history": [["q", "a"]], "chosen": "A penguin.",
             "rejected": "A wren."}, "suau",
        ),
        (
            {"conversations": [{"from": "human", "value": "Rain?"},
                               {"from": "function_call", "value": json.dumps(CALL)},
                               {"from": "observation", "value": "Which bird swims?"}],
             "chosen": {"from": "gpt", "value": "A penguin."}, "rejected": {"from": "gpt", "value": "A wren."}}, "uat",
        ),
        (
            {"chosen": "\n\nHuman: Hi.\n\nAssistant: Yes?\n\nHuman: Which bird swims?\n\nAssistant: A penguin.",
             "rejected": "\n\nHuman: Hi.\n\nAssistant: Yes?\n\nHuman: Which bird swims?\n\nAssistant: A wren."}, "uau",
        ),
        (
            {"question": {"full_text": "Which bird swims?"}, "answer_0": "A penguin.", "answer_1": "A wren.",
             "score_0": 0.5, "score_1": -0.5}, "u",
        ),
        ({"history": "Which bird swims?", "human_ref_A": "A penguin.", "human_ref_B": "A wren.", "labels": 1}, "u"),
        ({"history": "Which bird swims?", "human_ref_A": "A wren.", "human_ref_B": "A penguin.", "labels": 0}, "u"),
        (
            {"context": BEFORE, "response1": "A wren.", "response2": "A penguin.", "overall_preference": 1}, "suau",
        ),
        (
            {"conversation_a": [said("user", PARTS), BAD], "conversation_b": [said("user", PARTS), GOOD],
             "winner": "model_b"}, "u",
        ),
        ({"prompt": "Which bird swims?", "answer_a": "A penguin.", "answer_b": "A wren.", "winner": "model_a"}, "u"),
        (
            {"prompt": "\n\nHuman: Which bird swims?\n\nAssistant: ",
             "answers": [{"answer": "A penguin.", "rank": 1.0}, {"answer": "A wren.", "rank": 2.0}]}, "u",
        ),
        (
            {"instruction": "Which bird swims?", "completions": [
                {"response": "A penguin.", "overall_score": 9}, {"response": "A wren.", "overall_score": 2}]}, "u",
        ),
        (
            {"instruction": "Which bird swims?", "chosen": [ASK, GOOD], "rejected": [ASK, BAD],
             "responses": ["A penguin.", "A wren."]}, "u",
        ),
        ({"conversations": [], "chosen": [ASK, GOOD], "rejected": [ASK, BAD]}, "u"),
        ({"prompt": "Which bird swims?", "responses": ["A penguin.", "A wren."], "pick": {"selection": "A"}}, "u"),
        ({"prompt": "Which bird swims?", "responses": ["A penguin.", "A wren."], "o": {"rank_order": "A,B"}}, "u"),
    ],
)  # fmt: skip
def test_the_question_is_once_and_the_answers_alone(tmp_path, value, roles):
    (row,) = rows(tmp_path, value)
    found, last, answers = told(row)
    assert (found, last, sorted(answers)) == (roles, "Which bird swims?", PAIR)


def test_strength_is_kept_and_zero_is_a_tie(tmp_path):
    two = {"prompt": "p", "response_1": "one", "response_2": "two"}
    found = rows(tmp_path, *(two | {"preference_strength": strength, "split": use} for strength, use in (
        (-3, "train"), (2, "validation"), (0, "train"))))  # fmt: skip
    assert [told(row)[2] for row in found] == [
        [("one", 1), ("two", 2)], [("two", 1), ("one", 2)], [("one", 1), ("two", 1)]
    ]  # fmt: skip
    assert [(row.strength, row.split) for row in found] == [(3, "train"), (2, "heldout"), (None, "train")]
    (row,) = rows(tmp_path, {"prompt": "p", "chosen": "c", "rejected": "r", "margin": 1.5})
    assert row.strength == 2.5


def test_better_and_safer_are_two_orders(tmp_path):
    value = {"prompt": "p", "response_0": "quick", "response_1": "careful", "better_response_id": 0}
    (row,) = rows(tmp_path, value | {"safer_response_id": 1})
    assert told(row)[2] == [("quick", 1), ("careful", 2)]
    assert row.criteria == {"safe": (2, 1)}


def test_equal_scores_are_a_tie_and_scores_are_named_as_lost(tmp_path):
    (row,) = rows(tmp_path, ULTRA | {"score_chosen": 4.0, "score_rejected": 4.0})
    assert [rank for _, rank in told(row)[2]] == [1, 1]
    assert any("scores of answers" in sentence for sentence in data.preview(tmp_path / "a.jsonl").hazards)


def test_thumbs_and_scores_of_one_question_are_one_ranking(tmp_path):
    thumbs = [{"prompt": "p", "completion": text, "label": good} for text, good in (("a", True), ("b", False))]
    found = rows(tmp_path, *thumbs, {"prompt": "alone", "completion": "c", "label": True})
    assert [told(row)[2] for row in found] == [[("a", 1), ("b", 2)], [("c", None)]]
    assert [[answer.verdict for answer in row.answers] for row in found] == [["good", "bad"], ["good"]]
    steer = [{"prompt": "p", "response": text, "helpfulness": score, "correctness": 4 - score}
             for text, score in (("a", 1), ("b", 4))]  # fmt: skip
    (row,) = rows(tmp_path, *steer)
    assert told(row)[2] == [("a", 2), ("b", 1)] and row.criteria == {"correctness": (1, 2)}


def test_an_answer_that_calls_a_tool_is_named_and_calls_in_the_question_are_kept(tmp_path):
    call = {"role": "assistant", "content": None, "tool_calls": [{"function": CALL}]}
    asked = [ASK, call, {"role": "tool", "content": "penguin"}]
    path = tmp_path / "a.jsonl"
    values = (
        {"prompt": [ASK], "chosen": [call], "rejected": [BAD]},
        {"prompt": asked, "chosen": [GOOD], "rejected": [BAD]},
    )
    path.write_text("\n".join(map(json.dumps, values)), encoding="utf-8")
    refused, row = data.read(path)
    assert "calls a tool" in refused.reason
    assert row.conversation.messages[1].extra == {"tool_calls": [{"function": CALL}]}


def test_feedback_from_a_chat_is_a_pair_where_it_was_beside_another(tmp_path):
    messages = {
        "q": {"parentId": None, "childrenIds": ["a", "b"], **ASK},
        "a": {"parentId": "q", "model": "one", **GOOD}, "b": {"parentId": "q", "model": "two", **BAD},
    }  # fmt: skip
    value = {
        "user_id": "u", "data": {"rating": 1, "sibling_model_ids": ["two"]}, "meta": {"message_id": "a"},
        "snapshot": {"chat": {"chat": {"history": {"messages": messages}}}},
    }  # fmt: skip
    alone = value | {"data": {"rating": -1, "sibling_model_ids": None}}
    path = tmp_path / "a.json"
    path.write_text(json.dumps([value, alone]), encoding="utf-8")
    row, refused = data.read(path)
    assert (told(row)[2], row.labeler) == (PAIR, "open webui u")
    assert "one answer alone" in refused.reason


def test_blanks_at_the_edges_are_part_of_an_answer(project, tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(
        json.dumps({"prompt": "for x in y:\n", "chosen": "\tpass\n", "rejected": "pass\n"}), encoding="utf-8"
    )
    assert data.import_preferences(project, path, "me").added == 1
    (pair,) = pairs.listed(project)
    assert (pair.prompt, pair.chosen, pair.rejected) == ("for x in y:\n", "\tpass\n", "pass\n")


def test_contradicting_verdicts_are_both_kept_in_one_group_and_named(project, tmp_path):
    path = tmp_path / "a.jsonl"
    verdicts = [("x", "y"), ("y", "x"), ("x", "y")]
    path.write_text("\n".join(json.dumps({"prompt": "p", "chosen": c, "rejected": r}) for c, r in verdicts))
    report = data.import_preferences(project, path, "them")
    assert (report.added, report.known) == (2, 1)
    assert len(completions.group_ids(project)) == 1 and pairs.contradictions(project) == 1
    assert any("contradict" in sentence and "line 2" in sentence for sentence in report.notes)
    again = data.import_preferences(project, path, "them")
    assert (again.added, again.known) == (0, 3)


def test_split_columns_are_obeyed_and_a_prompt_on_both_sides_is_named(project, tmp_path):
    path = tmp_path / "a.jsonl"
    uses = [("p", "train"), ("q", "Validation"), ("p", "test"), ("r", "train")]
    path.write_text("\n".join(
        json.dumps({"prompt": asked, "chosen": f"c{number}", "rejected": "r", "split": use})
        for number, (asked, use) in enumerate(uses)))  # fmt: skip
    report = data.import_preferences(project, path, "them")
    assert {item.text: item.split for item in prompts.listed(project)} == {"p": "heldout", "q": "heldout", "r": "train"}
    assert any("both sides" in sentence and "p" in sentence for sentence in report.notes)


def test_answers_that_nobody_ranked_wait_in_the_queue_with_their_source(project, tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"prompt": "p", "completions": ["x", "y", "x"], "models": ["m", "n", "m"]}))
    assert data.preview(path).what == "answers"
    report = data.import_preferences(project, path, "them")
    assert (report.added, report.unranked) == (1, 1)
    me = labelers.named(project, "me")
    (group,) = completions.group_ids(project, unranked_by=me.id)
    assert [item.imported for item in completions.group(project, group).completions] == [
        "a.jsonl, by m", "a.jsonl, by n"
    ]  # fmt: skip
    assert not rankings.exist(project) and completions.answered_prompts(project, None) == set()


@pytest.mark.parametrize(
    "value",
    [
        {"prompt": "p", "good": "one long answer to it", "bad": "another long answer"},
        {"prompt": "p", "completion": "x"},
        {"messages": [ASK, GOOD]},
        {"prompt": "p", "gpt": "a text of some length that nobody named"},
        {"prompt": "p", "response_1": "x", "response_2": "y", "label": 1},
    ],
)
def test_a_file_with_more_than_is_read_is_asked_about(project, tmp_path, value):
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(value), encoding="utf-8")
    assert data.preview(path).question
    with pytest.raises(BadInput, match="say which column"):
        data.import_preferences(project, path, "x") if data.preview(path).what == "answers" else data.import_prompts(
            project, path
        )
    assert prompts.count(project) == 0
    assert data.import_prompts(project, path, held="drop").added == 1


def test_prompts_with_their_tags_are_asked_nothing(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"prompt": "p", "tags": ["a"], "split": "train", "id": 3, "source": "mine, of course"}))
    assert data.preview(path).question == ""


def test_columns_are_said_guessed_and_kept(project, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("q,good,bad,topic,who\nWhich?,this,that,birds,Ada\n", encoding="utf-8")
    guessed = data.guess(path)
    assert guessed.text == "prompt=q,chosen=good,rejected=bad,tag=topic"
    columns = data.Columns.parse(guessed.text + ",labeler=who")
    data.keep_mapping("mine", columns)
    options = data.ReadOptions(data.named_mapping("mine"))
    (row,) = data.read(path, None, options)
    assert (told(row)[2], row.tags, row.labeler) == ([("this", 1), ("that", 2)], ("birds",), "Ada")
    data.keep_mapping("mine", None)
    with pytest.raises(BadInput, match="No mapping"):
        data.named_mapping("mine")
    for wrong in ("prompt", "prompt=a,chosen=b", "nothing=a", "answers=a", "prompt=a,scores=b"):
        with pytest.raises(BadInput):
            data.Columns.parse(wrong)
    with pytest.raises(BadInput, match="no such columns"):
        list(data.read(path, None, data.ReadOptions(data.Columns.parse("prompt=x"))))


@pytest.mark.parametrize("broken", ['{"theirs": "prompt=q,newer=x", "ours"', "[]", "\udcff", "5"])
def test_a_file_of_mappings_that_cannot_be_read_is_not_written_over(broken):
    file = data_folder() / "mappings.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(broken.encode("utf-8", "surrogateescape"))
    assert data.kept_mappings() == {}
    with pytest.raises(BadInput, match="mend it, or move it away"):
        data.keep_mapping("mine", data.Columns.parse("prompt=q"))
    assert file.read_bytes() == broken.encode("utf-8", "surrogateescape")


def test_mappings_of_a_newer_version_stay(tmp_path):
    file = data_folder() / "mappings.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text('{"theirs": "prompt=q,newer=x", "ours": "prompt=p"}')
    assert list(data.kept_mappings()) == ["ours"]
    data.keep_mapping("ours", None)
    data.keep_mapping("mine", data.Columns.parse("prompt=z"))
    assert json.loads(file.read_text()) == {"theirs": "prompt=q,newer=x", "mine": "prompt=z"}


def test_columns_of_several_answers_with_scores_and_of_one_answer_a_row(tmp_path):
    wide = tmp_path / "wide.csv"
    wide.write_text("q,a,b,sa,sb\nWhich?,this,that,1,2\n", encoding="utf-8")
    (row,) = data.read(wide, None, data.ReadOptions(data.Columns.parse("prompt=q,answers=a+b,scores=sa+sb")))
    assert told(row)[2] == [("this", 2), ("that", 1)]
    long = tmp_path / "long.csv"
    long.write_text("q,a,place\nWhich?,this,2\nWhich?,that,1\n", encoding="utf-8")
    (row,) = data.read(long, None, data.ReadOptions(data.Columns.parse("prompt=q,answers=a,rank=place")))
    assert told(row)[2] == [("this", 2), ("that", 1)]


@pytest.mark.parametrize(
    ("name", "begin", "line"),
    [
        ("a.jsonl", "{cut off\n", '{"q": "Which?", "a": "%s", "s": %d}\n'),
        ("b.csv", "q,a,s\nq,x,1,too,many\n", "Which?,%s,%d\n"),
        ("c.jsonl", '{"q": "How?", "a": ["x", "y"], "s": [1, 2]}\n', '{"q": "Which?", "a": "%s", "s": %d}\n'),
    ],
)
def test_every_verdict_comes_in_whatever_the_first_line_is(project, tmp_path, name, begin, line):
    path = tmp_path / name
    path.write_text(begin + line % ("this", 1) + line % ("that", 2), encoding="utf-8")
    options = data.ReadOptions(data.Columns.parse("prompt=q,answers=a,scores=s"))
    data.import_preferences(project, path, "me", options=options)
    orders = [told(row)[2] for row in data.read(path, None, options) if isinstance(row, data.Row)]
    assert [("this", 2), ("that", 1)] in orders and pairs.counts(project).pairs == len(orders)


def test_an_empty_cell_takes_its_score_rank_and_model_with_it(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("q,a1,a2,a3,s1,s2,s3,m1,m2,m3\nq1,x,,z,9,1,5,A,B,C\nq2,x,y,z,,8,5,A,,C\nq3,x,,z,,8,5,A,B,C\n")
    columns = data.Columns.parse("prompt=q,answers=a1+a2+a3,scores=s1+s2+s3,model=m1+m2+m3")
    rows = list(data.read(path, options=data.ReadOptions(columns)))
    assert [[(each.text, each.rank, each.model) for each in row.answers] for row in rows] == [
        [("x", 1, "A"), ("z", 2, "C")],
        [("x", None, "A"), ("y", 1, ""), ("z", 2, "C")],
        [("x", None, "A"), ("z", None, "C")],
    ]
    assert [row.ranked for row in rows] == [True, True, False]
    with pytest.raises(BadInput, match="Give scores as many columns as the answers have, 3"):
        data.Columns.parse("prompt=q,answers=a1+a2+a3,scores=s1+s2")


def test_a_strength_below_nothing_is_none_of_the_chosen_answer(tmp_path):
    (tmp_path / "a.csv").write_text("q,g,b,s\nq1,x,y,-2\nq2,x,y,2\n")
    columns = data.Columns.parse("prompt=q,chosen=g,rejected=b,strength=s")
    refused, row = data.read(tmp_path / "a.csv", options=data.ReadOptions(columns))
    assert "its strength is -2" in refused.reason and row.strength == 2


def test_a_column_may_have_a_plus_in_its_name(tmp_path):
    (tmp_path / "a.csv").write_text("C++,a+,b\nq,x,y\n")
    columns = data.Columns({"prompt": ("C++",), "answers": ("a+", "b")})
    assert columns.text == r"prompt=C\+\+,answers=a\++b" and data.Columns.parse(columns.text) == columns
    data.keep_mapping("plus", columns)
    (row,) = data.read(tmp_path / "a.csv", options=data.ReadOptions(data.named_mapping("plus")))
    assert row.prompt == "q" and [each.text for each in row.answers] == ["x", "y"]
    with pytest.raises(BadInput, match=r"a \+ in a column's name is written \\\+"):
        data.Columns.parse("prompt=C++,chosen=g,rejected=b")


def test_columns_of_answers_that_no_row_has_are_asked_about(tmp_path):
    (tmp_path / "a.csv").write_text("q,good,bad\nWhich?,this,that\n", encoding="utf-8")
    with pytest.raises(BadInput, match=r"anything in god: .* q, good, bad"):
        data.preview(tmp_path / "a.csv", 5, data.ReadOptions(data.Columns.parse("prompt=q,chosen=god,rejected=bad")))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.tsv", codecs.BOM_UTF16_LE + "prompt\tchosen\trejected\r\nWö?\tja\tnein\r\n".encode("utf-16-le")),
        ("a.txt", codecs.BOM_UTF16_LE + "Prompt\tChosen\tRejected\r\nWö?\tja\tnein\r\n".encode("utf-16-le")),
        ("a.jsonl", '{"prompt": "Wö?", "chosen": "ja", "rejected": "nein"}\n'.encode("utf-16")),
        ("a.csv", "\ufeffPrompt;Chosen;Rejected\r\nWö?;ja;nein\r\n".encode()),
        ("a.csv", "sep=;\r\nprompt;chosen;rejected\r\nWö?;ja;nein\r\n".encode()),
        ("a.csv", "prompt,chosen,rejected\nWö?,ja,nein\n\ufeffprompt,chosen,rejected\n".encode()),
        ("a.jsonl", '[\n{"prompt": "Wö?", "chosen": "ja", "rejected": "nein"}\n]'.encode()),
        ("a.json", '\ufeff{"prompt": "Wö?", "chosen": "ja", "rejected": "nein"}\n\0\0\0'.encode()),
    ],
)
def test_dialects_and_encodings(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    (row,) = data.read(tmp_path / name)
    assert (row.prompt, told(row)[2]) == ("Wö?", [("ja", 1), ("nein", 2)])


@pytest.mark.parametrize(
    ("row", "guessed"),
    [
        ({"nr": 1, "ask": "Q?", "good_one": "a b", "poor_one": "c"}, "prompt=ask,chosen=good_one,rejected=poor_one"),
        (
            {"prompt": "Q?", "gpt4_answer": "It is one.", "other_answer": "It is two.", "score_a": 1, "score_b": "2.5"},
            "prompt=prompt,answers=gpt4_answer+other_answer,scores=score_a+score_b",
        ),
        ({"question": "Q?", "better_score": 3, "worse_score": 1}, "prompt=question"),
        ({"id": 7, "score": 0.5}, ""),
    ],
)
def test_columns_are_guessed_by_the_words_in_their_names_and_by_what_they_hold(tmp_path, row, guessed):
    (tmp_path / "odd.jsonl").write_text(json.dumps(row) + "\n")
    assert data.guess(tmp_path / "odd.jsonl").text == guessed


def test_a_file_is_shown_whatever_is_wrong_with_it(tmp_path):
    (tmp_path / "odd.jsonl").write_text('{"a": {"b": {"c": {"d": 1}}}}\n[]\n')
    found = data.inspect(tmp_path / "odd.jsonl")
    assert found.names == ("a", "a.b", "a.b.c") and not found.is_understood and found.fault is None
    (tmp_path / "none.parquet").write_bytes(b"PAR1 and no more")
    found = data.inspect(tmp_path / "none.parquet")
    assert "damaged" in str(found.fault) and found.rows == () and found.preview is None


def test_another_encoding_is_guessed_and_taken_when_it_is_named(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("prompt,chosen,rejected\nGrüße – „sehr“?,ja,nein\n".encode("cp1252"))
    with pytest.raises(BadInput, match="Windows-1252"):
        list(data.read(path))
    (row,) = data.read(path, None, data.ReadOptions(encoding="cp1252"))
    assert row.prompt == "Grüße – „sehr“?"
    with pytest.raises(BadInput, match="no encoding"):
        list(data.read(path, None, data.ReadOptions(encoding="nonsense")))


def test_separators_of_lines_inside_texts_and_marks_in_the_middle(tmp_path):
    one = '{"prompt": "a\u2028b\x85c", "chosen": "ja", "rejected": "nein"}'
    for name in ("a.json", "a.jsonl"):
        (tmp_path / name).write_bytes(f"{one}\r\n\ufeff{one}\r{one}\n".encode())
        assert [row.prompt for row in data.read(tmp_path / name)] == ["a\u2028b\x85c"] * 3


def test_lists_that_a_table_holds_as_text_of_python_or_json(tmp_path):
    path = tmp_path / "a.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["prompt", "chosen", "rejected"])
        table.writerow([str([ASK]), str([GOOD]), str([said("assistant", "It's a wren.")])])
        table.writerow([json.dumps(BEFORE), json.dumps([GOOD]), json.dumps([BAD])])
        table.writerow([str([*BEFORE]).replace("}, {", "}\n {"), str([GOOD]), str([BAD])])
        table.writerow(["[{'role': 'user', 'content': ", "x", "y"])
    *found, refused = data.read(path)
    assert ["".join(turn.role[0] for turn in row.conversation.messages) for row in found] == ["u", "suau", "suau"]
    assert "looks like a list" in refused.reason


def test_a_file_whose_beginning_alone_is_text_is_a_sentence(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(json.dumps({"instruction": "i", "output": ["a", "b"]}).encode() + b"\n\x84\n")
    with pytest.raises(BadInput, match="UTF-8"):
        list(data.read(path))


def test_a_row_with_more_cells_than_columns_is_refused(tmp_path):
    (tmp_path / "a.csv").write_text("prompt,chosen,rejected\nWhy, then?,x,y\n", encoding="utf-8")
    (refused,) = data.read(tmp_path / "a.csv")
    assert "more cells" in refused.reason


def test_a_prompt_that_only_looks_like_turns_stays_one_and_is_named(tmp_path):
    (row,) = rows(tmp_path, {"prompt": "Go on:\n\nUser: hi\n\nAssistant: ho", "chosen": "x", "rejected": "y"})
    assert row.conversation == Conversation.of_text("Go on:\n\nUser: hi\n\nAssistant: ho")
    assert any("looks like several turns" in sentence for sentence in data.preview(tmp_path / "a.jsonl").hazards)


def test_strengths_come_back_with_the_margins_of_trl(project, tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"prompt": "p", "response_1": "x", "response_2": "y", "preference_strength": -3}))
    data.import_preferences(project, path, "me")
    for name in ("trl", "trl-conversational", "plumbline"):
        data.export(project, tmp_path / f"{name}.jsonl", name)
        (row,) = data.read(tmp_path / f"{name}.jsonl")
        assert row.strength == 3
    assert data.export(project, tmp_path / "hh.jsonl", "hh").lost["strengths of preferences"] == 1
    fresh = create_project(tmp_path / "fresh")
    data.import_preferences(fresh, tmp_path / "trl.jsonl", "me")
    assert next(pairs.preferences(fresh)).strength == 3
    fresh.close()


def test_the_margin_counts_strength_as_places(project, tmp_path):
    path = tmp_path / "a.jsonl"
    two = {"response_1": "x", "response_2": "y"}
    path.write_text(
        "\n".join(json.dumps({"prompt": f"p{each}", **two, "preference_strength": each}) for each in (-3, 1, 2))
    )
    data.import_preferences(project, path, "me")
    ranks = [sorted(group.judgements[0].ranks) for group in judged_groups(project)]
    assert ranks == [[1, 4], [1, 2], [1, 3]]


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_sixty_thousand_long_pairs_are_looked_at_and_imported_in_half_a_minute(project, tmp_path):
    """On an ordinary machine; the bound is for one that is half as quick and busy beside. That no row asks the database
    more than it must is in `tests/core/store/test_batch.py`."""
    path = tmp_path / "a.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for number in range(60_000):
            asked = said("user", f"{number} " + "question " * 40)
            sides = {name: [asked, said("assistant", f"{name} " * 150)] for name in ("chosen", "rejected")}
            file.write(json.dumps({"prompt": asked["content"], **sides, "score_chosen": 8, "score_rejected": 3}) + "\n")
    began = time.process_time()
    assert data.preview(path, 0).total == 60_000
    assert data.import_preferences(project, path, "me").added == 60_000
    assert time.process_time() - began < 60
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 1e6  # kilobytes


def test_answers_that_nobody_ranked_are_told_as_such_and_wait(project, tmp_path, plumbline):
    path = tmp_path / "own.jsonl"
    rows = [{"prompt": f"question {number}", "completions": ["one", "two"]} for number in range(3)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    code, out, _ = plumbline("import", project.folder, path)
    assert code == 0 and "Imported 3 prompts with answers to rank, 0 were there already." in out
    assert "ranking" not in out.splitlines()[0] and len(completions.group_ids(project)) == 3
    ranked = {"prompt": "another", "chosen": "good", "rejected": "bad"}
    path.write_text(json.dumps(ranked) + "\n")
    assert "Imported 1 rankings, 0" in plumbline("import", project.folder, path)[1]
