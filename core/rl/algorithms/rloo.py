"""REINFORCE Leave-One-Out (Ahmadian et al. 2024, "Back to Basics", arXiv 2402.14740; Kool et al. 2019).

A completion is one action with one reward, KL penalty included; its baseline is the mean reward of the other
completions of the same prompt. Nothing has to be learned but the policy.
"""

import torch
from torch import Tensor

from core.config.algorithms import RLOO
from core.models.logprobs import Predictions
from core.rl.actor import mean_of
from core.rl.batches import Rollout
from core.rl.estimators import leave_one_out, ratio
from core.rl.on_policy import OnPolicyLearner


class Learner(OnPolicyLearner):
    options: RLOO

    def update(self, rollout: Rollout, step: int) -> dict[str, float]:
        options, clip = self.options, self.options.cliprange
        rate = self.actor.schedule(self.progress(step))
        reward = rollout.score - self.reward_kl_coef * rollout.charged_kl(self.config.kl_estimator).sum(1)  # (B,)
        advantages = leave_one_out(reward, rollout.group)
        if options.normalize_advantages:
            spread = advantages.std() if len(advantages) > 1 else 0.0  # of one alone there is none
            advantages = advantages / (spread + 1e-8)

        def loss(policy: Predictions, index: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
            A, r = advantages[index], ratio(policy.logp.sum(1), rollout.logp_old[index].sum(1))  # (b,)
            unclipped, clipped = -A * r, -A * r.clamp(1 - clip, 1 + clip)
            losses = at_first_token(torch.maximum(unclipped, clipped), policy.logp)
            return self.with_kl(losses, policy, rollout, index), {
                "policy/approxkl_avg": 0.5 * (policy.logp - rollout.logp_old[index]).square(),
                "policy/clipfrac_avg": (clipped > unclipped).float()[:, None].expand_as(policy.logp),
                "val/ratio": r[:, None].expand_as(policy.logp),
            }

        batch = self.actor.batches(rollout)[0]
        seen = [self.actor.descend(rollout, batch, loss, per_completion=True) for _ in self.passes(options.passes)]
        return mean_of(seen) | {"lr": rate}


def at_first_token(values: Tensor, like: Tensor) -> Tensor:
    """Numbers of completions (b,) as a loss for each token (b, T) with the same sum."""
    return torch.cat([values[:, None], torch.zeros_like(like[:, 1:])], 1)
