"""The job `answer`: each policy of an arena answers what it was not asked yet.

Those that stand on the project's base answer by turns, so that their first answers can be voted on early; models from
outside follow one after the other, each alone in memory, and servers last.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from core.arena import policies, settings
from core.compare.contenders import AtServer, BestOf, Contender, OnBase
from core.config.arena import ANSWERING, AnswerConfig, AnswerResult
from core.config.training import TrainPolicyJob
from core.endpoints import keys
from core.endpoints.address import parse
from core.endpoints.server import Server
from core.errors import BadInput, NothingToDo
from core.events import ArenaAnswers, Event, NewAnswer, Note, Progress, Result
from core.jobs import queue
from core.jobs.context import Events, JobContext
from core.machine import adapter_folder, base_models
from core.models import chat, drawing
from core.models.adapters import REFERENCE, SharedModel
from core.models.devices import use_threads
from core.models.load import Base, base_of, fetched, load, plain_note, settings_of
from core.models.writers import chosen_model
from core.reward.reward_function import RewardSpec, on_four_bits, reward_function
from core.runs import origins, wishes
from core.runs.pinned_prompts import trained_on
from core.store import arenas
from core.store.arenas import Arena, ArenaPolicy, ArenaPrompt


@dataclass(frozen=True)
class Task:
    """What a policy is asked in this job, from its beginning to its end, and what of it was answered before."""

    policy: ArenaPolicy
    asked: tuple[ArenaPrompt, ...]
    answered: frozenset[int]

    @property
    def done(self) -> int:
        return len(self.answered)


@dataclass
class Count:
    """Answers that are there, and all that there will be."""

    done: int
    total: int

    @property
    def progress(self) -> Progress:
        return Progress(self.done, self.total, ANSWERING)


def run(context: JobContext) -> Events:
    """Yields the answers of a policy to a few prompts together. Resuming goes on with what is missing, and draws it as
    it would have been drawn."""
    config: AnswerConfig = context.config
    policies.refuse_pack(context.project)
    arena = arenas.get(context.project, config.arena)
    settings.check(context.project, arena.id, config, but=context.job_id)
    tasks, lacking = yield from _tasks(context, arena)
    count = Count(sum(task.done for task in tasks), sum(len(task.asked) for task in tasks))
    yield Result(AnswerResult(arena=arena.id, lacking=lacking))
    yield count.progress
    open_ones = [task for task in tasks if task.done < len(task.asked)]
    for group in _on_base(open_ones):
        yield from _by_turns(context, group, count)
    for task in open_ones:
        if context.stopping:
            break
        if task.policy.kind == "model":
            yield from _model(context, task, count)
        elif task.policy.kind == "server":
            yield from _server(context, task, count)
    yield Result(AnswerResult(answers=count.done))


def _tasks(context: JobContext, arena: Arena) -> Generator[Event, None, tuple[list[Task], tuple[str, ...]]]:
    """Of the policies that can answer; and a sentence about each that cannot. Raises `NothingToDo` for an arena without
    policies or prompts, and where all was answered before this job, `BadInput` where none can answer."""
    project = context.project
    entered, prompts = arenas.policies(project, arena.id), arenas.prompts(project, arena.id)
    if not entered or not prompts:
        what = "policies" if prompts else "prompts"
        raise NothingToDo(f"The arena {arena.name!r} has no {what} yet: add some first.")
    by = arenas.who_asked(project, arena.id)
    tasks, lacking = [], []
    for policy in entered:
        learnt = trained_on(project, policy.job_id or 0) if policy.kind == "run" else frozenset[int]()
        fresh = [prompt for prompt in prompts if prompt.prompt_id not in learnt]
        asked = [each for each in fresh if by.get((policy.id, each.id), context.job_id) == context.job_id]
        if len(fresh) < len(prompts):
            left_out = f"it trained on {len(prompts) - len(fresh)} of the {len(prompts)} prompts of the arena"
            yield Note(f"{policy.name} is not asked everything: {left_out}.")
        answered = frozenset(each.id for each in asked if (policy.id, each.id) in by)
        if len(answered) < len(asked) and (lack := policies.lack(project, policy)):
            yield Note(lack)
            lacking.append(lack)
        elif asked:
            tasks.append(Task(policy, tuple(asked), answered))
    if not tasks and lacking:
        raise BadInput(lacking[0])
    if not tasks:
        raise NothingToDo(f"Every policy of the arena {arena.name!r} has answered what it may be asked.")
    return tasks, tuple(lacking)


def _on_base(tasks: Sequence[Task]) -> Iterator[list[Task]]:
    """Those that stand on the project's base, together; what needs another reward model than others apart, since two
    reward models' adapters have the same names."""
    standing = [task for task in tasks if task.policy.kind in ("base", "run", "adapter", "best-of-n")]
    rewards = list(dict.fromkeys(task.policy.job_id for task in standing if task.policy.kind == "best-of-n"))
    for number, reward in enumerate(rewards or [None]):
        group = [
            task
            for task in standing
            if (task.policy.job_id == reward if task.policy.kind == "best-of-n" else number == 0)
        ]
        if group:
            yield group


