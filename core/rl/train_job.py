"""The job `train-policy`: rollouts, rewards, update, again, until a rule says stop.

The loop knows no algorithm from inside. Every random draw is seeded by its place in the run, and the prompts are
those with which it began, so a resumed run goes on as if it had never been interrupted; on a CPU bit for bit.
"""

import importlib
import json
import random
import time
from collections.abc import Generator, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

from core.config.training import ALGORITHMS, TrainPolicyConfig, TrainPolicyJob, TrainPolicyResult
from core.errors import BadInput, Diverged
from core.events import (
    Checkpoint,
    Event,
    Later,
    Metrics,
    Note,
    Progress,
    Result,
    Rollback,
    Sample,
    Samples,
    SettingInForce,
)
from core.jobs import queue
from core.jobs.context import Events, JobContext
from core.models import devices
from core.models.adapters import REFERENCE, SharedModel
from core.models.load import base_of
from core.records import Prompt
from core.rl import evaluate, rewards
from core.rl.actor import Setup
from core.rl.adaptive_kl import Live, steered
from core.rl.collect import collect, objective
from core.rl.learner import BaseLearner
from core.rl.ranked import Rankings
from core.rl.reference_answers import Anchors
from core.rl.rewards import Rewards
from core.rl.rollout import POLICY, Rollout
from core.rl.stopping import Watch
from core.runs import preflight
from core.runs.pinned_prompts import PINNED
from core.store import checkpoints, job_samples, prompts, setting_changes

EVALUATION_COPIES = 4
#: An algorithm that learns from rankings is measured on rollouts once in so many steps.
MEASURE_EVERY = 5


def run(context: JobContext) -> Events:
    config: TrainPolicyConfig = context.config
    begun = _reward_job(context) if context.resume_from else None
    if begun:  # there may be a newer reward model by now
        context.config = config = replace(config, reward_job=begun)
    if not context.resume_from:
        preflight.train_policy(context.project, config, processes=context.world.size)
    asked = pinned_prompts(context)
    algorithm = ALGORITHMS[config.algorithm]
    base = yield from base_of(context, four_bit=rewards.on_four_bits(context.project, config))
    shared = SharedModel(base, context.world, context.report_status)
    try:
        kind: type[BaseLearner] = importlib.import_module(algorithm.module).Learner
        if kind.twice_differentiable and context.world.sharded:
            raise BadInput(
                f"{algorithm.title} differentiates twice, which a base that is spread over "
                "processes does not allow: leave FSDP out, or choose another algorithm."
            )
        reward = yield from rewards.of(context, shared, config, needed=not algorithm.offline)
        yield Result(TrainPolicyResult(reward_job=reward.reward_job))
        shared.add(POLICY, config, seed=config.seed)
        live = Live.of(config)
        learner = kind(Setup(shared, config, context.options, live))
        yield from Run(context, shared, learner, live, reward, asked).events()
    finally:
        shared.close()


class Trouble(NamedTuple):
    text: str
    last_good: int
    """The last step whose weights are beyond suspicion."""


