"""What somebody pastes is a conversation where it says so, in JSON or by names; whether it is one the person says."""

import json

import pytest

from core.data import pasted
from core.data.rows import Unusable

TURNS = [("system", "Be brief."), ("user", "Is it\n\nraining?"), ("assistant", "Where?")]
MESSAGES = [{"role": role, "content": text} for role, text in TURNS]
SHAREGPT = [{"from": {"user": "human", "assistant": "gpt"}.get(role, role), "value": text} for role, text in TURNS]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(MESSAGES),
        json.dumps({"messages": MESSAGES, "model": "x"}, indent=2),
        json.dumps({"conversations": SHAREGPT}),
        json.dumps({"system": "Be brief.", "conversations": SHAREGPT[1:]}),
        "System: Be brief.\n\nUser: Is it\n\nraining?\n\nAssistant: Where?",
        "SYSTEM: Be brief.\nUSER: Is it\n\nraining?\nASSISTANT: Where?\n",
        "**System:** Be brief.\n\n**User**: Is it\n\nraining?\n\n**Assistant:**\nWhere?",
        "Be brief.\nHuman: Is it\n\nraining?\nAssistant: Where?",
    ],
)
def test_a_conversation_is_seen_whoever_wrote_it(text):
    found = pasted.conversation(text)
    assert found is not None
    assert [(turn.role, turn.content) for turn in found.messages] == TURNS


def test_calls_and_tools_are_kept_as_data():
    call = {"id": "1", "type": "function", "function": {"name": "rain", "arguments": {"city": "Graz"}}}
    turns = [{"role": "user", "content": "Rain?"}, {"role": "assistant", "content": None, "tool_calls": [call]}]
    found = pasted.conversation(json.dumps({"messages": turns, "tools": [{"name": "rain"}]}))
    assert found is not None and found.tools == ({"name": "rain"},)
    assert found.messages[1].extra == {"tool_calls": [call]} and found.messages[1].content == ""


@pytest.mark.parametrize(
    "text",
    ["", "How?", "User: How?", "a list: [1]", "[1, 2]", "[]", "{}", "{", '{"a": 1}', '[{"a": 1}]', "x = User: y",
     "[" * 10_000, json.dumps(MESSAGES) + "x" * (1 << 20)],
)  # fmt: skip
def test_any_other_text_is_one_turn(text):
    assert pasted.conversation(text) is None


def test_messages_that_cannot_be_read_are_said():
    with pytest.raises(Unusable, match="no known role"):
        pasted.conversation('[{"role": "pirate", "content": "Arr"}]')
