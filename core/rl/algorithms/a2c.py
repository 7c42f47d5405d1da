"""Advantage Actor-Critic, the synchronous form of A3C (Mnih et al. 2016, arXiv 1602.01783).

The critic's value is the baseline and bootstraps the return; actor and critic take one step for each rollout. It is
PPO with one pass, one minibatch and no clip (Huang et al. 2022, arXiv 2205.09123).
"""

from torch import Tensor

from core.config.algorithms import A2C
from core.models.logprobs import Predictions
from core.rl.algorithms.ppo import gae
from core.rl.batches import Rollout
from core.rl.critic import Critic
from core.rl.estimators import returns_to_go, token_rewards, whiten
from core.rl.on_policy import OnPolicyLearner


class Learner(OnPolicyLearner):
    options: A2C
    critic: Critic

    def update(self, rollout: Rollout, step: int) -> dict[str, float]:
        options, mask = self.options, rollout.is_response
        rate = self.actor.schedule(self.progress(step))
        if self.critic.fresh:
            self.critic.initialise(rollout.score)
        kl = rollout.charged_kl(self.config.kl_estimator)
        rewards = token_rewards(kl, rollout.score, mask, self.reward_kl_coef, rollout.step_rewards)
        drawn = returns_to_go(rewards, mask, options.gamma)
        values = self.critic.values(rollout)
        advantages, returns = gae(rewards, values, mask, options.gamma, options.lam)
        if options.whiten_advantages:
            advantages = whiten(advantages, rollout.in_loss)

        def loss(policy: Predictions, index: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
            gain = advantages[index] * policy.logp
            losses = -(gain + options.entropy_coef * policy.entropy if options.entropy_coef else gain)
            return self.with_kl(losses, policy, rollout, index), {}

        actor = self.actor.descend(rollout, self.actor.batches(rollout)[0], loss)
        return actor | self.critic.fit(rollout, values, returns, drawn, step=step) | {"lr": rate}
