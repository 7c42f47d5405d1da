"""Conversations as files have them: messages under the names of many programs, or one text with a name before each
turn. What cannot be read for sure raises `Unusable`, whose sentence refuses the row."""

import ast
import re
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from core import stopping
from core.conversation import EXTRA, Conversation, Message, Role, of_named_turns
from core.data import jsonlines
from core.data.rows import Unusable, string

#: What stands in a cell of tools where there are none.
NO_TOOLS = {"", "null", "none", "nan"}
#: What programs call those who speak.
ROLES: Mapping[str, Role] = {
    **dict.fromkeys(("user", "human", "prompter", "instruction"), "user"),
    **dict.fromkeys(("assistant", "gpt", "bot", "model", "ai", "chatgpt", "bing", "bard", "chatbot"), "assistant"),
    **dict.fromkeys(("system", "developer"), "system"),
    **dict.fromkeys(("tool", "tool_response", "observation", "function", "ipython"), "tool"),
}  # fmt: skip
#: What a part of a content is called that is text, and what one that was thought rather than said.
TEXTS = (None, "text", "input_text", "output_text")
THOUGHTS = ("thinking", "reasoning", "redacted_thinking")
#: What describes one tool, rather than naming several.
DESCRIBED = {"name", "function", "type"}
#: A turn in which the assistant calls a tool: its content is the call.
CALLS = ("function_call", "tool_call", "tool_calls")
ROLE_NAMES = ("role", "from", "author", "speaker")
CONTENT_NAMES = ("content", "value", "text")
#: The names of Anthropic's dialogues; what follows the last `Assistant:` is the answer.
HH_TURN = re.compile(r"(?:\A|\n\n)(System|Human|Assistant): ?")
HH_ROLES: Mapping[str, Role] = {"System": "system", "Human": "user", "Assistant": "assistant"}
HH_ANSWER = "\n\nAssistant:"
#: Longer texts of lists are not taken apart: they would take a hundred times their size.
LONGEST_LIST = 1 << 20
LISTS = re.compile(r"\s*\[\s*[{\"']")
MESSAGES = re.compile(r"\s*\[\s*\{\s*['\"](role|content|from|value)['\"]\s*:")
#: The last texts that are no lists after all: every reader asks anew, and each time costs a second for a megabyte.
broken: deque[int] = deque(maxlen=64)
SEVERAL = "it has several answers where one is meant"
BETWEEN = re.compile(r"([}'\"])[ ]*\n\s*([{'\"])")


def conversation(prompt: Any, *, system: Any = None, tools: Any = None) -> Conversation:
    """What is asked: a text, or a list of messages. Raises `Unusable`."""
    turns = of_text(string(prompt)).messages if isinstance(prompt, str) or prompt is None else messages(prompt)
    said = string(system)
    if isinstance(prompt, Mapping) and not tools:
        tools = prompt.get("tools")
    if said.strip() and (not turns or turns[0].role != "system"):
        turns = (Message("system", said), *turns)
    return whole(turns, tools)


def history(value: Any) -> list[Message]:
    """The turns of earlier questions with their answers, as LLaMA-Factory and ms-swift list them, or of messages.
    Raises `Unusable` for what is neither."""
    found: list[Message] = []
    for item in listed(value):
        if isinstance(item, Mapping):
            found.append(message(item))
        elif isinstance(item, list) and len(item) == 2:
            found += [Message("user", string(item[0])), Message("assistant", string(item[1]))]
        else:
            raise Unusable("its history is no list of questions with their answers")
    return found


def after(value: Any, asked: Conversation) -> Conversation:
    """What was asked, with the turns of a `history` before it. Raises `Unusable`."""
    before = history(value)
    if not before:
        return asked
    system = 1 if asked.messages[0].role == "system" else 0
    return whole((*asked.messages[:system], *before, *asked.messages[system:]), list(asked.tools))


def whole(turns: Sequence[Message], tools: Any = None) -> Conversation:
    """The turns as a conversation that can be answered. Raises `Unusable`."""
    try:
        return Conversation(tuple(turns), tools_of(tools)).checked()
    except ValueError as error:
        raise Unusable("it has no prompt" if not turns else str(error)) from error


