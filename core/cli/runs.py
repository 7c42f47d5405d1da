"""Commands about the policy's runs: start one or a grid of them, compare, steer and export them."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from core.cli.jobs import ONLY, job_command, start, together
from core.cli.output import ProgressLine, folder_argument, given, json_option, opened, say, show, table
from core.cli.trust import asking
from core.config.frontier import MeasureFrontierConfig, MeasureFrontierJob
from core.config.jobs import ExportModelConfig, ExportModelJob, JobKind
from core.config.options import documented, flag_name
from core.config.training import ALGORITHMS, TrainPolicyConfig, TrainPolicyJob
from core.errors import BadInput, KnownError
from core.humanize import size
from core.jobs import launch, queue
from core.jobs.wait import wait
from core.projects import trash
from core.records import Job
from core.runs import live_settings, metrics_export, naming, rounds, sweep
from core.store import Project
from core.store.runs import run_labels
from core.store.runs.run_labels import RunLabel

ALGORITHM_CONFIGS = tuple(dict.fromkeys(kind.config for kind in ALGORITHMS.values()))


@job_command(JobKind.TRAIN_POLICY, TrainPolicyConfig, *ALGORITHM_CONFIGS)
def train_policy(folder: Path, as_json: bool, detach: bool, **options: Any) -> None:
    """Tune the policy against a reward, or learn rankings (DPO), verdicts (KTO) or answers (SFT): see `algorithms`."""
    config, own = given_run(options)
    start(folder, JobKind.TRAIN_POLICY, config, as_json, detach, own)


def given_run(options: dict[str, Any]) -> tuple[TrainPolicyConfig, Any]:
    """The run that the command line asks for, with its algorithm's own settings. Raises `BadInput` for foreign ones."""
    config = TrainPolicyConfig(**given(options, TrainPolicyConfig))
    own = ALGORITHMS[config.algorithm].config
    known = {item.name for kind in (TrainPolicyConfig, own) for item in documented(kind)}
    foreign = [name for name, value in options.items() if value is not None and name not in known]
    if foreign:
        raise BadInput(f"{flag_name(foreign[0])} is not an option of {config.algorithm}: leave it out.")
    return config, own(**given(options, own))


@job_command("sweep", TrainPolicyConfig, *ALGORITHM_CONFIGS)
@click.option(
    "--vary", multiple=True, required=True, metavar="NAME=A,B",
    help="A setting and the values that it takes in turn. Repeatable: every combination is a run.",
)  # fmt: skip
def sweep_command(folder: Path, as_json: bool, detach: bool, vary: tuple[str, ...], **options: Any) -> None:
    """Queue a run of `train-policy` for every combination of a few settings."""
    if together():
        raise BadInput(ONLY)
    config, own = given_run(options)
    axes = {}
    for text in vary:
        name, equals, values = text.partition("=")
        if not equals:
            raise BadInput(f"{text!r} names no values: write --vary kl_coef=0.02,0.05.")
        axes[name.strip().removeprefix("--").replace("-", "_")] = [value.strip() for value in values.split(",")]
    with opened(folder) as project:
        jobs = asking(lambda: sweep.enqueue(project, config, own, axes))
        if detach:
            launch.ensure_worker(project.folder)
            show({"jobs": [job.id for job in jobs]}, as_json, f"Queued {len(jobs)} runs: `runs` compares them.")
            return
        for job in jobs:
            try:
                wait(project, job.id, ProgressLine())
            except KnownError as error:  # the others go on
                say(f"{job.name}: {error}", err=True)
        queued = {job.id for job in jobs}
        ended = [run for run in reversed(queue.listed(project, TrainPolicyJob)) if run.id in queued]
        rows = runs_table(ended)
        show({"runs": [{"job": job.id, "name": job.name} | asdict(job.result) for job in ended]}, as_json, table(*rows))


RESULTS = ("reward_before", "reward_after", "gold_after", "kl", "steps done", "stop_reason")


