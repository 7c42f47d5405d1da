"""What is learnt or scored is read as what is ranked: whatever a reader says of a row holds there too."""

import gzip
import json

import pytest

from core import data
from core.data.demonstrations import import_demonstrations
from core.errors import NothingToDo
from core.preferences.demonstrated import demonstrations_of
from core.reward import score_file_job


def lines(path, *rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def learnt(project):
    return [(each.prompt, each.text) for each in demonstrations_of(project, "written")]


UNFIT = "the file says that its answer is not one to learn"
GOOD = {"prompt": "q", "completion": "good"}
TALK = [{"role": "user", "content": "u"}, {"role": "assistant", "content": "a"}]
BAD = {
    "a thumb": ({"prompt": "p", "completion": "bad", "label": False}, "judged bad"),
    "a weight": ({"messages": [TALK[0], TALK[1] | {"weight": "0"}]}, UNFIT),
    "a weight beside": ({"prompt": TALK[:1], "completion": [TALK[1] | {"loss_weight": 0.0}]}, UNFIT),
    "a mask": ({"messages": [TALK[0], TALK[1] | {"mask": True}]}, UNFIT),
    "a weight of the row": ({"prompt": "p", "completion": "bad", "weight": 0}, UNFIT),
    "a side's": ({"prompt": "p", "chosen": "a", "rejected": "b", "chosen_is_toxic": 1}, UNFIT),
    "a rank": ({"prompt": "p", "completion": "bad", "rank": 4}, "judged bad"),
    "a score": ({"prompt": "p", "completion": "bad", "score": -3}, "`score` may say"),
    "a number": ({"prompt": "p", "completion": "bad", "label": 0}, "`label` may say"),
    "safety": ({"prompt": "p", "response": "bad", "is_response_safe": False}, "`is_response_safe` may say"),
    "a flag": ({"prompt": "p", "completion": "bad", "flag": "unsafe"}, "flagged"),
    "another answer": ({"prompt": "p", "completion": "one", "response": "quite another answer it is"}, "`response`"),
    "a short one": ({"prompt": "p", "completion": "one", "generation": "two"}, "`generation`"),
    "a list": ({"prompt": "p", "completion": ["one", "two"]}, "several answers"),
    "a tie": ({"prompt": "p", "chosen": "a", "rejected": "b", "chosen_score": 3, "rejected_score": 3}, "better"),
    "nobody's order": ({"prompt": "p", "completions": ["a", "b"]}, "several answers"),
    "no text": ({"prompt": "p", "completion": 123}, "is no text"),
    "half a rank": ({"prompt": "p", "completions": ["a", "b"], "ranks": [1, None]}, "better"),
}


@pytest.mark.parametrize("first", [True, False], ids=["first", "later"])
@pytest.mark.parametrize("what", BAD)
def test_an_answer_that_may_not_be_meant_is_not_learnt(project, tmp_path, what, first):
    row, reason = BAD[what]
    path = lines(tmp_path / "a.jsonl", *((row, GOOD) if first else (GOOD, row)))
    (refused,) = import_demonstrations(project, path).refused
    assert reason in refused.reason and refused.line == (1 if first else 2)
    assert learnt(project) == [("q", "good")]


def test_of_rankings_the_best_is_learnt_and_what_any_row_ranks_below_another_is_not(project, tmp_path):
    ranked = [{"text": "b", "rank": 2}, {"text": "a", "rank": 1}, {"text": "c", "rank": 3}, {"text": "x", "rank": None}]
    own = lines(tmp_path / "own.jsonl", {"prompt": "q", "completions": ranked, "labeler": {"name": "Ada"}})
    report = import_demonstrations(project, own)
    assert learnt(project) == [("q", "a")] and "are left out: 3." in " ".join(report.notes)
    sides = [("a", "b"), ("a", "c"), ("b", "c")]
    rows = [{"prompt": "pairs", "chosen": chosen, "rejected": rejected} for chosen, rejected in sides]
    report = import_demonstrations(project, lines(tmp_path / "pairs.jsonl", *rows))
    assert learnt(project)[1:] == [("pairs", "a")] and [item.line for item in report.refused] == [3]
    thumbs = [{"prompt": "k", "completion": "a", "label": label} for label in (True, False)]
    report = import_demonstrations(project, lines(tmp_path / "kto.jsonl", *thumbs, {**thumbs[0], "completion": "b"}))
    assert learnt(project)[2:] == [("k", "b")] and sorted(item.line for item in report.refused) == [1, 2]


BELOW = "another row ranks its answer below another one, judges it bad or flags it"


@pytest.mark.parametrize(
    "says",
    [
        {"chosen": "good", "rejected": "bad"},
        {"completions": ["good", "bad"], "scores": [2, 1]},
        {"completion": "bad", "label": False},
        {"completion": "bad", "rank": 2},
        {"completion": "bad", "flag": "unsafe"},
    ],
)
def test_what_one_row_says_not_to_learn_is_learnt_from_no_other(project, tmp_path, says):
    rows = [{"prompt": "q", "completion": "bad"}, {"prompt": "q", **says}, GOOD, {**GOOD, "completion": "bad"}]
    report = import_demonstrations(project, lines(tmp_path / "a.jsonl", *rows))
    assert learnt(project) == [("q", "good")]
    assert [item.line for item in report.refused if item.reason == BELOW] == [1, 4]


def test_a_dialogue_that_ends_with_a_question_has_no_answer_to_learn(project, tmp_path):
    talk = {"messages": [*TALK, {"role": "user", "content": "thanks"}]}
    (refused,) = import_demonstrations(project, lines(tmp_path / "a.jsonl", talk, GOOD)).refused
    assert refused.reason == "it has no answer to learn"


LEARNT = [{"role": "assistant", "content": "a"}]
PKU = {"prompt": "p", "response_0": "a", "response_1": "b", "is_response_1_safe": True}


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "p", "chosen": [LEARNT[0] | {"train": False}], "rejected": LEARNT},
        {
            "input": {"messages": TALK[:1]},
            "preferred_output": [LEARNT[0] | {"weight": 0}],
            "non_preferred_output": LEARNT,
        },
        PKU | {"better_response_id": 0, "is_response_0_safe": False},
        PKU | {"safer_response_id": 0, "is_response_0_safe": 0},
    ],
    ids=["TRL", "OpenAI", "PKU", "both unsafe"],
)
def test_the_best_of_a_pair_is_ranked_and_not_learnt_where_it_is_not_to_be(project, tmp_path, row):
    worse = json.loads(json.dumps(row).replace('"a"}]', '"b"}]', 1))
    path = lines(tmp_path / "a.jsonl", worse)
    with pytest.raises(NothingToDo, match=UNFIT):
        import_demonstrations(project, path)
    assert data.import_preferences(project, path, "me").added == 1


