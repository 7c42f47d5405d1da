"""Conversations out and in again, in every format that holds turns: whatever they say, they are the same."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import data
from core.conversation import Conversation, Message
from core.events import NewCompletion
from core.records import NewRanking, Prompt
from core.store import Project, completions, labelers, open_project, prompts, rankings

TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=12)
SAID = TEXT.filter(str.strip) | st.sampled_from(
    [
        "\n\nHuman: x",
        "User: a\n\nAssistant: b\n\nUser: c",
        '[{"role": "user", "content": "x"}]',
        " 'x' ",
        "=1",
        "\r\n",
        "x\r",
    ]
).filter(str.strip)
CALL = {"tool_calls": [{"type": "function", "function": {"name": "look", "arguments": {"at": 1}}}]}
TALK = st.lists(st.tuples(SAID, SAID), max_size=2)
FORMATS = (
    ("plumbline", "a.jsonl"), ("csv", "a.csv"), ("trl-conversational", "a.jsonl"), ("trl-conversational", "a.parquet"),
    ("argilla", "a.json"), ("label-studio", "a.json"), ("llama-factory", "a.json"), ("hh", "a.jsonl"),
)  # fmt: skip


@st.composite
def conversations(draw: st.DrawFn) -> Conversation:
    system = [Message("system", draw(SAID))] if draw(st.booleans()) else []
    talk = [Message(role, text) for one in draw(TALK) for role, text in zip(("user", "assistant"), one, strict=True)]
    end = [Message("user", draw(SAID))]
    if draw(st.integers(0, 3)) == 0:
        end += [Message("assistant", "", CALL), Message("tool", draw(SAID))]
    return Conversation((*system, *talk, *end))


@pytest.fixture(scope="module")
def shared(empty_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    folder = tmp_path_factory.mktemp("trip") / "project"
    shutil.copytree(empty_project, folder)
    found = open_project(folder, synchronous="OFF")
    yield found
    found.close()


@pytest.mark.parametrize(("name", "file"), FORMATS)
@settings(deadline=None, database=None, max_examples=20, suppress_health_check=list(HealthCheck))
@given(asked=conversations(), answers=st.lists(SAID, min_size=2, max_size=2, unique=True))
def test_conversations_come_back(shared, tmp_path, name, file, asked, answers):
    with shared.write() as database:
        for table in ("rankings", "prompts"):
            database.execute(f"delete from {table}")
    (number,) = prompts.add(shared, [Prompt.of(asked)]).ids
    group = completions.add_group(shared, number, tuple(NewCompletion(text, 0, True, 0) for text in answers))
    ranks = dict(zip(completions.ids(shared, group), (1, 2), strict=True))
    rankings.add(shared, NewRanking(group, labelers.named(shared, "me").id, ranks))
    report = data.export(shared, tmp_path / file, name)
    if any(count for kind, count in report.lost.items() if "turns" in kind or "tools" in kind):
        return
    (row,) = data.read(tmp_path / file)
    assert isinstance(row, data.Row), row
    assert row.conversation == asked
    assert [(answer.text, answer.rank) for answer in row.answers] == list(zip(answers, (1, 2), strict=True))