def tools_of(said: Any) -> tuple[Any, ...]:
    """The descriptions of tools: a list of them, one that stands alone, or either as text. Raises `Unusable` for all
    else: without its tools another question would be asked."""
    if isinstance(said, str):
        said = said.strip()
    found = _literal(said) if isinstance(said, str) and said[:1] in ("[", "{") else said
    if said in (None, False) or found in ([], {}) or (isinstance(found, str) and found.lower() in NO_TOOLS):
        return ()
    if isinstance(found, list) and all(tool is None for tool in found):
        return ()
    if isinstance(found, Mapping) and not DESCRIBED.isdisjoint(found):
        found = [found]
    if not isinstance(found, list) or not all(isinstance(tool, str | Mapping) for tool in found):
        raise Unusable("its `tools` are no list of tools")
    return tuple(found)


def read(data: Any) -> Conversation:
    """From what `Conversation.data` gave. Raises `Unusable`."""
    try:
        return Conversation.read(data)
    except ValueError as error:
        raise Unusable(str(error)) from error


def of_text(text: str) -> Conversation:
    """A text with a name before each turn as its turns, where that is sure; any other is one user turn."""
    if "\n\n" not in text:
        return Conversation.of_text(text)
    if text.rstrip().endswith(HH_ANSWER.rstrip()) and (turns := of_hh(text.rstrip()[: -len(HH_ANSWER)])):
        return Conversation(turns)
    return of_named_turns(text) or Conversation.of_text(text)


def of_hh(text: str) -> tuple[Message, ...]:
    """The turns of one of Anthropic's dialogues, each as it is but for the blank after its name; empty for no such
    dialogue. Raises `Unusable` where nothing is said in one, without which others would follow each other."""
    before, *parts = HH_TURN.split(text)
    found = [Message(HH_ROLES[name], said) for name, said in zip(parts[::2], parts[1::2], strict=True)]
    said = tuple(turn for turn in found if turn.content.strip())
    if not before.strip() and said != tuple(found[: len(said)]):
        raise Unusable("one of its turns is empty")
    return () if before.strip() else said


def messages(value: Any) -> tuple[Message, ...]:
    """The turns of a list of messages, or of an object that holds one. Raises `Unusable`."""
    found = value
    if isinstance(found, Mapping):
        found = found.get("messages", [found])
    if not isinstance(found, list):
        raise Unusable("its conversation is no list of messages")
    return tuple(map(message, found))


def message(item: Any) -> Message:
    """One turn under whichever names. Raises `Unusable` for a role that is not known and a content that is no text."""
    match item:
        case {"role": "user" | "assistant" as role, "content": str(text)} if len(item) == 2:  # as nearly all are
            return Message(role, text)
    if not isinstance(item, Mapping):
        raise Unusable("one of its messages is no object with a role and a content")
    named = string(next((item[name] for name in ROLE_NAMES if item.get(name) is not None), None)).strip().lower()
    content = next((item[name] for name in CONTENT_NAMES if item.get(name) is not None), None)
    extra = {name: item[name] for name in EXTRA if item.get(name) not in (None, "", [])}
    if item.get("function_call"):
        called = item["function_call"]
        there = [call.get("function") for call in extra.get("tool_calls", ()) if isinstance(call, Mapping)]
        if "tool_calls" in extra and there != [called]:
            raise Unusable("one of its messages has `function_call` and other `tool_calls`, and one is meant")
        extra.setdefault("tool_calls", [{"type": "function", "function": called}])
    if named in CALLS and "tool_calls" not in extra and content is not None:
        return _call(text_of(content))
    if named not in ROLES and named not in CALLS:
        raise Unusable(f"one of its messages is by {named[:40]!r}, which is no known role")
    if content is None and ("tool_calls" not in extra if named in CALLS else not extra):
        raise Unusable("one of its messages has no content")
    return Message(ROLES.get(named, "assistant"), text_of(content), extra)


def _call(content: str) -> Message:
    """The assistant's turn that calls tools: as data where it is, or else as the text that it is."""
    try:
        found = jsonlines.loads(content)
    except jsonlines.Twice:
        raise
    except (ValueError, RecursionError):
        return Message("assistant", content)
    calls = found if isinstance(found, list) else [found]
    if not calls or not all(isinstance(call, Mapping) and isinstance(call.get("name"), str) for call in calls):
        return Message("assistant", content)
    return Message("assistant", "", {"tool_calls": [{"type": "function", "function": call} for call in calls]})