def came_of(run: TrainPolicyJob) -> tuple[Any, ...]:
    """In the order of `RESULTS`."""
    found = run.result
    reason = found.stop_reason or None
    return found.reward_before, found.reward_after, found.gold_after, found.kl, found.steps, reason


def runs_table(
    jobs: list[TrainPolicyJob], noted: dict[int, RunLabel] | None = None
) -> tuple[list[list[Any]], list[str]]:
    """Rows and header: what runs are called where any has a name or tags, what differs between them, and what came of
    them."""
    names, noted = sweep.differences(jobs), noted or {}
    words = {job.id: (naming.called(job), ", ".join(noted.get(job.id, RunLabel()).tags)) for job in jobs}
    shown = [any(each[place] for each in words.values()) for place in (0, 1)]
    rows = [
        [
            job.id, job.status, *(word for word, there in zip(words[job.id], shown, strict=True) if there),
            *(sweep.settings(job).get(name) for name in names), *came_of(job),
        ]
        for job in jobs
    ]  # fmt: skip
    titles = [title for title, there in zip(("name", "tags"), shown, strict=True) if there]
    return rows, ["run", "status", *titles, *names, *RESULTS]


@click.command("runs")
@folder_argument
@json_option
def runs_command(folder: Path, as_json: bool) -> None:
    """Compare the runs of the policy: the settings in which they differ, and what came of them."""
    with opened(folder) as project:
        jobs = queue.listed(project, TrainPolicyJob)
        noted = run_labels.listed(project)
        values = [
            {"job": job.id, "status": job.status, "name": job.name, "settings": sweep.settings(job)}
            | asdict(noted.get(job.id, RunLabel())) | asdict(job.result)
            for job in jobs
        ]  # fmt: skip
        show({"runs": values}, as_json, table(*runs_table(jobs, noted)) if jobs else "There are no runs yet.")


@click.command("name-run")
@folder_argument
@click.argument("run", type=int)
@click.option("--name", help="What it is called; an empty one takes its name away.")
@click.option("--tags", help="Tags, separated by commas, in place of those that it has.")
@click.option("--note", help="What you want to know of it later, in place of its note.")
@json_option
def name_run(folder: Path, run: int, name: str | None, tags: str | None, note: str | None, as_json: bool) -> None:
    """Give a reward model or a tuned policy a name, tags and a note; `runs` and the window show them."""
    with opened(folder) as project:
        wanted = None if tags is None else tuple(tags.split(","))
        naming.name_run(project, run, name=name, tags=wanted, note=note)
        found, label = queue.get(project, run), run_labels.listed(project)[run]
        parts = [f"Run {run}: {found.name}", ", ".join(label.tags), label.note]
        show({"run": run, "name": found.name} | asdict(label), as_json, " · ".join(filter(None, parts)))


@click.command("export-metrics")
@folder_argument
@click.argument("job", type=int)
@click.argument("out", type=click.Path(path_type=Path))
@json_option
def export_metrics(folder: Path, job: int, out: Path, as_json: bool) -> None:
    """Write a run's metrics to OUT: a table if it ends with .csv, else a folder with an event file for TensorBoard."""
    with opened(folder) as project:
        queue.get(project, job)
        (metrics_export.write_csv if out.suffix == ".csv" else metrics_export.write_events)(project, job, out)
        show({"out": str(out)}, as_json, f"Wrote {out}.")


@click.command("steer")
@folder_argument
@click.argument("job", type=int)
@click.argument("name")
@click.argument("value", type=float)
def steer(folder: Path, job: int, name: str, value: float) -> None:
    """Change a setting of a run that goes on: kl_coef, learning_rate or temperature, from its next step."""
    with opened(folder) as project:
        live_settings.ask(project, job, name.removeprefix("--").replace("-", "_"), value)
        say(f"From its next step on, run {job} has {name} = {value:g}.")


#: Said of a run that comes back of which nobody knows that it is of this very project.
ASKED_AGAIN = (
    " It may have been made elsewhere, so what the project names is asked for from now on: look at it, then `trust` it."
)


