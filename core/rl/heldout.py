"""How the policy does on prompts that it was not trained on, before and after training."""

import time
from collections.abc import Iterator
from dataclasses import replace

from core.config.algorithms import MASKING
from core.config.training import TrainPolicyConfig, TrainPolicyResult
from core.events import Event, Later, Metrics, Progress, Result, Sample, Samples
from core.jobs.context import JobContext
from core.models import chat, drawing, guides
from core.models.adapters import REFERENCE, SharedModel
from core.records import Prompt
from core.reward.reward_function import RewardFunction
from core.rl import evaluate
from core.rl.rollout import POLICY
from core.runs import origins
from core.store.runs import job_samples

COPIES = 4

#: Before the first step nobody knows how long the steps take.
UNKNOWN = -1.0


class HeldOut:
    """The held-out prompts of a run, answered by the policy before its first step and by the tuned one, from the same
    chances."""

    def __init__(self, context: JobContext, shared: SharedModel, reward: RewardFunction, prompts: list[Prompt]) -> None:
        self.context, self.shared, self.reward, self.prompts = context, shared, reward, prompts
        self.config: TrainPolicyConfig = context.config
        self.guide = guides.trained(
            drawing.within_of(context.options), shared.base.end_ids, mask=MASKING, reference=REFERENCE
        )
        """What the tuned policy answers within."""

    def before(self) -> Iterator[Event]:
        """Answer the prompts as the policy does before its first step, which is the reference unless that was chosen
        otherwise, and say how well."""
        if origins.starts_at_reference(self.config):
            return self._evaluate(REFERENCE, 0, "before", "reference", "Measuring the reference")
        return self._evaluate(POLICY, 0, "before", "start", "Measuring where the policy begins")

    def after(self, steps: int) -> Iterator[Event]:
        """Answer the prompts with the tuned policy, and say how well. These answers belong to no checkpoint, so that a
        run that is killed meanwhile forgets them."""
        return self._evaluate(POLICY, steps + 1, "after", "tuned", "Measuring the tuned policy")

    def _evaluate(self, role: str | None, step: int, when: str, name: str, stage: str) -> Iterator[Event]:
        if not self.prompts:
            return
        total = COPIES * len(self.prompts)
        yield Later(0.0 if when == "after" else UNKNOWN)
        yield Progress(0, total, stage)
        config, found, spent, began = self.config, list[Sample](), 0.0, time.monotonic()
        for part in evaluate.batches(
            self.shared, role, [(prompt.id, prompt.conversation) for prompt in self.prompts], self.reward, name=name,
            copies=COPIES, max_new_tokens=config.max_new_tokens, temperature=config.temperature,
            seed=config.seed, micro_batch=config.micro_batch, guide=None if role is REFERENCE else self.guide,
        ):  # fmt: skip
            found += part
            spent += time.monotonic() - began
            yield from chat.told(self.shared.base)
            yield Progress(len(found), total, stage)
            began = time.monotonic()  # it may have been paused
        if when == "after":
            found = self.changes(found)
        yield Samples(step, tuple(found))
        yield from evaluate.unscored(found, self.reward)
        score, gold = evaluate.mean(found, "score"), evaluate.mean(found, "gold")
        if score is not None:
            yield Metrics(step, {f"eval/reward_{when}": score})
        if when == "before":
            yield Result(TrainPolicyResult(reward_before=score, gold_before=gold, from_start=role is not REFERENCE))
            yield Later(spent)  # the tuned policy will be asked as much
        else:
            kl = evaluate.mean(found, "kl")
            yield Result(TrainPolicyResult(reward_after=score, gold_after=gold, kl=kl))

    def changes(self, tuned: list[Sample]) -> list[Sample]:
        """With how much higher each scores than what was written before from the same chances: both were asked the
        same prompts in the same order."""
        scores = job_samples.scores_before(self.context.project, self.context.job_id)
        return [
            replace(sample, change=sample.score - before) if sample.score is not None and before is not None else sample
            for sample, before in zip(tuned, scores, strict=True)
        ]
