"""Group Relative Policy Optimization (Shao et al. 2024, DeepSeekMath, arXiv 2402.03300).

PPO's clipped surrogate without a critic: a completion's advantage is its reward's distance from the mean of its
group, in the group's standard deviations, for each of its tokens. Corrections of later work are options: token means
over the batch (DAPO, Yu et al. 2025, arXiv 2503.14476), and Dr. GRPO (Liu et al. 2025, arXiv 2503.20783), which takes
both normalisers away: `scale` none, and `average` by length, where each completion's sum over its tokens is divided by
the same number whatever its length. That number is the most tokens that a completion may have. DAPO also lets a ratio
rise further than it may fall, so that unlikely tokens can be learnt: `cliprange_high`. GSPO (Zheng et al. 2025,
arXiv 2507.18071) clips a completion's ratio as a whole, the geometric mean of its tokens': `importance_sampling_level`
sequence; the paper's own loss is that with `average` by completions.
"""

import torch
from torch import Tensor

from core.config.algorithms import GRPO
from core.models.logprobs import Predictions
from core.rl.actor import mean_of
from core.rl.batches import Rollout
from core.rl.estimators import group_mean, ratio
from core.rl.on_policy import OnPolicyLearner


class Learner(OnPolicyLearner):
    options: GRPO

    def update(self, rollout: Rollout, step: int) -> dict[str, float]:
        options = self.options
        lowest, highest = 1 - options.cliprange, 1 + (options.cliprange_high or options.cliprange)
        rate = self.actor.schedule(self.progress(step))
        reward = rollout.score - self.reward_kl_coef * rollout.charged_kl(self.config.kl_estimator).sum(1)  # (B,)
        advantages, flat = group_advantages(reward, rollout.group, scaled=options.scale == "deviation")
        lengths = rollout.rows.lengths

        def loss(policy: Predictions, index: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
            A, r = advantages[index, None], ratio(policy.logp, rollout.logp_old[index])
            if options.importance_sampling_level == "sequence":
                n = lengths[index]
                r = ratio(policy.logp.sum(1) / n, rollout.logp_old[index].sum(1) / n)[:, None].expand_as(r)
            unclipped, clipped = -A * r, -A * r.clamp(lowest, highest)
            losses = self.with_kl(torch.maximum(unclipped, clipped), policy, rollout, index)
            if options.average == "completions":
                losses = losses / lengths[index, None]
            elif options.average == "length":
                losses = losses / self.config.max_new_tokens
            return losses, {
                "policy/approxkl_avg": 0.5 * (policy.logp - rollout.logp_old[index]).square(),
                "policy/clipfrac_avg": (clipped > unclipped).float(),
                "val/ratio": r,
            }

        batch, each = self.actor.batches(rollout)[0], options.average != "tokens"
        seen = [self.actor.descend(rollout, batch, loss, per_completion=each) for _ in self.passes(options.passes)]
        return mean_of(seen) | {"frac_reward_zero_std": flat, "lr": rate}


def group_advantages(reward: Tensor, group: Tensor, *, scaled: bool) -> tuple[Tensor, float]:
    """(R - mean) / (std + 1e-4) within groups (B,), with Bessel's correction; and the share without any spread."""
    centred = reward - group_mean(reward, group)
    k = group.bincount()[group].float()
    std = (group_mean(centred.square(), group) * k / (k - 1).clamp(min=1)).sqrt()
    lowest, highest = (
        torch.zeros_like(std[: int(group.max()) + 1]).scatter_reduce(0, group, reward, way, include_self=False)
        for way in ("amin", "amax")
    )
    return (centred / (std + 1e-4) if scaled else centred), float((lowest == highest).float().mean())