def test_our_own_tables_are_learnt_without_their_guards_and_the_best_alone(project, tmp_path):
    data.import_preferences(
        project, lines(tmp_path / "a.jsonl", {"prompt": "=A1?", "chosen": "=1+1", "rejected": "@x"}), "me"
    )
    data.export(project, tmp_path / "own.csv", "csv")
    import_demonstrations(project, tmp_path / "own.csv")
    groups = project.database.column("select text from completions where group_id = 2")
    assert groups == ["=1+1"] and project.database.column("select text from prompts") == ["=A1?"]


@pytest.mark.parametrize(
    ("row", "lost"),
    [
        ({"instruction": "When?", "context": "It was in 2000.", "response": "2000"}, "`context`"),
        ({"context": "The sky is green.", "question": "What colour?", "answer": "green"}, "`context`"),
        ({"messages": [TALK[0], TALK[1] | {"reasoning_content": "hm"}]}, "reasoning of answers"),
        ({"prompt": "p", "completion": "c", "image": "cat.png"}, "`image`"),
        ({"system": "S1", "messages": [{"role": "system", "content": "S2"}, *TALK]}, "`system`"),
        ({"prompt": "p", "completion": "c", "rationale": "because it is what it is"}, "`rationale`"),
    ],
)
def test_what_is_not_learnt_of_a_row_is_said(project, tmp_path, row, lost):
    report = import_demonstrations(project, lines(tmp_path / "a.jsonl", row))
    assert report.notes == [f"1 row has {lost}, which a project has no place for."]


