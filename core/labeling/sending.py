"""To Rank from where answers are seen: a conversation becomes a prompt, and the answers to it a group that is ranked
first (`core.store.assignments`). Who wrote each is kept, and hidden from whoever ranks them as ever."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

from core.config.jobs import CompareConfig, CompareJob, GenerateConfig
from core.config.scoring import ScoreJob
from core.conversation import Conversation
from core.errors import BadInput
from core.events import NewCompletion
from core.jobs import queue
from core.records import ACTIVE, Prompt
from core.store import Changes, Project, assignments, completions, jobs, labelers, prompts
from core.store.runs import job_samples
from core.store.undo.steps import Refused, StillTyped

LABEL = "Send to Rank"


@dataclass(frozen=True)
class Answered:
    """What was asked, and distinct answers to it with the `sampling` of each. `job_id` is the job in which they were
    seen. Those that were `typed` have whoever sends them as their writer: no job says who typed."""

    conversation: Conversation
    answers: tuple[NewCompletion, ...]
    sampling: tuple[dict[str, Any], ...]
    job_id: int
    typed: bool = False


class Sent(NamedTuple):
    """The group that was sent to be ranked, and the prompt that it answers. Where both were there already, `changes`
    touch nothing."""

    changes: Changes
    prompt_id: int
    group_id: int


def send(project: Project, answered: Answered, sender: str = "") -> Sent:
    """Put answers first in the queue of every labeler who is to rank them. What was sent already is found, not made
    again. The labeler called `sender` is the writer of answers that were typed.

    Raises `BadInput` where there are no two different answers.
    """
    if len(answered.answers) < 2:
        raise BadInput("There are no two different answers to rank: ask for two more.")
    writer = labelers.named(project, sender).id if answered.typed else None
    with project.write():
        prompt_id, made = _prompt(project, answered.conversation)
        texts = sorted(answer.text for answer in answered.answers)
        there, first = completions.texts_by_group(project, prompt_id), assignments.sent_first(project)
        group_id = next((number for number, found in there.items() if number in first and sorted(found) == texts), None)
        if group_id is None:
            rows = tuple(replace(answer, written_by=writer or answer.written_by) for answer in answered.answers)
            group_id = completions.add_group(project, prompt_id, rows, each=answered.sampling, job_id=answered.job_id)
            made |= {"completions", "completion_groups"}
        return Sent(project.changed(LABEL, *made, ids=(prompt_id, group_id)), prompt_id, group_id)


def _prompt(project: Project, conversation: Conversation) -> tuple[int, set[str]]:
    """The prompt that is the conversation, and the tables that changed to make it. Raises `BadInput`."""
    found = prompts.id_of(project, conversation)
    if found is not None:
        return found, set()
    return prompts.add(project, [Prompt.of(conversation)]).ids[0], {"prompts"}


def of_comparison(project: Project, job: CompareJob) -> list[Answered]:
    """What was asked in a comparison, with what both sides answered; what was not answered by both is left out."""
    return list(_of_comparison(project, job))


def _of_comparison(project: Project, job: CompareJob) -> Iterator[Answered]:
    sides: dict[str, list[dict[str, Any]]] = {"reference": [], "tuned": []}
    for row in job_samples.listed(project, job.id):
        sides.get(row["policy"], []).append(row)  # a project may come from elsewhere, and hold any
    copies = job.config.completions
    writer = _writer_of_reference(project, job)
    other = bool(job.result.reference) and writer is None
    foreign = {"tuned": {}, "reference": {"imported": job.result.reference} if other else {}}
    for number, asked in enumerate(_asked(project, job, sides["reference"][::copies])):
        here = slice(number * copies, (number + 1) * copies)
        rows = [*sides["reference"][here], *sides["tuned"][here]]
        if asked is not None and len(rows) == 2 * copies:
            found = {
                row["completion"]: (_of_sample(row, job, writer), foreign[row["policy"]]) for row in reversed(rows)
            }
            whole = list(reversed(found.values()))
            how = _sampling(job.config, job.id)
            yield Answered(asked, tuple(row for row, _ in whole), tuple(how | more for _, more in whole), job.id)


def _asked(project: Project, job: CompareJob, rows: Sequence[dict[str, Any]]) -> list[Conversation | None]:
    """What was typed, or the held-out prompts that are still there."""
    if job.config.typed:
        return list(job.config.asked)
    numbers = [row["prompt_id"] or 0 for row in rows]
    there = {prompt.id: prompt.conversation for prompt in prompts.some(project, numbers)}
    return [there.get(number) for number in numbers]


def _writer_of_reference(project: Project, job: CompareJob) -> int | None:
    """The run that the reference is of, if it is still there; None for the base, and for an adapter from outside."""
    number = job.result.reference_job
    return number if number and jobs.find(project, number) else None


def _of_sample(row: dict[str, Any], job: CompareJob, reference: int | None) -> NewCompletion:
    """A sample does not say whether it ended with its last token: one of the greatest length counts as cut off."""
    policy = (job.result.policy_job or job.config.policy_job) if row["policy"] == "tuned" else reference
    ended = row["tokens"] < job.config.max_new_tokens
    return NewCompletion(row["completion"], row["tokens"], ended, job.config.seed, policy_job=policy)


def _sampling(config: CompareConfig, job_id: int) -> dict[str, Any]:
    values = asdict(config)
    names = ("temperature", "top_p", "max_new_tokens", "checkpoint")
    return {name: values[name] for name in names} | {"compared": job_id}


def of_scoring(job: ScoreJob) -> Answered:
    """What somebody typed to be scored."""
    answers = tuple(NewCompletion(text, 0, True, 0) for text in dict.fromkeys(job.config.completions))
    return Answered(job.config.asked, answers, ({"scored": job.id},) * len(answers), job.id, typed=True)


def more(project: Project, conversation: Conversation, writer: GenerateConfig) -> tuple[Changes, GenerateConfig]:
    """The job in which `writer` gives two more answers, to be ranked first, to a conversation that is made a prompt
    where it is none. Each time others are drawn."""
    with project.write():
        prompt_id, made = _prompt(project, conversation)
        seed = writer.seed + len(completions.texts_by_group(project, prompt_id))
        changes = project.changed(LABEL, *made, ids=(prompt_id,))
    config = replace(
        writer, prompt_ids=(prompt_id,), split="all", completions=2, missing_only=False, rank_first=True, seed=seed
    )
    return changes, config


def take_back(project: Project, changes: Changes, asked: Conversation, job_id: int) -> None:
    """Undo `more`: a job that waits is stopped, what it wrote goes, and the prompt where it was made for it of what was
    `asked`.

    Raises `BadInput` while it writes, and `Refused` once something of it was ranked, is typed over the prompt, or
    somebody changed that.
    """
    with project.write():
        status = queue.get(project, job_id).status
        if status == "queued":
            queue.want(project, job_id, "stop")
        elif status in ACTIVE:
            raise BadInput("The two answers are being written: wait until they are there, or stop the job, then undo.")
        try:
            for group_id in completions.groups_of_job(project, job_id):
                completions.remove_group(project, group_id)
            made = "prompts" in changes.tables and not prompts.is_answered(project, changes.ids[0])
            typed = made and prompts.is_typed_over(project, changes.ids[0])
            if made and prompts.some(project, changes.ids) not in ([], [Prompt.of(asked, id=changes.ids[0])]):
                raise Refused("somebody changed the prompt")
            if made and not typed:
                prompts.delete(project, changes.ids)
        except BadInput as error:
            raise Refused(str(error)) from error
        if typed:
            raise StillTyped("something is typed over the prompt and not saved")