@click.command("remove-run")
@folder_argument
@click.argument("job", type=int)
@json_option
def remove_run(folder: Path, job: int, as_json: bool) -> None:
    """Move a run that has ended to the trash: its record, checkpoints and adapters; `put-back-run` brings it back."""
    gone = trash.delete_run(folder, job)
    text = f"Run {job} is in the trash ({size(gone.bytes)}): `put-back-run` brings it back."
    show({"job": job, "bytes": gone.bytes}, as_json, text)


@click.command("put-back-run")
@folder_argument
@click.argument("job", type=int)
@json_option
def put_back_run(folder: Path, job: int, as_json: bool) -> None:
    """Bring back a run that was removed, as long as the trash keeps it."""
    project = folder.expanduser().resolve()
    runs = [each for each in trash.listed() if each.run == job]
    own = next((each for each in runs if trash.is_of(each, project)), None)
    found = own or next((each for each in runs if each.folder == str(project)), None)
    if found is None:
        others = "".join(
            f" The run {job} that lies there is of another project, in {each.folder}." for each in runs[:1]
        )
        raise BadInput(f"Run {job} of {project} is not in the trash.{others}")
    trash.put_back(found, project)
    show({"job": job}, as_json, f"Run {job} is back.{'' if own else ASKED_AGAIN}")


@click.command("algorithms")
@json_option
def algorithms_command(as_json: bool) -> None:
    """List the algorithms with their papers and their own settings."""
    kinds = ALGORITHMS.values()
    values = [
        {"name": kind.name, "title": kind.title, "summary": kind.summary, "learning_rate": kind.learning_rate,
         "settings": {item.name: item.default for item in documented(kind.config)}}
        for kind in kinds
    ]  # fmt: skip
    lines = [
        f"{kind.name}: {kind.title}, {kind.summary}\n    "
        + ", ".join(f"{flag_name(item.name)} {item.default}" for item in documented(kind.config))
        for kind in kinds
    ]
    show({"algorithms": values}, as_json, "\n".join(lines))


@click.command("rounds")
@folder_argument
@json_option
def rounds_command(folder: Path, as_json: bool) -> None:
    """Show the rounds of labeling and tuning: pairs, the reward model's accuracy, what the policy gained."""
    with opened(folder) as project:
        found = rounds.rounds(project)
        lines = [rounds.line(each) for each in found] or ["There are no completions yet."]
        show({"rounds": [asdict(each) for each in found]}, as_json, "\n".join(lines))


@job_command(JobKind.EXPORT_MODEL, ExportModelConfig)
def export_model(folder: Path, as_json: bool, detach: bool, **options: Any) -> None:
    """Write a tuned policy as a model of its own, for transformers or as GGUF for llama.cpp; or its adapter."""
    config = ExportModelConfig(**given(options, ExportModelConfig))

    def tell(project: Project, job: Job) -> str:
        assert isinstance(job, ExportModelJob)
        found = job.result
        return f"Wrote {found.folder} ({size(found.bytes)}, {found.dtype}). {found.lacks}".strip()

    start(folder, JobKind.EXPORT_MODEL, config, as_json, detach, tell=tell)


@job_command(JobKind.MEASURE_FRONTIER, MeasureFrontierConfig)
def measure_frontier(folder: Path, as_json: bool, detach: bool, **options: Any) -> None:
    """Let the reference answer held-out prompts many times, and every kept checkpoint a few times, for `frontier`."""
    config = MeasureFrontierConfig(**given(options, MeasureFrontierConfig))

    def tell(project: Project, job: Job) -> str:
        assert isinstance(job, MeasureFrontierJob)
        found = job.result
        drawn = f"{found.answers} answers of the reference to each prompt" if found.answers else ""
        states = [state.name for state in found.measured]
        return f"Measured as run {found.policy_job} is: {'; '.join(filter(None, [drawn, *states]))}. See `frontier`."

    start(folder, JobKind.MEASURE_FRONTIER, config, as_json, detach, tell=tell)


COMMANDS = (
    train_policy, sweep_command, runs_command, name_run, steer, export_metrics, export_model, algorithms_command,
    rounds_command, measure_frontier, remove_run, put_back_run,
)  # fmt: skip
