"""Copies of a project's file, whole as they were committed last, with what waits in the WAL."""

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from core.store import Project, now
from core.store.calibration import KEYS
from core.store.connection import VACUUM_INTO, opened
from core.store.migrating import pending

#: What a labeling pack leaves of a project, in this order: what hangs on a row goes before it. The indexes are of
#: columns that lead to rows which go by the thousand: without one, each of these would have the whole table searched.
REDUCE = (
    "delete from arenas where id is not :arena",
    "delete from arena_votes where labeler_id != :labeler",
    "delete from judge_answers",
    # nothing tells whose an answer is
    "create temp table letters as select id, arena_id, row_number() over (order by random()) as place,"
    " max(id) over () as most from arena_policies",
    "update arena_policies set name = hex(randomblob(16))",
    # other numbers, too, because those say in which order the policies were added
    "insert into arena_policies (id, arena_id, name, kind, created_at) select most + place, arena_id,"
    " iif(place <= 26, char(64 + place), 'P' || place), 'base', '' from letters order by place",
    "update arena_answers set policy_id = (select most + place from letters where letters.id = policy_id)",
    "delete from arena_policies where id in (select id from letters)",
    "update arena_answers set tokens = 0, seed = 0, kl = null, job_id = null, created_at = ''",
    "delete from conflicts where taken is not null or not exists (select 1 from settings where key = 'pack')",
    "delete from priorities",
    "delete from scores",
    "delete from samples",
    "delete from metrics",
    "create index packing_policies on completions (policy_job)",
    "create index packing_makers on completion_groups (job_id)",
    "delete from jobs",
    "delete from sqlite_sequence where name = 'jobs'",
    "create index packing_repeats on rankings (repeat_of)",
    "create index packing_keys on calibration (ranking_id)",
    "insert or replace into calibration (group_id, ranking_id) select group_id, ranking_id from (" + KEYS + ")",
    "delete from rankings where labeler_id != :labeler and id not in (select ranking_id from calibration)",
    # so that nobody who has the pack can speak of another's ranking
    "update rankings set uid = lower(hex(randomblob(16))) where labeler_id != :labeler",
    "delete from assignments where labeler_id != :labeler",
    "delete from drafts where labeler_id != :labeler",
    "create index packing_assigned on assignments (group_id)",
    "create index packing_drafts on drafts (group_id)",
    "create index packing_items on ranking_items (completion_id)",
    "create index packing_criteria on criterion_ranks (completion_id)",
    "delete from completion_groups where id not in (select id from mine)",
    "delete from prompts where id not in (select prompt_id from completion_groups)",
    "delete from labelers where id != :labeler and id not in (select labeler_id from rankings)"
    " and id not in (select written_by from completions where written_by is not null)",
    # of comments on pairs that are not voted on yet, the labeler's own
    "update settings set value = case when :arena is not null and json_valid(value) and json_type(value) = 'object'"
    " then (select json_group_object(said.key, said.value) from json_each(settings.value) said where said.type = 'text'"
    " and said.key glob :labeler || ':*') else '{}' end where key = 'draft/arena'",
    "delete from settings where key not in ('name', 'uid', 'rank_by_criteria', 'assigned', 'repeat_every',"
    " 'system_prompt', 'chat_date', 'thinking', 'reasoning', 'chat_template', 'stop', 'handed_out',"
    " 'draft/arena')",
    "insert into settings (key, value) values ('model', '\"embedded\"')",
    "insert into settings (key, value) values ('pack', json_quote(:name))",
    "insert or ignore into settings (key, value) select 'handed_out', json_object('id', lower(hex(randomblob(16))),"
    " 'taken_back', (select json_group_array(uid) from (select uid, retracted_at from rankings union all"
    " select uid, retracted_at from arena_votes) where retracted_at is not null))",
    "drop index packing_policies",
    "drop index packing_makers",
    "drop index packing_repeats",
    "drop index packing_keys",
    "drop index packing_assigned",
    "drop index packing_drafts",
    "drop index packing_items",
    "drop index packing_criteria",
    "vacuum",
)


WAITED = "It waited when the project was copied: resume it if you want it to run."
#: A copy is another project than the one that it was made from, even if that had none or carries somebody else's.
NEW_IDENTITY = (
    "insert into settings (key, value) values ('identity', json_quote(lower(hex(randomblob(16)))))"
    " on conflict (key) do update set value = excluded.value"
)


#: And says which one it was made of.
COPY_OF = (
    "insert into settings (key, value) values ('copy_of', json_quote(?))"
    " on conflict (key) do update set value = excluded.value"
)


def fingerprint(identity: object) -> str:
    """By which a copy knows what it was made of, and nobody else does."""
    return hashlib.sha256(f"copy of {identity}".encode()).hexdigest()[:32]


def write(project: Project, path: Path) -> None:
    """Copy the file of an open project to `path`, where nothing is yet."""
    project.database.execute(VACUUM_INTO, (os.fsencode(path),))


def copy(source: Path, path: Path) -> None:
    """Copy a project's file that nobody here has open; it is not touched itself.

    Raises `ProjectError` for one of a newer version, or that is not as Plumbline makes it.
    """
    with closing(opened(source, "mode=ro")) as connection:
        pending(connection, source)
        connection.execute(VACUUM_INTO, (os.fsencode(path),))


@contextmanager
def _changing(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(opened(path, isolation_level=None)) as connection:
        connection.execute("pragma foreign_keys = on")
        yield connection


def rest(path: Path, name: str = "") -> None:
    """In a copy nothing is at work: a job that ran is interrupted there and a queued one stopped. It is called `name`
    if one is given."""
    with _changing(path) as connection:
        connection.execute("begin")
        connection.execute(
            "update jobs set status = 'interrupted', wanted = 'run', finished_at = ?"
            " where status in ('running', 'paused')",
            (now(),),
        )
        connection.execute(
            "update jobs set status = 'stopped', wanted = 'run', finished_at = ?, error = ? where status = 'queued'",
            (now(), WAITED),
        )
        made_of = connection.execute("select value from settings where key = 'identity'").fetchone()
        if made_of is not None:
            connection.execute(COPY_OF, (fingerprint(json.loads(made_of[0])),))
        connection.execute(NEW_IDENTITY)
        if name:
            connection.execute("update settings set value = json_quote(?) where key = 'name'", (name,))
        connection.execute("commit")


def reduce_to_pack(
    path: Path, labeler_id: int, labeler: str, group_ids: Iterable[int], arena_id: int | None = None
) -> None:
    """Leave in a copy only what this labeler needs to rank these groups, and to vote in an arena, if one is given, in
    which policies go by letters then."""
    with _changing(path) as connection:
        connection.execute("create temp table mine (id integer primary key)")
        connection.executemany("insert into mine values (?)", [(group_id,) for group_id in group_ids])
        connection.execute("pragma synchronous = off")  # a copy that is not whole is thrown away
        for statement in REDUCE:
            connection.execute(statement, {"labeler": labeler_id, "name": labeler, "arena": arena_id})


def reduce_to_demo(path: Path) -> None:
    """Make a copy as small as it can be shipped: one file, without checkpoints (the last policy of each run alone is
    beside it) or a worker's trace."""
    with _changing(path) as connection:
        connection.execute("delete from checkpoints")
        connection.execute("update jobs set result = json_remove(result, '$.best', '$.best_step')")
        connection.execute("delete from settings where key = 'worker' or key like 'edits/%'")
        connection.execute("pragma journal_mode = delete")
        connection.execute("vacuum")
