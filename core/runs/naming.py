"""What a run is called: the name that a person gave it, or the values that a sweep gave it."""

from core.config.jobs import JOBS, JobKind
from core.config.titles import setting_title
from core.config.training import Run
from core.errors import BadInput
from core.jobs import queue
from core.records import Job
from core.runs.sweep import SWEEP
from core.store import Project
from core.store.runs import run_labels
from core.texts import one_line


def called(job: Job) -> str:
    """`warm start`, or of a sweep `KL coefficient 0.02, Seed 3`; empty for a run that is called as all of its kind."""
    if not job.name.startswith(SWEEP):
        own = isinstance(job, Run) and job.name != JOBS[JobKind(job.kind)].title
        return one_line(job.name, run_labels.LONGEST_NAME) if own else ""
    parts = (part.partition(" ") for part in job.name.removeprefix(SWEEP).split(", "))
    return one_line(", ".join(f"{setting_title(name)} {value}".strip() for name, _, value in parts))


def name_run(
    project: Project, job_id: int, *, name: str | None = None, tags: tuple[str, ...] | None = None,
    note: str | None = None,
) -> None:  # fmt: skip
    """Give a run another name, other tags or another note; what is None stays. Without a name it is called as all of
    its kind. Raises `BadInput` for a job that is no run, and for what is too long."""
    job = queue.get(project, job_id)
    if not isinstance(job, Run):
        raise BadInput(f"Job {job_id} is no run: reward models and tuned policies have names, tags and notes.")
    kept = run_labels.listed(project).get(job_id, run_labels.RunLabel())
    wanted = job.name if name is None else name.strip() or JOBS[JobKind(job.kind)].title
    run_labels.put(project, job_id, wanted, kept.tags if tags is None else tags, kept.note if note is None else note)
