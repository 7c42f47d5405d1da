"""Commands about what is asked: the prompts, and how their conversations reach the model."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from core.cli.output import folder_argument, json_option, opened, show, table
from core.config.chat import Chat
from core.config.options import documented
from core.conversation import Conversation
from core.errors import BadInput
from core.records import Prompt
from core.store import Project, chat_settings, named_turns, prompts

NAMES = {item.name.replace("_", "-"): item for item in documented(Chat)}


@click.command("prompts")
@folder_argument
@click.option("--add", "added", multiple=True, help="Add this prompt. Repeatable.")
@click.option(
    "--conversation", "conversations", multiple=True,
    help="Add a conversation: a JSON list of messages with `role` and `content`, the user's last. Repeatable.",
)  # fmt: skip
@click.option("--change", type=int, help="Make the prompt of this id what --add or --conversation says, once.")
@click.option("--heldout", type=click.FloatRange(0, 0.99), help="Put this share of all prompts in the held-out split.")
@click.option("--unsure", is_flag=True, help="Only those of one turn, from an earlier version, that may hold several.")
@click.option("--settle", is_flag=True, help="What --unsure lists is one turn each: list it no more.")
@click.option("--search", default="", help="Only prompts with this text in one of their turns.")
@click.option("--limit", default=0, help="At most this many; 0 is all.")
@json_option
def prompts_command(
    folder: Path, added: tuple[str, ...], conversations: tuple[str, ...], change: int | None, heldout: float | None,
    unsure: bool, settle: bool, search: str, limit: int, as_json: bool,
) -> None:  # fmt: skip
    """List the prompts, add or change some, or choose which are held out."""
    given = [*map(Conversation.of_text, added), *map(_conversation, conversations)]
    with opened(folder) as project:
        _put(project, given, change)
        if heldout is not None:
            prompts.split_heldout(project, heldout)
        if settle:
            named_turns.settle(project)
        left = named_turns.unsure(project)
        found = left[: limit or None] if unsure else prompts.listed(project, search=search, limit=limit)
    rows = [(item.id, item.split, ",".join(item.tags), len(item.conversation.messages), item.text) for item in found]
    text = table(rows, ("id", "split", "tags", "turns", "text"))
    show({"prompts": list(map(_data, found)), "unsure": len(left)}, as_json, _told(text, len(left), unsure))


def _conversation(text: str) -> Conversation:
    """Raises `BadInput` for what is no conversation in JSON."""
    try:
        return Conversation.read(json.loads(text))
    except (ValueError, RecursionError) as error:
        why = "it is no JSON" if isinstance(error, json.JSONDecodeError) else str(error)
        raise BadInput(f"--conversation cannot be read: {why}.") from error


def _put(project: Project, given: list[Conversation], change: int | None) -> None:
    if change is None:
        if given:
            prompts.add(project, map(Prompt.of, given))
        return
    if len(given) != 1:
        raise BadInput("Say with one --add or --conversation what the prompt is to be.")
    prompts.edit(project, change, conversation=given[0])


def _data(prompt: Prompt) -> dict[str, Any]:
    messages = prompt.conversation.data()
    tags = ",".join(prompt.tags)
    return {"id": prompt.id, "split": prompt.split, "tags": tags, "text": prompt.text, "conversation": messages}


def _told(text: str, left: int, listed: bool) -> str:
    """The table, and whether there are prompts to look at; with those, what can be done about them."""
    if listed:
        return f"{text}\n\nTake one apart with --change ID --conversation JSON, or leave all as they are with --settle."
    return f"{text}\n\n{left} of one turn may hold several: --unsure lists them." if left else text


@click.command("chat-settings")
@folder_argument
@click.argument("name", required=False)
@click.argument("value", required=False)
@click.option("--reset", is_flag=True, help="Put back the default of NAME.")
@json_option
def chat_command(folder: Path, name: str | None, value: str | None, reset: bool, as_json: bool) -> None:
    """Show how the conversations of DIR reach the model, or set NAME to VALUE, from the next job on."""
    if name is not None and name not in NAMES:
        raise BadInput(f"There is no setting {name!r}: choose one of {', '.join(NAMES)}.")
    if reset and (value is not None or name is None):
        raise BadInput("Give --reset with a NAME, and without a value.")
    with opened(folder) as project:
        if name is not None and (reset or value is not None):
            item = NAMES[name]
            chosen: dict[str, Any] = {item.name: item.default if value is None else value}
            chat_settings.choose(project, replace(chat_settings.get(project), **chosen))
        found = chat_settings.get(project)
    values = {shown: getattr(found, NAMES[shown].name) for shown in ([name] if name else NAMES)}
    rows = [
        (shown, now or NAMES[shown].metadata["zero"], NAMES[shown].metadata["help"]) for shown, now in values.items()
    ]
    show({"settings": values}, as_json, table(rows, ("setting", "value", "")))


COMMANDS = (prompts_command, chat_command)
