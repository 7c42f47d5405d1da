"""The job `slide`: the same prompts are answered by the policy as it was at each checkpoint that its run keeps.

Each prompt has the same chances at every step, so that two answers differ only by what the policy learnt in between.
What training knows of each token (`core.rl.token_numbers`) lies beside the answers, in the job's own checkpoint, of
which each holds all that came before it.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path

from core.compare.compare_job import reward_of
from core.config.jobs import CompareConfig
from core.config.slider import SlideConfig, SlideResult
from core.config.training import TrainPolicyJob
from core.conversation import Conversation
from core.errors import BadInput, KnownError, NothingToDo
from core.events import Checkpoint, Note, Progress, Result, Samples
from core.jobs import checkpoint_files, queue
from core.jobs.context import Events, JobContext
from core.models import chat, drawing
from core.models.adapters import REFERENCE, SharedModel
from core.models.drawing import Drawing
from core.models.load import Base, base_of, chat_of_run
from core.reward.reward_function import newest_if_any, on_four_bits, reward_function
from core.reward.trace import pieces_of
from core.rl import evaluate, start
from core.rl.evaluate import Answered
from core.rl.rollout import POLICY
from core.rl.token_numbers import TokenReader, of_row
from core.runs import origins
from core.runs.slides import MOST_TOKENS, TOKENS, TokenTrace, read_tokens
from core.store import Project, prompts
from core.store.runs import checkpoints

STAGE = "Answering at each checkpoint"
#: The file of the job's checkpoint that says at which steps was answered.
STEPS = "steps.json"
#: Of a run that begins where KL is measured to.
AT_REFERENCE, AT_START = "reference", "start"


def run(context: JobContext) -> Events:
    config: SlideConfig = context.config
    policy_run = queue.run_of(context.project, config.policy_job, TrainPolicyJob)
    asked = _asked(context.project, config)
    places = _places(context.project, policy_run)
    spec = newest_if_any(context.project, reward_of(policy_run, CompareConfig(gold=policy_run.config.gold)))
    base = yield from base_of(context, four_bit=on_four_bits(context.project, spec))
    base = base.with_settings(chat_of_run(context.project, policy_run.id))
    shared = SharedModel(base, report_status=context.report_status)
    try:
        if folder := origins.reference_folder(policy_run.config, context.project.run_folder(policy_run.id)):
            start.load_reference(shared, folder)
        reward = yield from reward_function(context, spec, shared)
        features_of = reward.model.members[0].adapter if reward.model else REFERENCE
        reader = TokenReader(shared, policy_run, features_of)
        written, done = _earlier(context)
        yield Result(SlideResult(
            policy_job=policy_run.id, reward_job=reward.reward_job, prompts=len(asked), steps=tuple(done),
            lacks=reader.lacks,
        ))  # fmt: skip
        yield Progress(len(done) * len(asked), len(places) * len(asked), STAGE)
        before: tuple[str, ...] = ()
        full = len(written) < len(done) * len(asked)
        room = -1 if full else MOST_TOKENS - sum(len(trace.pieces) for trace in written)
        for number, (step, folder) in enumerate(places):
            if step in done:
                continue
            try:
                drawn = _policy_at(context.project, shared, policy_run, step, folder)
                reader.read(folder, step)
            except KnownError as error:
                yield Note(f"Step {step} is left out: {error}")
                continue
            for role in before:
                shared.drop(role)
            before = drawn.loaded
            if drawn.note and len(done) == 0:
                yield Note(drawn.note)
            for part in evaluate.answered(
                shared, drawn.role or REFERENCE, asked, reward, name=_name(policy_run, step, folder),
                max_new_tokens=config.max_new_tokens or policy_run.config.max_new_tokens, guide=drawn.guide,
                temperature=policy_run.config.temperature, seed=config.seed, batch_size=config.batch_size,
                states=reader.critic is not None,
            ):  # fmt: skip
                yield Samples(step, tuple(part.samples))
                room -= sum(sample.tokens for sample in part.samples)
                if room >= 0:
                    written += _tokens(base, reader, part, step)
                elif not full:
                    full = True
                    yield Note(f"From step {step} on no numbers of single tokens are kept: they are too many.")
                yield from evaluate.unscored(part.samples, reward)
                yield from chat.told(base)
                if context.stopping:
                    return
            done.append(step)
            yield Result(SlideResult(steps=tuple(done)))
            yield Checkpoint(step, partial(_save, written, done))
            yield Progress((number + 1) * len(asked), len(places) * len(asked), STAGE)
            if context.stopping:
                return
    finally:
        shared.close()


def _asked(project: Project, config: SlideConfig) -> list[tuple[int | None, Conversation]]:
    typed: list[tuple[int | None, Conversation]] = [(None, each) for each in config.asked]
    if config.prompt_ids:
        known = {prompt.id: prompt for prompt in prompts.some(project, list(config.prompt_ids))}
        if missing := [number for number in config.prompt_ids if number not in known]:
            raise BadInput(f"There is no prompt {missing[0]}: `prompts` lists the ones there are.")
        typed += [(number, known[number].conversation) for number in config.prompt_ids]
    if typed:
        return typed
    heldout = prompts.listed(project, split="heldout")[: config.limit or None]
    if not heldout:
        raise NothingToDo("There are no held-out prompts: mark some as held-out, or type a prompt.")
    return [(prompt.id, prompt.conversation) for prompt in heldout]


def _places(project: Project, run: TrainPolicyJob) -> list[tuple[int, Path | None]]:
    """The steps whose policy can be asked, with the folders of their checkpoints, None where nothing was learnt yet. A
    fresh policy whose KL is measured to something else cannot be asked once its first checkpoint is gone."""
    found: dict[int, Path | None] = {}
    if run.config.start_from or origins.starts_at_reference(run.config):
        found[0] = None
    last = queue.adapter_of(project, run)
    found[_step_of(last)] = last
    with suppress(BadInput):  # the best one was not packed along
        best = queue.adapter_of(project, run, "best")
        found[_step_of(best)] = best
    found |= dict(checkpoints.on_disk(project, run.id))
    return sorted(found.items())


def _step_of(folder: Path) -> int:
    return int(folder.name.rpartition("-")[2].lstrip("0") or "0")


def _policy_at(project: Project, shared: SharedModel, run: TrainPolicyJob, step: int, folder: Path | None) -> Drawing:
    """The policy at a checkpoint as an adapter of its own, or without a role the reference. Raises `KnownError` for one
    that is damaged."""
    role = f"{POLICY}-{step}"
    if folder is not None:
        if what := checkpoint_files.damage(folder):
            raise BadInput(f"its checkpoint is damaged ({what}).")
        return drawing.load_from(project, shared, run, folder, role)
    if origins.starts_at_reference(run.config):
        return Drawing("")
    drawing.load_policy(shared, role, project.run_file(run.id, origins.START))
    return Drawing(role, loaded=(role,))


def _name(run: TrainPolicyJob, step: int, folder: Path | None) -> str:
    if step or folder is not None:
        return POLICY
    return AT_REFERENCE if origins.starts_at_reference(run.config) else AT_START


def _earlier(context: JobContext) -> tuple[list[TokenTrace], list[int]]:
    """What was written before it stood still."""
    if context.resume_from is None:
        return [], []
    known = checkpoint_files.note(context.resume_from / STEPS)
    return read_tokens(context.resume_from), [int(step) for step in known if int(step) <= context.resume_step]


def _tokens(base: Base, reader: TokenReader, part: Answered, step: int) -> Iterator[TokenTrace]:
    rows, found = part.rollout.rows, reader.numbers(part.rollout)
    for row, (sample, length) in enumerate(zip(part.samples, rows.lengths.tolist(), strict=True)):
        pieces = pieces_of(base.tokenizer, rows.response_ids[row, :length].tolist())
        yield TokenTrace(
            step, sample.prompt, tuple(pieces), of_row(found.kl, row, length) or (),
            of_row(found.value, row, length), of_row(found.advantage, row, length),
        )  # fmt: skip


def _save(written: list[TokenTrace], done: list[int], folder: Path) -> None:
    (folder / TOKENS).write_text(json.dumps([asdict(trace) for trace in written]), encoding="utf-8")
    (folder / STEPS).write_text(json.dumps(done), encoding="utf-8")
