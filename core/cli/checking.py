"""The command that says what this machine can do."""

import click

from core.cli.output import json_option, say, show
from core.machine import checkup


@click.command("check")
@json_option
def check(as_json: bool) -> None:
    """Say what this machine can do: the window, models, memory, disk. Ends with 1 where something will not do."""
    found = checkup.findings()
    width = max(len(each.what) for each in found)
    text = "\n".join(f"{'ok' if each.will_do else 'NO':2}  {each.what:{width}}  {each.said}" for each in found)
    show({each.what: {"ok": each.will_do, "said": each.said} for each in found}, as_json, text)
    if not all(each.will_do for each in found):
        say("What will not do is marked NO above.", err=True)
        raise click.exceptions.Exit(1)


COMMANDS = (check,)
