"""One way to open the project's SQLite file and one way to write to it.

The window and the CLI use `synchronous=FULL`: a person's ranking survives a power cut. The worker uses
NORMAL: it loses at most its last moments, never the file. A connection belongs to the thread that made it.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlite_utils import Database


def connect(path: Path, *, synchronous: str = "FULL") -> Database:
    """Open `path` in WAL mode with foreign keys on; waits up to 10 s for another writer."""
    connection = sqlite3.connect(path, timeout=10, isolation_level=None)
    connection.execute("pragma journal_mode = wal")
    connection.execute("pragma foreign_keys = on")
    connection.execute(f"pragma synchronous = {synchronous}")
    return Database(connection)


@contextmanager
def write(database: Database) -> Iterator[Database]:
    """A write transaction. BEGIN IMMEDIATE takes the write lock first: a deferred transaction that reads
    and then writes fails with "database is locked" as soon as the worker commits in between."""
    if database.conn.in_transaction:
        yield database
        return
    database.conn.execute("begin immediate")
    try:
        yield database
        database.conn.execute("commit")
    except BaseException:
        if database.conn.in_transaction:
            database.conn.execute("rollback")
        raise


def set_patience(database: Database, seconds: float) -> None:
    """How long a write waits for another writer before it fails."""
    database.conn.execute(f"pragma busy_timeout = {int(1000 * seconds)}")


@contextmanager
def without_waiting(database: Database) -> Iterator[None]:
    """What is written inside is left out where somebody else writes just then."""
    patience = database.conn.execute("pragma busy_timeout").fetchone()[0]
    set_patience(database, 0)
    try:
        with suppress(sqlite3.OperationalError):
            yield
    finally:
        set_patience(database, patience / 1000)


@contextmanager
def at_one_moment(database: Database) -> Iterator[None]:
    """All that is read inside is as it was when it began, whatever others write meanwhile."""
    database.conn.execute("begin")
    try:
        yield
    finally:
        database.conn.execute("rollback")
