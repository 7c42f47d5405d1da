"""The Python in a model's card that asks it as Plumbline does: the same turns and the same names to its template."""

from typing import Any

from core.conversation import Conversation
from core.models import cards
from core.models.chat_text import ChatText


def turns(text: ChatText, question: str) -> str:
    """Python for the turns that the template is given of what the variable `question` holds; whatever is put before it,
    it ends the last."""
    asked = "?"
    *before, last = text.turns_of(Conversation.of_text(asked))
    content: Any = last["content"]
    if isinstance(content, list):
        (part,) = content
        said = f"[{{'type': 'text', 'text': {_ending(part['text'], asked, question)}}}]"
    else:
        said = _ending(content, asked, question)
    found = [*map(cards.literal, before), f"{{'role': {cards.literal(last['role'])}, 'content': {said}}}"]
    return f"[{', '.join(found)}]"


def _ending(content: str, asked: str, question: str) -> str:
    before = content.removesuffix(asked)
    return f"{cards.literal(before)} + {question}" if before else question


def arguments(text: ChatText) -> str:
    """What `apply_chat_template` is given besides, each after a comma."""
    return "".join(f", {name}={cards.literal(value)}" for name, value in text.arguments.items())


def template(text: ChatText, *, is_own: bool) -> str:
    """A line that gives the tokenizer the template; empty where the one that it loads with (`is_own`) says the same on
    every day."""
    if is_own and text.dated == text.choice.default:
        return ""
    return f"tokenizer.chat_template = {cards.literal(text.dated)}\n"
