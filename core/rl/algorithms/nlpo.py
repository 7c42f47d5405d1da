"""Natural Language Policy Optimization (Ramamurthy et al. 2022, "Is RL (not) for NLP?", arXiv 2210.01241).

PPO whose action space at each state is the top-p set of a masking policy: an older copy of the policy itself, refreshed
every few rollouts. Rollouts are drawn from the policy within the mask, and the ratio is taken within it; the KL penalty
sees the whole distribution, as in RL4LMs.

How we differ from RL4LMs: there the rollouts keep the very first mask for ever, because the refreshed masking policy
never reaches the sampler; here it does. The masks of a rollout are kept as they were drawn, so that the same set is
used in the loss, and the end token may always be drawn.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor

from core.config.options import Settings, option
from core.models.logprobs import FORBIDDEN, predictions
from core.rl.actor import Setup
from core.rl.algorithms import ppo
from core.rl.rollout import POLICY, Rollout

MASK = "masking"


@dataclass(frozen=True)
class Options(Settings):
    """NLPO: Natural Language Policy Optimization (Ramamurthy et al. 2022, arXiv 2210.01241).

    PPO within the top-p tokens of an older copy of the policy: keeps unlikely tokens out.
    """

    LEARNING_RATE: ClassVar[float] = 3e-4
    top_mask: float = option(0.9, "Probability that the masking policy's allowed tokens hold.", low=0.05, high=1)
    mask_refresh: int = option(5, "Rollouts after which the masking policy becomes the policy of then.", low=1)
    fewest_tokens: int = option(10, "Tokens that are always allowed, the likeliest first.", low=1, advanced=True)
    ppo_epochs: int = option(2, "Passes over each batch of rollouts.", low=1, high=20, advanced=True)
    minibatches: int = option(1, "Optimizer steps in one pass.", low=1, high=64, advanced=True)
    cliprange: float = option(0.2, "How far the ratio may move before it is clipped.", low=0.01, high=1, advanced=True)
    value_epochs: int = option(8, "Passes of the value head over each batch.", low=1, high=100, advanced=True)
    value_learning_rate: float = option(1e-3, "Learning rate of the value head.", low=1e-7, high=1, advanced=True)
    cliprange_value: float = option(
        0.0, "How far a value may move before it is clipped; 0 is free.", low=0, high=10, advanced=True, zero="free"
    )
    gamma: float = option(1.0, "Discount of later rewards.", low=0, high=1, advanced=True)
    lam: float = option(0.95, "GAE's lambda: 1 is less biased, 0 less noisy.", low=0, high=1, advanced=True)
    entropy_coef: float = option(0.0, "Bonus for each nat of entropy a token.", low=0, high=1, advanced=True)
    whiten_rewards: bool = option(False, "Scale per-token rewards to standard deviation 1.", advanced=True)
    whiten_advantages: bool = option(True, "Scale advantages to mean 0 and standard deviation 1.", advanced=True)
    target_kl: float = option(
        0.0, "Leave the epochs when the policy has moved this far (approximate KL).", low=0, advanced=True, zero="never"
    )


class TopMask:
    """The guide of one rollout: the policy draws within the masking policy's top-p set, which is kept."""

    def __init__(self, top_mask: float, fewest: int, end_ids: list[int]) -> None:
        self.roles = (MASK,)
        self.top_mask, self.fewest, self.end_ids = top_mask, fewest, end_ids
        self.masks: list[Tensor] = []  # (B, V) bool for each token

    def probabilities(self, logits: Tensor, others: list[Tensor]) -> Tensor:
        allowed = top_set(others[0], self.top_mask, self.fewest, self.end_ids)
        self.masks.append(allowed)
        return logits.masked_fill(~allowed, FORBIDDEN).softmax(-1)


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


class Learner(ppo.Learner):
    options: Options  # type: ignore[assignment]

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.shared.add(MASK, setup.config, seed=setup.config.seed)
        self.shared.copy(POLICY, MASK)
        self._drawing: TopMask | None = None

    def guide(self) -> TopMask:
        options = self.options
        self._drawing = TopMask(options.top_mask, options.fewest_tokens, list(self.shared.base.end_ids))
        return self._drawing

    def update(self, rollout: Rollout, step: int) -> dict[str, float]:
        assert self._drawing is not None, "the rollout was drawn without the mask"
        T = rollout.is_response.shape[1]
        allowed = torch.stack(self._drawing.masks[:T], 1)  # (B, T, V)
        self._drawing = None
        learnt = self.learn(
            rollout, step, self.logp_within(rollout, allowed), lambda policy, index: policy.within(allowed[index])
        )
        size = float((allowed.sum(-1) * rollout.is_response).sum() / rollout.is_response.sum())
        if (step + 1) % self.options.mask_refresh == 0:
            self.shared.copy(POLICY, MASK)
        return learnt | {"policy/mask_size": size}

    @torch.no_grad()
    def logp_within(self, rollout: Rollout, allowed: Tensor) -> Tensor:
        """Log-probabilities (B, T) under the distribution that drew: the policy within the mask."""
        with self.shared.role(POLICY) as causal:
            parts = [
                predictions(causal, rollout.rows.select(index), rollout.temperature).within(allowed[index]).logp
                for index in rollout.rows.chunks(self.config.micro_batch)
            ]
        return torch.cat(parts)

    def save(self, folder: Path) -> None:
        super().save(folder)
        self.shared.save(MASK, folder / MASK)

    def restore(self, folder: Path) -> None:
        super().restore(folder)
        self.shared.reload(MASK, folder / MASK)
