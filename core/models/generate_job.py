"""The job `generate`: N completions for each prompt, written group by group so that ranking can begin at once."""

from typing import Any

from core.configs import WRITING, GenerateConfig
from core.errors import NothingToDo
from core.events import Completions, NewCompletion, Progress
from core.jobs import queue
from core.jobs.context import Events, JobContext
from core.models import chat
from core.models.adapters import REFERENCE, SharedModel
from core.models.load import Base, base_of
from core.models.rows import Rows
from core.models.sampling import sample
from core.models.seeds import generator
from core.records import Prompt
from core.store import completions, prompts


def run(context: JobContext) -> Events:
    """Yields one `Completions` for each prompt. Resuming goes on with the prompts that are still without."""
    config: GenerateConfig = context.config
    policy_job = config.policy_job or None
    todo = remaining(context, config, policy_job)
    base = yield from base_of(context)
    model = SharedModel(base)
    try:
        role = REFERENCE
        if policy_job:
            run_ = queue.run_of(context.project, policy_job, "train-policy")
            model.load("policy", context.project.folder / run_.result["adapter"] / "policy")
            role = "policy"
        yield from _answer(context, model, role, todo, policy_job)
    finally:
        model.close()


def remaining(context: JobContext, config: GenerateConfig, policy_job: int | None) -> list[Prompt]:
    """The prompts to answer. Raises `NothingToDo` if there are none."""
    chosen = prompts.listed(context.project, split=config.split, limit=config.limit)
    if not chosen:
        raise NothingToDo("There are no prompts to answer: add or import some first.")
    if config.missing_only:
        done = completions.answered_prompts(context.project, policy_job)
    else:
        rows = context.project.rows("select prompt_id from completion_groups where job_id = ?", context.job_id)
        done = {row["prompt_id"] for row in rows}
    todo = [prompt for prompt in chosen if prompt.id not in done]
    if not todo:
        raise NothingToDo("Every prompt has completions from this policy: add prompts, or turn off --missing-only.")
    return todo


def _answer(
    context: JobContext, model: SharedModel, role: str | None, todo: list[Prompt], policy_job: int | None
) -> Events:
    config: GenerateConfig = context.config
    sampling: dict[str, Any] = {
        "temperature": config.temperature,
        "top_p": config.top_p,
        "max_new_tokens": config.max_new_tokens,
    }
    at_once = max(1, config.batch_size // config.completions)
    yield Progress(0, len(todo), WRITING)
    for start in range(0, len(todo), at_once):
        batch = todo[start : start + at_once]
        # Seeded by the prompt, not by the place in the queue: a resumed job draws what it would have drawn.
        seed = config.seed
        with model.role(role) as causal:
            drawn = sample(
                causal,
                [chat.prompt_ids(model.base, prompt.text) for prompt in batch],
                copies=config.completions,
                end_ids=model.base.end_ids,
                pad_id=model.base.pad_id,
                generator=generator(seed, batch[0].id),
                **sampling,
            )
        rows = new_completions(model.base, drawn, seed)
        for index, prompt in enumerate(batch):
            group = rows[index * config.completions : (index + 1) * config.completions]
            yield Completions(prompt.id, tuple(group), policy_job, sampling)
        yield Progress(start + len(batch), len(todo), WRITING)
        if context.stopping:
            return


def new_completions(base: Base, drawn: Rows, seed: int) -> list[NewCompletion]:
    lengths = drawn.lengths.tolist()
    return [
        NewCompletion(
            text=chat.text_of(base, drawn.response_ids[row, :length].tolist()),
            tokens=int(length),
            ended=bool(drawn.ended[row]),
            seed=seed,
        )
        for row, length in enumerate(lengths)
    ]
