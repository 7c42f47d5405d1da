"""Many prompts, answers and rankings at once, as an import has them: each has its number before it is written, so that
nothing is read back, and each table is written by one statement for hundreds of rows."""

import json
from collections.abc import Sequence
from functools import lru_cache
from itertools import count
from typing import Any

from core.errors import AlteredProject
from core.events import NewCompletion
from core.records import NewRanking, Prompt
from core.store import Project, completions, guidelines, now, prompts, rankings

#: Characters that wait to be written at most, and how many a row without texts counts as.
MOST, ROW = 1 << 22, 1 << 10
NEWEST = (
    "select max(coalesce((select seq from sqlite_sequence where name = '{table}'), 0),"
    " coalesce((select max(id) from {table}), 0))"
)
TABLES = ("prompts", "completion_groups", "completions", "rankings")
STATEMENTS = (
    prompts.ADD, completions.ADD_GROUP, completions.ADD, rankings.ADD, rankings.ADD_ITEM, rankings.ADD_CRITERION,
)  # fmt: skip
#: Numbers that no project comes to.
LAST = 1 << 62


class Batch:
    """What is added within one write transaction, which keeps everybody else from taking the same numbers. It is there
    to be read or changed after `flush`; who adds to the same tables in another way flushes and makes a new one."""

    def __init__(self, project: Project) -> None:
        assert project.database.conn.in_transaction
        self.made: dict[int, list[int]] = {}
        """The groups that were added, with the completions of each."""
        self._project = project
        self._numbers = {table: _numbers(project, table) for table in TABLES}
        self._guidelines = 0
        self._at = now()
        self._rows: dict[str, list[Any]] = {sql: [] for sql in STATEMENTS}
        self._waiting = 0

    def prompt(self, prompt: Prompt) -> int:
        """Add one that the project does not have; returns its id."""
        number = next(self._numbers["prompts"])
        self._rows[prompts.ADD].append(prompts.row_of(prompt, self._at, number))
        self._wait(len(prompt.text))
        return number

    def group(self, prompt_id: int, rows: Sequence[NewCompletion], sources: Sequence[str]) -> int:
        """Add completions that came from somewhere and are ranked together; returns the group's id."""
        group_id = next(self._numbers["completion_groups"])
        self._rows[completions.ADD_GROUP].append(
            {"id": group_id, "prompt_id": prompt_id, "job_id": None, "created_at": self._at}
        )
        self.made[group_id] = [next(self._numbers["completions"]) for _ in rows]
        for number, row, source in zip(self.made[group_id], rows, sources, strict=True):
            self._rows[completions.ADD].append(completions.row_of(row, group_id, _imported(source), number))
            self._wait(len(row.text))
        return group_id

    def ranking(self, new: NewRanking, version: int | None = None) -> int:
        """Add one as `rankings.add` does, which says what it raises: under the newest guidelines, or that version."""
        if new.group_id in self.made:
            rankings.check(new, self.made[new.group_id])
        else:
            rankings.check_stored(self._project, new)
        self._guidelines = self._guidelines or guidelines.current_id(self._project)
        number = next(self._numbers["rankings"])
        self._rows[rankings.ADD].append(rankings.row_of(new, version or self._guidelines, self._at, number))
        self._rows[rankings.ADD_ITEM] += rankings.items(number, new)
        self._rows[rankings.ADD_CRITERION] += rankings.criterion_ranks(number, new)
        self._wait(len(new.comment))
        return number

    def _wait(self, characters: int) -> None:
        self._waiting += characters + ROW
        if self._waiting >= MOST:
            self.flush()

    def flush(self) -> None:
        """Write what waits, each row after those that it refers to."""
        with self._project.write() as database:
            for sql, rows in self._rows.items():
                database.many(sql, rows)
                rows.clear()
        self._waiting, self._at = 0, now()


def _numbers(project: Project, table: str) -> "count[int]":
    """Those that no row of the table has or had. Raises `AlteredProject` where they are at their end."""
    newest = int(project.database.value(NEWEST.format(table=table)))
    if newest >= LAST:
        raise AlteredProject(
            f"The numbers of {table} are at their end, as no Plumbline makes them: restore plumbline.db from a backup."
        )
    return count(newest + 1)


@lru_cache(maxsize=1024)
def _imported(source: str) -> str:
    return json.dumps({"imported": source})
