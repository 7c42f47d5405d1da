"""One way to open an SQLite file, to read from it and to write to it; for `core.store` alone.

Whoever made the file decides what is in it, so that no function and no table of SQLite's own is trusted to its schema.

The window and the CLI use `synchronous=FULL`: a person's ranking survives a power cut. The worker uses
NORMAL: it loses at most its last moments, never the file. A connection belongs to the thread that made it.
"""

import sqlite3
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from core.errors import AlteredProject, known
from core.store.side_files import refuse_traps

T = TypeVar("T")

SYNCHRONOUS = {level: "pragma synchronous = " + level for level in ("FULL", "NORMAL", "OFF")}

#: "PLMB": tells a Plumbline project from any other SQLite file.
APPLICATION_ID = 0x504C4D42

#: With a path as the system writes it (`os.fsencode`), which need not be UTF-8.
VACUUM_INTO = "vacuum into cast(? as text)"

#: Well above what Plumbline needs, and well below what it takes to fill a machine's memory.
LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: 1 << 28,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 1 << 28,
    sqlite3.SQLITE_LIMIT_COLUMN: 200,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 50,
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 20,
    sqlite3.SQLITE_LIMIT_ATTACHED: 2,
}
#: Steps of SQLite's machine that a look at what a file holds may take; at a project they are some thousands.
STEPS = 200_000


