"""From a conversation to the text that a model reads, in the model's own chat template.

The template is asked with the project's choices: its system prompt, its day, whether the model is to think first. What
it refuses or drops is given in another way (`core.models.repairs`), found once for conversations of a shape.
"""

import json
import re
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from core.config.chat import Chat
from core.conversation import Conversation, Message
from core.errors import BadInput
from core.models.chat_template import ChatTemplate, Refused
from core.models.control_tokens import ControlTokens, Marks
from core.models.repairs import Repair, called, described, repairs, sample, shape
from core.models.template_choice import chosen

#: How `date_string` is written in the templates that read it.
DATE_STRING = "%d %b %Y"
ASKS_FOR_TODAY = re.compile(r"""strftime_now\(\s*(['"])([^'"\\]*)\1\s*\)""")
THINK = "</think>"


@dataclass(frozen=True)
class Rendered:
    """`text` holds marks around what is no control token; `notes` are what was done to the conversation."""

    text: str
    marks: Marks
    notes: tuple[str, ...]


class ChatText:
    """Raises `ModelError` for a template that is broken, and `BadInput` for a conversation that it does not take."""

    def __init__(self, tokenizer: Any, title: str, settings: Chat) -> None:
        self.title, self.settings = title, settings
        self.choice = chosen(tokenizer, title, settings.chat_template)
        tokens = dict(tokenizer.special_tokens_map)
        self.template = ChatTemplate(self.choice.default, tokens, title, settings.chat_date)
        self.tool_use = (
            ChatTemplate(self.choice.tool_use, tokens, title, settings.chat_date) if self.choice.tool_use else None
        )
        self._repairs: dict[tuple[str, bool], Repair] = {}

    @property
    def source(self) -> str:
        return self.choice.default + (self.choice.tool_use or "")

    def of(self, conversation: Conversation, control: ControlTokens, *, prompting: bool = True) -> Rendered:
        """The conversation up to where the answer begins, or (not `prompting`) up to its own end."""
        conversation = self.with_system(conversation)
        marks = Marks.apart_from(conversation.key + self.source)
        repair = self._repair(conversation, prompting)
        turns = control.marked_in(repair.turns(conversation), marks)
        tools = control.marked_in(conversation.tools, marks) if repair.tools else ()
        try:
            text = self._rendered(turns, tools, prompting)
        except Refused as error:
            raise self._not_taken(error.why) from error
        self._check_whole(conversation, marks.without(text))
        return Rendered(text, marks, tuple(f"the chat template of {self.title} {note}" for note in repair.notes))

    def turns_of(self, conversation: Conversation) -> list[dict[str, Any]]:
        """What the template is given of it, up to where the answer begins."""
        conversation = self.with_system(conversation)
        return self._repair(conversation, True).turns(conversation)

    @property
    def arguments(self) -> dict[str, Any]:
        """What else transformers' own `apply_chat_template` is given to say the same, with the template `dated`."""
        return self._arguments(self.template)

    @property
    def dated(self) -> str:
        """The template with the project's day in place of today's, which it asks transformers for."""
        if not self.settings.chat_date:
            return self.template.source
        day = date.fromisoformat(self.settings.chat_date)
        return ASKS_FOR_TODAY.sub(lambda found: json.dumps(day.strftime(found[2])), self.template.source)

    def _arguments(self, template: ChatTemplate) -> dict[str, Any]:
        more: dict[str, Any] = {}
        if self.settings.thinking != "template":
            more["enable_thinking"] = more["thinking"] = self.settings.thinking == "on"
        if self.settings.chat_date and "date_string" in template.source and "set date_string" not in template.source:
            more["date_string"] = date.fromisoformat(self.settings.chat_date).strftime(DATE_STRING)
        return more

    def with_system(self, conversation: Conversation) -> Conversation:
        """With the project's system prompt where it brings none."""
        ours = self.settings.system_prompt
        if not ours or any(message.role == "system" for message in conversation.messages):
            return conversation
        return replace(conversation, messages=(Message("system", ours), *conversation.messages))

    def around_answers(self) -> tuple[str, str, str]:
        """What stands before an answer that another turn follows, after it, and after one that is the last."""
        talk = (Message("user", "qzx0xzq"), Message("assistant", "qzx1xzq"), Message("user", "qzx2xzq"))
        try:
            whole, last = (self._rendered([turn.data() for turn in turns], (), False) for turns in (talk, talk[:2]))
        except Refused:
            return "", "", ""
        before, _, rest = whole.partition("qzx1xzq")
        return before.partition("qzx0xzq")[2], rest.partition("qzx2xzq")[0], last.partition("qzx1xzq")[2]

    def _repair(self, conversation: Conversation, prompting: bool) -> Repair:
        """The first way of giving a conversation of this shape that loses nothing."""
        kind = shape(conversation), prompting
        if kind not in self._repairs:
            self._repairs[kind] = self._found(conversation, prompting)
        return self._repairs[kind]

    def _found(self, conversation: Conversation, prompting: bool) -> Repair:
        alike, words = sample(conversation)
        refused: Refused | None = None
        for repair in repairs(alike):
            try:
                text = self._rendered(repair.turns(alike), alike.tools if repair.tools else (), prompting)
            except Refused as error:
                refused = refused or error
                continue
            names = called(alike) + (described(alike) if repair.tools else [])
            if _in_order(words, text) and all(name in text for name in names):
                return repair
        if refused is None:
            raise self._not_taken("it drops the text of a turn")
        if alike.is_plain:
            raise refused
        raise self._not_taken(refused.why)

    def _rendered(self, turns: list[dict[str, Any]], tools: Any, prompting: bool) -> str:
        template = self.tool_use if tools and self.tool_use is not None else self.template
        more = self._arguments(template)
        return template.render(turns, add_generation_prompt=prompting, tools=tools, **more)

    def _check_whole(self, conversation: Conversation, text: str) -> None:
        """Raise `BadInput` where a turn's text is not in what the model reads: a template may drop one for what it
        holds. What an assistant thought in an earlier turn is left out by design."""
        found = "".join(text.split())
        for message in conversation.messages:
            said = message.content.rpartition(THINK)[2] if message.role == "assistant" else message.content
            letters = "".join(said.split())
            if letters not in found and json.dumps(letters, ensure_ascii=False)[1:-1] not in found:
                raise self._not_taken(f"it drops the text of the {message.role}'s turn {said.strip()[:40]!r}")

    def _not_taken(self, why: str) -> BadInput:
        return BadInput(
            f"The chat template of {self.title} does not take this conversation ({why}): choose another model, or "
            "another --chat-template."
        )


def _in_order(words: list[str], text: str) -> bool:
    """Does each stand in the text behind the one before it?"""
    place = 0
    for word in words:
        place = text.find(word, place)
        if place < 0:
            return False
        place += len(word)
    return True
