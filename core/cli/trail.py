"""Commands about where a number came from, and whether it comes again."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from core.cli.jobs import detach_option, start
from core.cli.output import folder_argument, harmless, json_option, opened, quoted, show
from core.config.jobs import JobKind
from core.config.training import TrainPolicyJob
from core.config.verifying import VerifyConfig, VerifyJob, VerifyResult
from core.errors import BadInput
from core.jobs import queue
from core.records import Job
from core.runs import trail, trail_pages, verification
from core.runs.trail_pages import Page, Place
from core.store import Project


@click.command("explain")
@folder_argument
@click.argument("run", type=int, required=False)
@click.argument("step", type=int, required=False)
@click.option("--ranking", type=int, help="Go the other way: what a ranking, by its number, has influenced.")
@json_option
def explain(folder: Path, run: int | None, step: int | None, ranking: int | None, as_json: bool) -> None:
    """Say where a number of RUN came from: the samples of STEP, what scored them, and the rankings behind that."""
    if (run is None) == (ranking is None):
        raise BadInput("Give the number of a run, with a step of it, or a ranking's with --ranking.")
    with opened(folder) as project:
        if ranking is not None:
            found: Any
            places: list[Place]
            found, places = trail.influence(project, ranking), [Place("ranking", ranking)]
        else:
            found, places = _behind(project, run or 0, step)
        text = "" if as_json else "\n\n".join(_text(trail_pages.page(project, place)) for place in places)
        show(asdict(found), as_json, text)


def _behind(project: Project, run: int, step: int | None) -> tuple[Any, list[Place]]:
    """What to tell of a run: of its step, and of what its reward learnt from; of a run of the reward model the latter
    alone."""
    job = queue.get(project, run)
    if not isinstance(job, TrainPolicyJob):
        if step is not None:
            raise BadInput(f"Run {run} is none of the policy: give no step, to see from which rankings it learnt.")
        return trail.learnt_from(project, run), [Place("run", run), Place("learnt", run)]
    found = trail.point(project, run, job.done if step is None else step)
    learnt = [each.run for each in (found.reward_learnt, found.learnt) if each]
    return found, [Place("step", run, found.step), *(Place("learnt", number) for number in learnt)]


def _text(page: Page) -> str:
    lines = [page.title]
    for line in page.lines:
        if line.kind == "heading":
            lines += ["", line.text]
        elif line.kind != "way":
            lines.append(quoted(line.text) if line.kind == "quote" else f"  {harmless(line.text)}")
    return "\n".join(lines)


@click.command("verify")
@folder_argument
@click.argument("run", type=int)
@click.option("--steps", type=int, help="How many of its steps are done again.  [from 1, default: 3]")
@detach_option
@json_option
def verify(folder: Path, run: int, steps: int | None, detach: bool, as_json: bool) -> None:
    """Do the first steps of RUN again, and say whether its numbers are the same on this machine."""
    config = VerifyConfig(run) if steps is None else VerifyConfig(run, steps)
    came = VerifyResult()

    def tell(project: Project, job: Job) -> str:
        nonlocal came
        assert isinstance(job, VerifyJob)
        came = job.result
        return verification.sentence(came)

    start(folder, JobKind.VERIFY, config, as_json, detach, tell=tell)
    if came.verdict == "different":
        raise click.exceptions.Exit(1)


COMMANDS = (explain, verify)
