"""Where a run went on after it had stood still: after a stop, a crash, or a pause that was long.

Kept in the run's result, so that its charts can mark the steps.
"""

from core.config.training import Resume, Run
from core.humanize import duration
from core.jobs import queue
from core.store import Project, job_log, jobs, now

#: Seconds of a pause that is worth a mark.
LONG_PAUSE = 600.0


def mark(project: Project, job_id: int, step: int, paused: float = 0.0) -> None:
    """The run goes on after `step` now. Other jobs have no steps, and a run that begins anew resumes nothing."""
    job = queue.get(project, job_id)
    if isinstance(job, Run) and step > 0:
        earlier = [each for each in job.result.resumed if each.step < step]
        why = f"a pause of {duration(paused)}" if paused else "it had ended"
        with project.write():
            jobs.keep_resumes(project, job_id, [*earlier, Resume(step, now(), paused)])
            job_log.add(project, job_id, f"Resumed at step {step}, after {why}.")


def forget_after(project: Project, job_id: int, step: int) -> None:
    """The run is back at `step`."""
    known = jobs.resumes(project, job_id)
    kept = [each for each in known if each.step <= step]
    if kept != known:
        jobs.keep_resumes(project, job_id, kept)
