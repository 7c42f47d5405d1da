"""Whatever a file holds, an import works or says why not in a sentence, and then the project is as it was."""

import copy
import csv
import gzip
import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from core import data
from core.data.demonstrations import import_demonstrations
from core.errors import KnownError
from core.store import Project, open_project

SUFFIXES = (".jsonl", ".json", ".csv", ".tsv", ".txt", ".parquet", ".jsonl.gz", ".json.gz", ".csv.gz", ".unknown", "")
TABLES = (
    "prompts", "completion_groups", "completions", "labelers", "rankings", "ranking_items", "criterion_ranks",
    "guidelines",
)  # fmt: skip
ITEMS = {"prompt": "p", "items": [{"id": "a", "body": "x"}, {"id": "b", "body": "y"}]}
TURNS = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]
RANKED = [{"value": "response-1", "rank": 1}, {"value": "response-2", "rank": 1}]
#: What is learnt and not ranked.
ALONE: dict[str, Any] = {"prompt": "q", "messages": TURNS, "label": True, "rank": 1, "history": [["q", "a"]]}
EXAMPLES: tuple[dict[str, Any], ...] = (
    {"prompt": "p", "tags": ["x"], "split": "test"},
    {"prompt": "p", "chosen": "c", "rejected": "r"},
    {"prompt": TURNS[:1], "chosen": TURNS[1:], "rejected": [{"role": "assistant", "content": [{"text": "b"}]}]},
    {"chosen": "\n\nHuman: q\n\nAssistant: a", "rejected": "\n\nHuman: q\n\nAssistant: b"},
    {
        "prompt": "p", "tags": ["t"], "split": "train", "flag": None, "comment": "hm", "method": "order",
        "seconds": 1.5, "criteria": {"kind": [1, 2]}, "labeler": {"name": "me", "kind": "person", "detail": ""},
        "completions": [{"text": "a", "rank": 1, "flag": None}, {"text": "b", "rank": 2, "flag": "x"}],
    },
    {
        "id": 1, "data": ITEMS,
        "annotations": [{
            "id": 1, "completed_by": 1, "was_cancelled": False, "lead_time": 2.0,
            "result": [{"type": "ranker", "value": {"ranker": {"rank-1": ["a"], "rank-2": ["b"]}}}],
        }],
    },
    {**ITEMS, "rank": {"ranker": ["b", "a"]}, "annotation_id": 1, "annotator": 1, "lead_time": 2.0},
    {"prompt": "p", "answer1": "x", "answer2": "y", "choice": {"selected": "left"}, "annotation_id": 1},
    {
        "fields": {"prompt": "p", "response-1": "x", "response-2": "y"},
        "responses": [{"user_id": "u", "values": {"q": {"value": RANKED}}, "status": "submitted"}],
    },
    {
        "prompt": "p", "response-1": "x", "response-2": "y", "q.responses": [["response-2", "response-1"]],
        "q.responses.users": ["u"], "q.responses.status": ["submitted"],
    },
    {"instruction": "i", "input": "", "system": "s", "history": [["q", "a"]], "chosen": "c", "rejected": "r"},
    {
        "conversations": [{"from": "human", "value": "i"}], "chosen": {"from": "gpt", "value": "c"},
        "rejected": {"from": "gpt", "value": "r"},
    },
    {"info": {"post": "x", "title": "t"}, "summaries": [{"text": "a"}, {"text": "b"}], "choice": 0, "worker": "w"},
    {"instruction": "i", "input": "", "output_1": "a", "output_2": "b", "preference": 2, "annotator": "g"},
    {"conversation_a": TURNS, "conversation_b": [TURNS[0], {"role": "assistant", "content": "z"}], "winner": "tie"},
    {
        "prompt": '["p"]', "response_a": '["a"]', "response_b": '["b"]', "winner_model_a": "1", "winner_model_b": "0",
        "winner_tie": "0",
    },
    {"prompt": "p", "answers": [{"answer": "a", "rank": 1.0}, {"answer": "b", "model": "n", "rank": 2.0}]},
    {"context": TURNS[:1], "response1": "a", "response2": "b", "overall_preference": -2, "split": "validation"},
    {"prompt": "p", "response_0": "a", "response_1": "b", "better_response_id": 0, "safer_response_id": 1},
    {"question": {"full_text": "p"}, "answer_0": "a", "answer_1": "b", "score_0": 0.5, "score_1": -0.5},
    {"history": "p", "human_ref_A": "a", "human_ref_B": "b", "labels": 1, "score_A": 3, "score_B": 2},
    {"input": {"messages": TURNS[:1], "tools": []}, "preferred_output": TURNS[1:], "non_preferred_output": [
        {"role": "assistant", "content": "b"}]},
    {"messages": TURNS, "rejected_messages": [TURNS[0], {"role": "assistant", "content": "b"}]},
    {"prompt": "p", "responses": ["a", "b"], "pick": {"rank_order": "A,B"}},
    {"user_id": "u", "data": {"rating": 1, "sibling_model_ids": ["n"]}, "meta": {"message_id": "a"}, "snapshot": {
        "chat": {"chat": {"history": {"messages": {
            "q": {"parentId": None, "childrenIds": ["a", "b"], "role": "user", "content": "p"},
            "a": {"parentId": "q", "role": "assistant", "content": "a", "model": "m"},
            "b": {"parentId": "q", "role": "assistant", "content": "b", "model": "n"}}}}}}},
    {
        "ranking": "1", "prompt": "p", "completion": "a", "rank": "1", "flag": "", "rank by kind": "1", "tags": '["t"]',
        "labeler": "me", "seconds": "2", "method": "order", "prompt_flag": "",
    },
)  # fmt: skip
ODD = st.sampled_from(
    [
        *("", " ", "\0", "a\0", "\ud800", "me", "7", "-1", "1e999", "nan", '["', "[1]", "\n\nAssistant:", "x" * 5000),
        *(10**400, -1, 0, 2**70, 1.5, float("inf"), float("nan"), True, None, [], {}, [[]], [None], [1, "a"], {"a": 1}),
        *({"ranker": {"": {}}}, [{"role": None, "content": {}}], [{"id": []}], {"name": "me", "kind": "scripted"}),
    ]
)
VALUES = ODD | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
QUIET = settings(
    deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture(scope="module")
def shared(empty_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """One project for all examples; each is rolled back."""
    folder = tmp_path_factory.mktemp("fuzz") / "project"
    shutil.copytree(empty_project, folder)
    found = open_project(folder, synchronous="OFF")
    yield found
    found.close()


def _state(project: Project) -> list[Any]:
    return [project.database.rows(f"select * from {table}") for table in TABLES]


def _check(project: Project, path: Path) -> None:
    for act in (
        lambda: data.preview(path),
        lambda: data.preview(path, 0),
        lambda: data.import_prompts(project, path),
        lambda: data.import_preferences(project, path, "them"),
        lambda: import_demonstrations(project, path),
    ):
        before = _state(project)
        failed = False
        try:
            act()
        except KnownError:
            failed = True
        assert not failed or _state(project) == before
    with project.write() as database:
        for table in ("rankings", "prompts", "labelers"):
            database.execute(f"delete from {table}")


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    """A valid object with up to three of its values, at any depth, replaced or missing."""
    value = json.loads(json.dumps(draw(st.sampled_from((*EXAMPLES, ALONE)))))
    for _ in range(draw(st.integers(0, 3))):
        place = value
        while True:
            key = draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
            inner = place[key]
            if not isinstance(inner, (dict, list)) or not inner or draw(st.integers(0, 2)) == 0:
                break
            place = inner
        if draw(st.booleans()) or len(place) == 1:
            place[key] = copy.deepcopy(draw(VALUES))
        else:
            del place[key]
    return value


def _packed(path: Path, content: bytes) -> None:
    path.write_bytes(gzip.compress(content, 1) if path.suffix == ".gz" else content)


@pytest.mark.parametrize("suffix", SUFFIXES)
@settings(QUIET, max_examples=20)
@given(content=st.binary(max_size=200) | st.text(max_size=100).map(str.encode), packed=st.booleans())
def test_any_bytes(shared, tmp_path, suffix, content, packed):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content)
    if packed:
        _packed(path, content)
    _check(shared, path)


@pytest.mark.thorough
@settings(QUIET, max_examples=150)
@given(rows=st.lists(mutated(), min_size=1, max_size=3), suffix=st.sampled_from([".jsonl", ".json", ".jsonl.gz"]))
def test_damaged_rows_of_every_format(shared, tmp_path, rows, suffix):
    path = tmp_path / f"a{suffix}"
    _packed(path, (json.dumps(rows) if suffix == ".json" else "\n".join(map(json.dumps, rows))).encode())
    _check(shared, path)


@pytest.mark.thorough
@settings(QUIET, max_examples=80)
@given(row=mutated(), suffix=st.sampled_from([".csv", ".tsv"]), cut=st.integers(0, 40))
def test_damaged_tables(shared, tmp_path, row, suffix, cut):
    text = io.StringIO()
    table = csv.writer(text, delimiter="\t" if suffix == ".tsv" else ",")
    table.writerow(row)
    for _ in range(2):
        table.writerow(
            value if isinstance(value, str) or value is None else json.dumps(value) for value in row.values()
        )
    (tmp_path / f"a{suffix}").write_bytes(text.getvalue().encode(errors="surrogatepass")[: -cut or None])
    _check(shared, tmp_path / f"a{suffix}")


@pytest.mark.thorough
@settings(QUIET, max_examples=60)
@given(row=mutated(), cut=st.integers(0, 60), place=st.none() | st.integers(0, 2**16))
def test_damaged_parquet(shared, tmp_path, row, cut, place):
    path = tmp_path / "a.parquet"
    try:
        parquet.write_table(pyarrow.Table.from_pylist([row, row]), path)
    except (pyarrow.ArrowException, ValueError, TypeError, OverflowError):
        return
    content = bytearray(path.read_bytes())
    if place is not None:
        content[place % len(content)] ^= 0xFF
    path.write_bytes(content[: -cut or None])
    _check(shared, path)


@pytest.mark.parametrize("example", EXAMPLES[:-1])
def test_the_examples_are_sound(project, tmp_path, example):
    path = tmp_path / "a.json"
    path.write_text(json.dumps([example]), encoding="utf-8")
    found = data.preview(path)
    assert (found.total, found.refused) == (1, [])
    assert found.what == ("prompts" if "tags" in example and "labeler" not in example else "rankings")
