"""The mathematics of RL by hand-worked numbers, independent recomputation and invariants."""

import pytest
import torch

from core.rl.algorithms.ppo import gae
from core.rl.estimators import explained_variance, masked_mean, token_kl, token_rewards, whiten


@pytest.fixture
def mask() -> torch.Tensor:
    return torch.tensor([[True, True, True], [True, True, False]])


def test_masked_mean_sees_only_the_mask(mask):
    values = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 1000.0]])
    assert float(masked_mean(values, mask)) == pytest.approx(3.0)


def test_whiten_has_mean_0_and_variance_1(mask):
    white = whiten(torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 99.0]]), mask)
    inside = white[mask]
    assert float(inside.mean()) == pytest.approx(0.0, abs=1e-6)
    assert float(inside.var(correction=0)) == pytest.approx(1.0, abs=1e-5)
    assert float(white[1, 2]) == 0.0
    kept = whiten(torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 99.0]]), mask, shift_mean=False)
    assert float(kept[mask].mean()) == pytest.approx(3.0, abs=1e-5)


def test_score_falls_on_the_last_token_and_kl_on_every_one(mask):
    logp = torch.tensor([[-1.0, -2.0, -3.0], [-1.0, -1.0, -9.0]])
    ref = torch.tensor([[-1.5, -2.0, -2.0], [-1.0, -2.0, 0.0]])
    rewards = token_rewards(token_kl(logp, ref), torch.tensor([10.0, 20.0]), mask, kl_coef=0.1)
    torch.testing.assert_close(rewards, torch.tensor([[-0.05, 0.0, 10.1], [0.0, 19.9, 0.0]]))


def test_gae_with_lambda_1_and_gamma_1_is_return_minus_value(mask):
    torch.manual_seed(0)
    rewards, values = torch.randn(2, 3) * mask, torch.randn(2, 3) * mask
    advantages, returns = gae(rewards, values, mask, gamma=1.0, lam=1.0)
    to_go = rewards.flip(1).cumsum(1).flip(1) * mask
    torch.testing.assert_close(returns, to_go)
    torch.testing.assert_close(advantages, (to_go - values) * mask)


def test_gae_with_lambda_0_is_the_td_error(mask):
    rewards = torch.tensor([[1.0, 2.0, 3.0], [1.0, 2.0, 0.0]])
    values = torch.tensor([[0.5, 0.25, 1.0], [2.0, 4.0, 7.0]])
    advantages, _ = gae(rewards, values, mask, gamma=0.9, lam=0.0)
    expected = torch.tensor([[1 + 0.9 * 0.25 - 0.5, 2 + 0.9 - 0.25, 2.0], [1 + 0.9 * 4 - 2, 2 - 4.0, 0.0]])
    torch.testing.assert_close(advantages, expected)


def test_gae_against_a_loop_written_from_the_definition(mask):
    torch.manual_seed(1)
    rewards, values = torch.randn(2, 3) * mask, torch.randn(2, 3)
    advantages, _ = gae(rewards, values, mask, gamma=0.97, lam=0.9)
    for row, length in enumerate((3, 2)):
        for t in range(length):
            total = 0.0
            for i in range(t, length):
                following = values[row, i + 1] if i + 1 < length else 0.0
                total += (0.97 * 0.9) ** (i - t) * float(rewards[row, i] + 0.97 * following - values[row, i])
            assert float(advantages[row, t]) == pytest.approx(total, abs=1e-5)


@pytest.mark.parametrize("estimator", ["k1", "k2", "k3"])
def test_kl_estimators_and_their_gradients_in_expectation(estimator):
    """Tang and Munos 2025 over a vocabulary of three, every token weighed by its probability."""
    p, q = torch.tensor([0.5, 0.3, 0.2]).double(), torch.tensor([0.2, 0.2, 0.6]).double()
    logits = p.log().requires_grad_()
    logp = logits.log_softmax(-1)
    drawn = token_kl(logp, q.log(), estimator)
    value = {
        "k1": (p * (p / q).log()).sum(),
        "k2": (p * (p / q).log() ** 2 / 2).sum(),
        "k3": (p * (p / q).log()).sum(),
    }[estimator]
    torch.testing.assert_close((p * drawn.detach()).sum(), value)
    (found,) = torch.autograd.grad((p * drawn).sum(), logits, retain_graph=True)
    exact = {
        "k1": torch.zeros(()).double() * logp.sum(),
        "k2": (logp.exp() * (logp - q.log())).sum(),
        "k3": (q * (q.log() - logp)).sum(),
    }[estimator]
    (expected,) = torch.autograd.grad(exact, logits)
    torch.testing.assert_close(found, expected)


def test_explained_variance_of_perfect_and_of_constant_values(mask):
    returns = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 0.0]])
    assert explained_variance(returns, returns, mask) == pytest.approx(1.0)
    assert explained_variance(returns, torch.ones_like(returns), mask) == pytest.approx(0.0)
