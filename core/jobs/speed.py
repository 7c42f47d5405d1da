"""How many tokens a second the running job draws, from the rows that it writes."""

from core.store import Project

#: Groups of completions that are looked at, the newest ones.
GROUPS = 200


def tokens_per_second(project: Project) -> float | None:
    """None where nothing runs, or what runs has not said or does not draw."""
    job = project.one("select id, kind, started_at from jobs where status = 'running' order by id limit 1")
    if job is None:
        return None
    if job["kind"] == "generate":
        return _drawn(project, job["id"], job["started_at"])
    found: float | None = project.value(
        "select value from metrics where job_id = ? and name = 'time/tokens_per_second' order by id desc limit 1",
        job["id"],
    )
    return found


def _drawn(project: Project, job_id: int, since: str) -> float | None:
    """What was written after the first of the groups, over the time that it took."""
    row = project.one(
        """
        with groups as (
            select id, julianday(created_at) * 86400 as at from completion_groups
            where id > (select max(id) from completion_groups) - ? and job_id = ? and created_at >= ?
        )
        select sum(tokens) as tokens, (select max(at) - min(at) from groups) as seconds
        from groups join completions on completions.group_id = groups.id
        where groups.id > (select min(id) from groups)
        """,
        GROUPS, job_id, since,
    )  # fmt: skip
    return row["tokens"] / row["seconds"] if row and row["seconds"] else None
