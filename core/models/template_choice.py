"""Which chat template is used: the model's own, one of its named ones, a plain one, or one that a person gave."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.errors import ModelError

#: What a project's setting `chat_template` says for the plain one.
PLAIN = "plain"
#: Names on lines of their own, so that a text needs no blank before it.
PLAIN_SOURCE = (
    "{% if tools %}Tools:\n{{ tools | tojson }}\n\n{% endif %}"
    "{% for message in messages %}{{ message.role | capitalize }}:\n{{ message.content }}"
    "{% if message.tool_calls %}{{ message.tool_calls | tojson }}{% endif %}"
    "{% if message.role == 'assistant' %}{{ eos_token }}{% endif %}{{ '\n\n' }}{% endfor %}"
    "{% if add_generation_prompt %}Assistant:\n{% endif %}"
)
#: Where a model that was never taught to end a turn goes on with the next one.
PLAIN_STOPS = ("\n\nUser:\n",)


@dataclass(frozen=True)
class TemplateChoice:
    """The source of the template, and of another one for conversations with tools, where there is one."""

    default: str
    tool_use: str | None = None
    plain: bool = False
    """Is it the plain one?"""


def chosen(tokenizer: Any, title: str, wanted: str = "") -> TemplateChoice:
    """The template that a project's setting asks for: the model's own (the plain one, where it has none), `plain`, one
    of the model's by its name, or a text of Jinja. Raises `ModelError` for a name that there is not."""
    own = tokenizer.chat_template
    named = {name: source for name, source in own.items() if _is_source(source)} if isinstance(own, Mapping) else {}
    if wanted in named:
        return TemplateChoice(named[wanted])
    if "{{" in wanted or "{%" in wanted:
        return TemplateChoice(wanted)
    if wanted == PLAIN:
        return _plain(tokenizer)
    if wanted:
        known = ", ".join([*sorted(named), PLAIN])
        raise ModelError(f"{title} has no chat template called {wanted!r:.80}: choose one of {known}.")
    if "default" in named:
        return TemplateChoice(named["default"], named.get("tool_use"))
    return TemplateChoice(own) if _is_source(own) else _plain(tokenizer)


def _is_source(source: object) -> bool:
    return isinstance(source, str) and source != ""


def _plain(tokenizer: Any) -> TemplateChoice:
    """With the beginning token where the tokenizer itself writes one."""
    begins = tokenizer.bos_token_id is not None and tokenizer("x")["input_ids"][:1] == [tokenizer.bos_token_id]
    return TemplateChoice(("{{ bos_token }}" if begins else "") + PLAIN_SOURCE, plain=True)
