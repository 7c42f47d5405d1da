"""The job `generate`: N completions for each prompt, written group by group so that ranking can begin at once."""

from typing import Any

from core.config.jobs import WRITING, GenerateConfig
from core.config.training import TrainPolicyJob
from core.errors import NothingToDo
from core.events import Completions, NewCompletion, Note, Progress
from core.jobs import queue
from core.jobs.context import Events, JobContext
from core.models import chat, drawing
from core.models.adapters import REFERENCE, SharedModel
from core.models.drawing import Drawing
from core.models.load import Base, base_of
from core.models.rows import Rows
from core.models.sampling import sample
from core.models.seeds import generator
from core.records import Prompt
from core.store import completions, prompts

#: The runs whose policies write, 0 or None the base, and how each is drawn from.
Sources = dict[int | None, Drawing | None]
#: What is told of a prompt to which a policy said nothing.
EMPTY = "completions are empty, because the policy ended at once"


def run(context: JobContext) -> Events:
    """Yields one `Completions` for each prompt. Resuming goes on with the prompts that are still without."""
    config: GenerateConfig = context.config
    asked = prompts_of(context, config, config.policy_job or None)
    written = completions.prompts_of_job(context.project, context.job_id)
    if all(prompt.id in written for prompt in asked):
        yield Progress(len(asked), len(asked), WRITING)
        return
    sources = [config.policy_job or None]
    if config.mix_with >= 0 and config.mix_with != config.policy_job:
        sources.append(config.mix_with or None)
    base = yield from base_of(context)
    model = SharedModel(base, report_status=context.report_status)
    try:
        drawings: list[Drawing | None] = []
        for policy_job in sources:
            drawings.append(_loaded(context, model, policy_job) if policy_job else None)
            if (drawn := drawings[-1]) and drawn.note:
                yield Note(drawn.note)
        yield from _answer(context, model, dict(zip(sources, drawings, strict=True)), asked, written)
    finally:
        model.close()


def _loaded(context: JobContext, model: SharedModel, policy_job: int) -> Drawing:
    """A policy, to be drawn from as it was trained: people want answers to rank that differ."""
    tuned = queue.run_of(context.project, policy_job, TrainPolicyJob)
    return drawing.load(context.project, model, tuned, context.config.checkpoint, f"policy{policy_job}", several=True)


def prompts_of(context: JobContext, config: GenerateConfig, policy_job: int | None) -> list[Prompt]:
    """The prompts that the job answers from its beginning to its end. Raises `NothingToDo` if there are none."""
    chosen = prompts.listed(context.project, split=config.split, limit=0 if config.prompt_ids else config.limit)
    if config.prompt_ids:
        chosen = [prompt for prompt in chosen if prompt.id in config.prompt_ids][: config.limit or None]
    if config.prompt_ids and not chosen:
        raise NothingToDo("None of the prompts that were asked for is there: `prompts` lists their numbers.")
    if not chosen:
        raise NothingToDo("There are no prompts to answer: add or import some first.")
    done: set[int] = set()
    if config.missing_only:
        done = completions.answered_prompts(context.project, policy_job, but=context.job_id)
    asked = [prompt for prompt in chosen if prompt.id not in done]
    if not asked:
        raise NothingToDo("Every prompt has completions from this policy: add prompts, or turn off --missing-only.")
    return asked


def _answer(
    context: JobContext, model: SharedModel, sources: Sources, asked: list[Prompt], written: set[int]
) -> Events:
    """Prompts stand in the same company whether the job was interrupted or not: on the same machine they get the same
    completions to the last bit, so a batch of which some are `written` is drawn whole once more."""
    config: GenerateConfig = context.config
    sampling: dict[str, Any] = {
        "temperature": config.temperature,
        "top_p": config.top_p,
        "max_new_tokens": config.max_new_tokens,
    }
    done = sum(prompt.id in written for prompt in asked)
    yield Progress(done, len(asked), WRITING)
    for batch in _batches(asked, max(1, config.batch_size // config.completions)):
        missing = [prompt for prompt in batch if prompt.id not in written]
        if not missing:
            continue
        for prompt, rows in zip(batch, _draw(config, model, sources, batch, sampling), strict=True):
            if prompt in missing:
                if any(not row.text.strip() for row in rows):
                    model.base.chat.notices.add(EMPTY, prompt.conversation.key, prompt.id)
                yield Completions(prompt.id, tuple(rows), sampling, asked=prompt.text)
        done += len(missing)
        yield from chat.told(model.base)
        yield Progress(done, len(asked), WRITING)
        if context.stopping:
            break
    yield from chat.told(model.base, last=True)


def _batches(asked: list[Prompt], at_once: int) -> list[list[Prompt]]:
    """The first prompt goes alone, so that ranking can begin as soon as it is answered."""
    return [asked[:1], *(asked[start : start + at_once] for start in range(1, len(asked), at_once))]


def _draw(
    config: GenerateConfig, model: SharedModel, sources: Sources, batch: list[Prompt], sampling: dict[str, Any]
) -> list[list[NewCompletion]]:
    """N completions for each prompt, in equal parts by each source; the first source writes the odd one.

    Each prompt has a seed of its own: a job that comes to the prompts in another order or in other batches draws the
    same, as far as the model says the same of a prompt in other company (the last bits differ, in bfloat16 the last
    digits).
    """
    found: list[list[NewCompletion]] = [[] for _ in batch]
    for number, (policy_job, drawn_by) in enumerate(sources.items()):
        copies = (config.completions + len(sources) - 1 - number) // len(sources)
        guide = drawn_by.guide if drawn_by else None
        with model.role(drawn_by.role if drawn_by else REFERENCE) as causal:
            drawn = sample(
                causal,
                [chat.to_answer(model.base, prompt.conversation, config.max_new_tokens, prompt.id) for prompt in batch],
                copies=copies,
                end_ids=model.base.end_ids,
                pad_id=model.base.pad_id,
                never=model.base.textless,
                stops=model.base.chat.stops_at if model.base.chat.stops else None,
                generator=[generator(config.seed, prompt.id, *([number] if number else [])) for prompt in batch],
                guide=guide,
                others=model.opening(guide.roles) if guide else (),
                report_status=model.report_status,
                **sampling,
            )
        rows = new_completions(model.base, drawn, config.seed, policy_job)
        for index, group in enumerate(found):
            group += rows[index * copies : (index + 1) * copies]
    return found


def new_completions(base: Base, drawn: Rows, seed: int, policy_job: int | None) -> list[NewCompletion]:
    lengths = drawn.lengths.tolist()
    return [
        NewCompletion(
            text=chat.text_of(base, drawn.response_ids[row, :length].tolist()),
            tokens=int(length),
            ended=bool(drawn.ended[row]),
            seed=seed,
            policy_job=policy_job,
        )
        for row, length in enumerate(lengths)
    ]
