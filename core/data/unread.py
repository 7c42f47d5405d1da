"""What a row of a file says and nobody reads, by the names of its fields, so that it is not left out without a word:
what belongs to the question, other answers, and what judges answers beside what counts."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from core.conversation import Conversation
from core.data import answers, dialogue, fields, unfit
from core.data.rows import Row

#: What belongs to a question beside its text.
BESIDE = {
    *fields.PROMPTS[1:], *fields.SYSTEM, "system_message", "passage", "document", "documents", "history", "image",
    "images", "audio", "audios", "video", "videos",
}  # fmt: skip
#: What holds answers; the last two may name a side.
ANSWERS = {*fields.ONE, *fields.CHOSEN, *fields.REJECTED, *fields.LISTS}
MAY_NAME = ("preferred", "dispreferred")
#: What a reasoning model thinks before it answers, beside the answer in its message.
REASONING = ("reasoning_content", "reasoning", "thinking")


def of_row(row: Row, value: Mapping[str, Any]) -> list[str]:
    """What was left of an object that was read as this row."""
    found = [name for name in of_question(value, row.conversation) if name.strip("`") not in row.held]
    return found + (list(_beside_answers(row, value)) if row.ranked and row.answers else [])


def of_question(value: Mapping[str, Any], asked: Conversation) -> tuple[str, ...]:
    """What the object has beside a question and is not part of what is `asked`: nobody answers with it."""
    beside = [name for name, item in value.items() if item and _belongs_to_question(name)]
    if beside:
        question, turns = fields.first(value, fields.PROMPTS), {turn.content.strip() for turn in asked.messages}
        read = {"instruction", "input"} if "instruction" in value and not value.get("prompt") else set[str]()
        beside = [
            f"`{name}`" for name in beside
            if name not in read and not _is_among(value[name], turns)
            and (value[name] is not question or (isinstance(question, str) and not _is_taken_apart(question, turns)))
        ]  # fmt: skip
    reasons = _reasons([value]) or any(isinstance(item, list | Mapping) and _reasons(item) for item in value.values())
    return (*beside, *(["reasoning of answers"] if reasons else []))


@lru_cache(maxsize=4096)
def _belongs_to_question(name: str) -> bool:
    return fields.canonical(name) in BESIDE


def _is_taken_apart(text: str, turns: set[str]) -> bool:
    """Is it the text of these turns, with their names?"""
    return {turn.content.strip() for turn in dialogue.of_text(text).messages} <= turns


def _is_among(item: Any, turns: set[str]) -> bool:
    """Is all that the field says one of the turns, or the answer to them?"""
    if isinstance(item, str):
        found = dialogue.listed(item) if dialogue.is_encoded(item) else []
        return _is_among(found, turns) if found else not item.strip() or item.strip() in turns
    if isinstance(item, list):
        said = item[:-1] if item and dialogue.is_answer(item[-1]) else item
        return all(_is_among(part, turns) for part in said)
    if isinstance(item, Mapping):
        inner = [item[name] for name in ("messages", *dialogue.CONTENT_NAMES) if item.get(name) is not None]
        return not item or any(_is_among(part, turns) for part in inner)
    return item is None


def _reasons(item: Any) -> bool:
    """Is there what was thought: beside the answer at the end of a list, or among the parts of any message?"""
    messages = item if isinstance(item, list) else item.get("messages", [item])
    if not isinstance(messages, list):
        return False
    last = messages[-1] if messages else None
    return (isinstance(last, Mapping) and any(last.get(name) for name in REASONING)) or any(map(_thinks, messages))


def _thinks(item: Any) -> bool:
    content = item.get("content") if isinstance(item, Mapping) else None
    return dialogue.is_thought(item) or (isinstance(content, list) and any(map(dialogue.is_thought, content)))


def _beside_answers(row: Row, value: Mapping[str, Any]) -> Iterator[str]:
    """Fields with an answer that the row has not, and those that judge one of its answers."""
    known = {answer.text.strip() for answer in row.answers}
    for name, item in value.items():
        if (not item and item is not False) or (isinstance(item, str) and item in known):
            continue
        if _holds_answers(name) and (name not in MAY_NAME or not isinstance(item, str)):
            if not _are_known(item, known):
                yield f"`{name}`"
        elif (judged := unfit.judged(name)) and judged[0] in value:
            yield f"`{name}`"


def _are_known(item: Any, known: set[str]) -> bool:
    if isinstance(item, list) and item and not dialogue.begins_with_question(item):
        return all(_are_known(part, known) for part in item)
    said = set(answers.texts(item)) - {""}
    return not said or not said.isdisjoint(known)


@lru_cache(maxsize=4096)
def _holds_answers(name: str) -> bool:
    found = fields.canonical(name)
    return found in ANSWERS or fields.NUMBERED.fullmatch(found) is not None
