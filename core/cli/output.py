"""What every command shares: its folder argument, `--json`, tables, and a job's options and progress."""

import json
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar, get_args

import click

from core.config.options import documented, flag_name
from core.humanize import duration
from core.preferences.interval import Interval
from core.records import Job
from core.store import Project, open_project
from core.texts import visible
from core.trust import gate

#: Characters of a cell: a longer one would push all other columns out of sight.
WIDEST = 200

Command = TypeVar("Command", bound=Callable[..., Any])

folder_argument = click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line.")


def opened(folder: Path) -> closing[Project]:
    """`with opened(folder) as project:`. Jobs that came with a project from elsewhere do not start by themselves."""
    project = open_project(folder)
    gate.arrive(project)
    return closing(project)


def harmless(text: str) -> str:
    """`text` without anything that a terminal would obey: prompts, names and files may come from anywhere."""
    return visible(text.replace("\r\n", "\n")).replace("\r", "‹U+000D›")


def say(text: str, *, err: bool = False) -> None:
    """Everything that a command tells a person goes through here."""
    click.echo(harmless(text), err=err)


def rewrite(text: str) -> None:
    """Let the last line of a terminal say this in place of what it said; nothing elsewhere."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{harmless(text)}", end="", file=sys.stderr, flush=True)


def quoted(text: str, mark: str = "") -> str:
    """A text of strangers after our mark: with a bar before each further line, or before all, so that none passes for
    one of ours."""
    bar = " " * max(0, len(mark) - 2) + "| "
    first, *rest = harmless(text).splitlines() or [""]
    return "\n".join([(mark or bar) + first, *(bar + line for line in rest)])


def show(values: dict[str, Any], as_json: bool, text: str) -> None:
    """The result: a sentence or table for people, or one JSON line for programs."""
    if as_json:
        print(json.dumps(values).replace("\x7f", r"\u007f"))
    else:
        say(text)


def table(rows: Sequence[Sequence[Any]], header: Sequence[str]) -> str:
    """Columns aligned by their widest cell; numbers with three decimals, small ones with three digits."""
    cells = [[str(cell) for cell in header]] + [[_cell(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells
    )


def interval(found: Interval) -> str:
    """A value with the ends of its interval, as far as they are known."""
    if found.value is None:
        return "-"
    if found.low is None or found.high is None:
        return f"{found.value:.3f}"
    return f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f})"


def _short(text: str) -> str:
    return text if len(text) <= WIDEST else text[: WIDEST - 1] + "…"


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3f}" if not value or abs(value) >= 0.01 else f"{value:.3g}"
    return "" if value is None else _short(harmless(" ".join(str(value).splitlines())))


def config_options(*kinds: type[Any], leave_out: tuple[str, ...] = ()) -> Callable[[Command], Command]:
    """Click options made from the documented fields of config classes, which hold default, bounds and help.

    An option that several classes have is offered once, as the first of them describes it; the classes that have
    another default are named with it.
    """
    items = {item.name: item for kind in reversed(kinds) for item in documented(kind)}
    others: dict[str, list[tuple[str, Any]]] = {name: [] for name in items}
    for kind in kinds:
        for item in documented(kind):
            if item.default != items[item.name].default:
                others[item.name].append(((kind.__doc__ or kind.__name__).partition(":")[0], item.default))

    def decorate(command: Command) -> Command:
        names = dict.fromkeys(item.name for kind in kinds for item in documented(kind) if item.name not in leave_out)
        for name in reversed(names):
            command = _option(items[name], others[name])(command)
        return command

    return decorate


def _option(item: Any, others: list[tuple[str, Any]]) -> Callable[[Command], Command]:
    """`others` are names of classes with their own defaults."""
    meta, name, default = item.metadata, flag_name(item.name), item.default
    help = meta["help"]
    said = "; ".join([f"default: {default if default != '' else 'none'}", *(f"{of}: {own}" for of, own in others)])
    if isinstance(default, bool):
        return click.option(f"{name}/--no-{name[2:]}", item.name, default=None, help=f"{help}  [{said}]")
    if isinstance(default, tuple):
        each = get_args(item.type)[0]
        one = name.removesuffix("ies") + "y" if name.endswith("ies") else name.removesuffix("s")
        return click.option(one, item.name, type=each, multiple=True, default=None, help=f"{help} Repeatable.")
    bounds = [f"from {meta['low']:g}"] if meta["low"] is not None else []
    bounds += [f"to {meta['high']:g}"] if meta["high"] is not None else []
    note = ", ".join([*bounds, said])
    kind: Any = click.Choice(meta["choices"]) if meta["choices"] else type(default)
    return click.option(name, item.name, type=kind, default=None, help=f"{help}  [{note}]")


def given(options: dict[str, Any], kind: type[Any]) -> dict[str, Any]:
    """The options of `kind` that were given on the command line."""
    names = {item.name for item in documented(kind)}
    return {name: value for name, value in options.items() if name in names and value not in (None, ())}


class ProgressLine:
    """A job's stage, count and ETA on stderr, and what it does right now: one rewritten line on a terminal, elsewhere
    new lines, which leave out the counts within a step."""

    def __init__(self) -> None:
        self.terminal = sys.stderr.isatty()
        self.last = ""

    def __call__(self, job: Job) -> None:
        told = describe(job if self.terminal else replace(job, doing=job.doing.split(",")[0]))
        text = harmless(" ".join(told.splitlines()))
        if text == self.last:
            return
        self.last = text
        if self.terminal:
            print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
        else:
            print(text, file=sys.stderr, flush=True)

    def close(self) -> None:
        if self.terminal and self.last:
            print(file=sys.stderr)


def describe(job: Job) -> str:
    """`Tuning the policy (PPO): 3/12, 80 s left · Learning, pass 2 of 4`."""
    stage = job.stage or job.name
    if job.status in ("queued", "paused"):
        return f"{stage}: {job.status}" + (f". {job.error}" if job.error else "")
    count = f": {job.done}/{job.total}" if job.total > 1 else ""
    left = f", {duration(job.eta)} left" if job.eta is not None else ""
    doing = f" · {job.doing}" if job.doing and job.status == "running" else ""
    return f"{stage}{count}{left}{doing}"
