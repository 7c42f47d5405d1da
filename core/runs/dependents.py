"""What uses a run, so that it cannot be removed."""

from contextlib import suppress

from core.config.arena import AnswerJob
from core.config.frontier import MeasureFrontierJob
from core.config.jobs import CompareJob, ExportModelJob, GenerateJob
from core.config.judging import JudgeBy, JudgingJob
from core.config.scoring import ScoreFileJob, ScoreJob, SuggestJob
from core.config.slider import SlideJob
from core.config.training import Run, TrainPolicyJob, TrainRewardJob
from core.config.verifying import VerifyJob
from core.errors import BadInput
from core.jobs import lock, queue
from core.records import ACTIVE, Job
from core.runs import origins
from core.store import Project, arenas, completions


def why_kept(project: Project, job: Job) -> str | None:
    """One sentence about what speaks against removing a run; None if nothing does."""
    if not isinstance(job, Run):
        return f"Job {job.id} is no run: only runs of the reward model and of the policy can be removed."
    alive = lock.held(project.folder)
    busy = [each for each in queue.listed(project) if _goes_on(each, alive)]
    if any(each.id == job.id for each in busy):
        return f"Run {job.id} is {job.status}: stop it first, then remove it."
    newest = queue.newest_run(project, type(job))
    for other in busy:
        if uses(other, job, newest=newest is not None and newest.id == job.id) or _in_arena(project, other, job):
            return f"Job {other.id}, {other.name}, uses run {job.id}: wait until it is done, or stop it."
    if isinstance(job, TrainRewardJob):
        for other in queue.listed(project, TrainPolicyJob):
            if job.id in (other.result.reward_job, other.config.reward_job):
                return f"Run {other.id} was tuned against run {job.id}: remove run {other.id} first."
    written = completions.count_of_policy(project, job.id)
    if written:
        return f"Run {job.id} wrote {written:,} completions of a later round, which would lose their origin: it stays."
    return None


def uses(other: Job, run: Run, *, newest: bool) -> bool:
    """Does another job need the run? It may ask for the `newest` one without naming it."""
    of_policy = isinstance(run, TrainPolicyJob)
    if of_policy and isinstance(other, MeasureFrontierJob):
        return True  # it asks all of them
    named = _policies(other) if of_policy else _reward_models(other)
    asks_newest = newest and not (of_policy and isinstance(other, GenerateJob)) and 0 in named[:1]
    return run.id in named or asks_newest


def _in_arena(project: Project, other: Job, run: Run) -> bool:
    """Does a job let the run's policy answer, or one that is chosen by its reward?"""
    if not isinstance(other, AnswerJob):
        return False
    found = arenas.policies(project, arenas.get(project, other.config.arena).id)
    return any(run.id in (policy.job_id, policy.detail.get("reference_of")) for policy in found)


def _policies(job: Job) -> list[int]:
    """The runs of the policy that a job asks for; 0 first stands for the newest one."""
    if isinstance(job, VerifyJob):
        return [job.config.run]
    if isinstance(job, GenerateJob):
        return [job.config.policy_job, job.config.mix_with]
    if isinstance(job, TrainPolicyJob):  # which copies them when it begins
        return origins.runs_of(job.config)
    if isinstance(job, JudgingJob):
        return _judge(job, JudgeBy.RUN)
    return [job.config.policy_job] if isinstance(job, CompareJob | ExportModelJob | SlideJob) else []


def _reward_models(job: Job) -> list[int | None]:
    """The run of the reward model that a job asks for, 0 for the newest one, and the run that it found."""
    if isinstance(job, VerifyJob):
        return [job.config.run]
    if isinstance(job, JudgingJob):
        return [*_judge(job, JudgeBy.REWARD)]
    if isinstance(job, GenerateJob):
        return [job.config.reward_job] if job.config.best_of > 1 else []
    if isinstance(job, TrainPolicyJob | CompareJob | ScoreJob | SuggestJob):
        return [job.config.reward_job, job.result.reward_job]
    return [job.config.reward_job] if isinstance(job, ScoreFileJob) else []


def _judge(job: JudgingJob, by: JudgeBy) -> list[int]:
    """The run that judges, where it does so `by` that; nobody where the name is none."""
    with suppress(BadInput):
        spec = job.config.spec
        return [spec.run] if spec.by is by and spec.run else []
    return []


def _goes_on(job: Job, alive: bool) -> bool:
    """Whatever claims to run without a worker was interrupted."""
    return job.status in ACTIVE and (alive or job.status == "queued")
