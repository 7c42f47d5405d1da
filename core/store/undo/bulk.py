"""Undo of what was written beside the window, by the hundred thousand rows: imports, merged packs, simulated labelers.

A statement for each row would take longer than the import. But in one write transaction all numbers above the newest
are its own, so that a range for each table says what it added, and one digest whether all of that is still as it was.
The few rows that it changed are logged like any others. What is taken away waits in a file and comes back from there.

Rows are taken away without SQLite's foreign keys, which would look through whole tables for each of them; afterwards
all references are checked at once. Rows of others that lead to nothing then were built on it: all is refused.
"""

import os
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from core.errors import known
from core.store import Changes, Project
from core.store.connection import statement_for
from core.store.undo import typed_for
from core.store.undo.answered import Words, keeping_words
from core.store.undo.log import Statement, UndoLog, execute
from core.store.undo.steps import RowsGone, StillTyped

#: The number that says who wrote a row, by table; items are numbered by their ranking.
NUMBERS = {
    "prompts": "id", "guidelines": "id", "completion_groups": "id", "completions": "id", "labelers": "id",
    "rankings": "id", "ranking_items": "ranking_id", "criterion_ranks": "ranking_id", "assignments": "id",
    "conflicts": "id",
}  # fmt: skip
AT_ONCE = 1000
ADDED = "select {columns} from main.{table} where {number} > ? and {number} <= ? order by {number}"
LAST = "select coalesce(max({number}), 0) from main.{table}"
KEEP = "create table kept.{table} as select * from main.{table} where {number} > ? and {number} <= ?"
TAKE_AWAY = "delete from main.{table} where {number} > ? and {number} <= ?"
BRING_BACK = "insert into main.{table} ({columns}) select {columns} from kept.{table}"

T = TypeVar("T")


@dataclass(frozen=True)
class Added:
    """Rows of one table above `after`, up to `last`, and a digest of all that they hold, for this process."""

    table: str
    after: int
    last: int
    digest: int

    def statement(self, text: str, project: Project) -> str:
        return statement_for(text, project.database.conn, self.table, NUMBERS[self.table])


@dataclass(frozen=True)
class Bulk:
    """What was written: rows `added`, and the statements that take back what was `changed`. `kept` is the file in
    which the rows wait once they are taken away, `answered` what prompts said whose answers are among them."""

    added: tuple[Added, ...]
    changed: list[Statement]
    kept: Path | None = None
    answered: Words = field(default_factory=dict)

    @property
    def waits(self) -> bool:
        """Is there whatever would come back? Those who clean temporary files ask nobody."""
        return self.kept is None or self.kept.is_file()


@dataclass(frozen=True)
class Recorded(Changes):
    """Changes that another connection than the window's made, with what takes them back."""

    bulk: Bulk | None = None


def recorded(project: Project, work: Callable[[], T]) -> tuple[T, Bulk | None]:
    """What `work` returns, and what it wrote, in one transaction; None if that is nothing."""
    with project.write():
        before = {table: _last(project, table) for table in NUMBERS}
        log = UndoLog(project, {table: (number, before[table]) for table, number in NUMBERS.items()})
        found = work()
        log.end()
        added = []
        for table, after in before.items():
            if (last := _last(project, table)) > after:
                added.append(_signed(project, Added(table, after, last, 0)))
        changed = log.taken(project.writes)
    return found, Bulk(tuple(added), changed) if added or changed else None


def record(project: Project, label: str, tables: Iterable[str], work: Callable[[], T]) -> tuple[T, Recorded]:
    """What `work` returns, and its changes under a `label`, to be announced in the window."""
    found, bulk = recorded(project, work)
    return found, Recorded(frozenset(tables), label, bulk=bulk)


def replay(where: Project, bulk: Bulk, tables: Iterable[str], kept: Path) -> Bulk | None:
    """Take it away, into the file `kept`, or bring it back, with a connection of its own, in any thread. Returns what
    does the opposite; None, and nothing is changed, if others built on it. Raises `ProjectMoved`, `StillTyped` where
    what somebody types something for would go, `Reworded`, and `RowsGone`."""
    if not bulk.waits:
        raise RowsGone("the file in which the rows waited is gone")
    with closing(where.again()) as project:
        connection = project.database.conn
        connection.execute("pragma foreign_keys = off")
        connection.execute("attach database cast(? as text) as kept", (os.fsencode(bulk.kept or kept),))
        log = UndoLog(project)
        try:
            with project.write():
                typed = typed_for.rows(project)
                with keeping_words(project, bulk.answered) as gone:
                    execute(project, bulk.changed)
                    log.end()
                    changed = log.taken(project.writes)
                    if bulk.kept is None:
                        _take_away(project, bulk.added)
                    else:
                        _bring_back(project, bulk.added)
                for table in sorted(tables):
                    project.count_edit(table)
                if connection.execute("pragma main.foreign_key_check").fetchone():
                    raise sqlite3.IntegrityError("rows of others would lead to nothing")
                if typed - typed_for.rows(project):
                    raise StillTyped("what somebody types something for would go")
        except sqlite3.IntegrityError:
            return None
        except sqlite3.Error as error:
            raise known(error) or error from error
    if bulk.kept is not None:
        with suppress(OSError):  # the rows are back: a file that cannot go yet goes with its folder
            bulk.kept.unlink()
    return replace(bulk, changed=changed, kept=None if bulk.kept else kept, answered=gone)


def _take_away(project: Project, added: Iterable[Added]) -> None:
    for rows in added:
        if _signed(project, rows) != rows:
            raise sqlite3.IntegrityError("somebody changed these rows")
        project.database.execute(rows.statement(KEEP, project), (rows.after, rows.last))
        project.database.execute(rows.statement(TAKE_AWAY, project), (rows.after, rows.last))


def _bring_back(project: Project, added: Iterable[Added]) -> None:
    for rows in added:
        project.database.execute(rows.statement(BRING_BACK, project))


def _last(project: Project, table: str) -> int:
    return int(project.database.value(statement_for(LAST, project.database.conn, table, NUMBERS[table])))


def _signed(project: Project, rows: Added) -> Added:
    digest = 0
    found = project.database.execute(rows.statement(ADDED, project), (rows.after, rows.last))
    while some := found.fetchmany(AT_ONCE):
        digest = hash((digest, *some))
    return replace(rows, digest=digest)
