"""Rollouts as batches to learn from: the prompts of a step, answered by the policy as it is now."""

import random
from dataclasses import dataclass
from typing import Protocol

from core.config.training import TrainPolicyConfig
from core.models.adapters import SharedModel
from core.models.draws import Guide
from core.records import Prompt
from core.reward.reward_function import RewardFunction
from core.rl.actor import CachedPredictions
from core.rl.adaptive_kl import LiveSettings
from core.rl.batches import Batch
from core.rl.collect import Collected, Unrewarded, collect
from core.rl.learner import BaseLearner

#: A policy that learns from what is stored is measured once in so many steps.
MEASURE_EVERY = 5


@dataclass(frozen=True)
class Drawn:
    """What a step has: a batch to learn from, and what was collected from the policy, if anything was."""

    batch: Batch
    collected: Collected | None


class Source(Protocol):
    """Where the loop takes its batches from."""

    notes: list[str]
    """What is to be said before the first step."""

    def next(self, step: int) -> Drawn:
        """What step number `step`, counted from 0, learns from. Raises `Diverged`."""
        ...

    def measure(self, step: int, *, last: bool = False) -> dict[str, float]:
        """What held-out data say of the policy after so many steps, where that is due; it always is at the last."""
        ...


@dataclass(frozen=True)
class Collector:
    """Draws and scores the completions of any step."""

    shared: SharedModel
    reward: RewardFunction
    prompts: list[Prompt]
    config: TrainPolicyConfig
    live: LiveSettings

    def collect(
        self, step: int, guide: Guide | None = None, *, learns: bool = False, states: bool = True
    ) -> tuple[Collected, CachedPredictions | None]:
        """See `core.rl.collect`."""
        chosen = batch_of(self.prompts, self.config, step)
        return collect(
            self.shared, self.reward, chosen, self.config, self.live, step, guide, learns=learns, states=states
        )

    def now_and_then(self, step: int) -> Collected | None:
        """What is drawn only to measure a policy that learns from what is stored, in the steps in which it is and where
        there is a reward."""
        if step % MEASURE_EVERY or not self.reward.known:
            return None
        try:
            return self.collect(step, states=False)[0]
        except Unrewarded:  # nothing is learnt from it
            return None


class RolloutSource:
    """Every step learns from what the policy has just said."""

    def __init__(self, collector: Collector, learner: BaseLearner) -> None:
        self.collector, self.learner = collector, learner
        self.notes: list[str] = []

    @property
    def coming(self) -> list[Prompt]:
        """The prompts in the order in which they first come up, as far as the run goes."""
        config = self.collector.config
        return order_of_pass(self.collector.prompts, config, 0)[: config.steps * prompts_of_step(config)]

    def next(self, step: int) -> Drawn:
        options, guide = self.learner.options, self.learner.guide()
        found, cached_predictions = self.collector.collect(
            step, guide, learns=options.learns_from_fresh, states=options.reads_states
        )
        self.learner.actor.reuse(cached_predictions)
        return Drawn(found.rollout, found)

    def measure(self, step: int, *, last: bool = False) -> dict[str, float]:
        return {}


def batch_of(train: list[Prompt], config: TrainPolicyConfig, step: int) -> list[Prompt]:
    """The prompts of one step: passes over shuffled prompts, a function of the seed and the step alone."""
    chosen: list[Prompt] = []
    size = prompts_of_step(config)
    place = step * size
    while len(chosen) < size:
        order = order_of_pass(train, config, place // len(train))
        part = order[place % len(train) :][: size - len(chosen)]
        chosen += part
        place += len(part)
    return chosen


def prompts_of_step(config: TrainPolicyConfig) -> int:
    """How many there are in a step."""
    return max(1, config.batch_size // config.completions)


def order_of_pass(train: list[Prompt], config: TrainPolicyConfig, number: int) -> list[Prompt]:
    """The prompts in the order of one pass."""
    order = list(train)
    random.Random(f"{config.seed}/{number}").shuffle(order)
    return order
