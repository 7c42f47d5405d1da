"""Commands that are slow work: each queues a job, starts the worker and follows it to its end."""

import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from core.cli.output import (
    Command,
    ProgressLine,
    config_options,
    describe,
    folder_argument,
    given,
    json_option,
    opened,
    say,
    show,
    table,
)
from core.cli.trust import asking
from core.config.jobs import CompareConfig, FetchModelConfig, GenerateConfig, JobKind, config_values
from core.config.options import changed_values
from core.config.scoring import ScoreConfig, ScoreFileConfig, ScoreJob, SuggestConfig, SuggestJob
from core.config.training import TrainRewardConfig
from core.errors import BadInput, KnownError
from core.jobs import launch, lock, queue, resumes, worker_process
from core.jobs.wait import ended_well, wait
from core.records import Job
from core.runs import preflight, wishes
from core.store import Project, completions
from core.store.runs import job_samples
from core.worker import work_together

#: What several processes can do together.
TOGETHER = (JobKind.TRAIN_REWARD, JobKind.TRAIN_POLICY)
ONLY = "Several processes can only train: launch `train-reward`, `train-policy` or `resume`, without --detach."

detach_option = click.option("--detach", is_flag=True, help="Queue the job and return; `watch` follows it.")


def job_command(
    name: str, config: type[Any], *more: type[Any], leave_out: tuple[str, ...] = ()
) -> Callable[[Command], Any]:
    """A command with the options of a job's config."""

    def decorate(function: Command) -> Any:
        made = config_options(config, *more, leave_out=leave_out)(function)
        return click.command(name)(folder_argument(json_option(detach_option(made))))

    return decorate


def start(
    folder: Path, kind: JobKind, config: Any, as_json: bool, detach: bool, options: Any = None,
    tell: Callable[[Project, Job], str] | None = None, more: Callable[[Project, Job], dict[str, Any]] | None = None,
) -> None:  # fmt: skip
    """Queue a job, and unless it is detached follow it and show its result, for programs with `more` than that."""
    config = wishes.from_here(config)
    values = config_values(config, options)
    if together():
        if kind not in TOGETHER:
            raise BadInput(ONLY)
        if detach:
            raise BadInput("Several processes stay until the job ends: leave out --detach.")

        def ask(project: Project) -> int:
            wishes.choose(project, config)
            return queue.enqueue(project, kind, values).id

        work(folder, ask, as_json)
        return
    with opened(folder) as project:
        preflight.check(project, config)
        asking(lambda: wishes.choose(project, config))
        job = queue.enqueue(project, kind, values)
        if detach:
            launch.ensure_worker(project.folder)
            show({"job": job.id}, as_json, f"Queued as job {job.id}: `watch` follows it.")
            return
        follow(project, job.id, as_json, tell, more)


def together() -> bool:
    """Is this one of several processes that `accelerate launch` started?"""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


def work(folder: Path, ask: Callable[[Project], int], as_json: bool) -> None:
    """Run a job here and in the other processes; the main one shows its result."""
    line = ProgressLine()
    try:
        job = work_together(folder, ask, line)
    finally:
        line.close()
    if job is not None:
        ended_well(job)
        show({"job": job.id, "kind": job.kind, "status": job.status} | asdict(job.result), as_json, _plain(job))


def follow(
    project: Project, job_id: int, as_json: bool, tell: Callable[[Project, Job], str] | None = None,
    more: Callable[[Project, Job], dict[str, Any]] | None = None,
) -> None:  # fmt: skip
    """Ctrl-C asks the job to stop, so that it leaves a checkpoint behind; a second one leaves it running."""
    line = ProgressLine()
    try:
        job = wait(project, job_id, line)
    except KeyboardInterrupt:
        queue.want(project, job_id, "stop")
        say("\nStopping after this step; press Ctrl-C again to leave it running. `stop --now` does not wait.", err=True)
        try:
            job = wait(project, job_id, line)
        except KnownError as error:
            say(str(error), err=True)
            raise click.exceptions.Exit(130) from error
    finally:
        line.close()
    values = {"job": job.id, "kind": job.kind, "status": job.status} | asdict(job.result)
    values |= more(project, job) if more else {}
    show(values, as_json, tell(project, job) if tell else _plain(job))


