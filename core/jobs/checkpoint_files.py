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

from core.errors import BadInput, DamagedCheckpoint, KnownError, first_line, is_out_of_memory, known
from core.events import Checkpoint
from core.store.files import plain

#: Checksums of the other files in the folder, by their names.
SEAL = "checksums.json"
#: Bytes of what a checkpoint says in JSON, and of the header of safetensors, of which their library reads no more.
MOST_JSON, MOST_HEADER = 64_000_000, 100_000_000


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
        shutil.rmtree(final, ignore_errors=True)
        partial.rename(final)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def damage(folder: Path) -> str:
    """What is wrong with a checkpoint, as a part of a sentence; empty for a whole one."""
    if not folder.is_dir():
        return "its folder is gone"
    try:
        return _unlike_seal(folder) if (folder / SEAL).is_file() else _misshapen(folder)
    except (OSError, ValueError, TypeError, AttributeError, LookupError, RecursionError, BadInput) as error:
        return first_line(error)  # JSON that is none, or of another kind


@contextmanager
def reading(step: int) -> Iterator[None]:
    """Whatever a library says of files that cannot be read becomes a `DamagedCheckpoint`."""
    try:
        yield
    except Exception as error:
        if isinstance(error, KnownError) or is_out_of_memory(error):
            raise
        raise known(error) or DamagedCheckpoint(step, first_line(error)) from error


def note(path: Path) -> Any:
    """What a JSON file of a checkpoint says."""
    return plain.parsed(path, MOST_JSON)


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()]


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
