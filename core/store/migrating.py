"""Bringing a project's file up to date, after a backup beside it.

sqlite-utils keeps the list of migrations; it reads numpy, too, so that it is imported when a project is opened and not
before: the window's first frame does without.
"""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from core.errors import ProjectError
from core.store.connection import VACUUM_INTO, Connection, write


def migrate(database: Connection, path: Path) -> None:
    """Apply what the file still lacks, all of it or nothing.

    Raises `ProjectError` for a file of a newer version.
    """
    if not pending(database.conn, path):
        return
    with write(database):
        lacking = pending(database.conn, path)
        if lacking:  # nobody else did it while we waited
            _back_up(path, path.with_name(f"{path.stem}.before-{lacking[0]}.db"))
            make_tables(database)


def make_tables(database: Connection) -> None:
    """Apply all migrations, those that were applied already left out."""
    from core.store import schema

    schema.apply(database.conn)


def pending(connection: sqlite3.Connection, path: Path) -> list[str]:
    """Names of the migrations that the file still lacks, in their order.

    Raises `ProjectError` for a file of a newer version.
    """
    from core.store import schema

    known, applied = schema.names(), schema.applied(connection)
    if applied - set(known):
        raise ProjectError(f"{path.parent} was made by a newer Plumbline: update Plumbline to open it.")
    return [name for name in known if name not in applied]


def is_older(path: Path) -> bool:
    """Would opening it migrate it first, which copies the whole file? False for what cannot be opened."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=1)) as reader:
            return bool(pending(reader, path))
    except (sqlite3.Error, ProjectError):
        return False


def _back_up(path: Path, backup: Path) -> None:
    """Copy the file as it was last committed; whole, or not under this name."""
    partial = backup.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as reader:  # a connection in a transaction cannot copy
        reader.execute(VACUUM_INTO, (os.fsencode(partial),))
    partial.replace(backup)
