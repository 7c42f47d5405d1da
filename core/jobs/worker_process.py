"""The worker as a process of this machine: whether it answers, how it ended, and ending it in the middle of a step.

A step may take minutes, so a wish to stop waits for it. What never ends (a reward of one's own, a chat template) reads
no wish: whoever does not want to wait has the process killed. Not from within, by a thread, because a loop in C lets no
other thread of its process run, and neither does a signal that suspended it. A kill loses nothing that was saved.

psutil is imported when a worker is looked at and not before: the window's first frame does without.
"""

import os
import signal
import subprocess
from contextlib import closing, suppress
from dataclasses import replace
from enum import Enum
from typing import TYPE_CHECKING

from core.errors import KnownError
from core.jobs import launch, lock, presence, queue, resumes
from core.records import Job
from core.store import Changes, Project, changed, jobs
from core.store.runs import job_log

if TYPE_CHECKING:
    import psutil

#: Seconds that the system has to take a killed process away.
VANISHING = 2.0
SUSPENDED = "its worker was suspended and does not answer: let it go on (`kill -CONT`), or stop the job now"


class Life(Enum):
    """What can be seen of a project's worker from outside."""

    WORKS = "works"
    SUSPENDED = "suspended"
    GONE = "gone"


def life(project: Project) -> Life:
    if not lock.held(project.folder):
        return Life.GONE
    import psutil

    process = _named(project)
    with suppress(psutil.Error):
        if process and process.status() == psutil.STATUS_STOPPED and _holds(process, project):
            return Life.SUSPENDED
    return Life.WORKS


def seen(job: Job, how: Life) -> Job:
    """A job as it is shown beside its worker: one that claims to run without any was interrupted, or stopped if that
    was asked."""
    if job.status not in ("running", "paused") or how is Life.WORKS:
        return job
    if how is Life.SUSPENDED:
        return replace(job, doing=SUSPENDED)
    return replace(job, status="stopped" if job.wanted == "stop" else "interrupted")


def _named(project: Project) -> "psutil.Process | None":
    """The process whose number the newest worker told; it may be another's by now."""
    import psutil

    told = presence.last(project)
    with suppress(psutil.Error, ValueError, OverflowError):
        return psutil.Process(told.pid) if told and told.pid != os.getpid() else None
    return None


def _holds(process: "psutil.Process", project: Project) -> bool:
    """Has it the project's lock open? The number is a row of the project, which may come from elsewhere."""
    import psutil

    path = project.folder / lock.LOCK
    with suppress(psutil.Error, OSError):
        return any(path.samefile(file.path) for file in process.open_files() if file.path.endswith(lock.LOCK))
    return False


def end(project: Project) -> bool:
    """Kill the project's worker; false where there is one that is not ours to kill."""
    import psutil

    process = _named(project)
    if process is None or not _holds(process, project):
        return not lock.held(project.folder)
    with suppress(psutil.NoSuchProcess):
        process.kill()
    return True


def stop_now(project: Project, job_id: int) -> Changes:
    """Stop a job without waiting for its step; what came after its last checkpoint is computed anew when it is resumed,
    and its log says where that goes on.

    Raises `KnownError` if its worker cannot be ended from here.
    """
    job = queue.get(project, job_id)
    if job.status not in ("running", "paused"):
        return queue.want(project, job_id, "stop")
    if not end(project):  # before anything is written: it may be suspended while it writes, and nobody else can then
        queue.want(project, job_id, "stop")
        raise KnownError(
            f"The worker of job {job_id} cannot be ended from here: it belongs to another machine, user or program; "
            "the job stops after its current step."
        )
    if (guard := lock.acquire(project.folder, wait=VANISHING)) is not None:
        with closing(guard):
            _settle(project, job_id)
    if jobs.next_queued(project) is not None:
        launch.ensure_worker(project.folder)
    return changed("Stop job", "jobs", ids=(job_id,))


def _settle(project: Project, job_id: int) -> None:
    """What the worker had in hand when it was killed; it may have been at the next job already."""
    with project.write():
        if queue.get(project, job_id).status in ("running", "paused"):
            jobs.want(project, job_id, "stop")
            job_log.add(project, job_id, f"Stopped in the middle of a step. {resumes.goes_on(project, job_id)}")
        for each in queue.mark_interrupted(project):
            if each != job_id:
                queue.resume(project, each)


def how_it_ended(worker: subprocess.Popen[bytes] | None) -> str:
    """A sentence about a worker that was started here and did not end by itself; empty where nothing is known."""
    code = None if worker is None else worker.poll()
    if code is None or code >= 0:
        return ""
    if code == -signal.SIGKILL:
        return (
            "The worker was killed from outside (signal 9), as the system does where memory runs out: choose a smaller "
            "model, batch size or completion length, or close other programs."
        )
    return f"The worker crashed (signal {-code}): worker.log in the project says more."
