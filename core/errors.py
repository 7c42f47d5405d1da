"""The errors that a person may meet: each message is one sentence that says what to do.

Anything that is not a `KnownError` is a bug: it is reported with its traceback, never swallowed.
`known` is the one place that turns the operating system's and the libraries' errors into sentences; `explained` is for
where nobody is left who could say it better.
"""

import errno
import sqlite3
import traceback
from collections.abc import Iterator
from pathlib import Path


def printable(text: object) -> str:
    """As text that any screen, file and database can hold: what of a path is not UTF-8 becomes `\\udcff`."""
    return str(text).encode(errors="backslashreplace").decode()


class KnownError(Exception):
    """A condition with a sentence for the person in front of the screen. The CLI exits with `exit_code`."""

    exit_code = 1

    def __init__(self, sentence: str = "") -> None:
        super().__init__(printable(sentence))


class BadInput(KnownError):
    """What the person gave (a file, a folder, an option) cannot be used as it is."""

    exit_code = 2


class ProjectError(BadInput):
    """The folder is not a project that this version can open."""


class AlteredProject(ProjectError):
    """Its database holds something else than Plumbline makes, so that nothing in it is believed."""


class DamagedProject(ProjectError):
    """The project's database is not as Plumbline left it."""


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


class CheckpointOutOfReach(KnownError):
    """A checkpoint could not be looked at, which says nothing of what is in it: all that is known of it is kept."""


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
    "Not enough memory: close other programs and resume, or begin anew with a smaller model, batch size or completion "
    "length; everything saved so far is kept."
)
NO_SHARED_MEMORY = (
    "The file system that holds the project gives its database no shared memory, as some network drives: move the "
    "project to a local disk."
)
DISK_FAILS = (
    "The disk that holds the project could not be read or written: check the disk, or move the project to another "
    "one; everything saved so far is kept."
)
DAMAGED = (
    "The project's database is damaged: close the project, put plumbline.db aside with plumbline.db-wal and "
    "plumbline.db-shm, and restore it from a backup, such as a plumbline.before-….db beside it or an archive."
)

#: What the system calls a disk, a quota or a file that may not grow.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
#: How libraries say that memory is short.
MEMORY_WORDS = (
    "DefaultCPUAllocator", "out of memory", "bad_alloc", "bad allocation", "Cannot allocate memory", "can't allocate",
)  # fmt: skip
#: What SQLite and Python say of a file whose bytes were changed.
DAMAGED_WORDS = ("malformed", "not a database", "Could not decode")
STORE = Path(__file__).parent / "store"
#: Functions of transformers within which a model's chat template runs.
TEMPLATE_DOORS = ("apply_chat_template", "render_jinja_template", "_compile_jinja_template")


def first_line(error: BaseException) -> str:
    """What a library's error says, as a part of a sentence."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


def chain(error: BaseException) -> Iterator[BaseException]:
    """The error and those that it was raised from: libraries wrap what the system says."""
    seen: set[int] = set()
    found: BaseException | None = error
    while found is not None and id(found) not in seen:
        seen.add(id(found))
        yield found
        found = found.__cause__ or (None if found.__suppress_context__ else found.__context__)


def is_out_of_memory(error: BaseException) -> bool:
    """Torch's error is told by its class name, because this module must not import torch."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return True
    says = isinstance(error, (RuntimeError, ImportError, SystemError, OSError, sqlite3.Error))
    says = says or type(error).__name__ == "SafetensorError"
    return says and any(words in str(error) for words in MEMORY_WORDS)


def is_panic(error: BaseException) -> bool:
    """Of a library in Rust, as tokenizers is. It is no `Exception`, and its class cannot be imported."""
    return type(error).__name__ == "PanicException"


def known(error: BaseException) -> KnownError | None:
    """The `KnownError` that stands for `error`, or None when it is a bug."""
    if isinstance(error, KnownError):
        return error
    found = list(chain(error))
    if any(map(is_out_of_memory, found)):
        return KnownError(OUT_OF_MEMORY)
    if any(map(_is_full, found)):
        return KnownError(DISK_FULL)
    if any(map(_is_of_a_chat_template, found)):
        return ModelError(f"The model's chat template fails ({first_line(error)}): choose another model, or mend it.")
    if any(map(is_panic, found)):
        return ModelError(
            f"The model's tokenizer fails at a text ({first_line(error)}): choose another model, or leave the text out."
        )
    if isinstance(error, UnicodeEncodeError) and error.reason == "surrogates not allowed":
        return BadInput(
            f"A text holds {error.object[error.start]}, half a letter or a byte that is no UTF-8: write it anew."
        )
    if isinstance(error, UnicodeDecodeError) and _is_of_the_store(error):
        return DamagedProject(DAMAGED)
    if isinstance(error, sqlite3.Error):
        return _of_database(error)
    if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return KnownError(f"No permission to use {error.filename}: check the folder's permissions.")
    if isinstance(error, RuntimeError) and str(error).startswith(("Could not determine home", "Symlink loop")):
        return BadInput(f"There is no such folder ({first_line(error)}): write its path in full.")
    return None


def explained(error: BaseException) -> KnownError | None:
    """Like `known`, with a general sentence for what the system refuses; for the outermost doors."""
    if (found := known(error)) is not None:
        return found
    if isinstance(error, EOFError):
        return BadInput("A file ends before its content does: it is damaged, so copy or download it anew.")
    if isinstance(error, OSError):
        where = f"{error.filename} cannot be used" if error.filename else "A file cannot be used"
        why = error.strerror or first_line(error)
        return KnownError(f"{where} ({why}): check that the folder is there and its disk is whole.")
    return None


def _is_full(error: BaseException) -> bool:
    text = str(error)
    if isinstance(error, OSError) and (error.errno in FULL or any(f"[Errno {number}]" in text for number in FULL)):
        return True  # shutil lists what the system said of each file
    return ("disk is full" in text and isinstance(error, sqlite3.Error)) or (
        type(error).__name__ == "SafetensorError" and "No space left" in text
    )


def _is_of_a_chat_template(error: BaseException) -> bool:
    """Whatever was raised while transformers filled in a template lies in the model's files."""
    return any(frame.f_code.co_name in TEMPLATE_DOORS for frame, _ in traceback.walk_tb(error.__traceback__))


def _is_of_the_store(error: BaseException) -> bool:
    """What SQLite says of a damaged schema quotes it, and then need not be UTF-8: Python cannot even make the error."""
    frames = [frame.f_code.co_filename for frame, _ in traceback.walk_tb(error.__traceback__)]
    return bool(frames) and Path(frames[-1]).is_relative_to(STORE)


def _of_database(error: sqlite3.Error) -> KnownError | None:
    text = str(error)
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
    if isinstance(error, sqlite3.IntegrityError) and text.startswith("FOREIGN KEY"):
        return BadInput("What this belongs to was deleted meanwhile, in another window or by another program.")
    if any(word in text for word in DAMAGED_WORDS):
        return DamagedProject(DAMAGED)
    return None
