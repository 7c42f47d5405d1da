"""A conversation as data, and back."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.conversation import Conversation, Message, last_turn, looks_like_turns, of_named_turns

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip)
MESSAGES = st.builds(Message, st.sampled_from(["system", "user", "assistant", "tool"]), TEXTS)
CONVERSATIONS = st.builds(
    lambda before, last: Conversation((*before, Message("user", last))), st.lists(MESSAGES, max_size=5), TEXTS
)


@given(CONVERSATIONS)
def test_it_comes_back_from_its_data_and_equal_ones_have_one_key(talk: Conversation) -> None:
    assert Conversation.read(talk.data()) == talk
    assert Conversation.read(talk.data()).key == talk.key


@given(TEXTS)
def test_a_text_is_one_user_turn_whatever_it_holds(text: str) -> None:
    talk = Conversation.of_text(text)
    assert talk.is_plain and talk.text == text and talk.data() == [{"role": "user", "content": text}]


def test_tool_calls_are_kept_as_data_and_found_in_the_text() -> None:
    call = {"type": "function", "function": {"name": "weather", "arguments": {"city": "Graz"}}}
    data = {
        "messages": [
            {"role": "user", "content": "Is it raining?"},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "content": "yes", "tool_call_id": "1"},
        ],
        "tools": [{"name": "weather"}],
    }
    talk = Conversation.read(data)
    assert talk.messages[1].extra == {"tool_calls": [call]}
    assert talk.data()["tools"] == [{"name": "weather"}] and not talk.is_plain
    assert "Graz" in talk.text


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ("hello", "list of messages"),
        ([], "empty"),
        ([{"role": "user"}], "content"),
        ([{"role": "user", "content": 3}], "content"),
        (["hello"], "no object"),
        ([{"role": "pirate", "content": "arr"}], "no role 'pirate'"),
        ([{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}], "does not end"),
        ([{"role": "system", "content": "a"}], "does not end"),
        ([{"role": "user", "content": " "}], "nothing is asked"),
    ],
)
def test_what_is_no_conversation_is_refused_with_a_sentence(data: Any, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Conversation.read(data)


def test_named_turns_are_taken_apart_only_where_they_are_turns_for_sure() -> None:
    talk = of_named_turns("System: Be brief.\n\nHuman: Hi\n\nAssistant: Hello!\n\nUser: Who\nare you?")
    assert talk is not None
    assert [(turn.role, turn.content) for turn in talk.messages] == [
        ("system", "Be brief."), ("user", "Hi"), ("assistant", "Hello!"), ("user", "Who\nare you?")
    ]  # fmt: skip
    for text in (
        "Hi", "User: Hi", "Say this.\n\nUser: Hi\n\nAssistant: A\n\nUser: B", "User: Hi\n\nAssistant: Hello",
        "User: Hi\n\nUser: Hello", "Assistant: Hi\n\nUser: Hello", "User: a\n\nAssistant:\n\nUser: b",
    ):  # fmt: skip
        assert of_named_turns(text) is None, text
    assert looks_like_turns("User: Hi\n\nUser: Hello") and not looks_like_turns("User: Hi")


def test_a_conversation_is_called_by_what_was_said_last() -> None:
    talk = Conversation(
        (
            Message("system", "Be kind."),
            Message("user", "One?"),
            Message("assistant", "User: no"),
            Message("user", "Two?"),
        )
    )
    assert last_turn(talk.text) == "User: Two?"
    assert last_turn("One?") == "One?"
