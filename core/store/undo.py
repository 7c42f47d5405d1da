"""Undo for every change of data that one connection made, by SQLite's own means (sqlite.org/undoredo.html).

Temporary triggers, which see only what their own connection does, write for each changed row the statement that takes
the change back. A step is what was written between two `mark`s. Undoing a step writes, by the same triggers, the
statements that do it again. Nothing of it is kept when the connection closes.

A step that others have built on is refused: taking back a new prompt must not take the rankings along that were made of
it meanwhile.
"""

import sqlite3
from dataclasses import dataclass

from core.errors import BadInput
from core.store import Changes, Project, changed

#: What people make. Jobs and what they write are not undone: they are stopped, or made again.
TABLES = (
    "prompts", "guidelines", "completion_groups", "completions", "labelers", "rankings", "ranking_items",
    "criterion_ranks", "assignments", "calibration", "conflicts",
)  # fmt: skip
#: Steps that can be taken back; older ones are forgotten.
STEPS = 100


@dataclass(frozen=True)
class Step:
    """`statements` take it back: the table of each, the rows that it adds there, and its SQL; oldest first."""

    label: str
    tables: frozenset[str]
    statements: list[tuple[str, int, str]]


class History:
    """What can be undone and done again on a project's connection, newest last."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.undoable: list[Step] = []
        self.redoable: list[Step] = []
        project.db.conn.execute(
            "create temp table undo_log (id integer primary key, name text not null, rows integer not null, sql text)"
        )
        for table in TABLES:
            self._watch(table)

    def mark(self, changes: Changes) -> None:
        """End a step: all that was written since the last one. What was undone before cannot be redone any more."""
        if statements := self._taken():
            self.undoable = [*self.undoable, Step(changes.label, changes.tables, statements)][-STEPS:]
            self.redoable.clear()

    def forget(self) -> None:
        """What was written since the last step is not to be undone here."""
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
        step = source.pop()
        expected = self._counts()
        for table, rows, _ in step.statements:
            expected[table] += rows
        try:
            with self.project.write():
                self.project.db.conn.execute("pragma defer_foreign_keys = on")
                for *_, statement in reversed(step.statements):
                    self.project.db.conn.execute(statement)
                if self._counts() != expected:
                    raise sqlite3.IntegrityError("rows of others would go too, or are gone")
        except sqlite3.IntegrityError as error:
            raise BadInput(
                f"“{step.label}” cannot be taken back any more, because other work builds on it: change it by hand."
            ) from error
        target.append(Step(step.label, step.tables, self._taken()))
        return changed(f"{word}: {step.label}", *step.tables)

    def _counts(self) -> dict[str, int]:
        return {table: self.project.value(f"select count(*) from {table}") for table in TABLES}

    def _taken(self) -> list[tuple[str, int, str]]:
        """The statements that were logged, oldest first; the log is empty then."""
        rows = self.project.db.conn.execute("select name, rows, sql from undo_log order by id").fetchall()
        if rows:
            self.project.db.conn.execute("delete from undo_log")
        return rows

    def _watch(self, table: str) -> None:
        columns = self.project.rows(f"pragma table_info({table})")
        names = [row["name"] for row in columns]
        key = " || ' and ' || ".join(f"'{row['name']} = ' || quote(new.{row['name']})" for row in columns if row["pk"])
        values = " || ', ' || ".join(f"quote(old.{name})" for name in names)
        sets = " || ', ' || ".join(f"'{name} = ' || quote(old.{name})" for name in names)
        inverse = {
            "insert": (-1, f"'delete from {table} where ' || {key}"),
            "update": (0, f"'update {table} set ' || {sets} || ' where ' || {key}"),
            "delete": (1, f"'insert into {table} ({', '.join(names)}) values (' || {values} || ')'"),
        }
        for event, (rows, sql) in inverse.items():
            self.project.db.conn.execute(
                f"create temp trigger undo_{table}_{event} after {event} on main.{table} begin"
                f" insert into undo_log (name, rows, sql) values ('{table}', {rows}, {sql}); end"
            )
