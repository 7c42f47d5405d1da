"""What uses a run, so that it cannot be removed."""

from core.jobs import lock, queue
from core.records import ACTIVE, Job
from core.store import Project

#: Where a job's config names the runs that it uses; 0 stands for the newest one.
NAMED = {"train-policy": ("policy_job", "mix_with"), "train-reward": ("reward_job",)}


def why_kept(project: Project, job: Job) -> str | None:
    """One sentence about what speaks against removing a run; None if nothing does."""
    if job.kind not in queue.RUN_KINDS:
        return f"Job {job.id} is no run: only runs of the reward model and of the policy can be removed."
    alive = lock.held(project.folder)
    busy = [each for each in queue.listed(project) if _goes_on(each, alive)]
    if any(each.id == job.id for each in busy):
        return f"Run {job.id} is {job.status}: stop it first, then remove it."
    newest = queue.newest_run(project, job.kind)
    for other in busy:
        if uses(other, job, newest=newest is not None and newest.id == job.id):
            return f"Job {other.id}, {other.name}, uses run {job.id}: wait until it is done, or stop it."
    if job.kind == "train-reward":
        for other in queue.listed(project, kind="train-policy"):
            if job.id in (other.result.get("reward_job"), other.config.get("reward_job")):
                return f"Run {other.id} was tuned against run {job.id}: remove run {other.id} first."
    written = project.value("select count(*) from completions where policy_job = ?", job.id)
    if written:
        return f"Run {job.id} wrote {written:,} completions of a later round, which would lose their origin: it stays."
    return None


def uses(other: Job, job: Job, *, newest: bool) -> bool:
    """Does another job need the run? It may ask for the `newest` one without naming it."""
    named = [other.config.get(name) for name in NAMED[job.kind]]
    asks_newest = newest and other.kind != "generate" and 0 in named[:1]
    return job.id in [*named, other.result.get("reward_job")] or asks_newest


def _goes_on(job: Job, alive: bool) -> bool:
    """Whatever claims to run without a worker was interrupted."""
    return job.status in ACTIVE and (alive or job.status == "queued")
