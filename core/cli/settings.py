"""The command about this machine: where models compute, in how many threads and how much memory."""

from typing import Any

import click

from core.cli.output import json_option, show, table
from core.config.options import documented
from core.errors import BadInput
from core.machine import compute_settings
from core.machine.compute_settings import Machine

NAMES = {item.name.replace("_", "-"): item for item in documented(Machine)}


@click.command("settings")
@click.argument("name", required=False)
@click.argument("value", required=False)
@click.option("--reset", is_flag=True, help="Put back the default of NAME, or all defaults.")
@json_option
def settings(name: str | None, value: str | None, reset: bool, as_json: bool) -> None:
    """Show what was chosen for this machine, or set NAME to VALUE for every project, from the next job on."""
    if name is not None and name not in NAMES:
        raise BadInput(f"There is no setting {name!r}: choose one of {', '.join(NAMES)}.")
    if reset and value is not None:
        raise BadInput("Give either a value or --reset, not both.")
    if reset and name is None:
        compute_settings.reset()
    elif name is not None and (reset or value is not None):
        item = NAMES[name]
        compute_settings.choose(item.name, item.default if value is None else _read(name, value))
    shown = [name] if name else list(NAMES)
    found = {item: compute_settings.asked(NAMES[item].name) for item in shown}
    rows = [
        (item, now or NAMES[item].metadata["zero"], by or "by default", NAMES[item].metadata["help"])
        for item, (now, by) in found.items()
    ]
    values = {item: {"value": now, "chosen": by or "by default"} for item, (now, by) in found.items()}
    show(
        {"file": str(compute_settings.file()), "settings": values},
        as_json,
        table(rows, ("setting", "value", "chosen", "")),
    )


def _read(name: str, text: str) -> Any:
    """A value as its setting has it. Raises `BadInput` for what is no number where one is needed."""
    kind: Any = type(NAMES[name].default)
    try:
        return kind(text.replace(",", ".") if kind is float else text)
    except ValueError as error:
        raise BadInput(f"{name} is a {'whole ' if kind is int else ''}number, not {text!r}.") from error


COMMANDS = (settings,)
