"""Advantage Actor-Critic, the synchronous form of A3C (Mnih et al. 2016, arXiv 1602.01783).

The critic's value is the baseline and bootstraps the return; actor and critic take one step for each rollout. It is
PPO with one pass, one minibatch and no clip (Huang et al. 2022, arXiv 2205.09123).
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from core.config.options import Settings, option
from core.models.logprobs import Predictions
from core.rl.actor import Critic, Setup
from core.rl.estimators import gae, token_rewards, whiten
from core.rl.learner import BaseLearner
from core.rl.rollout import Rollout


@dataclass(frozen=True)
class Options(Settings):
    """A2C: Advantage Actor-Critic (Mnih et al. 2016, arXiv 1602.01783).

    Actor and critic take one step each: PPO without its clip.
    """

    LEARNING_RATE: ClassVar[float] = 6e-4
    gamma: float = option(1.0, "Discount of later rewards.", low=0, high=1, advanced=True)
    lam: float = option(0.95, "GAE's lambda: 1 is less biased, 0 less noisy.", low=0, high=1, advanced=True)
    entropy_coef: float = option(0.0, "Bonus for each nat of entropy a token.", low=0, high=1, advanced=True)
    whiten_advantages: bool = option(True, "Scale advantages to mean 0 and standard deviation 1.", advanced=True)
    value_epochs: int = option(8, "Passes of the value head over each batch.", low=1, high=100, advanced=True)
    value_learning_rate: float = option(1e-3, "Learning rate of the value head.", low=1e-7, high=1, advanced=True)


class Learner(BaseLearner):
    options: Options
    critic: Critic

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.critic = Critic(setup, self.options.value_learning_rate)

    def update(self, rollout: Rollout, step: int) -> dict[str, float]:
        options, mask = self.options, rollout.is_response
        rate = self.actor.schedule(self.progress(step))
        rewards = token_rewards(self.charged_kl(rollout), rollout.score, mask, self.live.kl_coef)
        advantages, returns = gae(rewards, self.critic.values(rollout), mask, options.gamma, options.lam)
        if options.whiten_advantages:
            advantages = whiten(advantages, mask)

        def loss(policy: Predictions, index: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
            gain = advantages[index] * policy.logp
            return -(gain + options.entropy_coef * policy.entropy if options.entropy_coef else gain), {}

        actor = self.actor.descend(rollout, self.actor.batches(rollout)[0], loss)
        return actor | self.critic.fit(rollout, returns, options.value_epochs) | {"lr": rate}
