"""The mathematics that algorithms share, as pure functions of tensors over response tokens.

(B, T): B responses, T padded length. `is_response` is True up to and including the end token; whatever
lies outside it counts nowhere.
"""

import torch
from torch import Tensor

#: Log-ratios beyond this are cut before they are exponentiated.
LIMIT = 20.0


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean of values (B, T) where mask (B, T) is True."""
    return (values * mask).sum() / mask.sum().clamp(min=1)


def whiten(values: Tensor, mask: Tensor, *, shift_mean: bool = True) -> Tensor:
    """Values (B, T) scaled to variance 1 over the mask; `shift_mean=False` keeps their mean. 0 outside it."""
    mean = masked_mean(values, mask)
    variance = masked_mean((values - mean).square(), mask)
    scaled = (values - mean) * torch.rsqrt(variance + 1e-8)
    return (scaled if shift_mean else scaled + mean) * mask


def ratio(logp: Tensor, logp_old: Tensor) -> Tensor:
    """pi_new / pi_old of each token (B, T), or of sums over tokens (B,)."""
    return (logp - logp_old).clamp(-LIMIT, LIMIT).exp()


def k3(logp: Tensor, logp_ref: Tensor) -> Tensor:
    """pi_ref / pi - 1 - log(pi_ref / pi): KL(pi || ref) of each token (B, T), unbiased and never negative
    (Schulman 2020, "Approximating KL divergence"). Differentiated, its gradient is that of KL(ref || pi)
    (Tang and Munos 2025, arXiv 2506.09477)."""
    x = (logp - logp_ref).clamp(-LIMIT, LIMIT)
    return (-x).exp() - 1 + x


def k2(logp: Tensor, logp_ref: Tensor) -> Tensor:
    """Half the squared log-ratio of each token (B, T): never negative, and biased, but its gradient is in expectation
    that of KL(pi || ref) of the token (Schulman 2020; Tang and Munos 2025)."""
    return 0.5 * (logp - logp_ref).square()


def token_kl(logp: Tensor, logp_ref: Tensor, estimator: str = "k1") -> Tensor:
    """The KL of each token (B, T) by one sample: k1 is log pi - log ref, which may be negative; or `k2`, or `k3`.

    Differentiated, k1 is worth nothing: the mean of its gradient, that of log pi, is 0.
    """
    if estimator == "k1":
        return logp - logp_ref
    return {"k2": k2, "k3": k3}[estimator](logp, logp_ref)


def at_tokens(score: Tensor, is_response: Tensor, step_rewards: Tensor | None) -> Tensor:
    """The score (B,) where it is given (B, T): what of it is `step_rewards` (B, T) at their tokens, the rest at the
    last response token."""
    found = torch.zeros_like(is_response, dtype=score.dtype) if step_rewards is None else step_rewards.clone()
    last = is_response.sum(1) - 1
    rest = score if step_rewards is None else score - step_rewards.sum(1)
    found[torch.arange(len(last), device=last.device), last] += rest
    return found


def token_rewards(
    kl: Tensor, score: Tensor, is_response: Tensor, kl_coef: float, step_rewards: Tensor | None = None
) -> Tensor:
    """r_t = -beta KL_t, plus the score (B,) `at_tokens`; (B, T), detached.

    Ziegler et al. 2019 (arXiv 1909.08593), eq. 2; kl: as `token_kl` gives it.
    """
    assert kl.shape == is_response.shape and score.shape == kl.shape[:1]
    return (-kl_coef * kl * is_response + at_tokens(score, is_response, step_rewards)).detach()


def returns_to_go(rewards: Tensor, is_response: Tensor, gamma: float = 1.0) -> Tensor:
    """G_t = sum over l >= t of gamma^(l-t) r_l (B, T), 0 outside the response."""
    assert rewards.shape == is_response.shape
    return from_the_end(rewards * is_response, gamma * is_response.to(rewards.dtype))


def from_the_end(values: Tensor, decay: Tensor) -> Tensor:
    """f_t = values_t + decay_t f_(t+1) (B, T), where f_T is 0."""
    following, found = torch.zeros_like(values[:, 0]), []
    for own, share in zip(values.unbind(1)[::-1], decay.unbind(1)[::-1], strict=True):
        following = own + share * following
        found.append(following)
    return torch.stack(found[::-1], 1)


def sum_to_go(values: Tensor) -> Tensor:
    """Sum over l >= t of values (B, T), which are 0 outside the response; differentiable."""
    return values.flip(1).cumsum(1).flip(1)


def group_mean(values: Tensor, group: Tensor) -> Tensor:
    """Of each completion (B,) the mean over the completions of its prompt; group: (B,) as `Rows.prompt_of`."""
    total = torch.zeros(int(group.max()) + 1, device=values.device).index_add(0, group, values)
    return (total / group.bincount().clamp(min=1))[group]


def leave_one_out(values: Tensor, group: Tensor) -> Tensor:
    """values (B,) minus the mean of the other completions of the same prompt, 0 where there is no other
    (Kool et al. 2019; Ahmadian et al. 2024, arXiv 2402.14740)."""
    k = group.bincount()[group].float()
    return (values - group_mean(values, group)) * k / (k - 1).clamp(min=1)


def explained_variance(returns: Tensor, values: Tensor, mask: Tensor) -> float:
    """1 - Var(returns - values) / Var(returns) over the mask; 0 when the returns do not vary."""

    def variance(x: Tensor) -> Tensor:
        return masked_mean((x - masked_mean(x, mask)).square(), mask)

    total = variance(returns)
    return float(1 - variance(returns - values) / total) if float(total) > 1e-12 else 0.0


def explained_by_quarter(returns: Tensor, values: Tensor, mask: Tensor) -> list[float]:
    """`explained_variance` over the first to the fourth quarter of each response's own tokens; mask (B, T) holds a
    response as a whole, from its first token, or not at all."""
    place = torch.arange(mask.shape[1], device=mask.device)
    quarter = 4 * place // mask.sum(1, keepdim=True).clamp(min=1)  # (B, T)
    return [explained_variance(returns, values, mask & (quarter == number)) for number in range(4)]
