"""What has a say in each draw, beside the policy: parts of the vocabulary that an algorithm learns within.

What was learnt within a part of the vocabulary is another policy without it, so whoever draws from such a run takes the
same guide: rollouts, held-out evaluation, `generate` and Compare (see `core.models.drawing`).
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from core.config.algorithms import Candidates, TopSet
from core.models.logprobs import FORBIDDEN


class TopMask:
    """The policy within the tokens that hold most of what another role, the mask, says (NLPO).

    With `keep` each draw's allowed tokens are remembered in `masks`, for whoever learns from the draws.
    """

    def __init__(self, allowed: TopSet, end_ids: Sequence[int], mask: str, *, keep: bool = False) -> None:
        self.roles = (mask,)
        self.allowed, self.end_ids, self.keep = allowed, list(end_ids), keep
        self.masks: list[Tensor] = []  # (B, V) bool for each token

    def probabilities(self, logits: Tensor, others: list[Tensor]) -> Tensor:
        allowed = top_set(others[0], self.allowed.share, self.allowed.fewest, self.end_ids)
        if self.keep:
            self.masks.append(allowed)
        return logits.masked_fill(~allowed, FORBIDDEN).softmax(-1)


class Exploration:
    """The policy within the reference's candidates, and with probability `epsilon` the reference itself (DQN)."""

    def __init__(self, epsilon: float, candidates: int, end_ids: Sequence[int], reference: str | None = None) -> None:
        self.roles = (reference,)
        self.epsilon, self.candidates, self.end_ids = epsilon, candidates, list(end_ids)

    def probabilities(self, logits: Tensor, others: list[Tensor]) -> Tensor:
        inside = is_candidate(others[0], self.candidates, self.end_ids)
        inner = logits.masked_fill(~inside, FORBIDDEN).softmax(-1)
        return (1 - self.epsilon) * inner + self.epsilon * others[0].softmax(-1)


def top_set(logits: Tensor, top_p: float, fewest: int, end_ids: list[int]) -> Tensor:
    """The fewest likeliest tokens that hold `top_p` of the probability, at least `fewest`, and the end tokens:
    logits (..., V) -> bool (..., V)."""
    if top_p >= 1:  # rounding would leave some out
        return torch.ones_like(logits, dtype=torch.bool)
    ordered, order = logits.softmax(-1).sort(-1, descending=True)
    before = ordered.cumsum(-1) - ordered  # probability of everything likelier
    kept = before < top_p
    kept[..., :fewest] = True
    allowed = torch.zeros_like(kept).scatter(-1, order, kept)
    allowed[..., end_ids] = True
    return allowed


def candidate_ids(logits: Tensor, count: int, end_ids: list[int]) -> Tensor:
    """The `count` likeliest tokens with the end token among them: logits (..., V) -> ids (..., count)."""
    first = logits.clone()
    first[..., end_ids[:1]] = float("inf")
    return first.topk(min(count, logits.shape[-1]), -1).indices


def is_candidate(logits: Tensor, count: int, end_ids: list[int]) -> Tensor:
    """The same as a mask (..., V)."""
    found = torch.zeros_like(logits, dtype=torch.bool)
    return found.scatter_(-1, candidate_ids(logits, count, end_ids), True)


def trained(
    within: TopSet | Candidates | None, end_ids: Sequence[int], *, mask: str, reference: str | None
) -> TopMask | Exploration | None:
    """The guide of a policy that learns no more: nothing is explored.

    `mask` and `reference` are the roles of the masking policy and of the run's reference.
    """
    if isinstance(within, TopSet):
        return TopMask(within, end_ids, mask)
    return None if within is None else Exploration(0.0, within.count, end_ids, reference)
