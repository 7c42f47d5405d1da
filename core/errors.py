"""The errors that a person may meet: each message is one sentence that says what to do.

Anything that is not a `KnownError` is a bug: it is reported with its traceback, never swallowed.
`known` is the one place that turns the operating system's and the libraries' errors into sentences.
"""

import errno
import sqlite3


class KnownError(Exception):
    """A condition with a sentence for the person in front of the screen. The CLI exits with `exit_code`."""

    exit_code = 1


class BadInput(KnownError):
    """What the person gave (a file, a folder, an option) cannot be used as it is."""

    exit_code = 2


class ProjectError(BadInput):
    """The folder is not a project that this version can open."""


class AlteredProject(ProjectError):
    """Its database holds something else than Plumbline makes, so that nothing in it is believed."""


class ModelError(KnownError):
    """The base model is missing, damaged or of a kind that cannot be used."""


class NothingToDo(BadInput):
    """The job has no work: no prompts, no completions, no pairs."""


class Stopped(KnownError):
    """Somebody stopped it before its end; nothing of it is left."""


class Diverged(KnownError):
    """A computation gave something that is not a number: nothing was changed by it, but going on makes no sense."""


DISK_FULL = "The disk is full: free some space and resume; everything saved so far is kept."
OUT_OF_MEMORY = (
    "Not enough memory: choose a smaller model, batch size or completion length, or close other programs, "
    "then resume; everything saved so far is kept."
)


def first_line(error: BaseException) -> str:
    """What a library's error says, as a part of a sentence."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


def is_out_of_memory(error: BaseException) -> bool:
    """Torch's error is told by its class name, because this module must not import torch."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    text = str(error)
    return isinstance(error, RuntimeError) and ("DefaultCPUAllocator" in text or "out of memory" in text)


def known(error: BaseException) -> KnownError | None:
    """The `KnownError` that stands for `error`, or None when it is a bug."""
    if isinstance(error, KnownError):
        return error
    if is_out_of_memory(error):
        return KnownError(OUT_OF_MEMORY)
    text = str(error)
    if isinstance(error, sqlite3.OperationalError) and "disk is full" in text:
        return KnownError(DISK_FULL)
    if isinstance(error, sqlite3.OperationalError) and "locked" in text:
        return KnownError("Another program is writing to the project: wait a moment and try again.")
    if isinstance(error, sqlite3.OperationalError) and ("readonly" in text or "unable to open" in text):
        return KnownError("The project's database cannot be written: check the folder's permissions.")
    if isinstance(error, sqlite3.DatabaseError) and ("malformed" in text or "not a database" in text):
        return ProjectError("The project's database is damaged: restore plumbline.db from a backup.")
    if isinstance(error, OSError):
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return KnownError(DISK_FULL)
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            return KnownError(f"No permission to use {error.filename}: check the folder's permissions.")
    if type(error).__name__ == "SafetensorError" and "No space left" in text:
        return KnownError(DISK_FULL)
    return None
