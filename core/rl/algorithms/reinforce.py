"""REINFORCE with a baseline: the policy gradient itself (Williams 1992, Machine Learning 8; Sutton et al. 2000).

One step up A log pi for each rollout, so it is on-policy and needs no ratio. The baseline only lowers the variance:
a running mean of earlier returns, the batch's own mean, or a learned V(s_t).
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from core.config.options import Settings, option
from core.models.logprobs import Predictions
from core.rl.actor import Critic, Setup
from core.rl.estimators import masked_mean, returns_to_go, token_rewards, whiten
from core.rl.learner import BaseLearner
from core.rl.rollout import Rollout


@dataclass(frozen=True)
class Options(Settings):
    """REINFORCE: the policy gradient with a baseline (Williams 1992).

    One step for each rollout: what the rest is built on.
    """

    LEARNING_RATE: ClassVar[float] = 6e-4
    baseline: str = option(
        "value",
        "What a return is compared with: a learned value, a running mean of earlier returns, or the batch's mean.",
        choices=("value", "running", "batch"),
    )
    decay: float = option(0.9, "How much of the running mean a step keeps.", low=0, high=0.999, advanced=True)
    gamma: float = option(1.0, "Discount of later rewards.", low=0, high=1, advanced=True)
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
        returns = returns_to_go(rewards, mask, options.gamma)  # (B, T)
        advantages = (returns - self.baseline(rollout, returns)) * mask
        if options.whiten_advantages:
            advantages = whiten(advantages, mask)

        def loss(policy: Predictions, index: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
            return -advantages[index] * policy.logp, {}

        learnt = self.actor.descend(rollout, self.actor.batches(rollout)[0], loss)
        if options.baseline == "value":
            learnt |= self.critic.fit(rollout, returns, options.value_epochs)
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
