"""Conversations as text and back: a prompt of several turns is kept as text with a name before each turn."""

import re
from typing import Any

from core.data.rows import string

#: What other programs call the two who speak.
ROLES = {"human": "user", "gpt": "assistant", "prompter": "user", "bot": "assistant", "model": "assistant"}
TURN = re.compile(r"(?:\A|\n\n)(System|User|Human|Assistant):[ \n]?")

Turns = list[tuple[str, str]]


def text(value: Any) -> str:
    """A string as it is; a conversation as its only message, or with a name before each turn."""
    if value is None or isinstance(value, str):
        return string(value).strip()
    return joined([_turn(item) for item in value])


def joined(turns: Turns) -> str:
    if len(turns) == 1:
        return turns[0][1]
    return "\n\n".join(f"{role.capitalize()}: {content}" for role, content in turns)


def _turn(item: dict[str, Any]) -> tuple[str, str]:
    """Role and content of `{"role", "content"}` or `{"from", "value"}`; a content may lie in parts."""
    role, content = (item["role"], item["content"]) if "role" in item else (item["from"], item["value"])
    if isinstance(content, list):
        content = "\n".join(string(part if isinstance(part, str) else part["text"]) for part in content)
    return ROLES.get(string(role), string(role)), string(content).strip()


def turns(prompt: str) -> Turns:
    """The turns of a prompt that is a dialogue ending with the user; any other prompt is one turn."""
    before, *parts = TURN.split(prompt.strip())
    found = [
        (ROLES.get(role.lower(), role.lower()), content.strip())
        for role, content in zip(parts[::2], parts[1::2], strict=True)
    ]
    if before or len(found) < 2 or found[-1][0] != "user":
        return [("user", prompt.strip())]
    return found