def _by_turns(context: JobContext, group: Sequence[Task], count: Count) -> Events:
    if context.stopping:
        return
    rewards = {task.policy.job_id or 0 for task in group if task.policy.kind == "best-of-n"}
    spec = RewardSpec(reward_job=max(rewards)) if rewards else None
    base = yield from base_of(context, four_bit=spec is not None and on_four_bits(context.project, spec))
    with ExitStack() as opened:
        shared = SharedModel(base, report_status=context.report_status)
        opened.callback(shared.close)
        reward = (yield from reward_function(context, spec, shared)).model if spec else None
        contenders: list[tuple[Task, Contender]] = []
        for task in group:
            policy, role = task.policy, f"policy{task.policy.id}"
            found: Contender
            match policy.kind:
                case "run":
                    found = yield from _run(context, shared, policy, role)
                case "adapter":
                    folder = Path(policies.text_of(policy, "folder"))
                    if shared.load(role, folder) is not None:
                        raise adapter_folder.no_policy(folder)
                    found = OnBase(shared, context.config, role)
                case "best-of-n":
                    assert reward is not None
                    of = _reference_of(context, shared, policy, role)
                    found = BestOf(shared, context.config, policies.number_of(policy, "n"), reward, of)
                case _:
                    found = OnBase(shared, context.config)
            contenders.append((task, found))
        yield from _answer(context, contenders, count, lambda last: chat.told(base, last=last))


def _run(context: JobContext, shared: SharedModel, policy: ArenaPolicy, role: str) -> Generator[Event, None, OnBase]:
    """A run's policy as it was trained, its KL measured to the run's own reference."""
    tuned = queue.run_of(context.project, policy.job_id or 0, TrainPolicyJob)
    drawn_by = drawing.load(context.project, shared, tuned, policies.checkpoint_of(policy), role)
    if drawn_by.note:
        yield Note(drawn_by.note)
    reference = _own_reference(context, shared, tuned, f"{role}-measure")
    return OnBase(shared, context.config, role, drawn_by.guide, reference)


def _reference_of(context: JobContext, shared: SharedModel, policy: ArenaPolicy, role: str) -> str | None:
    """The reference that the best of n is drawn from: the base, or that of a run."""
    if "reference_of" not in policy.detail:
        return REFERENCE
    tuned = queue.run_of(context.project, policies.number_of(policy, "reference_of"), TrainPolicyJob)
    return _own_reference(context, shared, tuned, role)


def _own_reference(context: JobContext, shared: SharedModel, tuned: TrainPolicyJob, role: str) -> str | None:
    """The role of a run's reference, where that is not the base."""
    folder = origins.reference_folder(tuned.config, context.project.run_folder(tuned.id))
    if folder is None:
        return REFERENCE
    drawing.load_policy(shared, role, folder)
    return role


def _model(context: JobContext, task: Task, count: Count) -> Events:
    """A model from outside, alone in memory: it reads conversations with the project's settings, in a template of its
    own."""
    spec = base_models.parse(policies.text_of(task.policy, "model"))
    context.cache.clear()
    use_threads()
    yield from fetched(context, spec, f"model {spec.title}")
    yield Progress(0, 1, f"Loading {spec.title}")
    base: Base = load(spec, replace(settings_of(context), chat_template="", stop=""))
    yield from plain_note(base)
    yield Progress(1, 1, f"Loading {spec.title}")
    shared = SharedModel(base, report_status=context.report_status)
    contender = OnBase(shared, context.config)
    yield from _answer(context, [(task, contender)], count, lambda last: chat.told(base, last=last))


def _server(context: JobContext, task: Task, count: Count) -> Events:
    """A server's model, if a person let it be asked. Raises `KnownError`."""
    url = policies.text_of(task.policy, "address")
    wishes.check_server(context.project, url)
    address = parse(url)
    context.report_status(f"Asking {address.url}")
    with Server(address, keys.of(address)) as server:
        model = chosen_model(server, policies.text_of(task.policy, "model"))
        contender = AtServer(server, model, context.config)
        yield from _answer(context, [(task, contender)], count, lambda last: iter(()))


def _answer(
    context: JobContext, contenders: Sequence[tuple[Task, Contender]], count: Count,
    told: Callable[[bool], Iterator[Note]],
) -> Events:  # fmt: skip
    """By turns, a few prompts each. Prompts stand in the same company whether the job was interrupted or not, so that a
    policy says the same to the last bit: a part of which some are answered is drawn whole once more."""
    for part in _parts([task for task, _ in contenders], context.config.batch_size):
        for task, contender in contenders:
            batch = [prompt for prompt in task.asked if prompt.id in part]
            missing = {prompt.id for prompt in batch} - task.answered
            if not missing:
                continue
            context.report_status(f"{task.policy.name} answers")
            found = yield from _waited(context, contender, batch, count)
            if found is None:
                return
            yield ArenaAnswers(task.policy.id, tuple(row for row in found if row.arena_prompt_id in missing))
            count.done += len(missing)
            yield from told(False)
            yield count.progress
            if context.stopping:
                return
    yield from told(True)


def _waited(
    context: JobContext, contender: Contender, batch: list[ArenaPrompt], count: Count
) -> Generator[Event, None, list[NewAnswer] | None]:
    """None where the job is stopped meanwhile."""
    answering = contender.answer(batch)
    while (found := next(answering)) is None:
        yield count.progress
        if context.stopping:
            answering.close()
            return None
    return found


def _parts(tasks: Sequence[Task], size: int) -> list[frozenset[int]]:
    """The prompts of all tasks, so many together."""
    numbers = sorted({prompt.id for task in tasks for prompt in task.asked})
    return [frozenset(numbers[begin : begin + size]) for begin in range(0, len(numbers), size)]
