"""Natural Language Policy Optimization (Ramamurthy et al. 2022, "Is RL (not) for NLP?", arXiv 2210.01241).

PPO whose action space at each state is the top-p set of a masking policy: an older copy of the policy itself, refreshed
every few rollouts. Rollouts are drawn from the policy within the mask, and the ratio is taken within it; the KL penalty
sees the whole distribution, as in RL4LMs; `objective/kl`, to which a KL target steers, is that of what drew. A trained
policy is drawn from within the mask of its checkpoint (see `core.models.drawing`).

How we differ from RL4LMs: there the rollouts keep the very first mask for ever, because the refreshed masking policy
never reaches the sampler; here it does. The masks of a rollout are kept as they were drawn, so that the same set is
used in the loss, and the end token may always be drawn.
"""

from pathlib import Path

import torch
from torch import Tensor

from core.config.algorithms import MASKING, NLPO
from core.models.guides import TopMask
from core.models.logprobs import Predictions, predictions
from core.rl.actor import Setup
from core.rl.algorithms import ppo
from core.rl.batches import Rollout
from core.rl.rollout import POLICY

MASK = MASKING


class Learner(ppo.Learner):
    """PPO's advantages, epochs and value loss; the surrogate is taken within the mask."""

    options: NLPO

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.shared.add_like(MASK, POLICY, seed=setup.config.seed)
        self.shared.copy(POLICY, MASK)
        self.drawing: TopMask | None = None

    def guide(self) -> TopMask:
        self.drawing = TopMask(self.options.drawn_within, self.shared.base.end_ids, MASK, keep=True)
        return self.drawing

    def update(self, rollout: Rollout, step: int) -> dict[str, float]:
        assert self.drawing is not None, "the rollout was drawn without the mask"
        allowed = torch.stack(self.drawing.masks[: rollout.is_response.shape[1]], 1)
        allowed = allowed if rollout.places is None else allowed[rollout.places]  # (B, T, V)
        self.drawing = None
        values = self.values(rollout)
        advantages, returns = self.advantages(rollout, values)
        # What the first look at a whole rollout says is that of the policy which drew it.
        first_says = self.options.learns_from_fresh
        logp_old = torch.zeros_like(rollout.logp_old) if first_says else self.logp_within(rollout, allowed)
        seen_before = torch.full_like(rollout.kept, not first_says)

        def surrogate(policy: Predictions, index: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
            inside = policy.within(allowed[index])
            if not seen_before[index].any():
                logp_old[index], seen_before[index] = inside.logp.detach(), True
            losses, seen = ppo.clipped_surrogate(inside, logp_old[index], advantages[index], self.options)
            return self.with_kl(losses, policy, rollout, index), seen

        learnt = self.improve(rollout, surrogate, step) | self.fit_values(rollout, values, returns, step)
        if (step + 1) % self.options.mask_refresh == 0:
            self.shared.copy(POLICY, MASK)
        size = float((allowed.sum(-1) * rollout.is_response).sum() / rollout.is_response.sum())
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
