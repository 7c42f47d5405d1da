"""A data set of a hub, for the command that imports it: asked for by its name, a part chosen, brought here."""

import sys
from dataclasses import replace
from pathlib import Path

import click

from core import data
from core.cli.output import rewrite, say
from core.data import hub
from core.data.hub import Part
from core.humanize import size
from core.machine.hub import address
from core.records import Split


def bring(
    name: str, options: data.ReadOptions, config: str, split: str, token: bool
) -> tuple[Path, data.ReadOptions, Split | None]:
    """How the part is read, and that all of it is held out if it is a test. What is done is said as it is done."""
    say(f"Asking {address()} for {name} …", err=True)
    part = _chosen(hub.parts(name, token=token), config, split)
    say(f"Downloading {part.source}: {part.note} …", err=True)
    path, found = hub.fetch(part, token=token, tell=lambda count: rewrite(f"{size(count)} of {size(part.bytes)}"))
    rewrite("")
    use: Split | None = "heldout" if part.use == "heldout" else None
    return path, replace(found, columns=options.columns, encoding=options.encoding), use


def _chosen(found: list[Part], config: str, split: str) -> Part:
    """A person at a terminal is asked which one, where there are several."""
    left = hub.matching(found, config, split)
    if len(left) < 2 or not sys.stdin.isatty():
        return hub.chosen(found, config, split)
    for number, part in enumerate(left[: hub.SHOWN], start=1):
        say(f"{number:3}  {part.config}, {part.split}: {part.note}", err=True)
    if len(left) > hub.SHOWN:
        say(f"     … and {len(left) - hub.SHOWN:,} more, by --hub-config and --hub-split", err=True)
    return left[click.prompt("Which one", type=click.IntRange(1, min(len(left), hub.SHOWN)), err=True) - 1]