def text_of(content: Any) -> str:
    """A content that is text, or parts of it, each on its own line, without what was only thought. Raises `Unusable`
    for a picture and the like."""
    if isinstance(content, Mapping):
        content = [content]
    if not isinstance(content, list):
        return string(content)
    return "\n".join(_part(part) for part in content if not is_thought(part))


def is_thought(part: Any) -> bool:
    """Is the part of a content what a model thought before it answered?"""
    return isinstance(part, Mapping) and part.get("type") in THOUGHTS


def _part(part: Any) -> str:
    if isinstance(part, str):
        return part
    if not isinstance(part, Mapping):
        raise Unusable("a part of a message is no text")
    text = part.get("text", part.get("value"))
    if not isinstance(text, str) or part.get("type") not in TEXTS:
        raise Unusable(f"a part of a message is no text but {str(part.get('type', 'something else'))[:40]}")
    return text


def answer(value: Any) -> str:
    """What was answered: a text, a message of the assistant, or a list of one. Raises `Unusable`."""
    if value is None or isinstance(value, str):
        return string(value)
    if not isinstance(value, (list, Mapping)):
        raise Unusable("one of its answers is no text")
    if isinstance(value, list) and not _are_messages(value):
        if len(value) > 1 and all(isinstance(part, str) for part in value):
            raise Unusable(SEVERAL)
        return text_of(value)
    turns = messages(value)
    if len(turns) > 1:
        raise Unusable("one of its answers is several messages")
    return said(turns[0])


def is_answer(item: Any) -> bool:
    """Is it a message of the assistant?"""
    names = [item.get(name) for name in ROLE_NAMES] if isinstance(item, Mapping) else []
    return any(ROLES.get(str(name).strip().lower()) == "assistant" for name in names)


def begins_with_question(items: list[Any]) -> bool:
    """Is it a dialogue, rather than a list of answers?"""
    first = items[0]
    return isinstance(first, Mapping) and any(name in first for name in ROLE_NAMES) and not is_answer(first)


def said(turn: Message) -> str:
    """The text of an answer. Raises `Unusable` for one by somebody else, and for the call of a tool."""
    if turn.role != "assistant":
        raise Unusable("one of its answers is not the assistant's")
    if turn.extra.get("tool_calls"):
        raise Unusable("one of its answers calls a tool, which cannot be ranked as text")
    return turn.content


def decoded(value: Any) -> Any:
    """A text that is a list of messages, as JSON or as Python writes it, as that list; all else as it is. Raises
    `Unusable` for what begins like a list of messages and is none. It is for cells of tables, which hold text alone."""
    if not is_encoded(value):
        return value
    found = _literal(value)
    if not isinstance(found, list) or not _are_messages(found):
        raise Unusable("one of its fields looks like a list of messages, but cannot be read as one")
    return found


def is_encoded(value: Any) -> bool:
    """Does it look like a list of messages that was written as text?"""
    return isinstance(value, str) and MESSAGES.match(value) is not None


def listed(value: Any) -> list[Any]:
    """A list, or a text that is one of texts or objects; empty for all else, as for an object that has a name twice: an
    answer may say anything."""
    if isinstance(value, str) and LISTS.match(value):
        try:
            value = _literal(value)
        except jsonlines.Twice:
            return []
    return value if isinstance(value, list) else []


def _literal(text: str) -> Any:
    """`text` as JSON or as a literal of Python, or None; numpy writes no comma between the items of a list."""
    if len(text) > LONGEST_LIST or hash(text) in broken:
        return None
    stopping.heed()
    python = text.strip()
    with_commas = BETWEEN.sub(r"\1, \2", python)
    ways: list[tuple[Callable[[str], Any], str]] = [(jsonlines.loads, python), (ast.literal_eval, python)]
    ways += [(ast.literal_eval, with_commas)] if with_commas != python else []
    for parse, form in ways:
        try:
            return parse(form)
        except jsonlines.Twice:
            raise
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
    broken.append(hash(text))
    return None


def _are_messages(found: list[Any]) -> bool:
    return bool(found) and all(isinstance(item, Mapping) and any(name in item for name in ROLE_NAMES) for item in found)
