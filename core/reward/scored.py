"""Examples as a reward model scored them: whatever is measured of them, they go through the model once."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from core.reward.encoding import blocks
from core.reward.examples import Example, Order
from core.reward.model import Member, RewardModel


@dataclass(frozen=True)
class Scored:
    """An example without its tokens: raw scores (N, C) of its completions, on the CPU, and how many tokens each has,
    with the end."""

    prompt_id: int
    completion_ids: tuple[int, ...]
    lengths: tuple[int, ...]
    orders: tuple[Order, ...]
    raw: Tensor

    def without(self, per_token: Tensor) -> "Scored":
        """With so much (C,) taken off for each token, as `core.models.heads.RewardHead` does."""
        return replace(self, raw=self.raw - torch.tensor(self.lengths)[:, None] * per_token.cpu())


def score(model: RewardModel, member: Member, chosen: Iterable[Example]) -> list[Scored]:
    """What one member says of them, in their order."""
    found = list[Scored]()
    for block in blocks(chosen):
        prompts, answers = [example.prompt for example in block], [example.answers for example in block]
        found += (
            Scored(each.prompt_id, each.completion_ids, tuple(map(len, each.answers)), each.orders, scores[0])
            for each, scores in zip(block, model.raw_scores(prompts, answers, only=member), strict=True)
        )
    return found
