"""Folders for rows that wait to come back, among the temporary files; those of a process that was killed are removed.

Whoever has such a folder holds a lock on a file in it, which the operating system frees even after `kill -9`.
"""

import shutil
import sqlite3
import tempfile
import time
from contextlib import closing, suppress
from pathlib import Path

PREFIX = "plumbline-undo-"
HELD = "held"
#: Seconds after which a folder is no longer about to be locked by whoever made it.
SETTLED = 60.0


def new_folder() -> tuple[Path, sqlite3.Connection]:
    """A folder of one's own, and the lock that says so for as long as it is open."""
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    held = sqlite3.connect(folder / HELD, isolation_level=None, check_same_thread=False)
    held.execute("begin exclusive")
    return folder, held


def give_up(folder: Path, held: sqlite3.Connection) -> None:
    """Nothing that lies in it is wanted any more."""
    held.close()
    shutil.rmtree(folder, ignore_errors=True)


def leftovers() -> list[Path]:
    """Folders that nobody holds any more. One without a lock is not ours to judge."""
    found = []
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError, sqlite3.Error):
            settled = time.time() - folder.stat().st_mtime > SETTLED
            if settled and (folder / HELD).is_file() and not folder.is_symlink() and not _is_held(folder):
                found.append(folder)
    return found


def remove_leftovers() -> None:
    for folder in leftovers():
        shutil.rmtree(folder, ignore_errors=True)


def _is_held(folder: Path) -> bool:
    with closing(sqlite3.connect(folder / HELD, timeout=0.0, isolation_level=None)) as lock:
        try:
            lock.execute("begin exclusive")
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                return True
            raise
        return False
