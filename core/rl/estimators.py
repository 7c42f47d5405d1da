"""The mathematics that algorithms share, as pure functions of tensors over response tokens.

(B, T): B responses, T padded length. `is_response` is True up to and including the end token; whatever
lies outside it counts nowhere.
"""

import torch
from torch import Tensor


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean of values (B, T) where mask (B, T) is True."""
    return (values * mask).sum() / mask.sum().clamp(min=1)


def whiten(values: Tensor, mask: Tensor, *, shift_mean: bool = True) -> Tensor:
    """Values (B, T) scaled to variance 1 over the mask; `shift_mean=False` keeps their mean. 0 outside it."""
    mean = masked_mean(values, mask)
    variance = masked_mean((values - mean).square(), mask)
    scaled = (values - mean) * torch.rsqrt(variance + 1e-8)
    return (scaled if shift_mean else scaled + mean) * mask


def token_rewards(logp: Tensor, logp_ref: Tensor, score: Tensor, is_response: Tensor, kl_coef: float) -> Tensor:
    """r_t = -beta (log pi - log ref), plus the score at the last response token; (B, T), detached.

    The k1 estimator in the reward (Ziegler et al. 2019, arXiv 1909.08593, eq. 2). score: (B,).
    """
    assert logp.shape == logp_ref.shape == is_response.shape and score.shape == logp.shape[:1]
    rewards = -kl_coef * (logp - logp_ref) * is_response
    last = is_response.sum(1) - 1
    rewards[torch.arange(len(last), device=last.device), last] += score
    return rewards.detach()


def gae(rewards: Tensor, values: Tensor, is_response: Tensor, gamma: float, lam: float) -> tuple[Tensor, Tensor]:
    """Advantages and returns (B, T) over response tokens (Schulman et al. 2015, arXiv 1506.02438).

    values: V(s_t), read before token t. The end of a response is terminal: nothing is bootstrapped.
    """
    assert rewards.shape == values.shape == is_response.shape
    advantages = torch.zeros_like(rewards)
    following = torch.zeros_like(rewards[:, 0])
    T = rewards.shape[1]
    for t in reversed(range(T)):
        inside = is_response[:, t + 1] if t + 1 < T else torch.zeros_like(is_response[:, 0])
        next_value = values[:, t + 1] * inside if t + 1 < T else torch.zeros_like(following)
        delta = (rewards[:, t] + gamma * next_value - values[:, t]) * is_response[:, t]
        following = delta + gamma * lam * following * inside
        advantages[:, t] = following
    advantages = advantages * is_response
    return advantages, (advantages + values) * is_response


def explained_variance(returns: Tensor, values: Tensor, mask: Tensor) -> float:
    """1 - Var(returns - values) / Var(returns) over the mask; 0 when the returns do not vary."""

    def variance(x: Tensor) -> Tensor:
        return masked_mean((x - masked_mean(x, mask)).square(), mask)

    total = variance(returns)
    return float(1 - variance(returns - values) / total) if float(total) > 1e-12 else 0.0
