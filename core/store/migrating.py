"""Bringing a project's file up to date, after a backup beside it.

sqlite-utils keeps the list of migrations; it reads numpy, too, so that it is imported when a project is opened and not
before: the window's first frame does without.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from core.errors import ProjectError
from core.store import schema_check
from core.store.connection import VACUUM_INTO, Connection, bounded, is_ours, opened, statement_for, write

#: Of a row: more than anybody will ever make, and small enough for any program that reads JSON.
MOST_NUMBER = 1 << 53
FULL = "select name from sqlite_sequence where seq > ?"


def migrate(database: Connection, path: Path) -> None:
    """Apply what the file still lacks, all of it or nothing.

    Raises `ProjectError` for a file of a newer version, and for one that is not as Plumbline makes it, before or after.
    """
    lacking = pending(database.conn, path)
    _make_room(database)
    if not lacking:
        return
    with _without_foreign_keys(database.conn), write(database):
        lacking = pending(database.conn, path)
        if lacking:  # nobody else did it while we waited
            _back_up(path, path.with_name(f"{path.stem}.before-{lacking[0]}.db"))
            make_tables(database)
            pending(database.conn, path)


@contextmanager
def _without_foreign_keys(connection: sqlite3.Connection) -> Iterator[None]:
    """A table is made anew by dropping it, which must not take along what leads to it (sqlite.org/lang_altertable.html,
    section 7); within a transaction the pragma would do nothing."""
    connection.execute("pragma foreign_keys = off")
    try:
        yield
    finally:
        connection.execute("pragma foreign_keys = on")


def forget_statistics(database: Connection, path: Path) -> bool:
    """Take out what the file says of how its rows are found best, which nobody needs and anybody may have written.

    Returns whether there was any; a connection knows it until it is closed. Raises as `pending` does.
    """
    with bounded(database.conn):
        if not schema_check.statistics(database.conn):
            return False
    pending(database.conn, path)  # only what is ours is written to
    with write(database):
        for name in schema_check.statistics(database.conn):
            database.execute("drop table " + name)
    return True


def _make_room(database: Connection) -> None:
    """Where a file that was checked says that the last number of a table was given, go on after its last row: SQLite
    would call the disk full at each new one. Raises `AlteredProject` where a row has that number."""
    if not database.column(FULL, MOST_NUMBER):
        return
    known = {each.key[1] for each in schema_check.objects(database.conn) if each.key[0] == "table"}
    with write(database):
        for table in database.column(FULL, MOST_NUMBER):
            last = 0
            if table in known:
                last = database.value(statement_for("select max(id) from {table}", database.conn, table, "id")) or 0
            if last > MOST_NUMBER:
                raise schema_check.altered(f"number {last} of “{table}”")
            database.execute("update sqlite_sequence set seq = ? where name is ?", (last, table))


def make_tables(database: Connection) -> None:
    """Apply all migrations, those that were applied already left out."""
    from core.store import schema

    schema.apply(database.conn)


def pending(connection: sqlite3.Connection, path: Path) -> list[str]:
    """Names of the migrations that the file still lacks, in their order; the file is as those before made it.

    Raises `ProjectError` for a file of a newer version or of another program, `AlteredProject` for one that was
    changed by anything else.
    """
    from core.store import schema

    known = schema.names()
    if not is_ours(connection):
        raise ProjectError(f"{path} was not made by Plumbline: choose another folder.")
    with _at_one_moment(connection), bounded(connection):
        found = schema_check.objects(connection)
        migrated = schema_check.level(connection, found)
    if set(migrated) - set(known):
        raise ProjectError(f"{path.parent} was made by a newer Plumbline: update Plumbline to open it.")
    if list(migrated) != known[: len(migrated)]:
        raise schema_check.altered(f"table “{schema_check.MIGRATIONS}”")
    schema_check.compare(found, migrated)
    return known[len(migrated) :]


@contextmanager
def _at_one_moment(connection: sqlite3.Connection) -> Iterator[None]:
    """Somebody else may migrate the file meanwhile."""
    if connection.in_transaction:
        yield
        return
    connection.execute("begin")
    try:
        yield
    finally:
        connection.execute("rollback")


def is_older(path: Path) -> bool:
    """Would opening it migrate it first, which copies the whole file? False for what cannot be opened."""
    try:
        with closing(opened(path, "mode=ro", timeout=1)) as reader:
            return bool(pending(reader, path))
    except (OSError, sqlite3.Error, ProjectError):
        return False


def _back_up(path: Path, backup: Path) -> None:
    """Copy the file as it was last committed; whole, or nothing. Raises `ProjectError` where a folder has its name."""
    partial = backup.with_suffix(".partial")
    for place in (backup, partial):
        if place.is_dir():
            raise ProjectError(
                f"{place} is a folder, and a backup is to go there: rename it, then open the project again."
            )
    _remove_parts(path)
    try:
        with closing(opened(path)) as reader:  # a connection in a transaction cannot copy
            reader.execute(VACUUM_INTO, (os.fsencode(partial),))
        partial.replace(backup)
    finally:
        _remove_parts(path)


def _remove_parts(path: Path) -> None:
    """What is left of backups that were not made to their end, with SQLite's journals of them."""
    for left in path.parent.glob(f"{path.stem}.before-*.partial*"):
        if not left.is_dir():
            left.unlink(missing_ok=True)
