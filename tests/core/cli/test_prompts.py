"""Prompts of several turns, and how they reach the model, through the commands."""

import json
from contextlib import closing

import pytest

from core import cli
from core.records import Prompt
from core.store import chat_settings, open_project, prompts

TURNS = [
    {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}, {"role": "user", "content": "Who?"},
]  # fmt: skip


@pytest.fixture
def called(project, capsys):
    """Run a command on an empty project; returns the exit code, what it printed as JSON, and what it said."""
    project.close()

    def run(name, *arguments):
        code = cli.run([name, str(project.folder), *map(str, arguments), "--json"])
        captured = capsys.readouterr()
        return code, json.loads(captured.out.splitlines()[-1]) if captured.out else None, captured.err

    run.folder = project.folder
    return run


def test_a_conversation_is_added_listed_found_and_changed_as_json(called):
    assert called("prompts", "--conversation", json.dumps(TURNS), "--add", " plain ")[0] == 0
    second, first = called("prompts")[1]["prompts"]
    assert first["conversation"] == TURNS and second["text"] == " plain "
    assert [row["id"] for row in called("prompts", "--search", "hello")[1]["prompts"]] == [2]
    assert called("prompts", "--change", 2, "--conversation", json.dumps(TURNS[2:]))[0] == 0
    assert called("prompts")[1]["prompts"][1]["text"] == "Who?"


@pytest.mark.parametrize(
    ("given", "words"), [("{", "no JSON"), ("[]", "empty"), (json.dumps(TURNS[:2]), "user's turn"), ("[" * 99_999, "")]
)
def test_what_is_no_conversation_is_refused(called, given, words):
    code, _, said = called("prompts", "--conversation", given)
    assert code == 2 and words in said and said.count("\n") == 1
    assert called("prompts")[1]["prompts"] == []


def test_what_may_be_turns_is_counted_listed_and_settled(called):
    with closing(open_project(called.folder)) as project:
        prompts.add(project, [Prompt(0, "a"), Prompt(0, "User: b\n\nUser: c")])
        project.set_setting("unsure_turns", [1, 2, 77])
    assert called("prompts")[1]["unsure"] == 1
    assert [row["id"] for row in called("prompts", "--unsure")[1]["prompts"]] == [2]
    assert called("prompts", "--settle")[1]["unsure"] == 0


def test_how_conversations_are_put_is_shown_and_chosen(called):
    assert called("chat-settings", "system-prompt", "Be brief.")[1]["settings"] == {"system-prompt": "Be brief."}
    assert called("chat-settings", "thinking", "perhaps")[0] == 2
    assert called("chat-settings", "chat-date", "2026-01-31")[0] == 0
    with closing(open_project(called.folder)) as project:
        found = chat_settings.get(project)
        assert (found.system_prompt, found.chat_date, found.thinking) == ("Be brief.", "2026-01-31", "template")
    assert called("chat-settings", "system-prompt", "--reset")[1]["settings"] == {"system-prompt": ""}
