"""The command that shows what the model reads of a prompt."""

import json
from pathlib import Path

import click

from core.cli.output import folder_argument, json_option, opened, show
from core.cli.trust import asking
from core.conversation import Conversation
from core.machine.reading import Reader
from core.runs import wishes
from core.store import Project, prompts


@click.command("read")
@folder_argument
@click.argument("prompt")
@json_option
def read(folder: Path, prompt: str, as_json: bool) -> None:
    """Show exactly what the model reads of PROMPT: its number in DIR, a text, or a list of messages as JSON. Control
    tokens stand in ⟦ ⟧."""
    with opened(folder) as project, Reader() as reader:
        asking(lambda: wishes.check_look(project))
        found = reader.ask(project, _conversation(prompt) or _prompt(project, prompt))
    text = "".join(f"⟦{piece}⟧" if control else piece for piece, control in found.pieces)
    more = "".join(f"\nNote: {note}." for note in found.notes)
    if found.too_long:
        more += "\nNote: that is more than the model reads: its oldest turns are left out."
    values = {"pieces": found.pieces, "tokens": found.tokens, "longest": found.longest, "notes": found.notes}
    said = f"{text}\n\n{found.tokens} tokens of {found.longest}.{more}\nThe model is {found.model}."
    show(values | {"model": found.model}, as_json, said)


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


COMMANDS = (read,)
