"""The files of a checkpoint: written whole or not at all, sealed with their checksums, and looked at before they are
gone on from.

Safetensors hold no checksums, so that a flipped bit in a weight would go unseen. A checkpoint of an older version has
no seal: of that one only the shape of its files is looked at.
"""

import hashlib
import json
import os
import shutil
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core.errors import (
    BadInput,
    CheckpointOutOfReach,
    DamagedCheckpoint,
    KnownError,
    chain,
    first_line,
    is_out_of_memory,
    known,
)
from core.events import Checkpoint
from core.store.files import plain

#: Checksums of the other files in the folder, by their names.
SEAL = "checksums.json"
#: Bytes of what a checkpoint says in JSON, and of the header of safetensors, of which their library reads no more.
MOST_JSON, MOST_HEADER = 64_000_000, 100_000_000
#: What is wrong with a checkpoint that is not there, in a folder of its run that is.
GONE = "its folder is gone"


def save_whole(event: Checkpoint, final: Path) -> None:
    """The folder is there with everything that is in it, or not at all. Its parent must be there."""
    partial = final.with_name(f"{final.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        event.save(partial)
        (partial / SEAL).write_text(json.dumps(_checksums(partial)), encoding="utf-8")
        for path in _files(partial):
            with path.open("rb") as file:
                os.fsync(file.fileno())
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    replaced = _replaced(final)
    if final.exists():  # one of the same step, which is whole at every moment: here or beside
        shutil.rmtree(replaced, ignore_errors=True)
        final.rename(replaced)
    partial.rename(final)
    shutil.rmtree(replaced, ignore_errors=True)


def bring_back(final: Path) -> None:
    """Whoever was killed while a checkpoint came into the place of one of the same step left that one beside it."""
    replaced = _replaced(final)
    if not replaced.is_dir() or replaced.is_symlink():
        return
    if final.exists():
        shutil.rmtree(replaced, ignore_errors=True)
    else:
        replaced.rename(final)


def _replaced(final: Path) -> Path:
    return final.with_name(f"{final.name}.replaced")


def damage(folder: Path) -> str:
    """What is wrong with a checkpoint, as a part of a sentence; empty for a whole one.

    Raises `CheckpointOutOfReach` where it cannot be looked at: that is no damage.
    """
    try:
        if not _is_there(folder):
            folder.parent.stat()
            return GONE
        return _unlike_seal(folder) if _is_there(folder / SEAL) else _misshapen(folder)
    except FileNotFoundError as error:
        raise out_of_sight(folder) from error
    except OSError as error:
        raise _out_of_reach(folder, error) from error
    except (ValueError, TypeError, AttributeError, LookupError, RecursionError, BadInput) as error:
        return first_line(error)  # JSON that is none, or of another kind


def _is_there(path: Path) -> bool:
    """Raises what the system says otherwise; `Path.exists` takes some of that for a no."""
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    return True


def out_of_sight(folder: Path) -> CheckpointOutOfReach:
    return CheckpointOutOfReach(
        f"The run's checkpoints in {folder.parent} are not there: bring them back and try again, or begin a new run. "
        "What is known of this one is kept."
    )


def _out_of_reach(folder: Path, error: OSError) -> CheckpointOutOfReach:
    where, why = error.filename or folder, error.strerror or first_line(error)
    return CheckpointOutOfReach(
        f"{where} cannot be read ({why}), so that nobody knows whether the checkpoint is whole: see to its disk and "
        "its permissions, then try again. Nothing was forgotten. Where it can never be read again, remove "
        f"{folder}: the run then goes on from the one before it."
    )


@contextmanager
def reading(step: int) -> Iterator[None]:
    """Whatever a library says of files that cannot be read becomes a `DamagedCheckpoint`, what the system says a
    `CheckpointOutOfReach`."""
    try:
        yield
    except Exception as error:
        if isinstance(error, KnownError) or is_out_of_memory(error):
            raise
        if found := known(error):
            raise found from error
        refused = next((each for each in chain(error) if isinstance(each, OSError)), None)
        if refused is None or isinstance(refused, FileNotFoundError | NotADirectoryError):
            raise DamagedCheckpoint(step, first_line(error)) from error
        raise _out_of_reach(Path(f"step-{step:06d}"), refused) from error


def note(path: Path) -> Any:
    """What a JSON file of a checkpoint says."""
    return plain.parsed(path, MOST_JSON)


def _files(folder: Path) -> list[Path]:
    """Of a folder within that cannot be listed the error is raised: `rglob` would leave out what is in it."""
    return [
        path
        for parent, folders, files in os.walk(folder, onerror=_raise)
        for path in (Path(parent, name) for name in (*folders, *files))
        if path.is_symlink() or not path.is_dir()
    ]


def _raise(error: OSError) -> None:
    raise error


def _checksums(folder: Path) -> dict[str, str]:
    """Of what is read again: the card of a model is for people, who may write in it."""
    found = {}
    for path in _files(folder):
        if path.suffix == ".md":
            continue
        with plain.opened(path) as file:
            found[path.relative_to(folder).as_posix()] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def _unlike_seal(folder: Path) -> str:
    sealed = plain.parsed(folder / SEAL)
    found = _checksums(folder)
    if missing := set(sealed) - set(found):
        return f"{min(missing)} is missing"
    changed = [name for name, checksum in sealed.items() if found[name] != checksum]
    return f"{min(changed)} is not as it was written" if changed else ""


def _misshapen(folder: Path) -> str:
    files = _files(folder)
    for path in files:
        name = path.relative_to(folder).as_posix()
        if path.suffix == ".json":
            note(path)
        elif path.suffix == ".safetensors" and not _is_whole(path):
            return f"{name} is cut short"
    return "" if files else "it is empty"


def _is_whole(path: Path) -> bool:
    """Does a file of safetensors hold as many bytes as its header says? It begins with the header's length."""
    with plain.opened(path) as file:
        size = os.fstat(file.fileno()).st_size
        (length,) = struct.unpack("<Q", file.read(8).ljust(8, b"\xff"))
        if length > min(size - 8, MOST_HEADER):
            return False
        header = json.loads(file.read(length))
    ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
    return bool(size == 8 + length + max(ends, default=0))
