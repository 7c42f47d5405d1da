"""The other process: claims a job, runs its generator and writes each event as rows.

Nothing is lost when it dies: what a job made is in the project before the job goes on (`core/jobs/recorder.py`), and a
job without a worker shows as interrupted.
"""

import importlib
import os
import signal
import time
import traceback
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from core.collector import uncollected
from core.config.jobs import JOBS, JobKind, algorithm_config, job_config
from core.config.training import Run
from core.errors import BadInput, CheckpointOutOfReach, DamagedCheckpoint, KnownError, explained, is_panic, printable
from core.events import Checkpoint, Note, Progress
from core.jobs import checkpoint_files, lock, model_libraries, presence, queue, resumes
from core.jobs.context import JobContext
from core.jobs.process_group import LOCAL, LocalProcessGroup
from core.jobs.progress import StatusReporter, no_report
from core.jobs.recorder import POLL, Recorder, last_checkpoint, set_back
from core.records import Job, JobStatus
from core.runs import wishes
from core.runs.alerting import Watch
from core.store import Project, jobs, open_project
from core.store.files import beside
from core.store.runs import checkpoints
from core.trust import gate

#: Seconds after which the processes of a paused job hear that it still is.
WORD = 30.0
#: Seconds that a job waits to write while somebody imports: an import is one transaction, however long.
PATIENCE = 1800


def opened(folder: Path) -> Project:
    """The project for a worker: it loses at most its last moments, and is not put off by others who write for long."""
    project = open_project(folder, synchronous="NORMAL")
    project.set_patience(PATIENCE)
    return project


def hear_nobody() -> None:
    """From now on this process reads nothing from its terminal: a library's question has no answer, and is no yes."""
    nobody = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nobody, 0)
    os.close(nobody)


def serve(folder: Path, *, idle: float = 600.0) -> int:
    """Work until `idle` seconds pass without a job or the project vanishes. Returns the exit code."""
    hear_nobody()
    project = opened(folder)
    guard = lock.acquire(project.folder)
    if guard is None:
        return 0
    beside.sweep()
    signal.signal(signal.SIGTERM, _leave)
    if hasattr(os, "nice"):
        os.nice(10)  # the window and the person come first
    cache: dict[str, Any] = {}
    try:
        gate.arrive(project, worker=True)
        presence.tell(project)
        queue.mark_interrupted(project)
        deadline = time.monotonic() + idle
        while time.monotonic() < deadline and not project.has_moved:
            job = _claimed(project)
            if job is None:
                if lock.asked_to_leave(project.folder):
                    break
                time.sleep(POLL)
                continue
            run_job(project, job, cache)
            deadline = time.monotonic() + idle
    finally:
        if not project.has_moved:
            (project.folder / lock.LEAVE).unlink(missing_ok=True)
        guard.close()
        project.close()
    return 0


def _leave(*_: object) -> None:
    raise SystemExit(0)


def work_together(
    folder: Path, ask: Callable[[Project], int], on_change: Callable[[Job], None] = lambda job: None
) -> Job | None:
    """Run one job in all the processes that `accelerate launch` started; `ask` queues it and gives its id.

    Returns the job as it ended in the main process, None in the others. Ctrl-C asks the job to stop, so that it
    leaves a checkpoint behind. Raises `BadInput` if the project is at work.
    """
    hear_nobody()
    world = importlib.import_module("core.models.processes").Processes()
    project = opened(folder)
    guard, job, refusal = None, None, ""
    try:
        if world.main:
            guard = lock.take_over(project.folder)
            try:
                if guard is None:
                    raise BadInput("A worker is at work on this project: wait until its jobs are done, or stop them.")
                gate.arrive(project, worker=True)
                presence.tell(project)
                queue.mark_interrupted(project)
                number = ask(project)
                job = claim(project, number)
                if job is None:
                    raise KnownError(queue.get(project, number).error or f"Job {number} was stopped before it began.")
            except KnownError as error:
                refusal = str(error)
        refusal, number = world.agreed((refusal, job.id if job else None))
        if refusal:
            raise BadInput(refusal)
        # It reaches all of them, and the main one tells the others.
        signal.signal(signal.SIGINT, lambda *_: _stop(project, number) if world.main else None)
        run_job(project, queue.get(project, number), {}, world, on_change)
        return queue.get(project, number) if world.main else None
    finally:
        if guard is not None:
            guard.close()
        project.close()
        world.close()


def _stop(project: Project, job_id: int) -> None:
    """Ask a job to stop; one that has ended just then needs no asking."""
    with suppress(BadInput):
        queue.want(project, job_id, "stop")


