"""Undo for every change of data that one connection made, by SQLite's own means (sqlite.org/undoredo.html).

Temporary triggers, which see only what their own connection does, write for each changed row the statement that takes
the change back. A step is one operation: what its write transaction wrote, with all that the database deleted along.
Undoing it writes, by the same triggers, the statements that do it again. Nothing is kept when the connection closes.

Each statement finds its row only as the step left it. So a step that others have built on, or whose rows they changed
or deleted, is refused as a whole: taking back a new prompt must not take along the rankings that were made of it.
"""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field

from core.errors import BadInput, known
from core.store import Changes, Project, changed

#: What people make, and what goes along with it. Jobs are not undone: they are stopped, or made again.
TABLES = (
    "settings", "prompts", "guidelines", "completion_groups", "completions", "labelers", "rankings", "ranking_items",
    "criterion_ranks", "drafts", "assignments", "calibration", "conflicts", "samples", "scores", "priorities",
)  # fmt: skip
#: Settings that are no choice of anybody: who is at work, how often a table was edited, where a tour stands.
NO_CHOICE = "{row}.key not like 'edits/%' and {row}.key not in ('worker', 'tour')"
#: Steps that can be taken back; older ones are forgotten.
STEPS = 100


@dataclass(frozen=True)
class Step:
    """`statements` take it back: the table of each, the rows that it adds there, and its SQL; oldest first. Where more
    than rows went, `back` brings it back instead, and it is not redone."""

    label: str
    tables: frozenset[str] = frozenset()
    statements: list[tuple[str, int, str]] = field(default_factory=list)
    back: Callable[[], object] | None = None


class History:
    """What can be undone and done again on a project's connection, newest last."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.undoable: list[Step] = []
        self.redoable: list[Step] = []
        connection = project.db.conn
        connection.create_function("undo_operation", 0, lambda: project.writes)
        connection.execute(
            "create temp table undo_log (id integer primary key, operation integer not null, name text not null,"
            " rows integer not null, sql text not null)"
        )
        for table in TABLES:
            self._watch(table)

    def mark(self, changes: Changes) -> None:
        """The last operation is a step that can be undone. What was undone before cannot be redone any more."""
        if statements := self._taken():
            self.add(Step(changes.label, changes.tables, statements))

    def add(self, step: Step) -> None:
        """A step that can be undone."""
        self.undoable = [*self.undoable, step][-STEPS:]
        self.redoable.clear()

    def forget(self) -> None:
        """What was written lately is not to be undone here."""
        self._taken()

    def undo(self) -> Changes:
        """Take the newest step back. Raises `BadInput` if there is none, or if others built on it since."""
        return self._replay(self.undoable, self.redoable, "Undo")

    def redo(self) -> Changes:
        """Do again what was undone last. Raises `BadInput` as `undo` does."""
        return self._replay(self.redoable, self.undoable, "Redo")

    def _replay(self, source: list[Step], target: list[Step], word: str) -> Changes:
        if not source:
            raise BadInput(f"There is nothing to {word.lower()}.")
        self._taken()
        step = source[-1]
        if step.back is not None:
            source.pop()
            step.back()
            return changed(f"{word}: {step.label}")
        try:
            with self.project.write():
                self._execute(step.statements)
                for table in sorted(step.tables):
                    self.project.count_edit(table)
        except sqlite3.IntegrityError as error:
            source.pop()
            raise BadInput(
                f"“{step.label}” cannot be taken back any more, because other work builds on it: change it by hand."
            ) from error
        except sqlite3.Error as error:
            raise known(error) or error from error
        source.pop()
        target.append(Step(step.label, step.tables, self._taken()))
        return changed(f"{word}: {step.label}", *step.tables)

    def _execute(self, statements: list[tuple[str, int, str]]) -> None:
        """Raises `IntegrityError` where a row is not as it was left, or if other rows would go along."""
        connection = self.project.db.conn
        connection.execute("pragma defer_foreign_keys = on")
        expected = self._counts()
        for table, rows, _ in statements:
            expected[table] += rows
        for *_, statement in reversed(statements):
            if connection.execute(statement).rowcount != 1:
                raise sqlite3.IntegrityError("somebody changed this row")
        if self._counts() != expected:
            raise sqlite3.IntegrityError("rows of others would go too")

    def _counts(self) -> dict[str, int]:
        return {table: self.project.value(f"select count(*) from {table}") for table in TABLES}

    def _taken(self) -> list[tuple[str, int, str]]:
        """What the last operation logged, oldest first; the log is empty then."""
        rows = self.project.db.conn.execute(
            "select name, rows, sql from undo_log where operation = ? order by id", (self.project.writes,)
        ).fetchall()
        self.project.db.conn.execute("delete from undo_log")
        return rows

    def _watch(self, table: str) -> None:
        columns = self.project.rows(f"pragma table_info({table})")
        names = [row["name"] for row in columns]
        whole = " || ' and ' || ".join(f"'{name} is ' || {_literal('new', name)}" for name in names)
        values = " || ', ' || ".join(_literal("old", name) for name in names)
        sets = " || ', ' || ".join(f"'{name} = ' || {_literal('old', name)}" for name in names)
        inverse = {
            "insert": (-1, f"'delete from {table} where ' || {whole}"),
            "update": (0, f"'update {table} set ' || {sets} || ' where ' || {whole}"),
            "delete": (1, f"'insert into {table} ({', '.join(names)}) values (' || {values} || ')'"),
        }
        for event, (rows, sql) in inverse.items():
            when = f"when {NO_CHOICE.format(row='old' if event == 'delete' else 'new')}" if table == "settings" else ""
            self.project.db.conn.execute(
                f"create temp trigger undo_{table}_{event} after {event} on main.{table} {when} begin"
                f" insert into undo_log (operation, name, rows, sql)"
                f" values (undo_operation(), '{table}', {rows}, {sql}); end"
            )


def _literal(row: str, name: str) -> str:
    """An expression for a value as SQL; `quote` alone would end a text at a zero byte."""
    value = f"{row}.{name}"
    return (
        f"case when typeof({value}) = 'text' and instr({value}, char(0))"
        f" then 'cast(x''' || hex({value}) || ''' as text)' else quote({value}) end"
    )
