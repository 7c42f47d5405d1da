"""REINFORCE with a baseline: the policy gradient itself (Williams 1992, Machine Learning 8; Sutton et al. 2000).

One step up A log pi for each rollout, so it is on-policy and needs no ratio. The baseline only lowers the variance:
a running mean of earlier returns, the batch's own mean, or a learned V(s_t).
"""

import torch
from torch import Tensor

from core.config.algorithms import Reinforce
from core.models.logprobs import Predictions
from core.rl.batches import Rollout
from core.rl.critic import Critic
from core.rl.estimators import masked_mean, returns_to_go, token_rewards, whiten
from core.rl.on_policy import OnPolicyLearner


class Learner(OnPolicyLearner):
    options: Reinforce
    critic: Critic

    def update(self, rollout: Rollout, step: int) -> dict[str, float]:
        options, mask = self.options, rollout.is_response
        rate = self.actor.schedule(self.progress(step))
        if options.baseline == "value" and self.critic.fresh:
            self.critic.initialise(rollout.score)
        kl = rollout.charged_kl(self.config.kl_estimator)
        rewards = token_rewards(kl, rollout.score, mask, self.reward_kl_coef, rollout.step_rewards)
        returns = returns_to_go(rewards, mask, options.gamma)  # (B, T)
        baseline = self.baseline(rollout, returns)
        advantages = (returns - baseline) * mask
        if options.whiten_advantages:
            advantages = whiten(advantages, rollout.in_loss)

        def loss(policy: Predictions, index: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
            return self.with_kl(-advantages[index] * policy.logp, policy, rollout, index), {}

        learnt = self.actor.descend(rollout, self.actor.batches(rollout)[0], loss)
        if options.baseline == "value":
            learnt |= self.critic.fit(rollout, baseline, returns, returns, step=step)
        return learnt | {"lr": rate}

    def baseline(self, rollout: Rollout, returns: Tensor) -> Tensor:
        """b (B, T) or a number; the running mean holds only returns of earlier rollouts, except for the very first."""
        if self.options.baseline == "value":
            return self.critic.values(rollout)
        mean = masked_mean(returns, rollout.is_response)
        if self.options.baseline == "batch":
            return mean
        before = self.state.get("running", float(mean))
        self.state["running"] = self.options.decay * before + (1 - self.options.decay) * float(mean)
        return torch.tensor(before, device=returns.device)
