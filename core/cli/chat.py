"""Commands about how conversations reach the model: the choices of a project, and what the model reads of a prompt."""

import json
from dataclasses import replace
from pathlib import Path

import click

from core.cli.output import folder_argument, json_option, opened, show, table
from core.config.chat import Chat
from core.config.options import documented
from core.conversation import Conversation
from core.errors import BadInput
from core.machine.reading import Reader
from core.store import Project, chat_settings, prompts

NAMES = {item.name.replace("_", "-"): item for item in documented(Chat)}


@click.command("chat")
@folder_argument
@click.argument("name", required=False)
@click.argument("value", required=False)
@json_option
def chat(folder: Path, name: str | None, value: str | None, as_json: bool) -> None:
    """Show how the conversations of DIR are put to the model, or set NAME to VALUE from the next job on."""
    if name is not None and name not in NAMES:
        raise BadInput(f"There is no choice {name!r}: choose one of {', '.join(NAMES)}.")
    with opened(folder) as project:
        if name is not None and value is not None:
            chat_settings.choose(project, replace(chat_settings.get(project), **{NAMES[name].name: value}))
        found = vars(chat_settings.get(project))
    shown = {each: found[NAMES[each].name] for each in ([name] if name else NAMES)}
    rows = [(each, now or NAMES[each].metadata["zero"], NAMES[each].metadata["help"]) for each, now in shown.items()]
    show(shown, as_json, table(rows, ("choice", "value", "")))


@click.command("read")
@folder_argument
@click.argument("prompt")
@json_option
def read(folder: Path, prompt: str, as_json: bool) -> None:
    """Show exactly what the model reads of PROMPT: its number in DIR, a text, or a list of messages as JSON. Control
    tokens stand in ⟦ ⟧."""
    with opened(folder) as project, Reader() as reader:
        found = reader.ask(project, _conversation(prompt) or _prompt(project, prompt))
    text = "".join(f"⟦{piece}⟧" if control else piece for piece, control in found.pieces)
    more = "".join(f"\nNote: {note}." for note in found.notes)
    if found.tokens > found.longest:
        more += "\nNote: that is more than the model reads: its oldest turns are left out."
    values = {"pieces": found.pieces, "tokens": found.tokens, "longest": found.longest, "notes": found.notes}
    show(values, as_json, f"{text}\n\n{found.tokens} tokens of {found.longest}.{more}")


def _prompt(project: Project, text: str) -> Conversation:
    if text.isdecimal():
        return prompts.get(project, int(text)).conversation
    return Conversation.of_text(text)


def _conversation(text: str) -> Conversation | None:
    """The messages that a text is, where it is JSON of them."""
    if not text.lstrip().startswith(("[", "{")):
        return None
    try:
        return Conversation.read(json.loads(text))
    except ValueError:
        return None


COMMANDS = (chat, read)