class Connection:
    """An open file. Parameters of a statement are given in their order (`?`), or by their names (`:name`)."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self.conn = conn

    def close(self) -> None:
        self.conn.close()

    def execute(self, sql: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> sqlite3.Cursor:
        return self.conn.execute(sql, values)

    def rows(self, sql: str, /, *values: Any, **named: Any) -> list[dict[str, Any]]:
        """What a query finds, by the names of its columns."""
        cursor = self.conn.execute(sql, named or values)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]

    def records(self, kind: type[T], sql: str, /, *values: Any, **named: Any) -> list[T]:
        """What a query finds, as records whose fields are called as its columns."""
        return [kind(**row) for row in self.rows(sql, *values, **named)]

    def one(self, sql: str, /, *values: Any, **named: Any) -> dict[str, Any] | None:
        """The first row, or None."""
        return next(iter(self.rows(sql, *values, **named)), None)

    def value(self, sql: str, /, *values: Any, **named: Any) -> Any:
        """The first column of the first row, or None."""
        row = self.conn.execute(sql, named or values).fetchone()
        return row[0] if row else None

    def column(self, sql: str, /, *values: Any, **named: Any) -> list[Any]:
        """The first column of every row."""
        return [row[0] for row in self.conn.execute(sql, named or values)]

    def insert(self, sql: str, row: Mapping[str, Any]) -> int:
        """Insert one row, whose values are called as in the statement; returns its id."""
        return int(self.conn.execute(sql, row).lastrowid or 0)

    def many(self, sql: str, rows: Iterable[Any]) -> None:
        """The same statement for each of the rows, which are tuples, or mappings by name."""
        self.conn.executemany(sql, rows)


def opened(path: Path, mode: str = "", **options: Any) -> sqlite3.Connection:
    """A connection of SQLite's own, with its defences up and nothing read yet. `mode` is as in its URIs: `mode=ro`.

    Raises `AlteredProject` where the file, or what lies beside it, is a trap.
    """
    refuse_traps(path, only_read=mode.startswith("mode=ro"))
    database = f"{path.absolute().as_uri()}?{mode}" if mode else path
    connection = sqlite3.connect(database, uri=bool(mode), **options)
    connection.execute("pragma trusted_schema = off")
    connection.execute("pragma cell_size_check = on")
    for limit, most in LIMITS.items():
        connection.setlimit(limit, most)
    if sys.version_info >= (3, 12):
        connection.setconfig(sqlite3.SQLITE_DBCONFIG_DEFENSIVE, True)
    return connection


def is_ours(connection: sqlite3.Connection) -> bool:
    """Does the file say that Plumbline made it?"""
    with bounded(connection):
        return bool(connection.execute("pragma application_id").fetchone()[0] == APPLICATION_ID)


@contextmanager
def bounded(connection: sqlite3.Connection, *, whole_tables: bool = False) -> Iterator[None]:
    """What is read within comes to an end, or, of `whole_tables`, within a step for each byte of the file: a row takes
    more bytes than steps. Raises `AlteredProject` for a view or a tree of pages without an end."""
    steps, ended = STEPS, False
    if whole_tables:
        pages, size = (connection.execute(f"pragma {name}").fetchone()[0] for name in ("page_count", "page_size"))
        steps = max(steps, pages * size)

    def end() -> bool:
        nonlocal ended
        ended = True
        return True

    connection.set_progress_handler(end, steps)
    try:
        yield
    except sqlite3.Error as error:
        if ended:  # what SQLite says then may be about something on the way
            raise AlteredProject(
                "The project's database has no end, as no Plumbline makes it: restore plumbline.db from a backup."
            ) from error
        raise
    finally:
        connection.set_progress_handler(None, 0)


def _look_at(path: Path) -> None:
    """Raises what SQLite says of a file with a WAL of its own or of another file beside it, while nothing is written:
    who closes a file last writes the WAL into it, a good backup too."""
    wal = path.with_name(f"{path.name}-wal")
    if wal.is_file() and wal.stat().st_size:
        with closing(opened(path, "mode=ro", timeout=10)) as connection, bounded(connection):
            connection.execute("select count(*) from sqlite_master").fetchone()


def connect(path: Path, *, synchronous: str = "FULL") -> Connection:
    """Open `path` in WAL mode with foreign keys on; waits up to 10 s for another writer."""
    _look_at(path)
    connection = opened(path, timeout=10, isolation_level=None)
    try:
        with bounded(connection):
            connection.execute("pragma journal_mode = wal")  # the first to read what the file holds
        connection.execute("pragma foreign_keys = on")
        connection.execute(SYNCHRONOUS[synchronous])
    except BaseException:
        connection.close()  # else a file that is put in its place meets its locks
        raise
    return Connection(connection)


@contextmanager
def write(database: Connection) -> Iterator[Connection]:
    """A write transaction; one within another is a savepoint, so that its failure takes back its own part alone.

    BEGIN IMMEDIATE takes the write lock first: a deferred transaction that reads and then writes fails with
    "database is locked" as soon as the worker commits in between. Raises `BadInput` for half a letter in a text.
    """
    nested = database.conn.in_transaction
    database.conn.execute("savepoint part" if nested else "begin immediate")
    try:
        yield database
        database.conn.execute("release part" if nested else "commit")
    except BaseException as error:
        if database.conn.in_transaction:  # a full disk has ended it already
            if nested:
                database.conn.execute("rollback to part")
                database.conn.execute("release part")
            else:
                database.conn.execute("rollback")
        if isinstance(error, UnicodeEncodeError) and (sentence := known(error)) is not None:
            raise sentence from error
        raise


@contextmanager
def read(database: Connection) -> Iterator[None]:
    """A transaction that only reads, all as of one moment."""
    database.conn.execute("begin")
    try:
        yield
    finally:
        database.conn.execute("rollback")


def set_patience(database: Connection, seconds: float) -> None:
    """How long a write waits for another writer before it fails."""
    database.conn.execute(f"pragma busy_timeout = {int(1000 * seconds)}")


@contextmanager
def without_waiting(database: Connection) -> Iterator[None]:
    """What is written inside is left out where somebody else writes just then."""
    patience = database.conn.execute("pragma busy_timeout").fetchone()[0]
    set_patience(database, 0)
    try:
        with suppress(sqlite3.OperationalError):
            yield
    finally:
        set_patience(database, patience / 1000)


# --- statements that are the same for several tables -------------------------------------------------------------


def columns(connection: sqlite3.Connection, table: str, schema: str = "main") -> list[str]:
    """Names of the table's columns; none if there is no such table."""
    found = connection.execute("select name from pragma_table_info(?, ?)", (table, schema))
    return [name for (name,) in found]


def statement_for(text: str, connection: sqlite3.Connection, table: str, number: str = "", *schemas: str) -> str:
    """`text` with the table for `{table}`, one of its columns for `{number}`, and for `{columns}` those that it has in
    all of the attached `schemas`, or in the project's own. Raises `ValueError` for a name that the schema lacks."""
    first, *others = (columns(connection, table, schema) for schema in schemas or ("main",))
    names = [name for name in first if all(name in other for other in others)]
    if not names or (number and number not in names):
        raise ValueError(f"there is no table {table} with {number or 'columns'}")
    return text.format(table=table, number=number, columns=", ".join(names))
