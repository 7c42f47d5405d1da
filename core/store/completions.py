"""What a policy answered. The completions of one prompt that are ranked together form a group."""

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from core.conversation import Conversation
from core.errors import BadInput
from core.events import NewCompletion
from core.records import Completion, Group
from core.store import Project, cells, now, prompts

ADD_GROUP = "insert into completion_groups (prompt_id, job_id, created_at) values (:prompt_id, :job_id, :created_at)"
ADD = """
    insert into completions (group_id, text, policy_job, sampling, seed, tokens, ended)
    values (:group_id, :text, :policy_job, :sampling, :seed, :tokens, :ended)
"""


def add_group(
    project: Project,
    prompt_id: int,
    rows: tuple[NewCompletion, ...],
    *,
    sampling: dict[str, Any] | None = None,
    job_id: int | None = None,
) -> int:
    """Store completions that will be ranked together; returns the group's id."""
    with project.write() as database:
        group_id = database.insert(ADD_GROUP, {"prompt_id": prompt_id, "job_id": job_id, "created_at": now()})
        together = {"group_id": group_id, "sampling": json.dumps(sampling or {})}
        database.many(ADD, [
            {
                "text": row.text, "policy_job": row.policy_job, "seed": row.seed, "tokens": row.tokens,
                "ended": row.ended, **together,
            }
            for row in rows
        ])  # fmt: skip
    return group_id


def group(project: Project, group_id: int) -> Group:
    prompt_id = project.database.value("select prompt_id from completion_groups where id = ?", group_id)
    if prompt_id is None:
        raise BadInput(f"There is no group of completions {group_id}.")
    rows = project.database.rows("select * from completions where group_id = ? order by id", group_id)
    completions = tuple(
        Completion(
            row["id"],
            group_id,
            prompt_id,
            row["text"],
            row["policy_job"],
            bool(row["ended"]),
            row["tokens"],
            str(cells.read(row["sampling"], dict, f"How completion {row['id']} was written").get("imported", "")),
        )
        for row in rows
    )
    return Group(group_id, prompts.get(project, prompt_id), completions)


def ids(project: Project, group_id: int) -> list[int]:
    """The group's completions. Raises `BadInput` if there is no such group."""
    found = project.database.column("select id from completions where group_id = ? order by id", group_id)
    if not found:
        raise BadInput(f"There is no group of completions {group_id}.")
    return found


def exists(project: Project, group_id: int) -> bool:
    """Is the group still there? Its prompt may have been deleted."""
    return bool(project.database.value("select exists (select 1 from completion_groups where id = ?)", group_id))


def group_ids(project: Project, *, unranked_by: int | None = None) -> list[int]:
    """Groups, oldest first; with a labeler's id, only those that this labeler has still to rank."""
    if unranked_by is None:
        return project.database.column("select id from completion_groups order by id")
    return project.database.column(
        "select g.id from completion_groups g where not exists (select 1 from rankings r where r.group_id = g.id"
        " and r.labeler_id = ? and r.retracted_at is null) order by g.id",
        unranked_by,
    )


def texts(project: Project, completion_ids: Iterable[int]) -> dict[int, str]:
    """What some completions say, by id."""
    wanted = json.dumps(list(completion_ids))
    sql = "select id, text from completions where id in (select value from json_each(?))"
    return dict(project.database.execute(sql, (wanted,)).fetchall())


def texts_by_group(project: Project, prompt_id: int) -> dict[int, tuple[str, ...]]:
    """What the completions of each of the prompt's groups say."""
    found: dict[int, tuple[str, ...]] = {}
    for group_id, text in project.database.execute(
        "select c.group_id, c.text from completions c join completion_groups g on g.id = c.group_id"
        " where g.prompt_id = ? order by c.id",
        (prompt_id,),
    ):
        found[group_id] = (*found.get(group_id, ()), text)
    return found


def answered_prompts(project: Project, policy_job: int | None, *, but: int = 0) -> set[int]:
    """Ids of the prompts that this policy (None is the base) has completions for, those that the job `but` wrote left
    out."""
    return set(project.database.column(
        "select distinct g.prompt_id from completion_groups g join completions c on c.group_id = g.id"
        " where c.policy_job is ? and g.job_id is not ?", policy_job, but,
    ))  # fmt: skip


def count(project: Project) -> int:
    return int(project.database.value("select count(*) from completions"))


def count_of_policy(project: Project, job_id: int) -> int:
    """How many the policy of a run wrote."""
    return int(project.database.value("select count(*) from completions where policy_job = ?", job_id))


def unended(project: Project) -> set[int]:
    """Those that were cut off."""
    return set(project.database.column("select id from completions where ended = 0"))


def writers(project: Project) -> dict[int, list[int | None]]:
    """The runs whose policies wrote in each group; None is the base."""
    found: dict[int, list[int | None]] = {}
    for group_id, policy_job in project.database.execute("select distinct group_id, policy_job from completions"):
        found.setdefault(group_id, []).append(policy_job)
    return found


def by_tuned_policies(project: Project) -> bool:
    """Did a tuned policy write any of them?"""
    return bool(project.database.value("select exists (select 1 from completions where policy_job is not null)"))


class Answer(NamedTuple):
    """A completion with its prompt, of which `messages` are as they are stored."""

    id: int
    group_id: int
    prompt_id: int
    prompt: str
    messages: str | None
    text: str

    @property
    def conversation(self) -> Conversation:
        return cells.conversation(self.prompt, self.messages, self.prompt_id)


#: A completion `c` that the base itself wrote in this project.
WRITTEN_HERE = "c.policy_job is null and json_extract(c.sampling, '$.imported') is null"
ANSWERS = """
    select c.id, g.id as group_id, p.id as prompt_id, p.text as prompt, p.messages, c.text from completions c
    join completion_groups g on g.id = c.group_id join prompts p on p.id = g.prompt_id where
"""
SOME_WRITTEN_HERE = ANSWERS + WRITTEN_HERE + " order by c.id * 7919 % 10007, c.id limit ?"
GROUPS_WRITTEN_HERE = (
    ANSWERS + WRITTEN_HERE + " and g.id in (select group_id from completions c where " + WRITTEN_HERE
    + " group by group_id order by group_id * 7919 % 10007 limit ?) order by g.id, c.id"
)  # fmt: skip


def written_here(project: Project, limit: int) -> list[Answer]:
    """Completions that the base wrote in this project, spread over it."""
    return project.database.records(Answer, SOME_WRITTEN_HERE, limit)


def groups_written_here(project: Project, groups: int) -> list[Answer]:
    """Those of as many groups, spread over the project, group by group."""
    return project.database.records(Answer, GROUPS_WRITTEN_HERE, groups)


def prompts_of_job(project: Project, job_id: int) -> set[int]:
    """Prompts that a job has answered."""
    return set(project.database.column("select prompt_id from completion_groups where job_id = ?", job_id))


def tokens_per_second(project: Project, job_id: int, since: str, groups: int) -> float | None:
    """What a job wrote after the first of its newest `groups`, over the time that it took; None for nothing."""
    row = project.database.one(
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
