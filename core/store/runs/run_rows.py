"""The rows of one run, in a small SQLite file of their own while the run lies in the trash."""

import os
from contextlib import closing
from pathlib import Path

from core.store import DATABASE, Project, schema_check
from core.store.connection import opened, statement_for

#: What hangs on a job.
TABLES = ("metrics", "samples", "checkpoints", "job_log", "controls", "scores", "priorities")
KEEP = "create table {table} as select * from project.{table} where {number} = ?"
BRING_BACK = "insert or ignore into main.{table} ({columns}) select {columns} from aside.{table}"
#: What must be mended in rows that come back, because what they hang on may have gone meanwhile.
MENDED = (
    "update aside.samples set prompt_id = null where prompt_id not in (select id from main.prompts)",
    "delete from aside.scores where completion_id not in (select id from main.completions)",
    "delete from aside.priorities where group_id not in (select id from main.completion_groups)",
)


def keep(project: Project, job_id: int, file: Path) -> None:
    """Copy the run's rows, as they were committed last, to a new `file`."""
    with closing(opened(file, isolation_level=None)) as aside:
        aside.execute("attach cast(? as text) as project", (os.fsencode(project.folder / DATABASE),))
        aside.execute("begin")
        for table in ("jobs", *TABLES):
            number = "id" if table == "jobs" else "job_id"
            aside.execute(statement_for(KEEP, aside, table, number, "project"), (job_id,))
        aside.execute("create table origin as select value as uid from project.settings where key = 'uid'")
        aside.execute("commit")


def forget(project: Project, job_id: int) -> None:
    """Delete the run's rows."""
    with project.write() as database:
        database.execute("delete from jobs where id = ?", (job_id,))  # all the others go along


def belong_to(project: Project, file: Path) -> bool:
    """Are the rows in `file` of this project, and not of another that was in its folder before?"""
    with closing(opened(file, "mode=ro")) as aside:
        held = schema_check.objects(aside)
        schema_check.require_tables(held, "origin", *(str(each.key[1]) for each in held))
        found = aside.execute("select uid from origin").fetchone()
    return bool(found) and found[0] == project.database.value("select value from settings where key = 'uid'")


def bring_back(project: Project, file: Path) -> None:
    """Put back the rows that `keep` wrote. A row that the project has again stays as it is there."""
    database = project.database.conn
    database.execute("attach cast(? as text) as aside", (os.fsencode(file),))
    try:
        with project.write():
            for statement in MENDED:
                database.execute(statement)
            for table in ("jobs", *TABLES):
                database.execute(statement_for(BRING_BACK, database, table, "", "aside", "main"))
    finally:
        database.execute("detach aside")
