"""Proximal Policy Optimization (Schulman et al. 2017, arXiv 1707.06347), as used for language models
(Ziegler et al. 2019, arXiv 1909.08593; Huang et al. 2024, arXiv 2403.17031).

How we differ: the policy is a LoRA adapter on the shared base and the value function a head on the frozen reward
model's hidden states, so policy and value learn from their own losses alone (see `Critic`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from core.config.options import Settings, option
from core.models.logprobs import Predictions
from core.rl.actor import Critic, Setup, mean_of
from core.rl.estimators import gae, ratio, token_rewards, whiten
from core.rl.learner import BaseLearner
from core.rl.rollout import Rollout


@dataclass(frozen=True)
class Options(Settings):
    """PPO: Proximal Policy Optimization (Schulman et al. 2017, arXiv 1707.06347).

    Clips how far the policy may move in a step, with a learned value as the baseline: the default.
    """

    LEARNING_RATE: ClassVar[float] = 3e-4
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


class Learner(BaseLearner):
    """Clipped surrogate over `ppo_epochs` passes; the ratio is 1 in the first minibatch of each rollout."""

    options: Options
    critic: Critic

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.critic = Critic(setup, self.options.value_learning_rate)
        self.learns_from_fresh = self.options.minibatches == 1

    def update(self, rollout: Rollout, step: int) -> dict[str, float]:
        return self.learn(rollout, step, rollout.logp_old, lambda policy, index: policy)

    def learn(
        self, rollout: Rollout, step: int, logp_old: Tensor, view: Callable[[Predictions, Tensor], Predictions]
    ) -> dict[str, float]:
        """One rollout; `view` says which distribution of the policy's is the one that drew, logp_old (B, T) its
        log-probabilities."""
        options, clip = self.options, self.options.cliprange
        rate = self.actor.schedule(self.progress(step))

        # 1. Rewards per token: the score at the end, the KL penalty at every token.
        rewards = token_rewards(self.charged_kl(rollout), rollout.score, rollout.is_response, self.live.kl_coef)
        if options.whiten_rewards:
            rewards = whiten(rewards, rollout.is_response, shift_mean=False)

        # 2. Advantages, whitened over the whole batch; returns are not.
        values = self.critic.values(rollout)  # (B, T)
        advantages, returns = gae(rewards, values, rollout.is_response, options.gamma, options.lam)
        if options.whiten_advantages:
            advantages = whiten(advantages, rollout.is_response)

        # 3. Epochs of minibatches on the clipped surrogate.
        def surrogate(policy: Predictions, index: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
            policy = view(policy, index)
            A, r = advantages[index], ratio(policy.logp, logp_old[index])
            unclipped, clipped = -A * r, -A * r.clamp(1 - clip, 1 + clip)
            loss = torch.maximum(unclipped, clipped)
            if options.entropy_coef:
                loss = loss - options.entropy_coef * policy.entropy
            return loss, {
                "policy/approxkl_avg": 0.5 * (policy.logp - logp_old[index]).square(),
                "policy/clipfrac_avg": (clipped > unclipped).float(),
                "val/ratio": r,
                "val/ratio_first": (r - 1).abs(),
            }

        seen: list[dict[str, float]] = []
        for _ in self.passes(options.ppo_epochs):
            for batch in self.actor.batches(rollout, options.minibatches):
                seen.append(self.actor.descend(rollout, batch, surrogate))
            if options.target_kl and seen[-1]["policy/approxkl_avg"] > 1.5 * options.target_kl:
                break

        # 4. The value head learns the returns.
        learnt = self.critic.fit(rollout, returns, options.value_epochs, clip=options.cliprange_value)
        return mean_of(seen) | learnt | {"val/ratio_first": seen[0]["val/ratio_first"], "lr": rate}
