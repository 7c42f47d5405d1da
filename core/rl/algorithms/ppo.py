"""Proximal Policy Optimization (Schulman et al. 2017, arXiv 1707.06347), as used for language models
(Ziegler et al. 2019, arXiv 1909.08593; Huang et al. 2024, arXiv 2403.17031).

How we differ: the policy is a LoRA adapter on the shared base and the value function a head on the frozen reward
model's hidden states, or an adapter of its own, so policy and value learn from their own losses alone, one after the
other (see `core.rl.critic`).

From top to bottom: one iteration, then its parts in the order in which they come. Beside it belong `estimators.py`
(KL, whitening, ratio), `actor.py` (one optimizer step over micro-batches) and `critic.py` (the value loss). Its options
are `PPO` in `core/config/algorithms.py`. The rollout was drawn, scored and compared with the reference by
`core.rl.collect`.
"""

import torch
from torch import Tensor
from torch.nn.functional import pad

from core.config.algorithms import PPO
from core.models.logprobs import Predictions
from core.rl.actor import Loss, mean_of
from core.rl.batches import Rollout
from core.rl.critic import Critic
from core.rl.estimators import from_the_end, ratio, returns_to_go, token_rewards, whiten
from core.rl.on_policy import OnPolicyLearner


class Learner(OnPolicyLearner):
    """Clipped surrogate over `ppo_epochs` passes; the ratio is 1 in the first minibatch of each rollout."""

    options: PPO
    critic: Critic

    def notes(self) -> list[str]:
        config, asked = self.config, self.options.minibatches
        drawn = config.batch_size // config.completions * config.completions
        fewer = [f"{asked} minibatches of {drawn} completions: each has one, so there are {drawn}."] * (asked > drawn)
        return super().notes() + fewer

    def update(self, rollout: Rollout, step: int) -> dict[str, float]:
        """One iteration of the paper's algorithm 1 on a rollout by pi_old."""
        values = self.values(rollout)
        advantages, returns = self.advantages(rollout, values)

        def surrogate(policy: Predictions, index: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
            losses, seen = clipped_surrogate(policy, rollout.logp_old[index], advantages[index], self.options)
            return self.with_kl(losses, policy, rollout, index), seen

        return self.improve(rollout, surrogate, step) | self.fit_values(rollout, values, returns, step)

    def rewards(self, rollout: Rollout) -> Tensor:
        """Rewards per token (B, T): -beta KL at every token (unless the loss holds it), the score at the last one,
        or at the tokens that it is of."""
        options, mask = self.options, rollout.is_response
        kl = rollout.charged_kl(self.config.kl_estimator)
        rewards = token_rewards(kl, rollout.score, mask, self.reward_kl_coef, rollout.step_rewards)
        return whiten(rewards, rollout.in_loss, shift_mean=False) if options.whiten_rewards else rewards

    def values(self, rollout: Rollout) -> Tensor:
        """V(s_t) (B, T) before it learns from the rollout."""
        if self.critic.fresh:
            self.critic.initialise(rollout.score)
        return self.critic.values(rollout)

    def advantages(self, rollout: Rollout, values: Tensor) -> tuple[Tensor, Tensor]:
        """Advantages (B, T), whitened over the whole batch, and returns, which are not."""
        options, mask = self.options, rollout.is_response
        advantages, returns = gae(self.rewards(rollout), values, mask, options.gamma, options.lam)
        return whiten(advantages, rollout.in_loss) if options.whiten_advantages else advantages, returns

    def improve(self, rollout: Rollout, surrogate: Loss, step: int) -> dict[str, float]:
        """Epochs of minibatches down the surrogate, until the policy has moved too far."""
        options, rate = self.options, self.actor.schedule(self.progress(step))
        seen: list[dict[str, float]] = []
        for number in self.passes(options.ppo_epochs):
            for batch in self.actor.batches(rollout, options.minibatches, step, number):
                seen.append(self.actor.descend(rollout, batch, surrogate))
            if options.target_kl and seen[-1]["policy/approxkl_avg"] > 1.5 * options.target_kl:
                break
        return mean_of(seen) | {"lr": rate}

    def fit_values(self, rollout: Rollout, values: Tensor, returns: Tensor, step: int) -> dict[str, float]:
        """Epochs of the value function down its loss, an adapter's on minibatches as the policy's."""
        options = self.options
        drawn = returns_to_go(self.rewards(rollout), rollout.is_response, options.gamma)
        return self.critic.fit(
            rollout, values, returns, drawn, step=step, minibatches=options.minibatches, clip=options.cliprange_value
        )


def gae(rewards: Tensor, values: Tensor, is_response: Tensor, gamma: float, lam: float) -> tuple[Tensor, Tensor]:
    """Advantages and returns (B, T) over response tokens (Schulman et al. 2015, arXiv 1506.02438).

    values: V(s_t), read before token t. The end of a response is terminal: nothing is bootstrapped.
    """
    assert rewards.shape == values.shape == is_response.shape
    goes_on = pad(is_response[:, 1:], [0, 1])
    next_values = pad(values[:, 1:], [0, 1]) * goes_on
    deltas = (rewards + gamma * next_values - values) * is_response
    advantages = from_the_end(deltas, gamma * lam * goes_on.to(deltas.dtype)) * is_response
    return advantages, (advantages + values) * is_response


def clipped_surrogate(
    policy: Predictions, logp_old: Tensor, advantages: Tensor, options: PPO
) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss of each token (b, T), -L^CLIP of the paper's equation 7 less the entropy bonus of its equation 9, and
    numbers to report; logp_old (b, T) is that of the distribution which drew."""
    clip, r = options.cliprange, ratio(policy.logp, logp_old)
    unclipped, clipped = -advantages * r, -advantages * r.clamp(1 - clip, 1 + clip)
    loss = torch.maximum(unclipped, clipped)
    if options.entropy_coef:
        loss = loss - options.entropy_coef * policy.entropy
    return loss, {
        "policy/approxkl_avg": 0.5 * (policy.logp - logp_old).square(),
        "policy/clipfrac_avg": (clipped > unclipped).float(),
        "val/ratio": r,
    }
