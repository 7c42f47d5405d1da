"""The command that sends what was seen in a comparison, or was scored, to be ranked first."""

from pathlib import Path

import click

from core.cli.output import folder_argument, json_option, opened, show
from core.config.jobs import CompareJob
from core.config.scoring import ScoreJob
from core.errors import BadInput
from core.jobs import queue
from core.labeling import sending
from core.labeling.sending import Answered
from core.store import Project


@click.command("send-to-rank")
@folder_argument
@click.argument("job", type=int)
@click.option("--labeler", default="me", show_default=True, help="Who wrote the answers that were scored.")
@json_option
def send_to_rank(folder: Path, job: int, labeler: str, as_json: bool) -> None:
    """Let the answers of JOB, a comparison or a scoring, be ranked before anything else, without telling who wrote
    which."""
    with opened(folder) as project:
        found = [each for each in _answered(project, job) if len(each.answers) > 1]
        if not found:
            raise BadInput(f"Job {job} has no two different answers to one prompt: `watch` follows it.")
        with project.write():
            sent = [sending.send(project, each, labeler) for each in found]
    values = [{"prompt": each.prompt_id, "group": each.group_id} for each in sent]
    said = f"{len(sent)} {'prompt is' if len(sent) == 1 else 'prompts are'} ranked first now: `rank` begins with them."
    show({"sent": values}, as_json, said)


def _answered(project: Project, number: int) -> list[Answered]:
    job = queue.get(project, number)
    if isinstance(job, CompareJob):
        return sending.of_comparison(project, job)
    if isinstance(job, ScoreJob):
        return [sending.of_scoring(job)]
    raise BadInput(f"Job {number} is {job.name}: give one that compared or scored answers.")


COMMANDS = (send_to_rank,)
