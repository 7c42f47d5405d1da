"""A project seen from outside: what it is called, when it last changed, what in its folder is its own.

Nothing is opened for writing, migrated or left behind, so that a list of projects costs a millisecond each.
"""

import os
import sqlite3
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from core.errors import AlteredProject
from core.store import DATABASE
from core.store.files import closed
from core.store.files.own import OWN


@dataclass(frozen=True)
class Summary:
    """`changed` is in seconds since 1970."""

    folder: Path
    name: str
    changed: float


def summary(folder: Path) -> Summary | None:
    """What the project in `folder` is called; None if there is no project, or one that cannot be read."""
    path = folder / DATABASE
    wal = folder / f"{DATABASE}-wal"
    try:
        changed = max(item.stat().st_mtime for item in (path, wal) if item is path or item.exists())
        name = closed.name(folder)
    except (OSError, sqlite3.Error, ValueError, RecursionError, AlteredProject):
        return None
    return None if name is None else Summary(folder, name, changed)


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
