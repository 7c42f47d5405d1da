"""One worker for each project: an exclusive lock on a second, empty SQLite file, held for its life.

The operating system frees it even after `kill -9`; there are no process ids and nothing goes stale.
"""

import time
from pathlib import Path

from core.store.files import lock_file
from core.store.files.lock_file import Lock

LOCK = "worker.lock"
LEAVE = "worker.leave"
#: Seconds that a worker without work is given to leave.
LEAVING = 5.0


def acquire(folder: Path, *, wait: float = 2.0) -> Lock | None:
    """Hold the project's worker lock until what is returned is closed; None if another holds it."""
    return lock_file.take(folder / LOCK, wait=wait)


def take_over(folder: Path) -> Lock | None:
    """Hold the lock; a worker that is waiting for work leaves for it. None if one is at work."""
    note = _ask_to_leave(folder)
    try:
        return acquire(folder, wait=LEAVING)
    finally:
        _forget(note)


def dismiss(folder: Path) -> None:
    """A worker that is waiting for work need not wait any longer; one that is at work goes on."""
    if held(folder):
        _ask_to_leave(folder)


def asked_to_leave(folder: Path) -> bool:
    """Does somebody else want the lock? A note that was left behind by one who was killed counts for nothing."""
    try:
        age = time.time() - (folder / LEAVE).lstat().st_mtime
    except FileNotFoundError:
        return False
    return abs(age) < LEAVING + 1  # the clock may have been set back since


def _ask_to_leave(folder: Path) -> Path:
    note = folder / LEAVE
    _forget(note)  # a link that lay there is not followed
    note.touch()
    return note


def _forget(note: Path) -> None:
    """A folder that somebody put in its place stays: it tells the time as well."""
    if note.is_symlink() or not note.is_dir():
        note.unlink(missing_ok=True)


def check(folder: Path) -> None:
    """Raises `BadInput` where no worker could take the lock, because something else lies in its place."""
    lock_file.refuse_link(folder / LOCK)


def held(folder: Path) -> bool:
    """Is a worker alive? Takes the lock for an instant if not; a starting worker waits longer than that."""
    path = folder / LOCK
    if path.is_symlink() or not path.is_file():
        return False
    lock = acquire(folder, wait=0.0)
    if lock is None:
        return True
    lock.close()
    return False
