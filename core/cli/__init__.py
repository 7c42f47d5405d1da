"""`python main.py COMMAND`: everything the window does, without a window. One command is one operation or one job.

Results go to stdout, progress and errors to stderr. `--json` prints one JSON object as the last line.
Exit codes: 0 done, 1 it failed (a sentence says why), 2 the input cannot be used, 130 interrupted.
"""

import io

import click

from core.cli import (
    alerts,
    arena,
    checking,
    data,
    jobs,
    judging,
    labelers,
    launcher,
    projects,
    prompts,
    ranking,
    reading,
    reports,
    review,
    runs,
    sending,
    servers,
    settings,
    slides,
    trail,
    trust,
)
from core.cli.guarding import guarded, print_anything
from core.cli.output import say
from core.errors import explained
from core.projects import leftovers


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="plumbline", prog_name="plumbline")
def cli() -> None:
    """Align a language model with human preferences: instructions, rankings, reward model, PPO.

    Without a command the window opens.
    """


MODULES = (
    projects, prompts, data, ranking, sending, labelers, review, jobs, judging, arena, runs, slides, trail, reports,
    launcher, settings, alerts, checking, servers, reading, trust,
)  # fmt: skip
for module in MODULES:
    for command in module.COMMANDS:
        cli.add_command(guarded(command))


def run(arguments: list[str] | None = None) -> int:
    """Run one command; returns its exit code. Known errors are one sentence on stderr, bugs keep their trace."""
    print_anything()
    try:
        leftovers.clear()
        return int(cli.main(arguments, prog_name="plumbline", standalone_mode=False) or 0)
    except click.ClickException as error:
        told = io.StringIO()
        error.show(told)
        say(told.getvalue().rstrip("\n"), err=True)
        return error.exit_code
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except (click.Abort, KeyboardInterrupt):
        return 130
    except Exception as error:
        sentence = explained(error)
        if sentence is None:
            raise
        say(f"Error: {sentence}", err=True)
        return sentence.exit_code
