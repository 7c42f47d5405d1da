"""The queue: enqueue jobs, ask for pause or stop, take them up again, and find the runs. No torch, no processes.

A job's status is written by the worker, its `wanted` by everybody else; so nobody ever races.
"""

from pathlib import Path
from typing import Any, TypeVar, overload

from core.config.jobs import JOBS, JobKind, algorithm_config, job_config
from core.config.training import Run, TrainRewardJob
from core.errors import BadInput, printable
from core.jobs import checkpoint_files, model_libraries
from core.records import ACTIVE, RESUMABLE, Job, JobStatus, Wanted
from core.store import Changes, Project, changed, jobs
from core.store.files.inside import check_own
from core.store.runs import checkpoints

NOT_UTF8 = (
    "The name of the project's folder is not UTF-8, which the libraries for models cannot read: rename the folder to "
    "run jobs in it; all else works as it is."
)
AnyJob = TypeVar("AnyJob", bound=Job)
AnyRun = TypeVar("AnyRun", bound=Run)


def enqueue(project: Project, kind: JobKind, config: dict[str, Any], *, name: str = "") -> Job:
    """Queue a job. `config` is as `config_values` gives it: it is checked here and never changes again. Raises
    `KnownError` where the libraries that it computes with are not installed."""
    model_libraries.check("A job")
    if printable(project.folder) != str(project.folder):
        raise BadInput(NOT_UTF8)
    job_config(kind, config)
    if kind == JobKind.TRAIN_POLICY:
        algorithm_config(config)
    return get(project, jobs.add(project, kind, name or JOBS[kind].title, config))


def get(project: Project, job_id: int) -> Job:
    job = jobs.find(project, job_id)
    if job is None and jobs.was_there(project, job_id):
        raise BadInput(
            f"There is no job {job_id} any more: if it was a run, `put-back-run` brings it back from the trash."
        )
    if job is None:
        raise BadInput(f"There is no job {job_id}: `jobs` lists the ones there are.")
    return job


@overload
def listed(project: Project, *, status: JobStatus | None = None) -> list[Job]: ...
@overload
def listed(project: Project, record: type[AnyJob], *, status: JobStatus | None = None) -> list[AnyJob]: ...
def listed(project: Project, record: type[Any] = Job, *, status: JobStatus | None = None) -> list[Any]:
    """Jobs that are `record`s, newest first."""
    return jobs.listed(project, record, status)


def newest_run(project: Project, record: type[AnyRun]) -> AnyRun | None:
    """The newest run that has something to use."""
    return next((run for run in listed(project, record) if run.usable), None)


def run_of(project: Project, job_id: int, record: type[AnyRun], *, unfinished: bool = False) -> AnyRun:
    """The run `job_id`, or the newest one for 0; an `unfinished` reward model will only do to be looked at. Raises
    `BadInput` when there is none to use."""
    what = "reward model" if record is TrainRewardJob else "tuned policy"
    if job_id:
        job: Job | None = get(project, job_id)
        lacking = f"Job {job_id} has no {what} to use: choose another run."
    else:
        job = newest_run(project, record) or next((run for run in listed(project, record) if run.result.adapter), None)
        lacking = f"There is no {what} yet: train one first."
    if not isinstance(job, record) or not job.result.adapter:
        raise BadInput(lacking)
    if not job.usable and not unfinished:
        raise BadInput(
            f"The reward model of run {job.id} is not finished (the run is {job.status}): let the run come to its end, "
            "by resuming it where it stands still, or choose another one."
        )
    return job


def adapter_of(project: Project, run: Run, checkpoint: str = "last") -> Path:
    """The folder of a run's adapter: the last one, the `best` one where the run kept one, or that of a step.

    Raises `BadInput` if it is not as it was written, not in the project, or of a step that is not kept.
    """
    chosen = check_own(project.folder, run.result.adapter)
    if checkpoint.isdecimal() and not (chosen := checkpoints.folder_of(project, run.id, int(checkpoint))).is_dir():
        kept = ", ".join(map(str, checkpoints.kept(project, run)))
        raise BadInput(f"Run {run.id} keeps no checkpoint of step {checkpoint}: it has those of the steps {kept}.")
    if checkpoint == "best" and run.result.best:
        chosen = check_own(project.folder, run.result.best)
        if not chosen.is_dir():
            raise BadInput(f"The best checkpoint of run {run.id} is not here any more: choose another one.")
    if what := checkpoint_files.damage(chosen):
        raise BadInput(
            f"The weights of run {run.id} are damaged ({what}): choose another run, or its other checkpoint."
        )
    return chosen


def want(project: Project, job_id: int, wanted: Wanted) -> Changes:
    """Ask a job to run, pause or stop. A queued job that is stopped never starts."""
    with project.write():
        job = get(project, job_id)
        if job.status not in ACTIVE:
            raise BadInput(f"Job {job_id} is not running: it is {job.status}.")
        if job.status == "queued" and wanted == "stop":
            jobs.stop_before_it_begins(project, job_id)
        else:
            jobs.want(project, job_id, wanted)
    return changed(f"{wanted.capitalize()} job", "jobs", ids=(job_id,))


def resume(project: Project, job_id: int) -> Changes:
    """Queue a stopped, failed or interrupted job again: it goes on from its last checkpoint."""
    with project.write():
        job = get(project, job_id)
        if job.status == "paused":
            return want(project, job_id, "run")
        if job.status not in RESUMABLE:
            raise BadInput(f"Job {job_id} cannot be resumed: it is {job.status}.")
        model_libraries.check("A job")
        jobs.queue_again(project, job_id)
    return changed("Resume job", "jobs", ids=(job_id,))


def mark_interrupted(project: Project) -> list[int]:
    """Jobs that claim to run although no worker does: call it only while holding the worker's lock."""
    return jobs.interrupt_working(project)
