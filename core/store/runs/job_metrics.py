"""The numbers of a job, step by step."""

from collections.abc import Mapping
from typing import Any

from core.store import Project

#: Nothing can be drawn of values beyond these, which no run gives.
MOST = 1e100


def add(project: Project, job_id: int, step: int, values: Mapping[str, float]) -> None:
    with project.write() as database:
        database.many(
            "insert into metrics (job_id, step, name, value) values (?, ?, ?, ?)",
            [(job_id, step, name, value) for name, value in values.items()],
        )


def series(project: Project, job_id: int, names: tuple[str, ...] = ()) -> dict[str, list[tuple[int, float]]]:
    """Each metric of a job as (step, value) in order of steps; all of them unless `names` chooses."""
    found: dict[str, list[tuple[int, float]]] = {}
    for step, name, value in _read(project, job_id, names):
        if abs(value) < MOST:
            found.setdefault(name, []).append((step, value))
    return found


def newest_value(project: Project, job_id: int, name: str) -> float | None:
    """The value of the last step that has one."""
    found: float | None = project.database.value(
        "select value from metrics where job_id = ? and name = ? order by step desc, id desc limit 1", job_id, name
    )
    return found


def newest_row(project: Project, job_id: int) -> int:
    """The number of a job's newest row; 0 is none."""
    return int(project.database.value("select coalesce(max(id), 0) from metrics where job_id = ?", job_id))


def newest(project: Project) -> int:
    """The number of the newest row of all; 0 is none."""
    return int(project.database.value("select coalesce(max(id), 0) from metrics"))


def after(project: Project, row: int) -> list[dict[str, Any]]:
    """Rows above a number, oldest first."""
    return project.database.rows("select * from metrics where id > ? order by id", row)


def forget_after(project: Project, job_id: int, step: int) -> None:
    with project.write() as database:
        database.execute("delete from metrics where job_id = ? and step > ?", (job_id, step))


def _read(project: Project, job_id: int, names: tuple[str, ...]) -> list[tuple[int, str, float]]:
    execute = project.database.conn.execute
    if not names:
        return execute("select step, name, value from metrics where job_id = ? order by step, id", (job_id,)).fetchall()
    found: list[tuple[int, str, float]] = []
    for name in dict.fromkeys(names):
        found += execute(
            "select step, name, value from metrics where job_id = ? and name = ? order by step, id", (job_id, name)
        )
    return found
