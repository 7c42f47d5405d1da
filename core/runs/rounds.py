"""The rounds of a project: rank, learn a reward, tune, write with the tuned policy, rank again.

Completions of the base (or imported ones) belong to round 1; those of a policy to the round after the policy's own. A
reward model belongs to the newest round that had rankings when it was trained, a policy to its reward model's.
"""

from dataclasses import dataclass, replace
from functools import cache

from core.config.training import Run, TrainPolicyJob, TrainRewardJob
from core.jobs import queue
from core.records import Job
from core.store import Project, completions, demonstrations, pairs, rankings


@dataclass(frozen=True)
class Round:
    """`pairs` are of this round's completions alone, `newer` those of them that were ranked after the newest reward
    model of all began; the rest is of the round's newest reward model and policy, None while there is none. `gain` is
    of the reward on held-out prompts, by the reward model `tuned_against`; `gold_gain` of the gold reward."""

    number: int
    groups: int
    pairs: int
    reward_job: int | None = None
    accuracy: float | None = None
    policy_job: int | None = None
    gain: float | None = None
    gold_gain: float | None = None
    kl: float | None = None
    newer: int = 0
    tuned_against: int | None = None
    demonstrations: int = 0
    """Of the groups, the imported answers that are there to be learnt, not ranked."""


def rounds(project: Project) -> list[Round]:
    """All rounds that have completions, from the first."""
    jobs = {job.id: job for job in queue.listed(project)}
    writers = completions.writers(project)
    ranked = rankings.first_times(project)

    @cache
    def of_group(group: int) -> int:
        return 1 + max(of_policy(writer) if writer in jobs else 0 for writer in writers[group])

    @cache
    def of_policy(job: int | None) -> int:
        assert job is not None
        run = jobs[job]
        reward = (run.result.reward_job or run.config.reward_job) if isinstance(run, TrainPolicyJob) else None
        return of_time(jobs[reward if reward in jobs else job].created_at, job)

    @cache
    def of_time(moment: str, before: int) -> int:
        """The newest round ranked by then; only what earlier policies than `before` wrote can be that old."""
        old = [
            group for group, first in ranked.items()
            if first <= moment and all(writer is None or writer < before for writer in writers.get(group, [0]))
        ]  # fmt: skip
        return max((of_group(group) for group in old if group in writers), default=1)

    learnt = next((job for job in jobs.values() if isinstance(job, TrainRewardJob) and _is_used(job)), None)
    given = pairs.by_group(project, began(learnt) if learnt else "~")
    alone = demonstrations.alone(project)
    found: dict[int, Round] = {}
    for group in writers:
        number = of_group(group)
        was = found.get(number, Round(number, 0, 0))
        count, newer = given.get(group, (0, 0))
        found[number] = Round(
            number, was.groups + 1, was.pairs + count, newer=was.newer + newer,
            demonstrations=was.demonstrations + (group in alone),
        )  # fmt: skip
    for job in jobs.values() if found else ():
        if not isinstance(job, Run) or not _is_used(job):
            continue
        number = of_policy(job.id) if isinstance(job, TrainPolicyJob) else of_time(job.created_at, job.id)
        if number not in found:
            continue
        known = found[number]
        if isinstance(job, TrainRewardJob) and known.reward_job is None:  # jobs come newest first
            found[number] = replace(known, reward_job=job.id, accuracy=job.result.accuracy)
        if isinstance(job, TrainPolicyJob) and known.policy_job is None:
            came = job.result
            found[number] = replace(
                known, policy_job=job.id, gain=_gain(came.reward_before, came.reward_after),
                gold_gain=_gain(came.gold_before, came.gold_after), kl=came.kl, tuned_against=came.reward_job,
            )  # fmt: skip
    return [found[number] for number in sorted(found)]


def _is_used(run: Run) -> bool:
    return run.status == "done" and bool(run.result.adapter)


def began(job: Job) -> str:
    """When it read the rankings. One that was resumed went on with what it had read; when that was is not kept."""
    return (job.started_at if job.attempt <= 1 else None) or job.created_at


def _gain(before: float | None, after: float | None) -> float | None:
    return after - before if before is not None and after is not None else None


def line(each: Round) -> str:
    """`Round 1: 1,056 pairs (27 newer) · reward model 66% · policy +1.13`.

    A policy's gain is measured by the reward model that it was tuned against, and stands beside that one only.
    """
    newer = f" ({each.newer:,} newer)" if each.newer else ""
    waiting, learnt = each.groups - each.demonstrations, each.demonstrations
    parts = []
    if each.pairs:
        parts.append(f"{each.pairs:,} {'pair' if each.pairs == 1 else 'pairs'}{newer}")
    elif waiting:
        parts.append(f"{waiting:,} {'prompt' if waiting == 1 else 'prompts'} answered, none ranked")
    if learnt:
        parts.append(f"{learnt:,} {'demonstration' if learnt == 1 else 'demonstrations'}")
    if each.accuracy is not None:
        parts.append(f"reward model {each.accuracy:.0%}")
    if each.gain is not None and each.tuned_against == each.reward_job:
        parts.append(f"policy {each.gain:+.2f}")
    return f"Round {each.number}: " + " · ".join(parts)
