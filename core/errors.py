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


class ProjectMoved(KnownError):
    """Its folder was moved, deleted or replaced while it was open."""


class DamagedCheckpoint(KnownError):
    """The checkpoint of `step` cannot be gone on from."""

    def __init__(self, step: int, what: str) -> None:
        super().__init__(
            f"The checkpoint of step {step} is damaged ({what}): resume goes on from the last whole one before it, or "
            "begins anew."
        )
        self.step = step


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
NO_SHARED_MEMORY = (
    "The file system that holds the project gives its database no shared memory, as some network drives: move the "
    "project to a local disk."
)
DISK_FAILS = (
    "The disk that holds the project could not be read or written: check the disk, or move the project to another "
    "one; everything saved so far is kept."
)


def first_line(error: BaseException) -> str:
    """What a library's error says, as a part of a sentence."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


#: What libraries, drivers and the system say when memory is short.
SHORT = ("DefaultCPUAllocator", "out of memory", "Cannot allocate memory", "bad_alloc", "bad allocation")


def is_out_of_memory(error: BaseException | None) -> bool:
    """Also where a library made another error of it. Torch's is told by its class name, because this module must not
    import torch."""
    for _ in range(10):  # a chain of errors may be a ring
        if error is None:
            return False
        kind, said = type(error).__name__, isinstance(error, RuntimeError | OSError | sqlite3.Error)
        if isinstance(error, MemoryError) or kind == "OutOfMemoryError":
            return True
        if (said or kind == "SafetensorError") and any(words in str(error) for words in SHORT):
            return True
        error = error.__cause__ or error.__context__
    return False


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
    if isinstance(error, sqlite3.OperationalError):
        code = str(vars(error).get("sqlite_errorname", ""))
        if code.startswith("SQLITE_IOERR_SHM") or code == "SQLITE_PROTOCOL":
            return KnownError(NO_SHARED_MEMORY)
        if code.startswith("SQLITE_IOERR"):
            return KnownError(DISK_FAILS)
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