def _plain(job: Job) -> str:
    known = changed_values(job.result)
    return table(list(known.items()), (job.name, "")) if known else f"{job.name}: done."


@job_command(JobKind.GENERATE, GenerateConfig)
def generate(folder: Path, as_json: bool, detach: bool, **options: Any) -> None:
    """Write completions for the prompts, to be ranked."""
    config = GenerateConfig(**given(options, GenerateConfig))

    def tell(project: Project, job: Job) -> str:
        groups = len(completions.prompts_of_job(project, job.id))
        each = f", each the best of {config.best_of}" if config.best_of > 1 else ""
        return f"Wrote {config.completions} completions for each of {groups} prompts{each}."

    start(folder, JobKind.GENERATE, config, as_json, detach, tell=tell)


@job_command(JobKind.TRAIN_REWARD, TrainRewardConfig)
def train_reward(folder: Path, as_json: bool, detach: bool, **options: Any) -> None:
    """Train a LoRA reward model on the rankings."""
    config = TrainRewardConfig(**given(options, TrainRewardConfig))
    start(folder, JobKind.TRAIN_REWARD, config, as_json, detach)


@job_command(JobKind.COMPARE, CompareConfig)
def compare(folder: Path, as_json: bool, detach: bool, **options: Any) -> None:
    """Answer the same prompts with the reference and a tuned policy, and score both."""
    config = CompareConfig(**given(options, CompareConfig))

    def tell(project: Project, job: Job) -> str:
        rows = [
            (row["policy"], row["score"], row["prompt"][:40], row["completion"].replace("\n", " ")[:70])
            for row in sorted(job_samples.listed(project, job.id), key=lambda row: row["prompt"])
        ]
        return table(rows, ("policy", "score", "prompt", "completion")) + "\n\n" + _plain(job)

    start(folder, JobKind.COMPARE, config, as_json, detach, tell=tell)


@job_command(JobKind.SCORE, ScoreConfig)
def score(folder: Path, as_json: bool, detach: bool, **options: Any) -> None:
    """Score completions of a prompt with a reward model, in standard deviations of the reference's."""
    config = ScoreConfig(**given(options, ScoreConfig))

    def tell(project: Project, job: Job) -> str:
        assert isinstance(job, ScoreJob)
        found = job.result
        places = found.percentiles or (None,) * len(config.completions)
        rows = zip(found.scores, places, (row[0] for row in found.wins), config.completions, strict=True)
        return table(list(rows), ("score", "percentile", "beats the first", "completion"))

    start(folder, JobKind.SCORE, config, as_json, detach, tell=tell)


@job_command(JobKind.SCORE_FILE, ScoreFileConfig)
def score_file(folder: Path, as_json: bool, detach: bool, **options: Any) -> None:
    """Score every completion of a file with a reward model."""
    config = ScoreFileConfig(**given(options, ScoreFileConfig))
    if not config.path or not config.out:
        raise BadInput("Give the file to score with --path and the file to write with --out.")
    start(folder, JobKind.SCORE_FILE, config, as_json, detach)


@job_command(JobKind.SUGGEST, SuggestConfig)
def suggest(folder: Path, as_json: bool, detach: bool, **options: Any) -> None:
    """Bring what the reward model is least sure of to the front of the ranking queue."""
    config = SuggestConfig(**given(options, SuggestConfig))

    def tell(project: Project, job: Job) -> str:
        assert isinstance(job, SuggestJob)
        return f"{job.result.groups} unranked prompts are now ranked in the order of the reward model's doubt."

    start(folder, JobKind.SUGGEST, config, as_json, detach, tell=tell)


