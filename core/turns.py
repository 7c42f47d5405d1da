"""A turn in words: who speaks, and what is said and called, as people read it."""

import json
from collections.abc import Mapping
from itertools import islice
from typing import Any

from core.conversation import Message
from core.texts import PAGE, one_line

#: Letters of a tool's name.
LONGEST = 60
#: Calls, and arguments of each.
MOST = 100
#: Pieces that JSON is written in: more are not shown.
PIECES = PAGE.letters


def speaker(message: Message) -> str:
    """The role, and a tool's name where it says one: `Tool · get_weather`."""
    name = message.extra.get("name")
    role = message.role.capitalize()
    return f"{role} · {one_line(name, LONGEST)}" if isinstance(name, str) and name.strip() else role


def said(message: Message) -> str:
    """The text, and under it each tool that is called, with its arguments."""
    calls = message.extra.get("tool_calls")
    called = [_call(call) for call in calls[:MOST]] if isinstance(calls, list) else []
    return "\n".join(part for part in (message.content, *called) if part)


def _call(call: Any) -> str:
    """`→ get_weather(city="Paris", days=2)`; what is no call in OpenAI's shape as JSON has it."""
    function = call.get("function", call) if isinstance(call, Mapping) else None
    if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
        return f"→ {_json(call)}"
    return f"→ {one_line(function['name'], LONGEST)}({_arguments(function.get('arguments', {}))})"


def _arguments(given: Any) -> str:
    """By name; OpenAI's API has them as a string of JSON."""
    if isinstance(given, str):
        if len(given) > PAGE.letters:
            return given
        try:
            given = json.loads(given)
        except (ValueError, RecursionError):
            return str(given)
    if isinstance(given, Mapping):
        more = [] if len(given) <= MOST else ["…"]
        return ", ".join([*(f"{name}={_json(value)}" for name, value in islice(given.items(), MOST)), *more])
    return _json(given)


def _json(value: Any) -> str:
    try:
        return "".join(islice(json.JSONEncoder(ensure_ascii=False).iterencode(value), PIECES))
    except RecursionError:
        return "…"  # no people read brackets by the hundred
