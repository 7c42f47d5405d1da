"""What is done to a conversation that a model's chat template refuses, or of which it drops something.

Templates differ in what they take: some raise an error at a system turn or at two neighbours of one role, some read
contents as lists of parts, some know no tools. What is lost by none of the repairs below is tried first.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from core.conversation import Conversation, Message

BETWEEN = "\n\n"
#: What is told of each repair, after "the chat template of X".
TOLD = {
    "first": "takes a system turn at the beginning alone: later ones were put before the user's turn that follows",
    "none": "takes no system turn: it was put before the user's turn that follows",
    "joined": "takes no two neighbouring turns of one role: they were joined",
    "told": "takes no calls of tools: they were given as text",
    "untold": "has no place for the descriptions of tools: they were left out",
}


@dataclass(frozen=True)
class Repair:
    """How a conversation of one shape is given to one template."""

    parts: bool = False
    """Contents as lists of parts, instead of texts."""
    told_calls: bool = False
    """Calls of tools, and what tools answered, as texts of the assistant and the user."""
    systems: str = "kept"
    """System turns: all `kept`, the `first` alone, or `none`."""
    joined: bool = False
    tools: bool = True

    def turns(self, conversation: Conversation) -> list[dict[str, Any]]:
        """As the template is given them."""
        messages: Sequence[Message] = conversation.messages
        if self.told_calls:
            messages = [_told(message) for message in messages]
        if self.systems != "kept":
            messages = list(_folded(messages, self.systems == "first"))
        if self.joined:
            messages = list(_joined(messages))
        return [self._data(message) for message in messages]

    def _data(self, message: Message) -> dict[str, Any]:
        data = message.data()
        if calls := message.extra.get("tool_calls"):
            data["tool_calls"] = [_with_arguments(call) for call in calls] if isinstance(calls, list) else calls
        if self.parts:
            data["content"] = [{"type": "text", "text": message.content}]
        return data

    @property
    def notes(self) -> Iterator[str]:
        """What is to be told of it."""
        if self.systems != "kept":
            yield TOLD[self.systems]
        if self.joined:
            yield TOLD["joined"]
        if self.told_calls:
            yield TOLD["told"]
        if not self.tools:
            yield TOLD["untold"]


def repairs(conversation: Conversation) -> Iterator[Repair]:
    """Those that give it to a template in different ways, what changes least first."""
    seen = []
    for tools, parts, told, systems, joined in product(
        (True, False), (False, True), (False, True), ("kept", "first", "none"), (False, True)
    ):
        if not tools and not conversation.tools:
            return
        repair = Repair(parts, told, systems, joined, tools)
        turns = (tools, repair.turns(conversation))
        if turns not in seen:
            seen.append(turns)
            yield repair


def shape(conversation: Conversation) -> str:
    """Equal for conversations to which a template does the same: roles, what is blank, calls of tools."""
    turns = [(message.role, bool(message.content.strip()), message.extra) for message in conversation.messages]
    return json.dumps([turns, conversation.tools], sort_keys=True, default=dict)


def sample(conversation: Conversation) -> tuple[Conversation, list[str]]:
    """One of that shape whose contents are words that stand nowhere else, and these words."""
    words, messages = [], []
    for number, message in enumerate(conversation.messages):
        if message.content.strip():
            words.append(f"qzx{number}xzq")
            message = replace(message, content=words[-1])
        messages.append(message)
    return Conversation(tuple(messages), conversation.tools), words


def called(conversation: Conversation) -> list[str]:
    """The names of the tools that it calls, and of those that it describes."""
    calls = [call for message in conversation.messages for call in _list(message.extra.get("tool_calls"))]
    return [name for name in map(_name, calls) if name]


def described(conversation: Conversation) -> list[str]:
    return [name for name in map(_name, conversation.tools) if name]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _name(tool: Any) -> str:
    if not isinstance(tool, Mapping):
        return ""
    inside = tool.get("function", tool)
    name = inside.get("name") if isinstance(inside, Mapping) else None
    return name if isinstance(name, str) else ""


def _with_arguments(call: Any) -> Any:
    """Arguments that are JSON in a text, as OpenAI's are, as what the text says: templates write them as JSON."""
    function = call.get("function") if isinstance(call, Mapping) else None
    if not isinstance(function, Mapping) or not isinstance(function.get("arguments"), str):
        return call
    try:
        return {**call, "function": {**function, "arguments": json.loads(function["arguments"])}}
    except ValueError:
        return call


def _told(message: Message) -> Message:
    if message.role == "tool":
        return Message("user", message.content)
    if calls := message.extra.get("tool_calls"):
        text = json.dumps(calls, ensure_ascii=False)
        return Message(message.role, "\n".join(part for part in (message.content, text) if part))
    return Message(message.role, message.content) if message.extra else message


def _folded(messages: Sequence[Message], keep_first: bool) -> Iterator[Message]:
    """System turns before the content of the user's turn that follows."""
    waiting: list[str] = []
    for number, message in enumerate(messages):
        if message.role == "system" and not (keep_first and number == 0):
            waiting.append(message.content)
        elif message.role == "user" and waiting:
            yield replace(message, content=BETWEEN.join([*waiting, message.content]))
            waiting = []
        else:
            yield message
    if waiting:
        yield Message("user", BETWEEN.join(waiting))


def _joined(messages: Sequence[Message]) -> Iterator[Message]:
    """Neighbouring turns of one role as one, but for those that call tools or answer."""
    last: Message | None = None
    for message in messages:
        if last is not None and message.role == last.role != "tool" and not (message.extra or last.extra):
            last = replace(last, content=BETWEEN.join([last.content, message.content]))
            continue
        if last is not None:
            yield last
        last = message
    if last is not None:
        yield last
