"""A conversation that somebody pastes: as JSON under the names of many programs, or as a text with a name before each
turn. It is offered to the person, never taken apart unasked."""

import json
from collections.abc import Mapping
from typing import Any

from core.conversation import PASTED, Conversation, by_names
from core.data import dialogue, fields
from core.data.rows import Unusable

#: Letters above which nobody is asked: it stays the text that it is.
LONGEST = 1 << 20
#: Where an object has its list of messages.
LISTS = ("messages", "conversations", "conversation")


def conversation(text: str) -> Conversation | None:
    """The turns that a pasted text may hold; None for one that holds but one. Nobody has checked whether an answer
    could follow. Raises `Unusable`, with what is wrong, for messages as JSON that cannot be read."""
    if len(text) > LONGEST:
        return None
    return _of_json(text) if text.lstrip().startswith(("[", "{")) else by_names(text, PASTED)


def _of_json(text: str) -> Conversation | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    value: Mapping[str, Any] = found if isinstance(found, Mapping) else {"messages": found}
    messages = fields.first(value, LISTS)
    if not isinstance(messages, list) or not all(map(_is_message, messages)):
        return None
    turns = dialogue.messages(messages)
    system = fields.first(value, fields.SYSTEM)
    if isinstance(system, str) and system.strip() and turns[0].role != "system":
        turns = (dialogue.message({"role": "system", "content": system}), *turns)
    result = Conversation(turns, tuple(dialogue.listed(value.get("tools"))))
    try:
        result.key  # noqa: B018  # no deeper than can be written again
    except RecursionError as error:
        raise Unusable("its data lie too deep in each other") from error
    return result


def _is_message(item: object) -> bool:
    return isinstance(item, Mapping) and any(name in item for name in dialogue.ROLE_NAMES)
