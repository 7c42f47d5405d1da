"""A file or a folder that appears whole or not at all, and nothing stays behind: written beside, then moved.

What is being made lies in a hidden folder beside its place, on the same disk. Whoever makes it holds a lock in there,
which the operating system frees even after `kill -9`, and a note in the user's data folder says where it is: so
whatever starts next (`sweep`) finds what the dead have left, wherever that was, and removes it.
"""

import errno
import os
import shutil
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from core.errors import KnownError
from core.resources import data_folder
from core.store.files import lock_file, own
from core.store.files.lock_file import Lock

PREFIX, ENDING = ".plumbline-", ".partial"
HELD = ".held"


@contextmanager
def file(target: Path, *, looked_into: bool = False) -> Iterator[Path]:
    """Where to write what becomes the file `target`, in place of one that is there, once the block is through.

    Raises `BadInput` for a file of a project's own, and for one that carries the work of somebody, unless whoever
    writes has `looked_into` it.
    """
    own.refuse(target)
    if not looked_into:
        own.refuse_work(target)
    with of_project(target) as made:
        yield made


@contextmanager
def of_project(target: Path) -> Iterator[Path]:
    """The same for what the program keeps in a project for itself."""
    if not target.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "there is no such folder", str(target.parent))
    with scratch(target.parent) as folder:
        made = folder / target.name
        yield made
        made.replace(target)


@contextmanager
def folder(target: Path) -> Iterator[Path]:
    """An empty folder that becomes `target`, a new or empty one, once the block is through; so do missing parents."""
    with scratch(target.parent) as beside:
        made = beside / target.name
        made.mkdir()
        yield made
        if target.exists():
            target.rmdir()
        made.rename(target)


@contextmanager
def scratch(parent: Path) -> Iterator[Path]:
    """A hidden folder of one's own within `parent`, which is made if need be; both are gone at the end, unless
    something else is in `parent` by then."""
    parent = parent.absolute()
    sweep(parent)
    parents = [each for each in (parent, *parent.parents) if not each.exists()]
    while True:
        place = parent / f"{PREFIX}{uuid.uuid4().hex[:8]}{ENDING}"
        note, lock = _note(place, parents), None
        try:
            parent.mkdir(parents=True, exist_ok=True)
            place.mkdir(0o700)
            try:
                lock = lock_file.take(place / HELD)
                mine = lock is not None and (place / HELD).exists()
            except sqlite3.Error:  # a disk without locks, where nobody takes it for left behind
                mine = place.exists()
            if mine:  # and was not swept away before it was locked
                yield place
                return
        finally:
            _remove(place, lock)
            _forget(note, parents)


def sweep(*parents: Path) -> None:
    """Remove what was left by processes that are gone: within these folders, and wherever the notes say."""
    for parent in parents:
        with suppress(OSError):
            for place in list(parent.glob(f"{PREFIX}*{ENDING}")):
                _remove_dead(place)
    with suppress(OSError):
        for note in list(_notes().iterdir()):
            place, *made = (Path(os.fsdecode(part)) for part in note.read_bytes().split(b"\0"))
            if not (place.name.startswith(PREFIX) and place.name.endswith(ENDING)):
                _forget(note, [])  # it was never written to its end
            elif _remove_dead(place):
                _forget(note, made)
        _notes().rmdir()


def _remove_dead(place: Path) -> bool:
    """Is it gone, or was nobody at it any more, so that it is gone now?"""
    with suppress(OSError, sqlite3.Error, KnownError):
        if not os.path.lexists(place):
            return True
        if not lock_file.is_mine(place):
            return False
        lock = lock_file.take(place / HELD)
        if lock is not None:
            _remove(place, lock)
            return not place.exists()
    return False


def _remove(place: Path, lock: Lock | None) -> None:
    """Nobody else can come to hold it until it is gone. Windows deletes no file that is open: hence the second time."""
    shutil.rmtree(place, ignore_errors=True)
    if lock is not None:
        lock.close()
        shutil.rmtree(place, ignore_errors=True)


def _notes() -> Path:
    return data_folder().absolute() / "unfinished"


def _note(place: Path, parents: list[Path]) -> Path:
    """Keep where `place` will be, and which of its parents come with it. It can be done without."""
    note = _notes() / uuid.uuid4().hex
    with suppress(OSError):
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_bytes(b"\0".join(os.fsencode(each) for each in (place, *parents)))
    return note


def _forget(note: Path, parents: list[Path]) -> None:
    with suppress(OSError):
        for parent in parents:
            parent.rmdir()
    with suppress(OSError):
        note.unlink(missing_ok=True)
        note.parent.rmdir()
