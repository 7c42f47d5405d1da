"""The job `measure-frontier`: the reference answers held-out prompts many times, of which the best of n is known for
every n, and checkpoints of runs answer the same prompts; all are scored by the reward of one run.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from core.config.frontier import MeasureFrontierConfig, MeasureFrontierResult, PolicyState
from core.config.training import TrainPolicyJob
from core.errors import BadInput, KnownError, NothingToDo
from core.events import Checkpoint, Note, Progress, Result, Samples
from core.jobs import queue
from core.jobs.context import MOST_PINNED, Events, JobContext
from core.models import chat, drawing
from core.models.adapters import REFERENCE, SharedModel
from core.models.load import base_of, chat_of_run
from core.records import Prompt
from core.report import frontier
from core.reward.reward_function import RewardFunction, RewardSpec, Weights, on_four_bits, reward_function
from core.rl import evaluate, start
from core.runs import origins
from core.runs.pinned_prompts import PINNED, trained_on
from core.store import Project, prompts
from core.store.files import plain

#: The file in the job's folder that pins what it measures: runs and prompts come and go meanwhile.
PLAN = "plan.json"
STAGE = "Measuring the frontier"


class Part(NamedTuple):
    """A policy that answers all prompts `copies` times, so many prompts at a time; no `state` is the reference."""

    state: PolicyState | None
    copies: int
    at_once: int

    @property
    def name(self) -> str:
        return self.state.name if self.state else frontier.REFERENCE


def run(context: JobContext) -> Events:
    """Each batch of prompts is kept as it is answered: what is taken up again draws what is missing, and the same."""
    plan = context.pinned(PLAN, lambda: _plan(context.project, context.config))
    by = queue.run_of(context.project, plan["policy_job"], TrainPolicyJob)
    spec = RewardSpec.of_run(by)
    if spec.by_our_model and by.result.reward_job is None:
        spec = spec.with_run(None)
    base = yield from base_of(context, four_bit=on_four_bits(context.project, spec))
    base = base.with_settings(chat_of_run(context.project, by.id))
    origins.refuse_other_base(context.project, by.id, base.identity, base.spec.title)
    shared = SharedModel(base, report_status=context.report_status)
    try:
        if folder := origins.reference_folder(by.config, context.project.run_folder(by.id)):
            start.load_reference(shared, folder)
        begun = Weights(by.result.reward_sha256, by.result.reward_scale)
        reward = yield from reward_function(context, spec, shared, begun)
        if not reward.known:
            raise NothingToDo(
                f"Run {by.id} has no reward to measure with: choose another run, or train a reward model."
            )
        yield from map(Note, plan["notes"])
        yield Result(MeasureFrontierResult(
            policy_job=by.id, reward_sha256=reward.weights.sha256, answers=plan["answers"],
            measured=tuple(PolicyState(**each) for each in plan["states"]),
        ))  # fmt: skip
        yield from _Measuring(context, shared, by, reward, plan).events()
        yield from reward.told()
    finally:
        shared.close()


class _Measuring:
    def __init__(
        self, context: JobContext, shared: SharedModel, by: TrainPolicyJob, reward: RewardFunction, plan: Any
    ) -> None:
        self.context, self.shared, self.by, self.reward = context, shared, by, reward
        self.config: MeasureFrontierConfig = context.config
        self.prompts = list(map(Prompt.read, plan["prompts"]))
        states: list[PolicyState | None] = [PolicyState(**each) for each in plan["states"]]
        parts = [*([None] if plan["answers"] else []), *states]
        copies = [self.config.completions if state else self.config.answers for state in parts]
        self.parts = [
            Part(state, count, max(1, self.config.batch_size // count))
            for state, count in zip(parts, copies, strict=True)
        ]
        self.total = sum(map(self.batches, self.parts))
        self.done = 0

    def batches(self, part: Part) -> int:
        return -(-len(self.prompts) // part.at_once)

    def events(self) -> Events:
        before = self.context.resume_step
        yield Progress(before, self.total, STAGE)
        for part in self.parts:
            known = min(max(before - self.done, 0), self.batches(part))
            self.done += known
            if known < self.batches(part):
                yield from self._answer(part, known)
            if self.context.stopping:
                return

    def _answer(self, part: Part, known: int) -> Iterator[Any]:
        """All but the first `known` batches of a part."""
        shared, config = self.shared, self.by.config
        there = shared.names
        role, guide = REFERENCE, None
        if part.state:
            run = queue.run_of(self.context.project, part.state.run, TrainPolicyJob)
            as_role, step = part.name.replace(", ", "-"), part.state.step
            try:
                drawn = drawing.load(self.context.project, shared, run, str(step), as_role)
            except KnownError as error:
                yield Note(f"Step {step} of run {run.id} is left out: {error}")
                self.done += self.batches(part) - known
                return
            role, guide = drawn.role, drawn.guide
            if drawn.note:
                yield Note(drawn.note)
        for found in evaluate.batches(
            shared, role, [(prompt.id, prompt.conversation) for prompt in self.prompts], self.reward, name=part.name,
            copies=part.copies, max_new_tokens=config.max_new_tokens, temperature=config.temperature,
            # The reference has chances of its own: a policy's answers are compared with other draws than their twins.
            seed=self.config.seed if part.state else -1 - self.config.seed,
            batch_size=part.at_once * part.copies, micro_batch=config.micro_batch, guide=guide,
            first=known * part.at_once,
        ):  # fmt: skip
            self.done += 1
            yield Samples(self.done, tuple(found))
            yield Checkpoint(self.done, self._save)
            yield from chat.told(shared.base, last=self.done == self.total)
            yield Progress(self.done, self.total, STAGE)
            if self.context.stopping:
                return
        for name in shared.names - there:
            shared.drop(name)

    def _save(self, folder: Path) -> None:
        """What was answered lies in the project; that the checkpoint is there says how far."""
        (folder / "measured.json").write_text(json.dumps({"batches": self.done}), encoding="utf-8")


def _plan(project: Project, config: MeasureFrontierConfig) -> dict[str, Any]:
    """Who answers what. Raises `NothingToDo` where everything is measured, or there is nothing to ask."""
    found = frontier.gather(project, config.policy_job)
    by = queue.run_of(project, found.yardstick, TrainPolicyJob)
    asked = _prompts(project, by)
    states = found.unmeasured
    if not config.missing_only:
        states = sorted([*states, *(p.state for p in found.points if p.kept)], key=lambda each: (each.run, each.step))
    ids = {prompt.id for prompt in asked}
    spoilt = [run for run in dict.fromkeys(state.run for state in states) if ids & trained_on(project, run)]
    states = [state for state in states if state.run not in spoilt] if config.completions else []
    draws = 0 if config.missing_only and found.reference_answers >= config.answers else config.answers
    if not states and not draws:
        raise NothingToDo(
            f"All checkpoints that are kept are measured as run {by.id} is, and {found.reference_answers} answers of "
            "the reference to each prompt are there: tune another policy, or ask for more answers."
        )
    return {
        "policy_job": by.id, "answers": draws, "states": [asdict(state) for state in states],
        "prompts": [prompt.data() for prompt in asked],
        "notes": [*found.left_out, *(f"Run {run} was trained on some of the prompts." for run in spoilt)],
    }  # fmt: skip


def _prompts(project: Project, by: TrainPolicyJob) -> list[Prompt]:
    """The held-out prompts that the run itself was measured on; of one that was not, those that it did not learn from.

    Raises `NothingToDo` where there are none, and `BadInput` where nobody kept what they asked.
    """
    path = project.run_file(by.id, PINNED)
    if path.is_file() and (pinned := plain.parsed(path, MOST_PINNED)["heldout"]):
        return list(map(Prompt.read, pinned))
    known = trained_on(project, by.id)
    held = [prompt for prompt in prompts.listed(project, split="heldout") if prompt.id not in known]
    if measured := frontier.asked_by(project, by):
        there = {prompt.text: prompt for prompt in prompts.listed(project)}
        if missing := [text for text in measured if text not in there]:
            raise BadInput(
                f"Run {by.id} was measured on prompts that are changed or gone, such as {missing[0]!r:.60}: choose "
                "another run."
            )
        return [there[text] for text in measured]
    if not held:
        raise NothingToDo(f"No prompt is held out that run {by.id} did not learn from: hold some out first.")
    return held