@job_command(JobKind.FETCH_MODEL, FetchModelConfig)
def fetch_model(folder: Path, as_json: bool, detach: bool, **options: Any) -> None:
    """Bring the base model to this machine now, and test that it loads."""
    start(folder, JobKind.FETCH_MODEL, FetchModelConfig(**options), as_json, detach)


@click.command("jobs")
@folder_argument
@json_option
def jobs(folder: Path, as_json: bool) -> None:
    """List the jobs, newest first."""
    with opened(folder) as project:
        life = worker_process.life(project)
        found = [worker_process.seen(job, life) for job in queue.listed(project)]
    rows = [(job.id, job.status, job.name, job.error or describe(job)) for job in found]
    values = {"jobs": [{"id": i, "status": s, "name": n, "note": t} for i, s, n, t in rows]}
    show(values, as_json, table(rows, ("job", "status", "name", "")))


@click.command()
@folder_argument
@click.argument("job", type=int)
@json_option
def watch(folder: Path, job: int, as_json: bool) -> None:
    """Follow a job to its end."""
    with opened(folder) as project:
        queue.get(project, job)
        follow(project, job, as_json)


@click.command()
@folder_argument
@click.argument("job", type=int)
def pause(folder: Path, job: int) -> None:
    """Ask a job to pause after its current step."""
    with opened(folder) as project:
        queue.want(project, job, "pause")
        say(f"Job {job} pauses after its current step: `resume` lets it go on.")


@click.command()
@folder_argument
@click.argument("job", type=int)
@click.option("--now", is_flag=True, help="Do not wait for the step: end the worker; the last checkpoint stays.")
def stop(folder: Path, job: int, now: bool) -> None:
    """Ask a job to stop after its current step; `resume` takes it up again."""
    with opened(folder) as project:
        found = queue.get(project, job)
        if now:
            worker_process.stop_now(project, job)
            say(f"Job {job} is stopped. {resumes.goes_on(project, job)}")
        elif found.status == "running" and found.wanted == "stop":
            say(f"Job {job} was asked before and is still at its step: `stop --now` does not wait for it.")
        else:
            queue.want(project, job, "stop")
            say(
                f"Job {job} stops after its current step, and `resume` takes it up again; `stop --now` does not wait "
                "for the step."
            )


@click.command()
@folder_argument
@click.argument("job", type=int)
@click.option("--detach", is_flag=True, help="Return at once; `watch` follows the job.")
@json_option
def resume(folder: Path, job: int, detach: bool, as_json: bool) -> None:
    """Take up a paused, stopped, failed or interrupted job from its last checkpoint."""
    if together():

        def again(project: Project) -> int:
            if queue.get(project, job).kind not in TOGETHER or detach:
                raise BadInput(ONLY)
            wishes.check(project, queue.get(project, job).config)
            queue.resume(project, job)
            return job

        work(folder, again, as_json)
        return
    with opened(folder) as project:
        found = queue.get(project, job)
        if found.status in ("running", "paused") and not lock.held(project.folder):
            queue.mark_interrupted(project)
        if queue.get(project, job).status in ("running", "paused"):
            queue.want(project, job, "run")
        else:
            asking(lambda: wishes.check(project, found.config))
            queue.resume(project, job)
        if detach:
            launch.ensure_worker(project.folder)
        else:
            follow(project, job, as_json)


@click.command()
@folder_argument
@click.option("--idle", default=600.0, show_default=True, help="Leave after this many seconds without work.")
def worker(folder: Path, idle: float) -> int:
    """Run the project's jobs: the window and the other commands start this by themselves."""
    from core.worker import serve

    return serve(folder, idle=idle)


COMMANDS = (
    generate, train_reward, compare, score, score_file, suggest, fetch_model, jobs, watch, pause, resume, stop, worker,
)  # fmt: skip
