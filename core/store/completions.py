"""What a policy answered. The completions of one prompt that are ranked together form a group."""

import json
from typing import Any

from core.errors import BadInput
from core.events import NewCompletion
from core.records import Completion, Group
from core.store import Project, now, prompts


def add_group(
    project: Project,
    prompt_id: int,
    rows: tuple[NewCompletion, ...],
    *,
    sampling: dict[str, Any] | None = None,
    job_id: int | None = None,
) -> int:
    """Store completions that will be ranked together; returns the group's id."""
    with project.write():
        cursor = project.db.conn.execute(
            "insert into completion_groups (prompt_id, job_id, created_at) values (?, ?, ?)", (prompt_id, job_id, now())
        )
        group_id = int(cursor.lastrowid or 0)
        project.db.conn.executemany(
            "insert into completions (group_id, text, policy_job, sampling, seed, tokens, ended)"
            " values (?, ?, ?, ?, ?, ?, ?)",
            [
                (group_id, row.text, row.policy_job, json.dumps(sampling or {}), row.seed, row.tokens, int(row.ended))
                for row in rows
            ],
        )
    return group_id


def group(project: Project, group_id: int) -> Group:
    prompt_id = project.value("select prompt_id from completion_groups where id = ?", group_id)
    if prompt_id is None:
        raise BadInput(f"There is no group of completions {group_id}.")
    rows = project.rows("select * from completions where group_id = ? order by id", group_id)
    completions = tuple(
        Completion(
            row["id"],
            group_id,
            prompt_id,
            row["text"],
            row["policy_job"],
            bool(row["ended"]),
            row["tokens"],
            json.loads(row["sampling"]).get("imported", ""),
        )
        for row in rows
    )
    return Group(group_id, prompts.get(project, prompt_id), completions)


def ids(project: Project, group_id: int) -> list[int]:
    """The group's completions. Raises `BadInput` if there is no such group."""
    found = [row["id"] for row in project.rows("select id from completions where group_id = ? order by id", group_id)]
    if not found:
        raise BadInput(f"There is no group of completions {group_id}.")
    return found


def exists(project: Project, group_id: int) -> bool:
    """Is the group still there? Its prompt may have been deleted."""
    return project.value("select 1 from completion_groups where id = ?", group_id) is not None


def group_ids(project: Project, *, unranked_by: int | None = None) -> list[int]:
    """Groups, oldest first; with a labeler's id, only those that this labeler has still to rank."""
    if unranked_by is None:
        return [row["id"] for row in project.rows("select id from completion_groups order by id")]
    rows = project.rows(
        "select g.id from completion_groups g where not exists (select 1 from rankings r where r.group_id = g.id"
        " and r.labeler_id = ? and r.retracted_at is null) order by g.id",
        unranked_by,
    )
    return [row["id"] for row in rows]


def answered_prompts(project: Project, policy_job: int | None) -> set[int]:
    """Ids of the prompts that this policy (None is the base) has completions for."""
    rows = project.rows(
        "select distinct g.prompt_id from completion_groups g join completions c on c.group_id = g.id"
        " where c.policy_job is ?",
        policy_job,
    )
    return {row["prompt_id"] for row in rows}


def count(project: Project) -> int:
    return int(project.value("select count(*) from completions"))


def prompts_of_job(project: Project, job_id: int) -> set[int]:
    """Prompts that a job has answered."""
    return {
        row["prompt_id"] for row in project.rows("select prompt_id from completion_groups where job_id = ?", job_id)
    }


def tokens_per_second(project: Project, job_id: int, since: str, groups: int) -> float | None:
    """What a job wrote after the first of its newest `groups`, over the time that it took; None for nothing."""
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
        groups, job_id, since,
    )  # fmt: skip
    return row["tokens"] / row["seconds"] if row and row["seconds"] else None
