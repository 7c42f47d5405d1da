"""Where the score of a rollout comes from: the learned reward model, or a gold reward itself."""

from collections.abc import Generator
from dataclasses import dataclass

import torch

from core import gold as golds
from core.configs import TrainPolicyConfig
from core.errors import BadInput
from core.events import Progress
from core.jobs import queue
from core.jobs.context import JobContext
from core.models.adapters import SharedModel
from core.reward.external import ExternalReward, external_of
from core.reward.judge import four_bit
from core.reward.model import RewardModel, load_run
from core.store import Project


@dataclass(frozen=True)
class Rewards:
    """`model` is None when the gold reward itself, or a reward model made elsewhere, is optimised; `gold` is None when
    there is none."""

    model: RewardModel | None
    gold: golds.Gold | None
    reward_job: int | None
    external: ExternalReward | None = None

    @property
    def known(self) -> bool:
        """Is there anything that gives a score?"""
        return self.model is not None or self.external is not None or self.gold is not None

    def gold_of(self, prompts: list[str], completions: list[str]) -> list[float] | None:
        if self.gold is None:
            return None
        return [self.gold(prompt, completion) for prompt, completion in zip(prompts, completions, strict=True)]

    def score(
        self, learned: torch.Tensor, gold: list[float] | None, prompts: list[str], completions: list[str]
    ) -> torch.Tensor:
        """The reward that is optimised (B,): the learned scores, another model's, or the gold ones if there is none."""
        if self.external is not None:
            return torch.tensor(self.external.score(prompts, completions), device=learned.device)
        return learned if self.model is not None or gold is None else torch.tensor(gold, device=learned.device)


def on_four_bits(project: Project, config: TrainPolicyConfig) -> bool:
    """Does the reward model that the config asks for need its base in 4 bits?"""
    if config.train_on_gold or config.reward_model:
        return False
    return four_bit(queue.run_of(project, config.reward_job, "train-reward"))


def of(context: JobContext, shared: SharedModel, config: TrainPolicyConfig) -> Generator[Progress, None, Rewards]:
    """The rewards that a run's config asks for; loads the adapter `reward`, or the model made elsewhere."""
    gold = golds.find(config.gold) if config.gold else None
    if config.train_on_gold:
        if gold is None:
            raise BadInput("--train-on-gold needs a gold reward: give one with --gold.")
        return Rewards(None, gold, None)
    if config.reward_model:
        if config.reward_job:
            raise BadInput("Give either --reward-job or --reward-model, not both.")
        return Rewards(None, gold, None, (yield from external_of(context, config.reward_model)))
    job = queue.run_of(context.project, config.reward_job, "train-reward")
    model = load_run(shared, context.project, job.result["adapter"], combine=config.ensemble)
    return Rewards(model, gold, job.id)
