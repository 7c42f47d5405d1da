"""Proximal Policy Optimization (Schulman et al. 2017, arXiv 1707.06347), as used for language models
(Ziegler et al. 2019, arXiv 1909.08593; Huang et al. 2024, arXiv 2403.17031).

How we differ: the policy is a LoRA adapter on the shared base, and the value function is a head on the
frozen reward model's hidden states (see `score_and_features`), so policy and value learn from their own
losses alone and the value's epochs cost next to nothing.
"""

from pathlib import Path

import torch
from torch import Tensor

from core.configs import PPOConfig, TrainPolicyConfig
from core.errors import KnownError
from core.models.adapters import SharedModel
from core.models.checkpoint import adamw, load_optimizer, save_optimizer, scale_learning_rates
from core.models.heads import ScalarHead
from core.models.logprobs import response_logprobs
from core.rl.estimators import explained_variance, gae, masked_mean, token_rewards, whiten
from core.rl.rollout import POLICY, Rollout

FINAL_LEARNING_RATE = 0.1


class Learner:
    """Clipped surrogate over `ppo_epochs` passes; the ratio is 1 in the first minibatch of each rollout."""

    def __init__(
        self, shared: SharedModel, config: TrainPolicyConfig, options: PPOConfig, value_head: ScalarHead
    ) -> None:
        self.shared = shared
        self.config = config
        self.options = options
        self.value_head = value_head
        self.weights = shared.parameters(POLICY)
        self.optimizer = adamw((self.weights, config.learning_rate))
        self.value_optimizer = adamw((list(value_head.linear.parameters()), options.value_learning_rate))

    def update(self, rollout: Rollout, progress: float) -> dict[str, float]:
        config, options = self.config, self.options
        is_response = rollout.is_response
        scale_learning_rates(self.optimizer, 1 - (1 - FINAL_LEARNING_RATE) * progress)

        # 1. Rewards per token: the score at the end, the KL penalty at every token.
        score = rollout.score - options.missing_end_penalty * (~rollout.rows.ended).float()
        rewards = token_rewards(rollout.logp_old, rollout.logp_ref, score, is_response, config.kl_coef)
        if options.whiten_rewards:
            rewards = whiten(rewards, is_response, shift_mean=False)

        # 2. Advantages, whitened over the whole batch; returns are not.
        with torch.no_grad():
            values_old = self.value_head(rollout.features) * is_response  # (B, T)
        advantages, returns = gae(rewards, values_old, is_response, options.gamma, options.lam)
        advantages = whiten(advantages, is_response)

        # 3. Epochs of minibatches; rows stay together in the micro-batches in which logp_old was computed.
        micro = rollout.rows.chunks(config.micro_batch)
        groups = [micro[i :: options.minibatches] for i in range(min(options.minibatches, len(micro)))]
        seen: list[dict[str, float]] = []
        for _ in range(options.ppo_epochs):
            for group in groups:
                seen.append(self._step(group, rollout, advantages, returns, values_old))
            if options.target_kl and seen[-1]["policy/approxkl_avg"] > 1.5 * options.target_kl:
                break
        metrics = {name: sum(part[name] for part in seen) / len(seen) for name in seen[0]}
        metrics["val/ratio_first"] = seen[0]["val/ratio_first"]
        metrics["val/explained_variance"] = explained_variance(returns, values_old, is_response)
        return metrics | {"lr": self.optimizer.param_groups[0]["lr"]}

    def _step(
        self, group: list[Tensor], rollout: Rollout, advantages: Tensor, returns: Tensor, values_old: Tensor
    ) -> dict[str, float]:
        """One optimizer step on the micro-batches of `group`; each is weighed by its share of the tokens."""
        options, clip = self.options, self.options.cliprange
        count = sum(int(rollout.is_response[index].sum()) for index in group)
        totals = dict.fromkeys(
            ("loss/policy_avg", "loss/value_avg", "policy/approxkl_avg", "policy/clipfrac_avg", "val/ratio"), 0.0
        )
        largest = 0.0
        with self.shared.role(POLICY, train=True) as causal:
            for index in group:
                mask = rollout.is_response[index]
                share = float(mask.sum()) / count
                A = advantages[index]  # (b, T)
                logp = response_logprobs(causal, rollout.rows.select(index), self.config.temperature).logp
                log_ratio = (logp - rollout.logp_old[index]) * mask
                ratio = log_ratio.clamp(-20, 20).exp()
                unclipped, clipped = -A * ratio, -A * ratio.clamp(1 - clip, 1 + clip)
                policy_loss = masked_mean(torch.maximum(unclipped, clipped), mask)
                (policy_loss * share).backward()

                value = self.value_head(rollout.features[index])
                error = (value - returns[index]).square()
                if options.cliprange_value:
                    near = (value - values_old[index]).clamp(-options.cliprange_value, options.cliprange_value)
                    error = torch.maximum(error, (values_old[index] + near - returns[index]).square())
                value_loss = 0.5 * masked_mean(error, mask)
                (options.vf_coef * value_loss * share).backward()

                with torch.no_grad():
                    parts = {
                        "loss/policy_avg": policy_loss,
                        "loss/value_avg": value_loss,
                        "policy/approxkl_avg": 0.5 * masked_mean(log_ratio.square(), mask),
                        "policy/clipfrac_avg": masked_mean((clipped > unclipped).float(), mask),
                        "val/ratio": masked_mean(ratio, mask),
                    }
                    for name, value in parts.items():
                        totals[name] += float(value) * share
                    largest = max(largest, float(((ratio - 1).abs() * mask).max()))
            norm = torch.nn.utils.clip_grad_norm_(self.weights, 1.0)
        if not torch.isfinite(norm):
            self.optimizer.zero_grad()
            raise KnownError("The policy diverged (its loss is not a number): lower --learning-rate, then resume.")
        torch.nn.utils.clip_grad_norm_(self.value_head.linear.parameters(), 1.0)
        for optimizer in (self.optimizer, self.value_optimizer):
            optimizer.step()
            optimizer.zero_grad()
        return totals | {"grad_norm": float(norm), "val/ratio_first": largest}

    def save(self, folder: Path) -> None:
        self.value_head.save(folder / "value.safetensors")
        save_optimizer(self.optimizer, folder / "optimizer.safetensors")
        save_optimizer(self.value_optimizer, folder / "value-optimizer.safetensors")

    def restore(self, folder: Path) -> None:
        self.value_head.restore(folder / "value.safetensors")
        load_optimizer(self.optimizer, folder / "optimizer.safetensors")
        load_optimizer(self.value_optimizer, folder / "value-optimizer.safetensors")
