"""The job `train-policy`: rollouts, rewards, update, again, until a rule says stop.

The loop knows no algorithm from inside. Every random draw is seeded by its place in the run, and the prompts are
those with which it began, so a resumed run goes on as if it had never been interrupted; on a CPU bit for bit.
"""

import importlib
import json
import time
from collections.abc import Generator, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from core.config.algorithms import LIVE, LearnsFrom
from core.config.metrics import MOST_MISMATCH
from core.config.training import ALGORITHMS, TrainPolicyConfig, TrainPolicyJob, TrainPolicyResult
from core.errors import BadInput, Diverged
from core.events import (
    Checkpoint,
    Event,
    Metrics,
    Note,
    Progress,
    Result,
    Rollback,
    Sample,
    Samples,
    SettingInForce,
    SettingRefused,
)
from core.guidance.run_advice import mismatched
from core.jobs import checkpoint_files, queue
from core.jobs.checkpoint_files import damage, reading
from core.jobs.context import Events, JobContext
from core.models import chat, devices, environment
from core.models.adapters import REFERENCE, SharedModel
from core.models.load import base_of
from core.records import Prompt
from core.reward.reward_function import (
    RewardFunction,
    RewardSpec,
    Weights,
    newest_if_any,
    on_four_bits,
    reward_function,
)
from core.rl import pinned_answers, pretraining, start
from core.rl.actor import Setup
from core.rl.adaptive_kl import LiveSettings, next_kl_coef
from core.rl.collect import Collected, objective
from core.rl.demonstration_source import DemonstrationSource
from core.rl.heldout import HeldOut
from core.rl.learner import BaseLearner
from core.rl.preference_source import PreferenceSource
from core.rl.pretraining import PretrainingMix
from core.rl.reference_answers import ReferenceAnswers
from core.rl.rollout import POLICY
from core.rl.rollout_source import Collector, RolloutSource, Source
from core.rl.stopping import StoppingRules
from core.rl.verdict_source import VerdictSource
from core.runs import live_settings, origins, preflight
from core.runs.pinned_prompts import BEFORE, PINNED, trained_on
from core.store import prompts
from core.store.runs import checkpoints, setting_changes


def run(context: JobContext) -> Events:
    config: TrainPolicyConfig = context.config
    if not context.has_begun:
        preflight.train_policy(context.project, config, processes=context.world.size)
    asked = pinned_prompts(context)
    mixed_in = pretraining.pinned(context)
    pinned_answers.keep_learnt_before(context)
    algorithm = ALGORITHMS[config.algorithm]
    if algorithm.config.DIFFERENTIATES_TWICE and context.world.sharded:
        raise BadInput(
            f"{algorithm.title} differentiates twice, which a base that is spread over "
            "processes does not allow: leave FSDP out, or choose another algorithm."
        )
    spec, weights = _reward(context, needed=not algorithm.offline)
    base = yield from base_of(context, four_bit=on_four_bits(context.project, spec), pinned=True)
    environment.keep(context, base)
    shared = SharedModel(base, context.world, context.report_status)
    try:
        reward = yield from reward_function(context, spec, shared, weights)
        if config.rules_only and not context.resume_from:
            yield Note("The rules alone give the reward: no reward model is asked.")
        yield Result(TrainPolicyResult(
            reward_job=reward.reward_job, reward_sha256=reward.weights.sha256, reward_scale=reward.weights.scale,
        ))  # fmt: skip
        yield from start.begin(context, shared)
        live = LiveSettings.of(config)
        kind: type[BaseLearner] = importlib.import_module(algorithm.module).Learner
        mix = None if mixed_in is None else PretrainingMix(base, config, mixed_in)
        features_of = reward.model.members[0].adapter if reward.model else REFERENCE
        learner = kind(Setup(shared, config, context.options, live, features_of, mix))
        collector = Collector(shared, reward, asked["train"], config, live)
        source = source_of(context, shared, collector, learner)
        heldout = HeldOut(context, shared, reward, asked["heldout"])
        if mix and not context.resume_from:
            yield from map(Note, mix.notes)
        yield from Run(context, shared, learner, live, reward, source, heldout).events()
    finally:
        shared.close()


def source_of(context: JobContext, shared: SharedModel, collector: Collector, learner: BaseLearner) -> Source:
    learns_from = ALGORITHMS[context.config.algorithm].learns_from
    if learns_from is LearnsFrom.RANKINGS:
        return PreferenceSource(context, shared, collector)
    if learns_from is LearnsFrom.ANSWERS:
        return DemonstrationSource(context, shared, collector)
    if learns_from is LearnsFrom.VERDICTS:
        return VerdictSource(context, shared, collector)
    return RolloutSource(collector, learner)


class Trouble(NamedTuple):
    text: str
    last_good: int
    """The last step whose weights are beyond suspicion."""


