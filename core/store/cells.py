"""JSON in a cell, read as the kind that it must be: a file that was damaged, or made by others, holds anything."""

import json
import re
from typing import Any, TypeVar

from core.conversation import Conversation
from core.errors import ProjectError

T = TypeVar("T")
#: Half of a letter: JSON can say it, and nothing can be made of it, no file and no row.
HALF = re.compile("[\ud800-\udfff]")
DAMAGED = "cannot be read: the project's file is damaged there. Restore it from a backup."


def read(text: object, kind: type[T], where: str) -> T:
    """The value in `text`, which must be a `kind` (`object` is any). Raises `ProjectError` that says `where` it is."""
    try:
        found = json.loads(str(text))
        if "\\ud" in str(text).lower():
            found = _whole(found)
    except (ValueError, RecursionError) as error:
        raise ProjectError(f"{where} {DAMAGED}") from error
    if not isinstance(found, kind) or (isinstance(found, bool) and kind in (int, float)):
        raise ProjectError(f"{where} {DAMAGED}")
    return found


def _whole(value: Any) -> Any:
    """With a replacement character for each half letter that stands alone."""
    if isinstance(value, str):
        return HALF.sub("\ufffd", value)
    if isinstance(value, list):
        return [_whole(each) for each in value]
    if isinstance(value, dict):
        return {_whole(name): _whole(each) for name, each in value.items()}
    return value


def whole(value: object) -> int | None:
    """A whole number that a cell holds; None for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def tags(text: object, prompt: object) -> tuple[str, ...]:
    """The tags of a prompt. Raises `ProjectError`."""
    return tuple(str(item) for item in read(text, list, f"The tags of prompt {prompt}"))


def conversation(text: str, messages: object, prompt: object) -> Conversation:
    """What a prompt asks, from its two cells. Raises `ProjectError`."""
    return turns(messages, prompt) or Conversation.of_text(text)


def turns(messages: object, prompt: object) -> Conversation | None:
    """The turns of a prompt; None where it is one user turn, which its text says. Raises `ProjectError`."""
    if messages is None:
        return None
    where = f"The turns of prompt {prompt}"
    try:
        conversation = Conversation.read(read(messages, object, where))
        if conversation.tools or any(message.extra for message in conversation.messages):
            conversation.key  # noqa: B018  # no deeper than can be written again
    except (ValueError, RecursionError) as error:
        raise ProjectError(f"{where} {DAMAGED}") from error
    return conversation
