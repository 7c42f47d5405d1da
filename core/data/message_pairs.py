"""Pairs as messages under names of their own: OpenAI's preference files, ms-swift's, and LLaMA-Factory's newest."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.conversation import Conversation
from core.data import dialogue, fields, jsonlines, source
from core.data.rows import DIFFERENT, EMPTY, PAIRS_LACK, Refused, Row, Unusable, preference

NAME = "message pairs"
LACKS = PAIRS_LACK
OPENAI = ("preferred_output", "non_preferred_output")
#: ms-swift's, as one text or as messages.
REJECTED = ("rejected_response", "rejected_messages")


def sniff(head: str, path: Path) -> bool:
    first = jsonlines.first(head)
    return any(name in first for name in (*OPENAI, "chosen_messages")) or _is_swift(first)


def _is_swift(value: dict[str, Any]) -> bool:
    return any(name in value for name in REJECTED) and ("messages" in value or {"query", "response"} <= value.keys())


def read(path: Path) -> Iterator[Row | Refused]:
    return source.rows(path, _row)


def _row(line: int, value: dict[str, Any]) -> Row | Refused:
    if any(name in value for name in OPENAI):
        return _openai(line, value)
    if "chosen_messages" in value:
        return _both(line, value, value["chosen_messages"], value.get("rejected_messages"))
    if _is_swift(value):
        return _swift(line, value)
    return Refused(line, "it is no pair of answers")


def _openai(line: int, value: dict[str, Any]) -> Row | Refused:
    """The input is a conversation, with tools or without; each output is its next message."""
    asked = openai_asked(value)
    chosen, rejected = (dialogue.answer(value.get(name)) for name in OPENAI)
    return preference(line, asked, chosen, rejected, split=fields.split_of(value))


def openai_asked(value: dict[str, Any]) -> Conversation:
    """What both answers of OpenAI's pairs are to. Raises `Unusable`."""
    asked = value.get("input")
    return dialogue.whole(dialogue.messages(asked), asked.get("tools") if isinstance(asked, dict) else None)


def _swift(line: int, value: dict[str, Any]) -> Row | Refused:
    """The messages end with the better answer; the worse one is a text or the end of messages of its own."""
    if "messages" not in value:
        history = [turn.data() for turn in dialogue.history(value.get("history"))]
        value = {**value, "messages": [*history, {"role": "user", "content": value["query"]},
                                       {"role": "assistant", "content": value["response"]}]}  # fmt: skip
    if value.get("rejected_messages"):
        return _both(line, value, value["messages"], value["rejected_messages"])
    turns = dialogue.messages(value["messages"])
    if not turns:
        raise Unusable(EMPTY)
    rejected = dialogue.answer(value.get("rejected_response"))
    return _preference(line, value, turns[:-1], dialogue.said(turns[-1]), rejected)


def _both(line: int, value: dict[str, Any], chosen: Any, rejected: Any) -> Row | Refused:
    """Two whole dialogues; the worse one may be its last message alone."""
    one, other = dialogue.messages(chosen), dialogue.messages(rejected)
    if not one or not other:
        raise Unusable(EMPTY)
    if one[:-1] != other[:-1] and len(other) > 1:
        raise Unusable(DIFFERENT)
    return _preference(line, value, one[:-1], dialogue.said(one[-1]), dialogue.said(other[-1]))


def _preference(line: int, value: dict[str, Any], before: Any, chosen: str, rejected: str) -> Row | Refused:
    listed = [turn.data() for turn in before]
    if not listed:
        raise Unusable("it has no prompt")
    asked = dialogue.conversation(listed, system=fields.first(value, fields.SYSTEM), tools=value.get("tools"))
    return preference(line, asked, chosen, rejected, split=fields.split_of(value), tags=fields.tags_of(value))
