"""What a job tells in words."""

from typing import Any

from core.store import Project, now


def add(project: Project, job_id: int, text: str) -> None:
    with project.write() as database:
        database.conn.execute("insert into job_log (job_id, at, text) values (?, ?, ?)", (job_id, now(), text))


def lines(project: Project, job_id: int) -> list[dict[str, Any]]:
    """`at` and `text` of each line."""
    return project.rows("select at, text from job_log where job_id = ? order by id", job_id)


def newest(project: Project) -> int:
    """The number of the newest row of all; 0 is none."""
    return int(project.value("select coalesce(max(id), 0) from job_log"))


def after(project: Project, row: int) -> list[dict[str, Any]]:
    """Rows above a number, oldest first."""
    return project.rows("select * from job_log where id > ? order by id", row)
