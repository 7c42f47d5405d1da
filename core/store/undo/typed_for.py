"""What people type and did not save lies in settings, which no foreign key looks at: here is which rows it is typed
for. Those must not be taken away under it, because their numbers are never given again."""

import json

from core.store import Project
from core.store.connection import statement_for
from core.store.typed import keys_under

#: What such settings begin with, and the tables whose numbers their names go on with.
TYPED_FOR = {
    "draft/answer/": ("labelers", "completion_groups", "completions"),
    "draft/prompt/": ("prompts",),
    "draft/conversation/": ("prompts",),
}
#: Digits of a row's number.
DIGITS = 18
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
                if part.isascii() and part.isdecimal() and len(part) <= DIGITS:
                    found.setdefault(table, set()).add(int(part))
    return found
