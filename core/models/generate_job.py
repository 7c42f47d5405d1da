"""The job `generate`: N completions for each prompt, written group by group so that ranking can begin at once."""

from collections.abc import Generator
from contextlib import ExitStack

from core.config.jobs import WRITING, WRITING_FIRST, GenerateConfig
from core.config.training import TrainPolicyJob
from core.endpoints import keys
from core.endpoints.address import parse
from core.endpoints.server import Server
from core.errors import NothingToDo
from core.events import Completions, Event, NewCompletion, Note, Progress
from core.jobs import queue
from core.jobs.context import Events, JobContext
from core.models import drawing
from core.models.adapters import SharedModel
from core.models.load import base_of
from core.models.notices import Notices
from core.models.writers import BestOfN, Chooser, PolicyWriter, ServerWriter, Writer, chosen_model, drawn_with
from core.records import Prompt
from core.runs import wishes
from core.store import completions, prompts

#: What is told of a prompt to which a policy said nothing.
EMPTY = "completions are empty, because the policy ended at once"


def run(context: JobContext, chooser: Chooser | None = None) -> Events:
    """Yields one `Completions` for each prompt. Resuming goes on with the prompts that are still without. With a
    `chooser` each is the best of `best_of`."""
    config: GenerateConfig = context.config
    asked = prompts_of(context, config)
    written = completions.prompts_of_job(context.project, context.job_id)
    if all(prompt.id in written for prompt in asked):
        yield Progress(len(asked), len(asked), WRITING)
        return
    with ExitStack() as opened:
        writers: list[Writer] = []
        notices = Notices()
        if config.server:
            writers.append(_server(context, opened))
        policies = _policies(config)
        if policies or chooser:
            base = yield from base_of(context, four_bit=chooser.four_bit if chooser else False)
            notices = base.chat.notices
            model = SharedModel(base, report_status=context.report_status)
            opened.callback(model.close)
            for policy_job in policies:
                writers.append((yield from _policy(context, model, policy_job, len(writers))))
            if chooser:
                yield from chooser.load(model)
                writers = [BestOfN(writer, config.best_of, chooser) for writer in writers]
        yield from _answer(context, writers, asked, written, notices)


def _policies(config: GenerateConfig) -> list[int]:
    """The runs whose policies write, 0 the base; the first one writes the odd completion, unless a server does."""
    mixed = [config.mix_with] if config.mix_with >= 0 else []
    return list(dict.fromkeys(mixed if config.server else [config.policy_job, *mixed]))


def _server(context: JobContext, opened: ExitStack) -> ServerWriter:
    """The model of the server that was named, if a person let it be asked. Raises `KnownError`."""
    config: GenerateConfig = context.config
    wishes.check_server(context.project, config.server)
    address = parse(config.server)
    context.report_status(f"Asking {address.url}")
    server = opened.enter_context(Server(address, keys.of(address)))
    return ServerWriter(server, chosen_model(server, config.server_model), config)


def _policy(
    context: JobContext, model: SharedModel, policy_job: int, number: int
) -> Generator[Event, None, PolicyWriter]:
    """A policy, to be drawn from as it was trained."""
    config: GenerateConfig = context.config
    if not policy_job:
        return PolicyWriter(model, config, None, None, number)
    tuned = queue.run_of(context.project, policy_job, TrainPolicyJob)
    role = f"policy{policy_job}"
    checkpoint = config.checkpoint  # a step is one of the run that was named first
    if policy_job != config.policy_job and checkpoint.isdecimal():
        checkpoint = "last"
    drawn_by = drawing.load(context.project, model, tuned, checkpoint, role)
    if drawn_by.note:
        yield Note(drawn_by.note)
    return PolicyWriter(model, config, policy_job, drawn_by, number)


def prompts_of(context: JobContext, config: GenerateConfig) -> list[Prompt]:
    """The prompts that the job answers from its beginning to its end. Raises `NothingToDo` if there are none."""
    chosen = prompts.listed(context.project, split=config.split, limit=0 if config.prompt_ids else config.limit)
    if config.prompt_ids:
        chosen = [prompt for prompt in chosen if prompt.id in config.prompt_ids][: config.limit or None]
    if config.prompt_ids and not chosen:
        raise NothingToDo("None of the prompts that were asked for is there: `prompts` lists their numbers.")
    if not chosen:
        raise NothingToDo("There are no prompts to answer: add or import some first.")
    done = _done(context, config) if config.missing_only else set()
    asked = [prompt for prompt in chosen if prompt.id not in done]
    if not asked:
        whose = "from this server" if config.server else "from this policy"
        raise NothingToDo(f"Every prompt has completions {whose}: add prompts, or turn off --missing-only.")
    return asked


def _done(context: JobContext, config: GenerateConfig) -> set[int]:
    """The prompts that whoever writes has answered before this job."""
    if config.server:
        return completions.answered_by_server(
            context.project, config.server_model, parse(config.server).url, best_of=config.best_of, but=context.job_id
        )
    return completions.answered_prompts(
        context.project, config.policy_job or None, best_of=config.best_of, but=context.job_id
    )


def _answer(
    context: JobContext, writers: list[Writer], asked: list[Prompt], written: set[int], notices: Notices
) -> Events:
    """Prompts stand in the same company whether the job was interrupted or not: on the same machine a policy gives
    them the same completions to the last bit, so a batch of which some are `written` is drawn whole once more."""
    config: GenerateConfig = context.config
    done = sum(prompt.id in written for prompt in asked)
    told = Progress(done, len(asked), WRITING if done else WRITING_FIRST)
    yield told
    for batch in _batches(asked, max(1, config.batch_size // config.completions)):
        missing = [prompt for prompt in batch if prompt.id not in written]
        if not missing:
            continue
        groups = yield from _groups(context, writers, batch, told)
        if groups is None:
            return
        for prompt, group in zip(batch, groups, strict=True):
            if prompt in missing:
                if any(not row.text.strip() for row in group):
                    notices.add(EMPTY, prompt.conversation.key, prompt.id)
                yield Completions(prompt.id, tuple(group), drawn_with(config), asked=prompt.text)
        done += len(missing)
        yield from notices.told()
        yield (told := Progress(done, len(asked), WRITING))
        if context.stopping:
            break
    yield from notices.told(last=True)


def _groups(
    context: JobContext, writers: list[Writer], batch: list[Prompt], meanwhile: Progress
) -> Generator[Event, None, list[list[NewCompletion]] | None]:
    """N completions for each prompt, in equal parts by each writer; the first one writes the odd one. None where the
    job is stopped while one is waited for."""
    groups: list[list[NewCompletion]] = [[] for _ in batch]
    for number, writer in enumerate(writers):
        copies = (context.config.completions + len(writers) - 1 - number) // len(writers)
        writing = writer.write(batch, copies)
        while (found := next(writing)) is None:
            yield meanwhile
            if context.stopping:
                writing.close()
                return None
        for group, rows in zip(groups, found, strict=True):
            group += rows
    return groups


def _batches(asked: list[Prompt], at_once: int) -> list[list[Prompt]]:
    """The first prompt goes alone, so that ranking can begin as soon as it is answered."""
    return [asked[:1], *(asked[start : start + at_once] for start in range(1, len(asked), at_once))]
