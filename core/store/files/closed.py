"""A project's file looked at from outside: not opened for writing, not migrated, and nothing is left behind."""

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from core.errors import AlteredProject, ProjectError
from core.store import DATABASE, schema_check
from core.store.connection import bounded, is_ours, opened
from core.store.migrating import pending

#: The base of a project, and the reward models from elsewhere that its runs name.
MODELS = """
    select value from settings where key = 'model'
    union select json_quote(json_extract(config, '$.reward_model')) from jobs
"""


@dataclass(frozen=True, eq=False)
class Made:
    """What people make by hand: each row of `sql` is the same in every copy. `needs` are columns that it reads, by
    table, which a file of an earlier version may lack."""

    title: str
    sql: str
    needs: dict[str, str]
    goes: bool = True
    """Is it taken away, or done with, in a project that goes on?"""


WORK = (
    Made("rankings", "select uid from rankings", {"rankings": "uid"}, goes=False),
    Made("votes", "select uid from arena_votes", {"arena_votes": "uid"}, goes=False),
    Made("prompts", "select text, messages from prompts", {"prompts": "messages"}),
    Made(
        "versions of the guidelines", "select criteria, ties, flags, examples from guidelines",
        {"guidelines": "examples"},
    ),
    Made(
        "answers by hand",
        "select p.text, p.messages, c.text, c.written_by from completions c join completion_groups g"
        " on g.id = c.group_id join prompts p on p.id = g.prompt_id where c.written_by is not null",
        {"completions": "written_by", "completion_groups": "prompt_id", "prompts": "messages"},
    ),
    Made("begun orders", "select labeler_id, group_id, draft from drafts", {"drafts": "draft"}),
    Made(
        "begun texts",
        "select key, value from settings where (key glob 'draft/*' or key glob 'guidelines_draft*')"
        " and value not in ('{}', 'null')",
        {"settings": "value"},
    ),
    Made(
        "notes on runs", "select key, value from settings where key glob 'run/[0-9]*' and value != 'null'",
        {"settings": "value"},
    ),
)  # fmt: skip
#: Bytes of anything that is read to name a project.
LONGEST = 1 << 20


class Fault(Enum):
    """Why a file cannot be opened as a project."""

    FOREIGN = "it was not made by Plumbline"
    NEWER = "it was made by a newer Plumbline"
    DAMAGED = "it is damaged or cut short"


@contextmanager
def _reading(path: Path, mode: str = "mode=ro") -> Iterator[sqlite3.Connection]:
    with closing(opened(path, mode, timeout=1)) as connection:
        yield connection


def name(folder: Path) -> str | None:
    """What the project in `folder` is called, in a millisecond; None if another program made the file. Raises what
    `settings` does."""
    found = settings(folder, "name")
    return None if found is None else str(found.get("name", folder.name))


def settings(folder: Path, *keys: str) -> dict[str, object] | None:
    """Those of the settings of the project in `folder` that it has; None if another program made the file.

    Raises `sqlite3.Error`, `OSError`, `ValueError`, `RecursionError` or `AlteredProject` for one that cannot be read.
    """
    path = folder / DATABASE
    # A file in WAL mode can be read without writing beside it only if it is promised that nobody writes to it.
    mode = "mode=ro" if (folder / f"{DATABASE}-wal").exists() else "mode=ro&immutable=1"
    with _reading(path, mode) as connection:
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST)
        if not is_ours(connection):
            return None
        with bounded(connection):
            schema_check.require_tables(schema_check.objects(connection), "settings")
            asked = "select key, value from settings where key in (select value from json_each(?))"
            found = connection.execute(asked, (json.dumps(keys),)).fetchall()
    return {key: json.loads(value) for key, value in found}


def work(folder: Path) -> dict[Made, set[bytes]]:
    """A digest of each thing that people made in the project in `folder`; none of what its version lacks. Raises
    `sqlite3.Error` or `AlteredProject` for a file that cannot be read."""
    with _reading(folder / DATABASE) as connection:
        with bounded(connection):
            objects = schema_check.objects(connection)
            known = [each for each in WORK if all(_has(connection, *column) for column in each.needs.items())]
            schema_check.require_tables(objects, *{table for each in known for table in each.needs})
        with bounded(connection, whole_tables=True):
            return {each: {_digest(row) for row in connection.execute(each.sql)} for each in known}


def _has(connection: sqlite3.Connection, table: str, column: str) -> bool:
    asked = "select 1 from pragma_table_info(?) where name = ?"
    return connection.execute(asked, (table, column)).fetchone() is not None


def _digest(row: tuple[object, ...]) -> bytes:
    return hashlib.sha256(repr(row).encode()).digest()


def jobs(folder: Path) -> dict[int, str]:
    """When each job of the project in `folder` was made, by its number, which another job has in a copy. Raises as
    `work` does."""
    with _reading(folder / DATABASE) as connection:
        with bounded(connection):
            schema_check.require_tables(schema_check.objects(connection), "jobs")
        with bounded(connection, whole_tables=True):
            return dict(connection.execute("select id, created_at from jobs"))


def models(folder: Path) -> list[str]:
    """The models that the project in `folder` names. Raises `sqlite3.Error` or `AlteredProject` if it cannot be
    read."""
    with _reading(folder / DATABASE) as connection:
        with bounded(connection):
            schema_check.require_tables(schema_check.objects(connection), "settings", "jobs")
        found = [json.loads(text or "null") for (text,) in connection.execute(MODELS)]
    return [str(model) for model in found if model]


def fault(path: Path, *, references: bool = True) -> Fault | None:
    """Why the file is no whole project that this version can open; reads all of it. Migrations wait until somebody
    opens it. Without `references` rows may speak of others that there are not.

    Raises `AlteredProject`, which names what in it Plumbline did not make.
    """
    with closing(opened(path)) as connection:
        try:
            if not is_ours(connection):
                return Fault.FOREIGN
            pending(connection, path)
            whole = connection.execute("pragma quick_check(1)").fetchone()[0] == "ok"
            if whole and references:  # whoever wrote to it with another program may have left rankings of nobody
                whole = connection.execute("pragma foreign_key_check").fetchone() is None
        except AlteredProject:
            raise
        except ProjectError:
            return Fault.NEWER
        except (sqlite3.Error, UnicodeDecodeError):  # the latter where SQLite quotes what is damaged
            whole = False
    return None if whole else Fault.DAMAGED


def is_open_elsewhere(folder: Path) -> bool:
    """Only one connection can have the project to itself: so is there another one? If not, nothing waits in the WAL
    any more once this has looked."""
    with closing(opened(folder / DATABASE, timeout=0.1, isolation_level=None)) as connection:
        try:
            connection.execute("pragma locking_mode = exclusive")
            connection.execute("begin immediate")
            connection.execute("rollback")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            return True
    return False
