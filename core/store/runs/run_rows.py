"""The rows of one run, in a small SQLite file of their own while the run lies in the trash."""

import os
from contextlib import closing
from pathlib import Path

from core.store import DATABASE, Project, schema_check
from core.store.connection import opened, statement_for
from core.store.side_files import refuse_traps

#: What hangs on a job.
TABLES = ("metrics", "samples", "checkpoints", "job_log", "controls", "scores", "priorities")
KEEP = "create table {table} as select * from project.{table} where {number} = ?"
BRING_BACK = "insert or ignore into main.{table} ({columns}) select {columns} from aside.{table}"
#: What the rows hang on, and by what it is known again: its number may be another's by the time that they come back.
KEEP_ABOUT = (
    "create table about_prompts as select id, created_at as mark from project.prompts"
    " where id in (select prompt_id from samples)",
    "create table about_completions as select id, text as mark from project.completions"
    " where id in (select completion_id from scores)",
    "create table about_groups as select id, created_at as mark from project.completion_groups"
    " where id in (select group_id from priorities)",
)
#: Policies of arenas, which stay and are without their run meanwhile.
KEEP_POLICIES = (
    "create table about_policies as select id, created_at as mark from project.arena_policies where job_id = ?"
)
#: What older versions kept is known by its number alone.
BELIEVE = (
    "create table if not exists aside.about_prompts as select id, created_at as mark from main.prompts",
    "create table if not exists aside.about_completions as select id, text as mark from main.completions",
    "create table if not exists aside.about_groups as select id, created_at as mark from main.completion_groups",
    "create table if not exists aside.about_policies (id, mark)",
)
#: What must be mended in rows that come back, because what they hang on may have gone meanwhile.
MENDED = (
    "update aside.samples set prompt_id = null where prompt_id not in"
    " (select t.id from main.prompts t join aside.about_prompts a on a.id = t.id and a.mark = t.created_at)",
    "delete from aside.scores where completion_id not in"
    " (select t.id from main.completions t join aside.about_completions a on a.id = t.id and a.mark = t.text)",
    "delete from aside.priorities where group_id not in"
    " (select t.id from main.completion_groups t join aside.about_groups a on a.id = t.id and a.mark = t.created_at)",
)
#: Tables whose rows have numbers of their own: they get new ones where others have theirs by now.
NUMBERED = ("metrics", "samples", "checkpoints", "job_log", "controls")
RENUMBER = (
    "update aside.{table} set {number} = {number} + (select max({number}) from main.{table})"
    " where exists (select 1 from aside.{table} a join main.{table} m on m.{number} = a.{number})"
)
GIVE_BACK = (
    "update main.arena_policies set job_id = (select id from aside.jobs) where job_id is null"
    " and (id, created_at) in (select id, mark from aside.about_policies)"
)
#: What of a run that is brought back is not in the project.
LACKING = (
    "select id, kind, created_at from aside.jobs except select id, kind, created_at from main.jobs",
    "select job_id, step, name from aside.metrics except select job_id, step, name from main.metrics",
    "select job_id, step, completion from aside.samples except select job_id, step, completion from main.samples",
)


def keep(project: Project, job_id: int, file: Path, mark: str = "") -> None:
    """Copy the run's rows, as they were committed last, to a new `file`, with the mark of the project's own file."""
    with closing(opened(file, isolation_level=None)) as aside:
        aside.execute("attach cast(? as text) as project", (os.fsencode(project.folder / DATABASE),))
        aside.execute("begin")
        for table in ("jobs", *TABLES):
            number = "id" if table == "jobs" else "job_id"
            aside.execute(statement_for(KEEP, aside, table, number, "project"), (job_id,))
        for statement in KEEP_ABOUT:
            aside.execute(statement)
        aside.execute(KEEP_POLICIES, (job_id,))
        aside.execute("create table origin as select value as uid from project.settings where key = 'uid'")
        aside.execute("create table project_file as select cast(? as text) as mark", (mark,))
        aside.execute("commit")


def forget(project: Project, job_id: int) -> None:
    """Delete the run's rows."""
    with project.write() as database:
        database.execute("delete from jobs where id = ?", (job_id,))  # all the others go along


def belong_to(project: Project, file: Path) -> bool:
    """Are the rows in `file` of this project, or of a copy of it, and not of one that has nothing to do with it?"""
    with closing(opened(file, "mode=ro")) as aside:
        held = schema_check.objects(aside)
        schema_check.require_tables(held, "origin", *(str(each.key[1]) for each in held))
        found = aside.execute("select uid from origin").fetchone()
    return bool(found) and found[0] == project.database.value("select value from settings where key = 'uid'")


def mark(file: Path) -> str:
    """That of the project's file that the rows in `file` were taken out of; empty where an older version kept them."""
    with closing(opened(file, "mode=ro")) as aside:
        if not aside.execute("select 1 from sqlite_master where name = 'project_file' and type = 'table'").fetchone():
            return ""
        found = aside.execute("select mark from project_file").fetchone()
    return str(found[0]) if found else ""


def bring_back(project: Project, file: Path) -> bool:
    """Put back the rows that `keep` wrote. False, and nothing is changed, where the project has another run of that
    number; one that is back already is left as it is. Raises `AlteredProject` where `file` is a trap."""
    refuse_traps(file)
    database = project.database.conn
    database.execute("attach cast(? as text) as aside", (os.fsencode(file),))
    try:
        with project.write():
            if database.execute("select 1 from main.jobs where id in (select id from aside.jobs)").fetchone():
                return not any(database.execute(statement).fetchone() for statement in LACKING)
            for statement in (*BELIEVE, *MENDED):
                database.execute(statement)
            for table in NUMBERED:
                database.execute(statement_for(RENUMBER, database, table, "id", "aside"))
            for table in ("jobs", *TABLES):
                database.execute(statement_for(BRING_BACK, database, table, "", "aside", "main"))
            database.execute(GIVE_BACK)
            return True
    finally:
        database.execute("detach aside")
