"""Where the score of a rollout comes from: a weighted sum of a reward model, rules and the user's own functions."""

from collections.abc import Generator
from dataclasses import dataclass

import torch

from core.config.training import TrainPolicyConfig, TrainRewardJob
from core.events import Progress
from core.jobs import queue
from core.jobs.context import JobContext
from core.labeling import gold as golds
from core.labeling.gold import Gold
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
    gold: Gold | None
    reward_job: int | None
    external: ExternalReward | None = None
    model_weight: float = 1.0
    rules: tuple[tuple[float, Gold], ...] = ()
    missing_end_penalty: float = 0.0

    @property
    def known(self) -> bool:
        """Is there anything that gives a score?"""
        return bool(self.model or self.external or self.gold or self.rules)

    def gold_of(self, prompts: list[str], completions: list[str]) -> list[float] | None:
        if self.gold is None:
            return None
        return [self.gold(prompt, completion) for prompt, completion in zip(prompts, completions, strict=True)]

    def score(
        self, learned: torch.Tensor, gold: list[float] | None, prompts: list[str], completions: list[str],
        ended: torch.Tensor,
    ) -> torch.Tensor:  # fmt: skip
        """The reward that is optimised (B,): the learned scores, another model's, or the gold ones if there is neither,
        times their weight; plus what the rules give, less the penalty where a completion has not ended (B,)."""
        total = learned
        if self.external is not None:
            total = torch.tensor(self.external.score(prompts, completions), device=learned.device)
        elif self.model is None and gold is not None:
            total = torch.tensor(gold, device=learned.device)
        rules = self.by_rules(prompts, completions).to(learned.device)
        return self.model_weight * total + rules - self.missing_end_penalty * (~ended).float()

    def by_rules(self, prompts: list[str], completions: list[str]) -> torch.Tensor:
        """What the rules give (B,), with their weights."""
        pairs = list(zip(prompts, completions, strict=True))
        return torch.tensor([sum(weight * rule(*pair) for weight, rule in self.rules) for pair in pairs]).float()


def rules_of(text: str) -> tuple[tuple[float, Gold], ...]:
    """`0.5*sentiment; -0.01*length` as (weight, rule) pairs. Raises `BadInput`; what a rule may be says `gold.HELP`."""
    return tuple((weight, golds.find(name)) for weight, name in golds.rules(text))


def on_four_bits(project: Project, config: TrainPolicyConfig) -> bool:
    """Does the reward model that the config asks for need its base in 4 bits?"""
    if config.train_on_gold or config.reward_model or queue.newest_run(project, TrainRewardJob) is None:
        return False
    return four_bit(queue.run_of(project, config.reward_job, TrainRewardJob))


def of(
    context: JobContext, shared: SharedModel, config: TrainPolicyConfig, *, needed: bool = True
) -> Generator[Progress, None, Rewards]:
    """The rewards that a run's config asks for; loads the adapter `reward`, or the model made elsewhere.

    Unless they are `needed`, there may be none: an algorithm that learns from rankings has nothing to score.
    """
    gold = golds.find(config.gold) if config.gold else None
    terms = (config.model_weight, rules_of(config.rules), config.missing_end_penalty)
    if config.train_on_gold:
        return Rewards(None, gold, None, None, *terms)
    if config.reward_model:
        external = yield from external_of(context, config.reward_model)
        return Rewards(None, gold, None, external, *terms)
    if not needed and not config.reward_job and queue.newest_run(context.project, TrainRewardJob) is None:
        return Rewards(None, gold, None, None, 1.0, *terms[1:])
    job = queue.run_of(context.project, config.reward_job, TrainRewardJob)
    yield Progress(0, 1, "Loading the reward model")
    model = load_run(shared, context.project, job.result.adapter, combine=config.ensemble)
    return Rewards(model, gold, job.id, None, *terms)
