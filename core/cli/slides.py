"""The command that shows one prompt at each step of a run of the policy."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click

from core.cli.jobs import start
from core.cli.output import config_options, folder_argument, given, json_option, opened, quoted, show, table
from core.config.jobs import JobKind
from core.config.slider import SlideConfig, SlideJob
from core.config.training import TrainPolicyJob
from core.conversation import Conversation
from core.errors import BadInput
from core.jobs import queue
from core.records import Job
from core.runs import slides
from core.runs.slides import Series, Slide
from core.store import Project, prompts

NOTHING = (
    "Nothing of run {0} was answered at several steps yet: `slide DIR {0} --held-out` lets it answer the held-out "
    "prompts at each checkpoint that is kept, `--text` a prompt of your own."
)


@click.command("slide")
@folder_argument
@click.argument("run", type=int, default=0)
@click.option("--prompt", type=int, help="Number of the prompt to show.")
@click.option("--text", help="A prompt of your own: it is answered at each checkpoint that is kept, unless it was.")
@click.option("--held-out", is_flag=True, help="Answer the held-out prompts at each checkpoint that is kept.")
@click.option("--again", is_flag=True, help="Write the answers, also where there are some.")
@click.option("--detach", is_flag=True, help="Queue what has to be written and return; `watch` follows it.")
@config_options(SlideConfig, leave_out=("policy_job", "prompts", "conversations", "prompt_ids"))
@json_option
def slide(
    folder: Path, run: int, prompt: int | None, text: str | None, held_out: bool, again: bool, detach: bool,
    as_json: bool, **options: Any,
) -> None:  # fmt: skip
    """Show one prompt at each step of a run of the policy, and what is new in each answer."""
    if sum((prompt is not None, text is not None, held_out)) > 1:
        raise BadInput("Give one of --prompt, --text and --held-out.")
    with opened(folder) as project:
        policy = queue.run_of(project, run, TrainPolicyJob)
        known = slides.series_of(project, policy)
        asked = _asked(project, prompt, text)
        if asked is None and not held_out:
            _list(policy.id, known, as_json)
            return
        found = next((each for each in known if each.prompt == asked), None)
        if found is not None and not again:
            _show(project, policy, [found], as_json)
            return
    config = SlideConfig(**given(options, SlideConfig) | {"policy_job": policy.id})
    if prompt is not None:
        config = replace(config, prompt_ids=(prompt,))
    elif text is not None:
        config = replace(config, prompts=(text,))
    start(folder, JobKind.SLIDE, config, as_json, detach, tell=_tell, more=_written)


def _asked(project: Project, number: int | None, text: str | None) -> str | None:
    """The text of the prompt that is meant."""
    if text is not None:
        if not text.strip():
            raise BadInput("Give a prompt with --text, not an empty one.")
        return Conversation.of_text(text).text
    if number is None:
        return None
    found = prompts.some(project, [number])
    if not found:
        raise BadInput(f"There is no prompt {number}: `prompts` lists the ones there are.")
    return found[0].text


def _list(run: int, known: list[Series], as_json: bool) -> None:
    rows = [(each.prompt_id, each.steps, each.prompt) for each in known]
    values = {"run": run, "prompts": [asdict(each) for each in known]}
    show(values, as_json, table(rows, ("prompt", "steps", "text")) if rows else NOTHING.format(run))


def _of_job(project: Project, job: Job) -> tuple[TrainPolicyJob, list[Series]]:
    assert isinstance(job, SlideJob)
    policy = queue.run_of(project, job.result.policy_job or job.config.policy_job, TrainPolicyJob)
    return policy, [each for each in slides.series_of(project, policy) if each.job_id == job.id]


def _tell(project: Project, job: Job) -> str:
    policy, found = _of_job(project, job)
    lacks = f"\n\n{job.result.lacks}" if isinstance(job, SlideJob) and job.result.lacks else ""
    return "\n\n".join(_page(each, slides.slides_of(project, policy, each)) for each in found) + lacks


def _written(project: Project, job: Job) -> dict[str, Any]:
    policy, found = _of_job(project, job)
    return {"written": [_values(each, slides.slides_of(project, policy, each)) for each in found]}


def _show(project: Project, policy: TrainPolicyJob, found: list[Series], as_json: bool) -> None:
    pages = [(each, slides.slides_of(project, policy, each)) for each in found]
    values = {"run": policy.id, "written": [_values(*page) for page in pages]}
    show(values, as_json, "\n\n".join(_page(*page) for page in pages))


def _values(series: Series, found: list[Slide]) -> dict[str, Any]:
    return {"prompt": series.prompt_id, "text": series.prompt, "job": series.job_id, "slides": list(map(asdict, found))}


def _page(series: Series, found: list[Slide]) -> str:
    """The prompt, then each answer with what is new in it between {+ and +}."""
    parts = [quoted(series.prompt, "Prompt: ")]
    for each in found:
        known = (("reward", each.score, "+.2f"), ("KL", each.kl, ".2f"), ("tokens", each.tokens, "d"))
        numbers = ", ".join(f"{name} {value:{form}}" for name, value, form in known if value is not None)
        parts.append(f"{each.when}: {numbers}\n{quoted(slides.marked(each.text, each.fresh))}")
    return "\n\n".join(parts)


COMMANDS = (slide,)
