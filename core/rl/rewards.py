"""Where the score of a rollout comes from: the learned reward model, or a gold reward itself."""

from dataclasses import dataclass

import torch

from core import gold as golds
from core.configs import TrainPolicyConfig
from core.errors import BadInput
from core.jobs import queue
from core.models.adapters import SharedModel
from core.reward.model import RewardModel, load_run
from core.store import Project


@dataclass(frozen=True)
class Rewards:
    """`model` is None when the gold reward itself is optimised; `gold` is None when there is none."""

    model: RewardModel | None
    gold: golds.Gold | None
    reward_job: int | None

    def gold_of(self, prompts: list[str], completions: list[str]) -> list[float] | None:
        if self.gold is None:
            return None
        return [self.gold(prompt, completion) for prompt, completion in zip(prompts, completions, strict=True)]

    def score(self, learned: torch.Tensor, gold: list[float] | None) -> torch.Tensor:
        """The reward that is optimised (B,): the learned scores, or the gold ones if there is no model."""
        return learned if self.model is not None or gold is None else torch.tensor(gold, device=learned.device)


def of(project: Project, shared: SharedModel, config: TrainPolicyConfig) -> Rewards:
    """The rewards that a run's config asks for; loads the adapter `reward`."""
    gold = golds.find(config.gold) if config.gold else None
    if config.train_on_gold:
        if gold is None:
            raise BadInput("--train-on-gold needs a gold reward: give one with --gold.")
        return Rewards(None, gold, None)
    job = queue.run_of(project, config.reward_job, "train-reward")
    return Rewards(load_run(shared, project, job.result["adapter"]), gold, job.id)