def test_a_dialogue_beside_its_first_question_is_the_question_and_the_answer(project, tmp_path):
    more = [*TALK, {"role": "user", "content": "and?"}, {"role": "assistant", "content": "so"}]
    row = {"prompt": "u", "messages": more, "problem": "u", "response": ""}
    report = import_demonstrations(project, lines(tmp_path / "a.jsonl", row))
    assert learnt(project) == [("User: u\n\nAssistant: a\n\nUser: and?", "so")] and report.notes == []


@pytest.mark.parametrize(
    "take", [import_demonstrations, lambda project, path: data.import_prompts(project, path, held="drop")]
)
def test_a_split_that_stays_is_said(project, tmp_path, take):
    take(project, lines(tmp_path / "a.jsonl", GOOD))
    report = take(project, lines(tmp_path / "b.jsonl", {**GOOD, "completion": "other", "split": "test"}))
    assert "for another use than the file says" in report.notes[0]


def test_where_all_rows_are_refused_the_reasons_are_told(project, tmp_path):
    (tmp_path / "a.csv").write_text("prompt,completion,completion\np,a,b\n")
    for take in (import_demonstrations, data.import_prompts, lambda *of: data.import_preferences(*of, "me")):
        with pytest.raises(NothingToDo, match="line 1: two columns are called `completion`"):
            take(project, tmp_path / "a.csv")
    (tmp_path / "b.csv").write_text("ask,say,say\np,a,b\n")
    options = data.ReadOptions(data.named_mapping("prompt=ask,answers=say"))
    with pytest.raises(NothingToDo, match="two columns are called `say`"):
        import_demonstrations(project, tmp_path / "b.csv", options=options)


def test_every_file_that_can_be_imported_can_be_scored(project, tmp_path):
    rows = [{"prompt": f"q{number}", "completion": "a"} for number in range(3)]
    (tmp_path / "array.json").write_text("[\n" + ",\n".join(map(json.dumps, rows)) + "\n]\n")
    (tmp_path / "packed.jsonl.gz").write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))
    (tmp_path / "wide.jsonl").write_bytes("\n".join(map(json.dumps, rows)).encode("utf-16"))
    (tmp_path / "a.csv").write_text("prompt,completion\n" + "".join(f"q{number},a\n" for number in range(3)))
    lines(tmp_path / "other.jsonl", *({"question": row["prompt"], "response": "a"} for row in rows))
    lines(tmp_path / "rated.jsonl", *({**row, "score": 1.5} for row in rows))
    for name in ("array.json", "packed.jsonl.gz", "wide.jsonl", "a.csv", "other.jsonl", "rated.jsonl"):
        asked, refused = score_file_job.read(tmp_path / name)
        assert [(row.conversation.text, row.completions) for row in asked] == [
            (f"q{number}", ["a"]) for number in range(3)
        ], name
        assert refused == []
    data.import_preferences(project, lines(tmp_path / "p.jsonl", {"prompt": "q", "chosen": "a", "rejected": "b"}), "me")
    for format in ("plumbline", "csv", "trl", "hh"):
        data.export(project, tmp_path / f"own.{'csv' if format == 'csv' else 'jsonl'}", format)
        ((row,), refused) = score_file_job.read(tmp_path / f"own.{'csv' if format == 'csv' else 'jsonl'}")
        assert sorted(row.completions) == ["a", "b"] and refused == [], format


def test_a_row_is_scored_with_its_system_prompt_and_what_it_is_scored_without_is_known(tmp_path):
    path = lines(tmp_path / "a.jsonl", {**GOOD, "system": "Be brief."}, {**GOOD, "context": "The sky is green."})
    (brief, context), _ = score_file_job.read(path)
    assert [turn.content for turn in brief.conversation.messages] == ["Be brief.", "q"] and brief.lost == ()
    assert context.lost == ("`context`",)


def test_all_answers_of_a_row_are_scored_however_many_and_alike(tmp_path):
    path = lines(
        tmp_path / "a.jsonl",
        {"prompt": "q", "completions": ["a", "a", *map(str, range(150))]},
        {**GOOD, "completion": ""},
    )
    (many, empty), refused = score_file_job.read(path)
    assert len(many.completions) == 152 and empty.completions == [""] and refused == []
