"""The command `trust`, and the question that other commands ask before a project does what nobody allowed."""

import sys
from collections.abc import Callable
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


def asking(door: Callable[[], T]) -> T:
    """What `door` returns; where a person must be asked first, they are, if there is a terminal to ask them in."""
    try:
        return door()
    except AskFirst as error:
        if not sys.stdin.isatty():
            raise
        say(_list(error.wishes), err=True)
        click.confirm("This project was not allowed to do that yet. Allow it?", abort=True, err=True)
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
    registry.set_modules(registry.modules() - names if revoke else registry.modules() | names)


def _revoke(project: Project) -> tuple[dict[str, object], str]:
    gate.revoke(project)
    return {"trusted": False}, f"{project.folder} is not trusted any more: nothing that it names runs unasked."


def _trust(project: Project, yes: bool) -> tuple[dict[str, object], str]:
    found, refused = wishes.of_project(project)
    lacking = gate.lacking(project, found)
    chosen = registry.modules()
    foreign = [each for each in lacking if each.module and each.module not in chosen]
    refused += [gate.not_chosen(each.module) for each in foreign]
    wanted = [each for each in lacking if each not in foreign]
    say(_list(wanted), err=True)
    for sentence in refused:
        say(f"Not allowed: {sentence}", err=True)
    if not yes and not sys.stdin.isatty():
        raise BadInput("Nobody can be asked here: nothing was changed. Look at what it names, then repeat with --yes.")
    if not yes:
        click.confirm(harmless(f"Trust the project in {project.folder}?"), abort=True, err=True)
    gate.trust(project, wanted)
    values: dict[str, object] = {"trusted": True, "allowed": [each.key for each in wanted], "refused": refused}
    return values, f"{project.folder} is trusted on this machine."


def _list(found: tuple[Wish, ...] | list[Wish]) -> str:
    return "\n".join(f"- {each.words}" for each in found) or "It names nothing that would run."


COMMANDS = (trust_command,)