def claim(project: Project, job_id: int | None = None) -> Job | None:
    """Take the oldest queued job, or a certain one, and set it back to its last whole checkpoint.

    None if there is none, or if none of its checkpoints is whole, or one cannot be looked at: then it failed, and says
    so.
    """
    found = jobs.next_queued(project, job_id)
    if found is None:
        return None
    for folder in checkpoints.everywhere(project):
        with suppress(OSError):
            checkpoint_files.bring_back(folder)
    try:
        ground = resumes.ground(project, found)  # reads for seconds: nobody waits for it
    except CheckpointOutOfReach as error:
        _end_badly(project, found, error, stopped=False)
        return None
    with project.write():
        if jobs.next_queued(project, found) is None:
            return None
        if ground.is_lost:
            resumes.begin_anew(project, found, ground)
            return None
        set_back(project, found, ground.step)
        resumes.tell_damage(project, found, ground)
        resumes.mark(project, found, ground.step, damaged=max(ground.damaged, default=0))
        jobs.begin(project, found)
    return queue.get(project, found)


def _claimed(project: Project) -> Job | None:
    """The next job; one that cannot even be claimed failed, so that those after it are not kept waiting for ever."""
    number = jobs.next_queued(project)
    try:
        return claim(project)
    except Exception as error:
        if number is None:
            raise
        _end_badly(project, number, error, stopped=False)
        return None


def run_job(
    project: Project, job: Job, cache: dict[str, Any], world: LocalProcessGroup = LOCAL,
    on_change: Callable[[Job], None] | None = None,
) -> None:  # fmt: skip
    """Run one claimed job to its end; whatever happens, its row says how it ended.

    Of several processes each runs it and only the main one writes; what is wanted of the job they learn from it.
    """
    context: JobContext | None = None
    try:
        step, folder = last_checkpoint(project, job.id)
        recorder, asked = Recorder(project, job.id), jobs.config_values(project, job.id)
        watch = Watch(project, job) if world.main and isinstance(job, Run) else None
        context = JobContext(
            project=project,
            job_id=job.id,
            config=job_config(job.kind, asked),
            options=algorithm_config(asked) if job.kind == JobKind.TRAIN_POLICY else None,
            resume_from=folder,
            resume_step=max(step, 0),
            wanted=job.wanted,
            cache=cache,
            world=world,
            report_status=StatusReporter(recorder.report_status, recorder.begin_phase) if world.main else no_report,
        )
        wishes.check(project, context.config)
        model_libraries.check("A job")
        module, name = JOBS[JobKind(job.kind)].function.split(":")
        with uncollected():
            begin = getattr(importlib.import_module(module), name)
        events = begin(context)
        for event in events:
            context.wanted = world.agreed(recorder.record(event) if world.main else None)
            if watch is not None:
                _note(recorder, watch.see(event))
            if world.main and on_change and isinstance(event, Progress):
                on_change(queue.get(project, job.id))
            if isinstance(event, Checkpoint):
                context.resume_step, context.resume_from = last_checkpoint(project, job.id)
            while isinstance(event, Progress) and context.wanted == "pause":
                # A word now and then: who waits too long for one gives up.
                context.wanted = world.agreed(recorder.hold(WORD) if world.main else None)
        if world.main:
            jobs.end(project, job.id, "stopped" if context.stopping else "done")
            _tell_end(project, job)
    except SystemExit:
        if world.main:
            jobs.end(project, job.id, "interrupted")
        raise
    except BaseException as error:
        if not world.main or not (isinstance(error, Exception) or is_panic(error)):
            raise
        cache.clear()  # what failed may have left a model half changed
        _end_badly(project, job.id, error, stopped=context is not None and context.stopping)
        _tell_end(project, job)
        presence.tell(project)


def _note(recorder: Recorder, sentences: Iterable[str]) -> None:
    for text in sentences:
        recorder.record(Note(text))


def _tell_end(project: Project, job: Job) -> None:
    """Tell who wants to know that a run is over."""
    with suppress(KnownError):  # the project may have gone elsewhere
        found = queue.get(project, job.id)
        if isinstance(found, Run):
            _note(Recorder(project, job.id), Watch(project, found).ended(found.status, found.error or ""))


def _end_badly(project: Project, job_id: int, error: BaseException, *, stopped: bool) -> None:
    """Say in the job's row why it ended; what a damaged checkpoint holds is not tried again."""
    if project.has_moved:  # whatever it ended of
        error = project.moved()
        project.go_along()
    if isinstance(error, DamagedCheckpoint):
        try:
            checkpoint_files.damage(checkpoints.folder_of(project, job_id, error.step))
            checkpoints.forget_after(project, job_id, error.step - 1)
        except CheckpointOutOfReach as unseen:
            error = unseen
    sentence = explained(error)
    if sentence is not None:
        status: JobStatus = "stopped" if stopped else "failed"
        jobs.end(project, job_id, status, error=str(sentence), report=_trace(error))
    else:
        text = f"Internal error ({type(error).__name__}): this is a bug in Plumbline; its report is in the job's log."
        jobs.end(project, job_id, "failed", error=text, report=_trace(error))


def _trace(error: BaseException) -> str | None:
    return None if isinstance(error, KnownError) else printable("".join(traceback.format_exception(error)))
