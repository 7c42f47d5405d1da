"""What a command says when it fails: for whatever lies in a file one sentence, and a traceback for bugs alone."""

import io
import sqlite3
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from core.errors import AlteredProject, DamagedProject, KnownError, explained
from core.store import DATABASE, backups
from core.store.files import closed


def guarded(command: click.Command) -> click.Command:
    """The command, whose errors are told by its own project's state where they are not known by themselves; of a group
    each of its commands."""
    if isinstance(command, click.Group):
        for each in command.commands.values():
            guarded(each)
        return command
    function: Callable[..., Any] | None = command.callback
    assert function is not None

    @wraps(function)
    def call(*arguments: Any, **options: Any) -> Any:
        try:
            return function(*arguments, **options)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            if _nobody_reads(error) or (found := sentence(error, options.get("folder"))) is None:
                raise
            raise found from error

    command.callback = call
    return command


def _nobody_reads(error: Exception) -> bool:
    """Did whoever reads what is printed leave, as `head` does? Click ends the command then without a word."""
    if not isinstance(error, BrokenPipeError):
        return False
    try:
        sys.stdout.write("\n")  # another pipe may be the broken one
        sys.stdout.flush()
    except BrokenPipeError:
        return True
    return False


def sentence(error: Exception, folder: Path | None) -> KnownError | None:
    """None for a bug: neither the error nor the project's file explains it."""
    found = explained(error)
    if folder is None or (found is not None and not isinstance(found, DamagedProject)):
        return found
    return backups.damaged(folder) if found is not None or _is_damaged(folder / DATABASE) else None


def _is_damaged(path: Path) -> bool:
    try:
        return path.is_file() and closed.fault(path) is not None
    except AlteredProject:
        return True
    except (OSError, sqlite3.Error):
        return False


def print_anything() -> None:
    """Let what is no text in the terminal's encoding be printed as `\\xff` instead of stopping the command: names of
    files may be any bytes."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
