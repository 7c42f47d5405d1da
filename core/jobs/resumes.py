"""Where a run went on after it had stood still: after a stop, a crash, or a pause that was long.

Kept in the run's result, so that its charts can mark the steps.
"""

from dataclasses import dataclass

from core.config.jobs import JobKind
from core.config.training import Resume, Run
from core.errors import CheckpointOutOfReach
from core.humanize import duration
from core.jobs import checkpoint_files, queue
from core.store import Project, jobs, now
from core.store.runs import checkpoints, job_log

#: Seconds of a pause that is worth a mark.
LONG_PAUSE = 600.0
#: What goes on behind what it has written, without a checkpoint.
GOES_ON = (JobKind.GENERATE, JobKind.ANSWER, JobKind.JUDGE, JobKind.SCORE_FILE)


@dataclass(frozen=True)
class Ground:
    """From where a job can go on: its newest whole checkpoint, -1 where there is none; and what is wrong with the newer
    ones, by their steps."""

    step: int
    damaged: dict[int, str]

    @property
    def what(self) -> str:
        """The damage in words."""
        return "; ".join(f"step {step}: {what}" for step, what in self.damaged.items())

    @property
    def is_lost(self) -> bool:
        """Is there nothing to go on from, because all that was written is there and damaged?"""
        return self.step < 0 and bool(self.damaged)


def ground(project: Project, job_id: int) -> Ground:
    """Reads whole checkpoints until one is as it was written.

    Raises `CheckpointOutOfReach` for one that cannot be looked at, and where none is whole and one is not there, which
    may be somewhere: nothing is forgotten because of it.
    """
    damaged: dict[int, str] = {}
    for step, folder in checkpoints.written(project, job_id):
        what = checkpoint_files.damage(folder)
        if not what:
            return Ground(step, damaged)
        damaged[step] = what
    found = Ground(-1, damaged)
    if checkpoint_files.GONE in damaged.values():
        raise CheckpointOutOfReach(
            f"None of the run's checkpoints can be gone on from ({found.what}): bring back those that are gone, then "
            "resume, or begin a new run. Nothing was forgotten."
        )
    return found


def goes_on(project: Project, job_id: int) -> str:
    """What `resume` does with a job that was stopped, in a sentence."""
    job, step = queue.get(project, job_id), next((step for step, _ in checkpoints.written(project, job_id)), -1)
    if isinstance(job, Run):
        if step > 0:
            return f"Resume goes on from step {step}, its last checkpoint."
    elif step >= 0 or job.kind in GOES_ON:  # what a slide writes first is of the run's step 0
        return "What it wrote is kept: resume goes on from there."
    return "Nothing of it was saved yet: resume begins it anew."


def begin_anew(project: Project, job_id: int, found: Ground) -> None:
    """Nothing of it can be gone on from: say so, and let the next resume begin at the beginning. Call it within a
    transaction."""
    checkpoints.forget_after(project, job_id, -1)
    jobs.forget_best(project, job_id)
    jobs.set_adapter(project, job_id, "")
    error = f"None of the run's checkpoints is whole ({found.what}): resume begins it anew, from the first step."
    jobs.end(project, job_id, "failed", error=error)


def mark(project: Project, job_id: int, step: int, paused: float = 0.0, damaged: int = 0) -> None:
    """The run goes on after `step` now. Other jobs have no steps, and a run that begins anew resumes nothing."""
    job = queue.get(project, job_id)
    if isinstance(job, Run) and step > 0:
        earlier = [each for each in job.result.resumed if each.step < step]
        why = f"a pause of {duration(paused)}" if paused else "it had ended"
        with project.write():
            jobs.keep_resumes(project, job_id, [*earlier, Resume(step, now(), paused, damaged)])
            job_log.add(project, job_id, f"Resumed at step {step}, after {why}.")


def tell_damage(project: Project, job_id: int, found: Ground) -> None:
    """Say in the log that newer checkpoints are passed over."""
    if found.damaged:
        job_log.add(
            project, job_id, f"A damaged checkpoint is passed over ({found.what}): going on from step {found.step}."
        )


def forget_after(project: Project, job_id: int, step: int) -> None:
    """The run is back at `step`."""
    known = jobs.resumes(project, job_id)
    kept = [each for each in known if each.step <= step]
    if kept != known:
        jobs.keep_resumes(project, job_id, kept)
