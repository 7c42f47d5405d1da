"""A fresh reward model and whole steps of its training, for tests and benchmarks."""

from collections.abc import Sequence

import torch

from core.config.training import LoraConfig, TrainRewardConfig
from core.models.adapters import SharedModel
from core.preferences.pairs import OVERALL
from core.reward.examples import Example
from core.reward.model import ADAPTER, Member, RewardModel, encode
from core.reward.update import own_gradients, put_together, step


def fresh_model(
    shared: SharedModel, config: LoraConfig, *, seed: int, columns: Sequence[str] = (OVERALL,), head_init="normal"
) -> RewardModel:
    """A reward model of one member that has learnt nothing."""
    model = RewardModel(shared, columns)
    model.add(ADAPTER, config, seed=seed, head_init=head_init)
    return model


def update(
    model: RewardModel, member: Member, optimizer: torch.optim.Optimizer, batch: Sequence[Example],
    config: TrainRewardConfig, tokens: int,
) -> dict[str, float]:  # fmt: skip
    """Learn from a batch, no pass over more than `tokens`."""
    metrics = put_together(model, member, own_gradients(model, member, batch, config, tokens))
    step(optimizer, metrics)
    return metrics


def scores(model: RewardModel, prompt: str, completions: Sequence[str]) -> list[float]:
    """Rewards of completions of one prompt, in standard deviations of the reference's completions."""
    ids, answers = encode(model.shared.base, prompt, completions)
    return model.reward(model.raw_scores([ids], [answers])[0]).tolist()