class Run:
    """One run from its first step, or its last checkpoint, to its end."""

    def __init__(
        self, context: JobContext, shared: SharedModel, learner: BaseLearner, live: LiveSettings,
        reward: RewardFunction, source: Source, heldout: HeldOut,
    ) -> None:  # fmt: skip
        self.context, self.shared, self.learner, self.live = context, shared, learner, live
        self.reward, self.source, self.heldout = reward, source, heldout
        self.config: TrainPolicyConfig = context.config
        self.kind = ALGORITHMS[self.config.algorithm]
        self.step = context.resume_step
        self.known: tuple[int, dict[str, float]] = self.step, {}
        self.stopping = StoppingRules(self.config)
        self.warned = False
        """Was it told that sampler and trainer are apart?"""
        self.knows_of_steps = bool(context.resume_from)
        """Was it told what becomes of rewards for steps?"""
        self.reference_answers = self.known_reference_answers()
        if context.resume_from:
            self.restore(context.resume_from)

    def events(self) -> Iterator[Event]:
        config, context = self.config, self.context
        began = time.monotonic()
        if not context.resume_from:
            for note in [*self.source.notes, *self.learner.notes()]:
                yield Note(note)
            yield from self.heldout.before()
            if found := self.measured():
                yield Metrics(0, found)
                yield Result(TrainPolicyResult(loss_before=found.get("eval/loss")))
            # What a run that goes wrong at once is put back to.
            yield Checkpoint(0, self.save, keep=config.keep_checkpoints)

        stage = f"Tuning the policy ({self.kind.title})"
        yield Progress(self.step, config.steps, stage)
        while self.step < config.steps and not self.stopping.reason():
            yield from self.steer()
            trouble = yield from self.advance()
            if trouble:
                yield from self.back(trouble)
                yield Progress(self.step, config.steps, stage)
                if context.stopping:
                    return
                continue
            ends = self.step == config.steps or self.stopping.reason() is not None
            due = ends or self.step % config.checkpoint_every == 0
            if due or context.wanted != "run":
                best = due and self.stopping.is_best()
                yield Checkpoint(self.step, self.save, best=best, keep=config.keep_checkpoints)
            yield Progress(self.step, config.steps, stage)
            if context.stopping:
                return

        reason = self.stopping.reason() or "maximum of steps"
        after = self.measured(last=True).get("eval/loss")
        yield Result(TrainPolicyResult(steps=self.step, stop_reason=reason, loss_after=after))
        yield from self.heldout.after(self.step)
        yield Result(TrainPolicyResult(seconds=time.monotonic() - began))
        yield Progress(self.step, config.steps, "Done")

    def advance(self) -> Generator[Event, None, Trouble | None]:
        """One step. Returns what went wrong, or None."""
        start = time.monotonic()
        metrics: dict[str, float] = {}
        samples: list[Sample] = []
        try:
            drawn = self.source.next(self.step)
        except Diverged as error:
            return Trouble(str(error).rstrip(".").lower(), max(self.step - 1, 0))
        collected = drawn.collected
        if collected:
            estimator = "k1" if "kl_estimator" in self.kind.unused else self.config.kl_estimator
            found = objective(collected.rollout, collected.kept_gold, self.live.kl_coef, estimator)
            metrics = found | collected.times
            if self.reward.own:
                metrics["objective/unscored"] = float(len(collected.lost) - len(collected.kept))
            samples = self.samples(collected)
        before = time.monotonic()
        if trouble := self.stopping.trouble(metrics):
            return Trouble(trouble, max(self.step - 1, 0))  # it was drawn by what the last update made
        self.context.report_status("Learning")
        try:
            learned = self.learner.update(drawn.batch, self.step)
            trouble = self.stopping.trouble(learned)
        except Diverged as error:
            trouble = str(error).rstrip(".").lower()
        if trouble is not None:
            return Trouble(trouble, self.step)
        now = time.monotonic()
        self.stopping.spend(self.shared.world.agreed(now - start))
        metrics |= learned | {"time/train": now - before, "time/step": now - start, "memory/gb": devices.memory_gb()}
        if collected:
            metrics["time/tokens_per_second"] = float(collected.drawn.is_response.sum()) / (now - start)
            self.look_at(metrics, len(collected.rollout))
        self.step += 1
        metrics |= self.measured()
        yield Metrics(self.step, metrics)
        if (apart := metrics.get("sampling/sampling_logp_difference/mean", 0.0)) > MOST_MISMATCH and not self.warned:
            self.warned = True
            yield Note(f"Step {self.step}: {mismatched(apart)}")
        if collected and collected.drawn.step_rewards is not None:
            yield from self.told_of_steps()
        yield from chat.told(self.shared.base, last=self.step == self.config.steps)
        yield from self.reward.told()
        if samples:
            yield Samples(self.step, tuple(samples))
        return None

    def told_of_steps(self) -> Iterator[Event]:
        """That rewards of steps count as their sum, once, where they do."""
        kind = ALGORITHMS[self.config.algorithm]
        if kind.config.ONE_ACTION and not self.knows_of_steps:
            self.knows_of_steps = True
            yield Note(f"Steps are rewarded, and a completion is one action to {kind.title}: the sum of each counts.")

    def measured(self, *, last: bool = False) -> dict[str, float]:
        """What held-out data say of the policy as it is, asked once."""
        if not last or self.known[0] != self.step or not self.known[1]:
            self.known = self.step, self.source.measure(self.step, last=last)
        return self.known[1]

    def look_at(self, metrics: dict[str, float], completions: int) -> None:
        """What the step's completions say about going on, and about the price of KL."""
        config = self.config
        self.stopping.see(metrics, self.step + 1)
        if config.kl_target:
            self.live.kl_coef = next_kl_coef(
                self.live.kl_coef, metrics["objective/kl"], config.kl_target, completions, config.kl_horizon
            )

    def steer(self) -> Iterator[Event]:
        """Put in force what a person changed since the last step."""
        due = setting_changes.due(self.context.project, self.context.job_id, self.step)
        for change in self.shared.world.agreed(due):
            if self.context.again and change["step"] is None:  # it never was in force
                continue
            name, value = str(change["name"]), float(change["value"])
            if text := live_settings.fault(self.config, name, value):
                yield SettingRefused(int(change["id"]))
                yield Note(f"A change of a setting is left out: {text}")
                continue
            setattr(self.live, name, value)
            if change["step"] is None:
                yield SettingInForce(self.step, int(change["id"]))
            again = "" if change["step"] is None else ", as was asked before"
            yield Note(f"From step {self.step + 1}: {name} = {value:g}{again}.")

    def back(self, trouble: Trouble) -> Iterator[Event]:
        """Go back to the newest checkpoint from before the update that went wrong."""
        written = checkpoints.on_disk(self.context.project, self.context.job_id)
        kept = [(step, folder) for step, folder in written if not damage(folder)]
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
        self.reference_answers = self.known_reference_answers()

    def known_reference_answers(self) -> ReferenceAnswers | None:
        wanted = self.config.reference_answers and self.reward.known
        coming = self.source.coming if isinstance(self.source, RolloutSource) else ()
        return ReferenceAnswers(self.context, self.shared, self.reward, coming) if wanted else None

    def save(self, folder: Path) -> None:
        self.shared.save(POLICY, folder / POLICY)
        self.learner.save(folder)
        state = {"live": asdict(self.live), "watch": self.stopping.state}
        (folder / "loop.json").write_text(json.dumps(state), encoding="utf-8")

    def restore(self, folder: Path) -> None:
        with reading(self.step):
            self.shared.reload(POLICY, folder / POLICY)
            self.learner.restore(folder)
            state = checkpoint_files.note(folder / "loop.json")
            for name in LIVE:
                setattr(self.live, name, float(state["live"][name]))
            self.stopping.restore(state["watch"], self.live.kl_coef)

    def samples(self, collected: Collected) -> list[Sample]:
        """The rollout for people, after the reference's own answers to prompts that are new."""
        rollout, known = collected.drawn, self.reference_answers
        kl, lengths, k = rollout.kl.tolist(), rollout.rows.lengths.tolist(), self.config.completions
        fresh = known.answers(collected.prompts, self.live) if known else []
        found = []
        for i, text in enumerate(rollout.texts):
            prompt, score = collected.prompts[i // k], None if collected.lost[i] else float(rollout.score[i])
            before = known.scores.get(prompt.id) if known else None
            found.append(
                Sample(
                    prompt=prompt.text,
                    prompt_id=prompt.id,
                    completion=text,
                    score=score,
                    gold=None if collected.gold is None else collected.gold[i],
                    kl=kl[i],
                    tokens=lengths[i],
                    change=None if score is None or before is None else score - before,
                )
            )
        return fresh + found


def _reward(context: JobContext, *, needed: bool) -> tuple[RewardSpec, Weights]:
    """The reward, and the weights that it must be of. A run that has begun goes on with those with which it began, or
    with none where it began with none: there may be a newer reward model by now."""
    spec = RewardSpec.of(context.config)
    if not context.has_begun:
        return (spec if needed else newest_if_any(context.project, spec)), Weights()
    job = queue.get(context.project, context.job_id)
    assert isinstance(job, TrainPolicyJob)
    begun = job.result
    if spec.by_our_model and not (needed and begun.reward_job is None):
        spec = spec.with_run(begun.reward_job)
    return spec, Weights(begun.reward_sha256, begun.reward_scale)


def pinned_prompts(context: JobContext) -> dict[str, list[Prompt]]:
    """The prompts with which the run began, `train` and `heldout`: people go on adding prompts meanwhile. What it
    begins from learnt none of those that are held out."""
    limit = context.config.eval_prompts
    start = origins.run_named(context.config.start_from)

    def begin() -> dict[str, list[dict[str, Any]]]:
        before = trained_on(context.project, start) if start is not None else frozenset()
        heldout = prompts.listed(context.project, split="heldout") if limit else []
        fresh = [prompt for prompt in heldout if prompt.id not in before]
        return {
            "train": [prompt.data() for prompt in prompts.listed(context.project, split="train")],
            BEFORE: [{"id": number} for number in sorted(before)],
            "heldout": [prompt.data() for prompt in fresh[:limit]],
        }

    kept = context.pinned(PINNED, begin)
    return {name: list(map(Prompt.read, kept[name])) for name in ("train", "heldout")}
