"""A lock that the operating system frees even after `kill -9`: an exclusive transaction in an empty SQLite file."""

import os
import sqlite3
import stat
from pathlib import Path

from core.errors import BadInput, KnownError
from core.store.connection import opened

#: What SQLite says of a file that is none of its own.
GARBAGE = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
#: Seconds that another program is waited for that keeps something.
PATIENCE = 5.0


class Lock:
    """Held until it is closed, or its process ends; by whatever thread."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def close(self) -> None:
        self._connection.close()


def refuse_link(path: Path) -> None:
    """Raises `BadInput` where a link lies, a second name (a hard link), or anything else that is no file: it could be a
    file of somebody else."""
    if path.is_symlink() or (path.exists() and (not path.is_file() or path.stat().st_nlink > 1)):
        raise BadInput(
            f"{path} is a link or no file, and is not used as one: delete it; nothing of the project is in it."
        )


def is_mine(folder: Path) -> bool:
    """Is it a folder, and no link to one, that was made by the user who runs this? Beside it may lie those of others,
    which are not to be locked: that writes to a place where they can put anything."""
    found = folder.lstat()
    return stat.S_ISDIR(found.st_mode) and (not hasattr(os, "getuid") or found.st_uid == os.getuid())


def take(path: Path, *, wait: float = 0.0) -> Lock | None:
    """Hold `path`, which is made if need be; None if another still holds it after `wait` seconds."""
    refuse_link(path)
    connection = opened(path, timeout=wait, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("begin exclusive")
    except sqlite3.DatabaseError as error:
        connection.close()
        if error.sqlite_errorcode in GARBAGE:  # who came so far holds it alone, and nothing was ever kept in it
            _empty(path)
            return take(path, wait=wait)
        if "locked" in str(error):
            return None
        raise
    return Lock(connection)


def hold(path: Path) -> Lock:
    """Be the only one who changes what the user keeps beside `path`, in a folder that is made if need be: what is read
    while it is held is still so when it is written. Raises `KnownError` where another program holds it, and `OSError`
    or `sqlite3.Error` where nothing can be written there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = take(path, wait=PATIENCE)
    if lock is None:
        raise KnownError(f"Another program holds {path.parent}: try again.")
    return lock


def _empty(path: Path) -> None:
    """Whoever may write in its folder could have put a link there since it was looked at. Raises `BadInput`."""
    file = os.open(path, os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0))
    try:
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
            raise BadInput(f"{path} became a link: delete it; nothing of the project is in it.")
        os.ftruncate(file, 0)
    finally:
        os.close(file)
