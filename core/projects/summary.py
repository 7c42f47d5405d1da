"""A project seen from outside: what it is called, when it last changed, what in its folder is its own.

Nothing is opened for writing, migrated or left behind, so that a list of projects costs a millisecond each.
"""

import json
import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from core.store import DATABASE
from core.store.schema import APPLICATION_ID

RUNS = "runs"
#: What Plumbline itself writes into a project's folder, as patterns; anything else there belongs to somebody else.
OWN = (
    *(DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", f"{DATABASE}-journal", "plumbline.before-*", RUNS),
    *("worker.lock", "worker.lock-journal", "worker.leave", "worker.log"),
)


@dataclass(frozen=True)
class Glance:
    """`changed` is in seconds since 1970."""

    folder: Path
    name: str
    changed: float


def glance(folder: Path) -> Glance | None:
    """What the project in `folder` is called; None if there is no project, or one that cannot be read."""
    path = folder / DATABASE
    wal = folder / f"{DATABASE}-wal"
    try:
        changed = max(item.stat().st_mtime for item in (path, wal) if item is path or item.exists())
        # A file in WAL mode can be read without writing beside it only if it is promised that nobody writes to it.
        mode = "mode=ro" if wal.exists() else "mode=ro&immutable=1"
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", uri=True, timeout=1)) as database:
            if database.execute("pragma application_id").fetchone()[0] != APPLICATION_ID:
                return None
            row = database.execute("select value from settings where key = 'name'").fetchone()
            return Glance(folder, str(json.loads(row[0])) if row else folder.name, changed)
    except (OSError, sqlite3.Error, ValueError):
        return None


def own(folder: Path) -> list[Path]:
    """The project's own entries in its folder; a link counts as what it is called, wherever it leads."""
    return sorted(path for path in folder.iterdir() if any(fnmatch(path.name, pattern) for pattern in OWN))


def size(folder: Path) -> int:
    """Bytes that the project's own entries take; no link is followed."""
    return sum(size_of(path) for path in own(folder))


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files below a folder; 0 where there is nothing."""
    if not _is_folder(path):
        return path.lstat().st_size if os.path.lexists(path) else 0
    return sum(Path(base, name).lstat().st_size for base, _, names in os.walk(path) for name in names)


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()