class Run:
    """One run from its first step, or its last checkpoint, to its end."""

    def __init__(
        self, context: JobContext, shared: SharedModel, learner: BaseLearner, live: Live, reward: Rewards,
        asked: dict[str, list[Prompt]],
    ) -> None:  # fmt: skip
        self.context, self.shared, self.learner, self.live = context, shared, learner, live
        self.reward, self.train, self.heldout = reward, asked["train"], asked["heldout"]
        self.config: TrainPolicyConfig = context.config
        self.step = context.resume_step
        self.watch = Watch(self.config)
        self.rankings = Rankings(context, shared) if ALGORITHMS[self.config.algorithm].offline else None
        self.anchors = self.known_anchors()
        if context.resume_from:
            self.restore(context.resume_from)

    def events(self) -> Iterator[Event]:
        config, context = self.config, self.context
        began = time.monotonic()
        if not context.resume_from:
            if self.rankings:
                yield Note(f"Learns from {self.rankings.pairs} pairs.")
                for note in self.rankings.notes:
                    yield Note(note)
            if self.heldout:
                yield from self.measured(REFERENCE)
            yield Checkpoint(0, self.save)  # what a run that goes wrong at once is put back to

        stage = f"Tuning the policy ({ALGORITHMS[config.algorithm].title})"
        yield Progress(self.step, config.steps, stage)
        while self.step < config.steps and not self.watch.reason():
            yield from self.steer()
            trouble = yield from self.advance()
            if trouble:
                yield from self.back(trouble)
                yield Progress(self.step, config.steps, stage)
                if context.stopping:
                    return
                continue
            ends = self.step == config.steps or self.watch.reason() is not None
            due = ends or self.step % config.checkpoint_every == 0
            if due or context.wanted != "run":
                yield Checkpoint(self.step, self.save, best=due and self.watch.is_best())
            yield Progress(self.step, config.steps, stage)
            if context.stopping:
                return

        reason = self.watch.reason() or "maximum of steps"
        yield Result(TrainPolicyResult(steps=self.step, stop_reason=reason))
        if self.heldout:
            yield from self.measured(POLICY)
        yield Result(TrainPolicyResult(seconds=time.monotonic() - began))
        yield Progress(self.step, config.steps, "Done")

    def advance(self) -> Generator[Event, None, Trouble | None]:
        """One step. Returns what went wrong, or None."""
        config, start = self.config, time.monotonic()
        metrics: dict[str, float] = {}
        samples: list[Sample] = []
        rollout = None
        if self.rankings is None or (self.step % MEASURE_EVERY == 0 and self.reward.known):
            chosen = batch_of(self.train, config, self.step)
            guide = None if self.rankings else self.learner.guide()
            try:
                rollout, gold, times = collect(
                    self.shared, self.reward, chosen, config, self.live, self.step, guide,
                    learns=self.rankings is None and self.learner.learns_from_fresh,
                )  # fmt: skip
            except Diverged as error:
                return Trouble(str(error).rstrip(".").lower(), max(self.step - 1, 0))
            metrics = objective(rollout, gold, self.live.kl_coef, config.kl_estimator) | times
            samples = self.samples(rollout, chosen, gold)
        before = time.monotonic()
        if trouble := self.watch.trouble(metrics):
            return Trouble(trouble, max(self.step - 1, 0))  # it was drawn by what the last update made
        self.context.report_status("Learning")
        try:
            batch = self.rankings.batch(self.step) if self.rankings else rollout
            assert batch is not None
            learned = self.learner.update(batch, self.step)
            trouble = self.watch.trouble(learned)
        except Diverged as error:
            trouble = str(error).rstrip(".").lower()
        if trouble is not None:
            return Trouble(trouble, self.step)
        now = time.monotonic()
        self.watch.spend(self.shared.world.agreed(now - start))
        metrics |= learned | {"time/train": now - before, "time/step": now - start, "memory/gb": devices.memory_gb()}
        if rollout is not None:
            metrics["time/tokens_per_second"] = float(rollout.is_response.sum()) / (now - start)
            self.watch.see(metrics, self.step + 1)
            if config.kl_target:
                self.live.kl_coef = steered(
                    self.live.kl_coef, metrics["objective/kl"], config.kl_target, len(rollout), config.kl_horizon
                )
        self.step += 1
        yield Metrics(self.step, metrics)
        if samples:
            yield Samples(self.step, tuple(samples))
        return None

    def steer(self) -> Iterator[Event]:
        """Put in force what a person changed since the last step."""
        due = setting_changes.due(self.context.project, self.context.job_id, self.step)
        for change in self.shared.world.agreed(due):
            setattr(self.live, str(change["name"]), change["value"])
            if change["step"] is None:
                yield SettingInForce(self.step, int(change["id"]))
                yield Note(f"From step {self.step + 1}: {change['name']} = {change['value']:g}.")

    def back(self, trouble: Trouble) -> Iterator[Event]:
        """Go back to the newest checkpoint from before the update that went wrong."""
        kept = checkpoints.on_disk(self.context.project, self.context.job_id)
        if not kept:
            raise Diverged(
                f"Step {self.step + 1} went wrong: {trouble.text}, and there is no checkpoint to go back to."
            )
        wrong = self.step + 1
        self.step, folder = next((each for each in kept if each[0] <= trouble.last_good), kept[-1])
        self.restore(folder)
        text = (
            f"Step {wrong} went wrong: {trouble.text}. The run is back at step {self.step}, without the changes made "
            "since: lower the learning rate or raise the KL coefficient, then resume."
        )
        yield Rollback(self.step, text, wait=self.config.on_trouble == "wait")
        if self.config.on_trouble == "fail":
            raise Diverged(text)
        self.anchors = self.known_anchors()

    def known_anchors(self) -> Anchors | None:
        wanted = self.config.reference_answers and self.reward.known
        return Anchors(self.context, self.shared, self.reward) if wanted else None

    def save(self, folder: Path) -> None:
        self.shared.save(POLICY, folder / POLICY)
        self.learner.save(folder)
        state = {"live": asdict(self.live), "watch": self.watch.state}
        (folder / "loop.json").write_text(json.dumps(state), encoding="utf-8")

    def restore(self, folder: Path) -> None:
        self.shared.reload(POLICY, folder / POLICY)
        self.learner.restore(folder)
        state = json.loads((folder / "loop.json").read_text(encoding="utf-8"))
        for name, value in state["live"].items():
            setattr(self.live, name, value)
        self.watch.state = state["watch"]

    def samples(self, rollout: Rollout, chosen: list[Prompt], gold: list[float] | None) -> list[Sample]:
        """The rollout for people, after the reference's own answers to prompts that are new."""
        kl, lengths, k = rollout.kl.tolist(), rollout.rows.lengths.tolist(), self.config.completions
        fresh = self.anchors.answers(chosen, self.live) if self.anchors else []
        found = []
        for i, text in enumerate(rollout.texts):
            prompt, score = chosen[i // k], float(rollout.score[i])
            found.append(
                Sample(
                    prompt=prompt.text,
                    prompt_id=prompt.id,
                    completion=text,
                    score=score,
                    gold=None if gold is None else gold[i],
                    kl=kl[i],
                    tokens=lengths[i],
                    change=score - self.anchors.scores[prompt.id] if self.anchors else None,
                )
            )
        return fresh + found

    def measured(self, role: str | None) -> Iterator[Event]:
        """Answer the held-out prompts, and say how well; the tuned policy's answers belong to no checkpoint, so that a
        run that is killed meanwhile forgets them."""
        step = self.step if role is REFERENCE else self.step + 1
        when, name = ("before", "reference") if role is REFERENCE else ("after", "tuned")
        stage = f"Measuring the {'reference' if role is REFERENCE else 'tuned policy'}"
        total = EVALUATION_COPIES * len(self.heldout)
        yield Later(0.0)
        yield Progress(0, total, stage)
        config, found, spent, began = self.config, list[Sample](), 0.0, time.monotonic()
        for part in evaluate.batches(
            self.shared, role, [(prompt.id, prompt.text) for prompt in self.heldout], self.reward, name=name,
            copies=EVALUATION_COPIES, max_new_tokens=config.max_new_tokens, temperature=config.temperature,
            seed=config.seed, micro_batch=config.micro_batch,
        ):  # fmt: skip
            found += part
            spent += time.monotonic() - began
            yield Progress(len(found), total, stage)
            began = time.monotonic()  # it may have been paused
        if role is not REFERENCE:
            found = self.changes(found)
        yield Samples(step, tuple(found))
        score, gold = evaluate.mean(found, "score"), evaluate.mean(found, "gold")
        if score is not None:
            yield Metrics(step, {f"eval/reward_{when}": score})
        if role is REFERENCE:
            yield Result(TrainPolicyResult(reward_before=score, gold_before=gold))
            yield Later(spent)  # the tuned policy will be asked as much
        else:
            kl = evaluate.mean(found, "kl")
            yield Result(TrainPolicyResult(reward_after=score, gold_after=gold, kl=kl))

    def changes(self, tuned: list[Sample]) -> list[Sample]:
        """With how much higher each scores than what the reference wrote from the same chances: both were asked the
        same prompts in the same order."""
        scores = job_samples.scores_before(self.context.project, self.context.job_id)
        return [
            replace(sample, change=sample.score - before) if sample.score is not None and before is not None else sample
            for sample, before in zip(tuned, scores, strict=True)
        ]


def _reward_job(context: JobContext) -> int | None:
    """The run of the reward model that the run began with."""
    job = queue.get(context.project, context.job_id)
    return job.result.reward_job if isinstance(job, TrainPolicyJob) else None


def pinned_prompts(context: JobContext) -> dict[str, list[Prompt]]:
    """The prompts with which the run began, `train` and `heldout`: people go on adding prompts meanwhile."""
    limit = context.config.eval_prompts

    def begin() -> dict[str, list[dict[str, Any]]]:
        found = {
            "train": prompts.listed(context.project, split="train"),
            "heldout": prompts.listed(context.project, split="heldout", limit=limit) if limit else [],
        }
        return {name: [asdict(prompt) for prompt in part] for name, part in found.items()}

    kept = context.pinned(PINNED, begin)
    return {name: [Prompt(**item | {"tags": tuple(item["tags"])}) for item in part] for name, part in kept.items()}


def batch_of(train: list[Prompt], config: TrainPolicyConfig, step: int) -> list[Prompt]:
    """The prompts of one step: passes over shuffled prompts, a function of the seed and the step alone."""
    chosen: list[Prompt] = []
    size = max(1, config.batch_size // config.completions)
    place = step * size
    while len(chosen) < size:
        order = list(train)
        random.Random(f"{config.seed}/{place // len(train)}").shuffle(order)
        part = order[place % len(train) :][: size - len(chosen)]
        chosen += part
        place += len(part)
    return chosen
