"""What people type and did not save lies in settings, which no foreign key looks at: here is which rows it is typed
for. Those must not be taken away under it, because their numbers are never given again."""

import json

from core.store import Project
from core.store.connection import statement_for
from core.store.typed import ANSWERS, OVER_PROMPTS, keys_under, row_number

#: What such settings begin with, and the tables whose numbers their names go on with.
TYPED_FOR = {
    ANSWERS: ("labelers", "completion_groups", "completions"),
    **dict.fromkeys(OVER_PROMPTS, ("prompts",)),
}
THERE = "select id from main.{table} where id in (select value from json_each(?))"


def rows(project: Project) -> frozenset[tuple[str, int]]:
    """The rows that are there and that anything is typed for, each by its table and number."""
    found = set()
    for table, numbers in _named(project).items():
        sql = statement_for(THERE, project.database.conn, table, "id")
        found |= {(table, number) for number in project.database.column(sql, json.dumps(sorted(numbers)))}
    return frozenset(found)


def _named(project: Project) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for begin, tables in TYPED_FOR.items():
        for key in keys_under(project, begin):
            for table, part in zip(tables, key.removeprefix(begin).split("/"), strict=False):
                if (row := row_number(part)) is not None:
                    found.setdefault(table, set()).add(row)
    return found
