"""How the policy does on prompts that it was not trained on, before and after training."""

import time
from collections.abc import Iterator
from dataclasses import replace

from core.config.job_configs import TrainPolicyConfig
from core.events import Event, Metrics, Progress, Result, Sample, Samples
from core.jobs.context import JobContext
from core.models.adapters import REFERENCE, SharedModel
from core.records import LATER, Prompt
from core.reward.reward_function import RewardFunction
from core.rl import evaluate

COPIES = 4


class HeldOut:
    """The held-out prompts of a run, answered by the reference and by the tuned policy from the same chances."""

    def __init__(self, context: JobContext, shared: SharedModel, reward: RewardFunction, prompts: list[Prompt]) -> None:
        self.context, self.shared, self.reward, self.prompts = context, shared, reward, prompts
        self.config: TrainPolicyConfig = context.config

    def evaluate(self, role: str | None, at_step: int) -> Iterator[Event]:
        """Answer the prompts, and say how well; the tuned policy's answers belong to no checkpoint, so that a run that
        is killed meanwhile forgets them."""
        if not self.prompts:
            return
        step = at_step if role is REFERENCE else at_step + 1
        when, name = ("before", "reference") if role is REFERENCE else ("after", "tuned")
        stage = f"Measuring the {'reference' if role is REFERENCE else 'tuned policy'}"
        total = COPIES * len(self.prompts)
        yield Result({LATER: 0.0})
        yield Progress(0, total, stage)
        config, found, spent, began = self.config, list[Sample](), 0.0, time.monotonic()
        for part in evaluate.batches(
            self.shared, role, [(prompt.id, prompt.text) for prompt in self.prompts], self.reward, name=name,
            copies=COPIES, max_new_tokens=config.max_new_tokens, temperature=config.temperature,
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
        yield Result({f"reward_{when}": score, f"gold_{when}": gold})
        if role is REFERENCE:
            yield Result({LATER: spent})  # the tuned policy will be asked as much
        else:
            yield Result({"kl": evaluate.mean(found, "kl")})

    def changes(self, tuned: list[Sample]) -> list[Sample]:
        """With how much higher each scores than what the reference wrote from the same chances: both were asked the
        same prompts in the same order."""
        rows = self.context.project.rows(
            "select score from samples where job_id = ? and step = 0 order by id", self.context.job_id
        )
        return [
            replace(sample, change=sample.score - row["score"])
            if sample.score is not None and row["score"] is not None
            else sample
            for sample, row in zip(tuned, rows, strict=True)
        ]
