"""What takes changes back, written by temporary triggers, which see only what their own connection does.

For each changed row a statement that finds the row only as it was left (sqlite.org/undoredo.html).
"""

import sqlite3
from collections.abc import Iterable, Mapping

from core.store import Project
from core.store.undo.steps import PlaceTaken

#: What people make, and what goes along with it. Jobs are not undone: they are stopped, or made again.
TABLES = (
    "settings", "prompts", "guidelines", "completion_groups", "completions", "labelers", "rankings", "ranking_items",
    "criterion_ranks", "drafts", "assignments", "calibration", "conflicts", "samples", "scores", "priorities",
    "arenas", "arena_policies", "arena_prompts", "arena_answers", "arena_votes", "judge_answers",
)  # fmt: skip
#: Settings that are no choice of anybody: who is at work, how often a table was edited, where a tour stands, and what
#: is being typed or said in a conversation, which comes and goes beside the operations.
NO_CHOICE = (
    "{row}.key not like 'edits/%' and {row}.key not like 'draft/%' and {row}.key not like 'guidelines_draft%'"
    " and {row}.key not like 'talk/%' and {row}.key not in ('worker', 'tour')"
)

#: How many pairs of answers have several votes of one labeler that count, of which there is one otherwise.
TWICE = (
    "select count(*) from (select 1 from arena_votes where retracted_at is null"
    " group by labeler_id, min(first_id, second_id), max(first_id, second_id) having count(*) > 1)"
)

#: The table, how many rows the statement adds to it, and its SQL.
Statement = tuple[str, int, str]


class UndoLog:
    """Watches a connection from now on; rows of a table in `new` whose number is above the given one are left out."""

    def __init__(self, project: Project, new: Mapping[str, tuple[str, int]] | None = None) -> None:
        self.project = project
        connection = project.database.conn
        connection.create_function("undo_operation", 0, lambda: project.writes)
        connection.execute(
            "create temp table if not exists undo_log (id integer primary key, operation integer not null,"
            " name text not null, rows integer not null, sql text not null)"
        )
        self._triggers = [trigger for table in TABLES for trigger in self._watch(table, (new or {}).get(table))]

    def taken(self, write: int) -> list[Statement]:
        """What the write of that number logged, oldest first; the log forgets it then, and all before it."""
        rows = self.project.database.execute(
            "select name, rows, sql from undo_log where operation = ? order by id", (write,)
        ).fetchall()
        self.project.database.execute("delete from undo_log where operation <= ?", (write,))
        return rows

    def forget(self) -> None:
        """All that was logged so far is nobody's."""
        self.project.database.execute("delete from undo_log")

    def end(self) -> None:
        """Watch no more."""
        for trigger in self._triggers:
            self.project.database.execute(f"drop trigger temp.{trigger}")

    def _watch(self, table: str, new: tuple[str, int] | None) -> list[str]:
        names = [row["name"] for row in self.project.database.rows(f"pragma table_info({table})")]
        whole = " || ' and ' || ".join(f"'{name} is ' || {_literal('new', name)}" for name in names)
        values = " || ', ' || ".join(_literal("old", name) for name in names)
        sets = " || ', ' || ".join(f"'{name} = ' || {_literal('old', name)}" for name in names)
        inverse = {
            "insert": (-1, f"'delete from {table} where ' || {whole}"),
            "update": (0, f"'update {table} set ' || {sets} || ' where ' || {whole}"),
            "delete": (1, f"'insert into {table} ({', '.join(names)}) values (' || {values} || ')'"),
        }
        if new is not None:
            del inverse["insert"]
        triggers = []
        for event, (rows, sql) in inverse.items():
            row = "old" if event == "delete" else "new"
            when = f"when {NO_CHOICE.format(row=row)}" if table == "settings" else ""
            if new is not None:
                when = f"when {row}.{new[0]} <= {new[1]}"
            triggers.append(f"undo_{table}_{event}")
            self.project.database.execute(
                f"create temp trigger {triggers[-1]} after {event} on main.{table} {when} begin"
                f" insert into undo_log (operation, name, rows, sql)"
                f" values (undo_operation(), '{table}', {rows}, {sql}); end"
            )
        return triggers


def counts(project: Project) -> dict[str, int]:
    """How many rows each table has."""
    return {table: project.database.value(f"select count(*) from {table}") for table in TABLES}


def execute(project: Project, statements: Iterable[Statement]) -> None:
    """Take changes back, the newest first. Raises `IntegrityError` where a row is not as it was left; but a run that
    forgot its own since, because it goes on from an earlier step, keeps nobody's work from coming back. Raises
    `PlaceTaken` where a vote would count beside a later one on the same answers."""
    known = list(statements)
    votes = any(table == "arena_votes" for table, _, _ in known)
    twice = project.database.value(TWICE) if votes else 0
    for table, rows, statement in reversed(known):
        if project.database.execute(statement).rowcount != 1 and (table, rows) != ("samples", 0):
            raise sqlite3.IntegrityError("somebody changed this row")
    if votes and project.database.value(TWICE) > twice:
        raise PlaceTaken("somebody voted on the same answers since")


def _literal(row: str, name: str) -> str:
    """An expression for a value as SQL; `quote` alone would end a text at a zero byte."""
    value = f"{row}.{name}"
    return (
        f"case when typeof({value}) = 'text' and instr({value}, char(0))"
        f" then 'cast(x''' || hex({value}) || ''' as text)' else quote({value}) end"
    )
