"""Folders for rows that wait to come back, among the temporary files; those of a process that was killed are removed.

Whoever has such a folder holds a lock on a file in it, which the operating system frees even after `kill -9`.
"""

import shutil
import sqlite3
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from core.errors import BadInput
from core.store.files import lock_file
from core.store.files.lock_file import Lock

PREFIX = "plumbline-undo-"
HELD = "held"
#: Seconds after which a folder is no longer about to be locked by whoever made it.
SETTLED = 60.0


def new_folder() -> tuple[Path, Lock]:
    """A folder of one's own, and the lock that says so for as long as it is open."""
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    held = lock_file.take(folder / HELD)
    assert held is not None  # nobody else knows the folder
    return folder, held


def give_up(folder: Path, held: Lock) -> None:
    """Nothing that lies in it is wanted any more."""
    held.close()
    shutil.rmtree(folder, ignore_errors=True)


def leftovers() -> list[Path]:
    """Folders that nobody holds any more. One without a lock is not ours to judge."""
    found = []
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError, sqlite3.Error, BadInput):  # a link as the lock is none of ours
            settled = lock_file.is_mine(folder) and time.time() - folder.stat().st_mtime > SETTLED
            if settled and (folder / HELD).is_file() and not _is_held(folder):
                found.append(folder)
    return found


def remove_leftovers() -> None:
    for folder in leftovers():
        shutil.rmtree(folder, ignore_errors=True)


def _is_held(folder: Path) -> bool:
    lock = lock_file.take(folder / HELD)
    if lock is None:
        return True
    lock.close()
    return False
