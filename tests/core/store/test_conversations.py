"""Prompts of several turns: stored as data, found as text, and each of them there once."""

import pytest

from core.conversation import Conversation
from core.errors import BadInput, ProjectError
from core.records import Prompt
from core.store import prompts

TURNS = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Is it raining?"},
    {"role": "assistant", "content": "Where?"},
    {"role": "user", "content": "In Graz. "},
]
TALK = Conversation.read(TURNS)


@pytest.fixture
def talk(project):
    prompts.add(project, [Prompt.of(TALK, tags=("weather",), split="heldout", source="x.jsonl")])
    return project


def test_a_conversation_comes_back_whole_and_is_found_by_any_of_its_turns(talk):
    (found,) = prompts.listed(talk, search="where?")
    assert found == prompts.get(talk, 1) == Prompt.of(TALK, id=1, tags=("weather",), split="heldout", source="x.jsonl")
    assert found.conversation.data() == TURNS and found.text == TALK.text
    assert Prompt.read(found.data()) == found
    assert prompts.ids(talk, search="graz") == [1] and prompts.ids(talk, search="Vienna") == []


def test_prompts_of_one_text_and_other_turns_are_two_and_the_same_turns_are_one(talk):
    same = Conversation.read([dict(reversed(turn.items())) for turn in TURNS])
    added = prompts.add(talk, [Prompt.of(same), Prompt(0, TALK.text), Prompt(0, TALK.text)])
    assert added.ids == (2,) and prompts.count(talk) == 2
    assert prompts.id_of(talk, TALK) == 1 and prompts.id_of(talk, Conversation.of_text(TALK.text)) == 2


def test_the_text_of_a_prompt_is_kept_as_it_is(project):
    prompts.add(project, [Prompt(0, "  def f():\n"), Prompt(0, "def f():"), Prompt(0, " \n\t")])
    assert [prompt.text for prompt in prompts.listed(project)] == ["  def f():\n", "def f():"]


def test_a_conversation_is_changed_as_data_or_as_text_that_says_its_turns(talk):
    other = Conversation.read([*TURNS[1:3], {"role": "user", "content": "In Wien."}])
    prompts.edit(talk, 1, conversation=other)
    assert prompts.get(talk, 1).conversation == other
    prompts.edit(talk, 1, text=other.text)
    assert prompts.get(talk, 1).conversation == other
    prompts.edit(talk, 1, text=other.text.replace("Wien", "Linz"))
    assert prompts.get(talk, 1).conversation.messages[-1].content == "In Linz."
    with pytest.raises(BadInput, match="several turns"):
        prompts.edit(talk, 1, text="Is it raining in Linz?")
    with pytest.raises(BadInput, match="user's turn"):
        prompts.edit(talk, 1, conversation=Conversation(other.messages[:2]))
    prompts.add(talk, [Prompt.of(TALK)])
    with pytest.raises(BadInput, match="already"):
        prompts.edit(talk, 1, conversation=TALK)


def test_a_text_does_not_say_the_calls_of_a_conversation_so_that_it_is_not_changed_by_it(project):
    call = [{"type": "function", "function": {"name": "weather", "arguments": {}}}]
    turns = [TURNS[1], {"role": "assistant", "content": None, "tool_calls": call}, {"role": "tool", "content": "yes"}]
    prompts.add(project, [Prompt.of(Conversation.read(turns))])
    with pytest.raises(BadInput, match="JSON"):
        prompts.edit(project, 1, text="User: Is it raining?\n\nAssistant: It is.\n\nUser: Thanks")


@pytest.mark.parametrize(
    "messages", ["{", "3", "[]", '[{"role": "pirate", "content": "x"}]', '[{"role": "user", "content": 3}]',
    '[{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]', "[" * 100_000,
    '{"messages": [{"role": "user", "content": "x"}], "tools": 3}', b"\xff".decode("latin1")],
)  # fmt: skip
def test_turns_that_are_none_are_refused_where_they_are_read(talk, messages):
    talk.database.execute("update prompts set messages = ?", (messages,))
    with pytest.raises(ProjectError, match="turns of prompt 1 cannot be read"):
        prompts.listed(talk)


def test_what_is_shown_is_what_a_model_reads_whatever_a_file_says_beside_the_turns(talk):
    talk.database.execute("update prompts set text = 'something harmless'")
    assert prompts.get(talk, 1).text == TALK.text
