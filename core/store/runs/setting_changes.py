"""Settings of a run that a person changed while it went: asked for by anybody, put in force by the run.

A row without a step waits for the next one; the run writes the step from which it is in force. A resumed run finds
there what was changed when, and changes it at the same steps again.
"""

from typing import Any

from core.store import Project, now


def add(project: Project, job_id: int, name: str, value: float) -> None:
    """Ask for another value from the next step on."""
    with project.write() as database:
        database.execute(
            "insert into controls (job_id, name, value, created_at) values (?, ?, ?, ?)", (job_id, name, value, now())
        )


def due(project: Project, job_id: int, step: int) -> list[dict[str, Any]]:
    """What is to be put in force before `step`: what waits, and what was put in force there before a resume."""
    return project.database.rows(
        "select * from controls where job_id = ? and (step is null or step = ?) order by id", job_id, step
    )


def listed(project: Project, job_id: int) -> list[dict[str, Any]]:
    """All changes of a run, oldest first."""
    return project.database.rows("select * from controls where job_id = ? order by id", job_id)


def put_in_force(project: Project, job_id: int, change: int, step: int) -> None:
    """What was in force from this step or later before a resume must not overrule the newer wish."""
    with project.write() as database:
        database.execute(
            "delete from controls where job_id = ? and id < ? and step >= ?"
            " and name = (select name from controls where id = ?)",
            (job_id, change, step, change),
        )
        database.execute("update controls set step = ? where id = ?", (step, change))


def forget(project: Project, job_id: int, change: int) -> None:
    with project.write() as database:
        database.execute("delete from controls where job_id = ? and id = ?", (job_id, change))


def forget_from(project: Project, job_id: int, step: int) -> None:
    """Forget what was put in force at `step` or later."""
    with project.write() as database:
        database.execute("delete from controls where job_id = ? and step >= ?", (job_id, step))
