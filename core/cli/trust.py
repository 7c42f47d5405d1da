"""The command `trust`, and the question that other commands ask before a project does what nobody allowed."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import click

from core.cli.output import harmless, json_option, opened, say, show
from core.errors import BadInput
from core.runs import wishes
from core.store import Project
from core.trust import code, gate, registry
from core.trust.wish import AskFirst, Wish

T = TypeVar("T")
#: Lines that are seen at one glance.
MANY = 20


def asking(door: Callable[[], T]) -> T:
    """What `door` returns; where a person must be asked first, they are, if there is a terminal to ask them in."""
    try:
        return door()
    except AskFirst as error:
        if not sys.stdin.isatty():
            raise
        say(_list(error.wishes), err=True)
        what = "that" if len(error.wishes) == 1 else f"these {len(error.wishes):,} things"
        click.confirm(f"This project was not allowed to do {what} yet. Allow it?", abort=True, err=True)
        error.allow()
        return asking(door)


@click.command("trust")
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--revoke", is_flag=True, help="Take back what was allowed; with --module, for that module.")
@click.option(
    "--module", "-m", "modules", multiple=True, help="A Python module of yours that may hold rewards. Repeatable."
)
@json_option
def trust_command(folder: Path | None, yes: bool, revoke: bool, modules: tuple[str, ...], as_json: bool) -> None:
    """Let a project that was made elsewhere run what it names: shows that, and asks once.

    What is allowed is kept in your data folder, and asked for again when the named code changes. A `module:function`
    runs only from modules that were chosen with --module, in any project.
    """
    if modules:
        _choose_modules(frozenset(modules), revoke)
    if folder is not None and not (modules and revoke):
        with opened(folder) as project:
            values, text = _revoke(project) if revoke else _trust(project, yes)
    elif modules:
        found = sorted(registry.modules())
        values, text = {"modules": found}, f"Modules that may hold rewards: {', '.join(found) or 'none'}."
    else:
        raise BadInput("Name a project, or a module of yours with --module.")
    show(values, as_json, text)


def _choose_modules(names: frozenset[str], revoke: bool) -> None:
    for name in names if not revoke else ():
        code.check_module(name)
    registry.choose_modules(names, revoke=revoke)


def _revoke(project: Project) -> tuple[dict[str, object], str]:
    gate.revoke(project)
    return {"trusted": False}, f"{project.folder} is not trusted any more: nothing that it names runs unasked."


def _trust(project: Project, yes: bool) -> tuple[dict[str, object], str]:
    found, refused = wishes.of_project(project)
    lacking = _each(found, lambda one: gate.lacking(project, one), refused)
    chosen = registry.modules()
    foreign = [each for each in lacking if each.module and each.module not in chosen]
    refused += [gate.not_chosen(each.module) for each in foreign]
    wanted = [each for each in lacking if each not in foreign]
    say(_list(wanted), err=True)
    _say_refused(refused)
    if not yes and not sys.stdin.isatty():
        raise BadInput("Nobody can be asked here: nothing was changed. Look at what it names, then repeat with --yes.")
    if not yes:
        click.confirm(harmless(f"Trust the project in {project.folder}?"), abort=True, err=True)
    missing: list[str] = []
    there = _each(wanted, lambda one: one[0].seen() and one, missing)  # looked for only now that they said yes
    _say_refused(missing)
    gate.trust(project, there)
    values: dict[str, object] = {"trusted": True, "allowed": [each.key for each in there], "refused": refused + missing}
    return values, f"{project.folder} is trusted on this machine."


def _each(found: Sequence[Wish], door: Callable[[list[Wish]], list[Wish]], refused: list[str]) -> list[Wish]:
    """What `door` lets through of each; the sentence about one that it refuses is added to `refused`."""
    through: list[Wish] = []
    for wish in found:
        try:
            through += door([wish])
        except BadInput as error:
            refused.append(str(error))
    return through


def _say_refused(refused: Sequence[str]) -> None:
    for sentence in refused:
        say(f"Not allowed: {sentence}", err=True)


def _list(found: Sequence[Wish]) -> str:
    """Code, which can do anything, comes last: there it is seen, however much else there is."""
    ordered = sorted(found, key=lambda each: each.kind == "code")
    lines = [f"- {each.words}" for each in ordered]
    code = sum(each.kind == "code" for each in ordered)
    if len(lines) > MANY:
        rest = len(lines) - code
        lines.append(f"These are {len(lines):,} things: {rest:,}, and at last {code:,} that run code.")
    return "\n".join(lines) or "It names nothing that would run."


COMMANDS = (trust_command,)
