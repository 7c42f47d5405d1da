"""Wait for a job in the foreground: what the CLI does between the question and the answer."""

import time
from collections.abc import Callable

from core.errors import KnownError
from core.jobs import launch, queue, worker_process
from core.jobs.worker_process import Life
from core.records import ACTIVE, Job
from core.store import Project

POLL = 0.2
#: Seconds that a freshly started worker has to take its lock.
STARTING = 20.0


def wait(project: Project, job_id: int, on_change: Callable[[Job], None], *, idle: float = 120.0) -> Job:
    """Start a worker if none is there and return the job when it has ended well.

    Raises `KnownError` with the job's own sentence if it failed or holds because something went wrong, and one that
    says how to resume if it was stopped or its worker died.
    """
    worker = launch.ensure_worker(project.folder, idle=idle)
    seen: Job | None = None
    alone_since: float | None = None
    while True:
        job, life = queue.get(project, job_id), worker_process.life(project)
        if life is Life.SUSPENDED:
            job = worker_process.seen(job, life)
        if job != seen:
            on_change(job)
            seen = job
        if job.status not in ACTIVE:
            break
        if job.status == "paused" and job.error:
            raise KnownError(f"{job.error} Job {job.id} is paused: `resume` or `stop` it.")
        if life is not Life.GONE:
            alone_since = None
        else:
            alone_since = alone_since or time.monotonic()
            running = job.status in ("running", "paused")
            if time.monotonic() - alone_since > (2 * POLL if running else STARTING):
                raise KnownError(_killed(job, worker_process.how_it_ended(worker)))
        time.sleep(POLL)
    return ended_well(job)


def ended_well(job: Job) -> Job:
    """The job, or `KnownError` if it failed or was stopped."""
    if job.status == "failed":
        raise KnownError(job.error or "The job failed.")
    if job.status in ("stopped", "interrupted"):
        raise KnownError(f"Job {job.id} was {job.status}: `resume` with its number goes on from its last checkpoint.")
    return job


def _killed(job: Job, why: str) -> str:
    return (
        f"The worker ended in the middle of job {job.id}: `resume` with its number goes on from its last checkpoint. "
        + (why or "worker.log in the project says more.")
    )
