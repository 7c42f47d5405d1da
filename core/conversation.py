"""A conversation as data: messages by role, up to where the answer begins.

The shape is that of OpenAI's chat API, which chat templates read too: `{"role", "content"}`, and where a message calls
a tool or answers one also `tool_calls`, `tool_call_id` and `name`. Whatever people type or import as one text is one
user turn; only `of_named_turns` takes a text with names before its turns apart.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

Role = Literal["system", "user", "assistant", "tool"]
ROLES: tuple[Role, ...] = get_args(Role)
#: What a message may carry beside its text, as data that templates read.
EXTRA = ("tool_calls", "tool_call_id", "name")
#: A name before a turn, in a text that holds several.
NAMED = re.compile(r"(?:\A|\n\n)(System|User|Human|Assistant):[ \n]?")
#: The same as people paste it: on any line, in capitals or marked as bold.
PASTED = re.compile(
    r"(?:\A|\n)[ \t]*(?:\*\*)?(System|User|Human|Assistant|SYSTEM|USER|HUMAN|ASSISTANT)(?:\*\*:|:\*\*|:)[ \t]*\n?"
)
NAME = re.compile(r"\b(?:System|User|Human|Assistant|Tool):")
BY_NAME: Mapping[str, Role] = {"System": "system", "User": "user", "Human": "user", "Assistant": "assistant"}


@dataclass(frozen=True)
class Message:
    """One turn. `extra` holds only names of `EXTRA`, each as JSON has it."""

    role: Role
    content: str
    extra: Mapping[str, Any] = field(default_factory=dict)

    def data(self) -> dict[str, Any]:
        """As templates and files have it."""
        return {"role": self.role, "content": self.content, **self.extra}


@dataclass(frozen=True)
class Conversation:
    """What is asked: messages, of which the last is a user's or a tool's. `tools` are the descriptions of those that
    may be called, as JSON has them."""

    messages: tuple[Message, ...]
    tools: tuple[Any, ...] = ()

    @classmethod
    def of_text(cls, text: str) -> "Conversation":
        """The text as one user turn, whatever it holds."""
        return cls((Message("user", text),))

    @classmethod
    def read(cls, data: Any) -> "Conversation":
        """From what `data` gave. Raises `ValueError`, with a sentence, for what is no conversation."""
        return cls.begun(data).checked()

    @classmethod
    def begun(cls, data: Any) -> "Conversation":
        """As `read`, but perhaps not to its end yet: nobody has checked whether an answer could follow."""
        if isinstance(data, Mapping):
            messages, tools = data.get("messages"), data.get("tools") or []
        else:
            messages, tools = data, []
        if not isinstance(messages, Sequence) or isinstance(messages, str) or not isinstance(tools, list):
            raise ValueError("a conversation is a list of messages")
        return cls(tuple(map(_message, messages)), tuple(tools))

    def checked(self) -> "Conversation":
        """Itself. Raises `ValueError` where no answer could follow."""
        if not self.messages:
            raise ValueError("the conversation is empty")
        if self.messages[-1].role not in ("user", "tool"):
            raise ValueError("the conversation does not end with a user's turn")
        if not any(message.content.strip() or message.extra for message in self.messages if message.role != "system"):
            raise ValueError("nothing is asked in the conversation")
        return self

    def data(self) -> Any:
        """As JSON has it: the list of messages, or that and the tools by name."""
        messages = [message.data() for message in self.messages]
        return {"messages": messages, "tools": list(self.tools)} if self.tools else messages

    @property
    def key(self) -> str:
        """Equal for equal conversations only."""
        return json.dumps(self.data(), ensure_ascii=False, sort_keys=True, separators=(",", ":"))

    @property
    def is_plain(self) -> bool:
        """Is it one user turn, which its text says whole?"""
        return (
            len(self.messages) == 1 and self.messages[0].role == "user" and not (self.messages[0].extra or self.tools)
        )

    @property
    def text(self) -> str:
        """To read and to search: the only turn, or each turn after its name."""
        if self.is_plain:
            return self.messages[0].content
        return "\n\n".join(f"{message.role.capitalize()}: {_said(message)}" for message in self.messages)


def of_named_turns(text: str) -> Conversation | None:
    """The conversation that a text with a name before each turn holds: a system's turn or none, then user and
    assistant by turns, the user first and last. None where it is not that for sure."""
    before, *parts = NAMED.split(text.strip())
    turns = [Message(BY_NAME[name], said.strip()) for name, said in zip(parts[::2], parts[1::2], strict=True)]
    talk = turns[1:] if turns and turns[0].role == "system" else turns
    by_turns = all(turn.role == ("user", "assistant")[at % 2] for at, turn in enumerate(talk))
    if before or len(turns) < 2 or len(talk) % 2 == 0 or not by_turns or not all(turn.content for turn in turns):
        return None
    return Conversation(tuple(turns))


def by_names(text: str, names: re.Pattern[str] = NAMED) -> Conversation | None:
    """The text taken apart wherever a name stands, for a person to look at: what comes before the first is a system's
    turn. None where there are no two names. Nobody has checked whether an answer could follow."""
    before, *parts = names.split(text.strip())
    turns = [
        Message(BY_NAME[name.capitalize()], said.strip()) for name, said in zip(parts[::2], parts[1::2], strict=True)
    ]
    if len(turns) < 2:
        return None
    first = (Message("system", before.strip()),) if before.strip() else ()
    return Conversation((*first, *(turn for turn in turns if turn.content)))


def looks_like_turns(text: str) -> bool:
    """Does it hold a name before a turn anywhere after its beginning, so that it may be several turns?"""
    return len(NAMED.findall(text.strip())) > 1


def last_turn(text: str) -> str:
    """What was said last in a conversation's `text`, to call it by in a list: several begin alike."""
    return text[max(text.rfind("\n\nUser: "), text.rfind("\n\nTool: "), 0) :].lstrip()


def same_words(text: str, other: str) -> bool:
    """Do they differ at most in blanks and in the names before turns?"""
    return words(text) == words(other)


def words(text: str) -> list[str]:
    """What is said in a conversation's `text`, without blanks and the names before turns."""
    return NAME.sub("", text).split()


def _message(item: Any) -> Message:
    if not isinstance(item, Mapping):
        raise ValueError("a message is no object with a role and a content")
    role, content = item.get("role"), item.get("content")
    if role not in ROLES:
        raise ValueError(f"there is no role {str(role)[:40]!r}: there are system, user, assistant and tool")
    extra = {name: item[name] for name in EXTRA if item.get(name) not in (None, "", [])}
    if content is None and extra:
        content = ""
    if not isinstance(content, str):
        raise ValueError("the content of a message is no text")
    return Message(role, content, extra)


def _said(message: Message) -> str:
    """The text, and what is called, so that it can be found."""
    calls = message.extra.get("tool_calls")
    called = json.dumps(calls, ensure_ascii=False) if calls else ""
    return "\n".join(part for part in (message.content, called) if part)
