"""The completions that a job shows, with their scores."""

from collections.abc import Iterable
from dataclasses import astuple
from typing import Any, NamedTuple

from core.events import Sample
from core.store import Project

#: A run, and the comparison if there is one, read together: answer by answer, each beside its counterpart. Both sides
#: were asked the same prompts in the same order. A score counts where both sides have one.
TOGETHER = """
with mine as (
    select id, policy, prompt, score, gold, kl, row_number() over (partition by policy, prompt order by id) as place
    from samples
    where job_id = ? and (policy = 'tuned' or policy in ('reference', 'start') and step = 0)
), both as (
    select r.id as id, t.id as after, r.place, r.prompt, iif(t.score is null, null, r.score) as score,
        iif(r.score is null, null, t.score) as score_after, iif(t.gold is null, null, r.gold) as gold,
        iif(r.gold is null, null, t.gold) as gold_after, t.kl as kl
    from mine r join mine t on t.prompt = r.prompt and t.place = r.place
    where r.policy <> 'tuned' and t.policy = 'tuned'
)
"""
#: A job's samples, each with the step that it is of: the reference answers a training prompt when it first comes up.
STEPS = """
with mine as (
    select *, iif(policy in ('reference', 'start'), 0, step) as at from samples where job_id = ?
)
"""
BY_PROMPT = (
    STEPS
    + """
select prompt, prompt_id, count(distinct at) as steps from mine group by prompt order by steps desc, min(id)
"""
)
AT_EACH_STEP = (
    STEPS
    + """
select *, min(id) from mine where prompt = ? group by at order by at
"""
)
SUMS = (
    TOGETHER
    + """
select count(*) as n, count(score) as scored, sum(score) as before, sum(score_after) as after,
    count(gold) as golden, sum(gold) as gold_before, sum(gold_after) as gold_after, count(kl) as kls, sum(kl) as kl,
    sum(case when score_after > score then 1.0 when score_after = score then 0.5 else 0 end) as wins
from both group by prompt order by min(id)
"""
)
#: What was answered to be measured: by a job that does nothing else, or by a run before and after it learnt.
MEASURED = "select policy, prompt, prompt_id, score, gold, kl from samples where job_id = ?"
BY_A_RUN = MEASURED + " and (policy = 'tuned' or policy in ('reference', 'start') and step = 0)"
FIRST_PAIRS = TOGETHER + "select id, after from both where place = 1 order by id"


def add(project: Project, job_id: int, step: int, rows: Iterable[Sample]) -> None:
    """A run goes on with the prompts that it began with: one that was deleted meanwhile is named by its text alone."""
    with project.write() as database:
        database.many(
            "insert into samples"
            " (job_id, step, prompt, completion, policy, prompt_id, score, gold, kl, tokens, change)"
            " values (?, ?, ?, ?, ?, (select id from prompts where id = ?), ?, ?, ?, ?, ?)",
            [(job_id, step, *astuple(row)) for row in rows],
        )


def listed(project: Project, job_id: int, *, step: int | None = None) -> list[dict[str, Any]]:
    """In the order of the steps."""
    return project.database.rows(
        "select * from samples where job_id = ? and (? is null or step = ?) order by step, id", job_id, step, step
    )


def find(project: Project, sample_id: int) -> dict[str, Any] | None:
    return project.database.one("select * from samples where id = ?", sample_id)


def ids(project: Project, job_id: int) -> list[int]:
    """Newest first."""
    rows = project.database.execute("select id from samples where job_id = ? order by id desc", (job_id,))
    return [number for (number,) in rows]


def known(project: Project, job_id: int) -> dict[str, int]:
    """How many of a job's samples have a `change` against the reference, and a `gold` reward."""
    sql = "select count(change) as change, count(gold) as gold from samples where job_id = ?"
    return project.database.rows(sql, job_id)[0]


def scores_before(project: Project, job_id: int) -> list[float | None]:
    """Of the answers to the held-out prompts before the first step, in the order in which they were asked."""
    rows = project.database.rows("select score from samples where job_id = ? and step = 0 order by id", job_id)
    return [row["score"] for row in rows]


def scores_of(project: Project, job_id: int, policy: str) -> dict[int, float]:
    """By prompt, of what one side answered while the run learned."""
    rows = project.database.rows(
        "select prompt_id, score from samples where job_id = ? and policy = ? and step > 0 and score is not null",
        job_id, policy,
    )  # fmt: skip
    return {row["prompt_id"]: row["score"] for row in rows}


def answer_while_learning(project: Project, job_id: int, prompt_id: int) -> dict[str, Any] | None:
    """What the reference answered to a prompt that a run learns from."""
    return project.database.one(
        "select policy, completion, score from samples where job_id = ? and prompt_id = ? and policy = 'reference'"
        " and step > 0 order by id limit 1",
        job_id, prompt_id,
    )  # fmt: skip


def answer_when_measured(project: Project, job_id: int, prompt_id: int, sample_id: int) -> dict[str, Any] | None:
    """What was answered to a held-out prompt before the first step when a tuned answer was drawn: the n-th stands
    beside the n-th, because both were drawn from the same chances."""
    earlier = project.database.value(
        "select count(*) from samples where job_id = ? and prompt_id = ? and policy = 'tuned' and id < ?",
        job_id, prompt_id, sample_id,
    )  # fmt: skip
    return project.database.one(
        "select policy, completion, score from samples where job_id = ? and prompt_id = ? and policy <> 'tuned'"
        " and step = 0 order by id limit 1 offset ?",
        job_id, prompt_id, earlier,
    )  # fmt: skip


def sums_by_prompt(project: Project, job_id: int) -> list[dict[str, Any]]:
    """For each prompt that both sides answered: sums and counts of their scores, gold rewards and KL, and the wins."""
    return project.database.rows(SUMS, job_id)


class Figures(NamedTuple):
    """What is known of an answer but what it says."""

    policy: str
    prompt: str
    prompt_id: int | None
    score: float | None
    gold: float | None
    kl: float | None


def measured(project: Project, job_id: int, *, by_a_run: bool) -> list[Figures]:
    """Of the answers of a measurement, in the order in which they were drawn; `by_a_run` it is of held-out prompts."""
    sql = BY_A_RUN if by_a_run else MEASURED
    return project.database.records(Figures, f"{sql} order by id", job_id)


def first_pairs(project: Project, job_id: int) -> list[tuple[int, int]]:
    """The numbers of the first answer to each prompt, before and after."""
    return [(row["id"], row["after"]) for row in project.database.rows(FIRST_PAIRS, job_id)]


def by_prompt(project: Project, job_id: int) -> list[dict[str, Any]]:
    """Each prompt of a job's samples, with at how many steps it was answered; what was answered before the first step,
    whenever that was asked, is of step 0. The one that was answered at most steps first."""
    return project.database.rows(BY_PROMPT, job_id)


def at_each_step(project: Project, job_id: int, prompt: str) -> list[dict[str, Any]]:
    """The first answer to a prompt at each step, by steps, see `by_prompt`."""
    return project.database.rows(AT_EACH_STEP, job_id, prompt)


def newest(project: Project) -> int:
    """The number of the newest row of all; 0 is none."""
    return int(project.database.value("select coalesce(max(id), 0) from samples"))


def after(project: Project, row: int) -> list[dict[str, Any]]:
    """Rows above a number, oldest first."""
    return project.database.rows("select * from samples where id > ? order by id", row)


def forget_after(project: Project, job_id: int, step: int) -> None:
    with project.write() as database:
        database.execute("delete from samples where job_id = ? and step > ?", (job_id, step))
