"""Settings that several algorithms share, each against its formula written out; at their defaults nothing moves."""

from dataclasses import replace

import pytest
import torch

from core.config.algorithms import GRPO, OnPolicy
from core.config.options import as_stored
from core.config.training import ALGORITHMS
from core.errors import BadInput
from core.models.logprobs import predictions
from core.reward.reward_function import RewardFunction, RewardSpec
from core.rl.rollout import POLICY
from tests.core.conftest import loaded
from tests.core.rl.rollouts import CONFIG, copies, drawn, gradient, learner_of, rollout_of, same

SCORE = torch.tensor([1.0, -0.5, 0.3, -1.0, 0.2, 0.7])


@pytest.fixture(params=["llama"])
def base(request, monkeypatch):
    return loaded(request, monkeypatch)


# The optimizer


def adamw(weights, gradients, rates, beta1, beta2, epsilon, longest):
    """Loshchilov and Hutter 2019, algorithm 2 without decay, on gradients cut to a length (Pascanu et al. 2013)."""
    m, v = torch.zeros_like(weights), torch.zeros_like(weights)
    for t, (whole, rate) in enumerate(zip(gradients, rates, strict=True), start=1):
        cut = whole * (min(1.0, longest / float(whole.norm())) if longest else 1.0)
        m, v = beta1 * m + (1 - beta1) * cut, beta2 * v + (1 - beta2) * cut**2
        weights = weights - rate * (m / (1 - beta1**t)) / ((v / (1 - beta2**t)).sqrt() + epsilon)
    return weights


@pytest.mark.parametrize(
    ("settings", "rates", "numbers"),
    [
        ({}, (1e-2, 1e-2 * (1 - 0.9 / 30)), (0.9, 0.999, 1e-5, 1.0)),
        (
            {"warmup_steps": 3, "adam_beta1": 0.5, "adam_beta2": 0.9, "adam_epsilon": 1e-2, "max_grad_norm": 0.05},
            (0.25e-2, 0.5e-2),
            (0.5, 0.9, 1e-2, 0.05),
        ),
        ({"max_grad_norm": 0.0, "warmup_steps": 1}, (0.5e-2, 1e-2), (0.9, 0.999, 1e-5, 0.0)),
    ],
)
def test_two_steps_are_those_of_adamw_with_the_settings(moved, settings, rates, numbers):
    learner = learner_of(moved, "reinforce", replace(CONFIG, **settings))
    flat = lambda tensors: torch.cat([each.detach().double().flatten() for each in tensors])  # noqa: E731
    start, gradients, step = flat(learner.actor.weights), [], learner.actor.step

    def watched() -> float:
        gradients.append(flat(weight.grad for weight in learner.actor.weights))
        return step()

    learner.actor.step = watched
    found = [learner.update(rollout_of(moved, drawn(moved), 9 * SCORE), number)["lr"] for number in range(2)]
    assert found == pytest.approx(rates)
    assert float(gradients[0].norm()) > 0.05, "there is something to cut"
    expected = adamw(start, gradients, rates, *numbers)
    torch.testing.assert_close(flat(learner.actor.weights), expected, atol=2e-6, rtol=0)


def test_the_rate_rises_to_its_height_and_ends_at_a_tenth(moved):
    actor = learner_of(moved, "ppo", replace(CONFIG, steps=10, warmup_steps=4)).actor
    rates = [actor.schedule(step / 10) / 1e-2 for step in range(11)]
    assert rates[:5] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    assert rates[4:] == pytest.approx([1 - 0.9 * done / 6 for done in range(7)])


def test_a_checkpoint_in_the_warm_up_goes_on_bit_for_bit(moved, tmp_path):
    config = replace(CONFIG, warmup_steps=5, adam_beta1=0.7, adam_beta2=0.95, adam_epsilon=1e-6, max_grad_norm=0.1)
    learner, rollout = learner_of(moved, "a2c", config), rollout_of(moved, drawn(moved), SCORE)
    learner.update(rollout, 0)
    moved.save(POLICY, tmp_path / POLICY)
    learner.save(tmp_path)
    expected = learner.update(rollout, 1), copies(learner.actor.weights)
    other = learner_of(moved, "a2c", config)
    moved.reload(POLICY, tmp_path / POLICY)
    other.restore(tmp_path)
    assert other.update(rollout, 1) == expected[0]
    assert same(expected[1], other.actor.weights)


# KL


def gradient_of(learner, rollout, loss):
    """Of `loss`, a function of the policy's log-probabilities (B, T), by autograd."""
    with learner.shared.role(POLICY, train=True) as causal:
        grads = torch.autograd.grad(loss(predictions(causal, rollout.rows, 1.0).logp), learner.actor.weights)
    return torch.cat([each.flatten() for each in grads])


@pytest.mark.parametrize(
    ("name", "estimator"),
    [("ppo", "k2"), ("a2c", "k3"), ("reinforce", "k2"), ("rloo", "k2"), ("grpo", "k2"), ("grpo", "k3")],
)
def test_kl_in_the_loss_adds_its_own_gradient_and_leaves_the_reward_alone(moved, name, estimator):
    rollout, beta = rollout_of(moved, drawn(moved), SCORE), 0.3
    options = {"kl_in": "loss", "kl_loss_estimator": estimator}
    without = gradient(learner_of(moved, name, replace(CONFIG, kl_coef=0.0), **options), rollout)
    learner = learner_of(moved, name, replace(CONFIG, kl_coef=beta), **options)

    def kl(logp):
        x = logp - rollout.logp_ref
        each = x**2 / 2 if estimator == "k2" else torch.exp(-x) - 1 + x
        total = (each * rollout.is_response).sum()
        return beta * total / (6 if name == "rloo" else int(rollout.is_response.sum()))

    expected = gradient_of(learner, rollout, kl)
    assert float(expected.abs().max()) > 1e-3
    torch.testing.assert_close(gradient(learner, rollout) - without, expected, atol=1e-6, rtol=1e-3)


def test_nlpo_pays_for_the_whole_distribution_in_the_loss_too(moved):
    options = {"kl_in": "loss", "top_mask": 1.0}
    learner = learner_of(moved, "nlpo", **options)
    rollout = rollout_of(moved, drawn(moved, learner), SCORE)
    expected = gradient(learner_of(moved, "ppo", kl_in="loss"), rollout)
    torch.testing.assert_close(gradient(learner, rollout), expected, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("name", ["ppo", "a2c", "reinforce", "rloo"])
def test_kl_is_paid_for_in_the_reward_unless_told_otherwise(moved, name):
    rollout, config = rollout_of(moved, drawn(moved), SCORE), replace(CONFIG, kl_coef=0.5, kl_estimator="k2")
    charged = 0.5 * (rollout.logp_old - rollout.logp_ref).square() / 2 * rollout.is_response
    options = {} if name == "rloo" else {"gamma": 1.0, "whiten_advantages": False}
    options |= {"baseline": "batch"} if name == "reinforce" else {"lam": 1.0} if name in ("ppo", "a2c") else {}
    if name == "rloo":
        reward = SCORE - charged.sum(1)
        others = torch.stack([(reward[r // 3 * 3 : r // 3 * 3 + 3].sum() - reward[r]) / 2 for r in range(6)])
        advantages, count = (reward - others)[:, None].expand_as(charged), 6
    else:
        returns = SCORE[:, None] - charged.flip(1).cumsum(1).flip(1)
        inside, count = rollout.is_response, int(rollout.is_response.sum())
        baseline = (returns * inside).sum() / count if name == "reinforce" else SCORE.mean()
        advantages = returns - baseline
    learner = learner_of(moved, name, config, **options)
    expected = gradient_of(learner, rollout, lambda logp: -(advantages * logp * rollout.is_response).sum() / count)
    torch.testing.assert_close(gradient(learner, rollout), expected, atol=1e-5, rtol=1e-3)


def test_grpo_alone_pays_in_the_loss_by_default_and_earlier_runs_as_they_did():
    places = {name: kind.config().kl_in for name, kind in ALGORITHMS.items() if issubclass(kind.config, OnPolicy)}
    assert places == dict.fromkeys(("ppo", "nlpo", "a2c", "reinforce", "rloo"), "reward") | {"grpo": "loss"}
    assert as_stored(GRPO, {}).kl_loss_estimator == "k3"
    assert as_stored(GRPO, {"kl_in": "reward"}).kl_in == "reward"


def test_k1_is_no_loss():
    with pytest.raises(BadInput, match="--kl-loss-estimator must be one of k2, k3"):
        ALGORITHMS["grpo"].config(kl_loss_estimator="k1")


# GRPO's ratio


@pytest.mark.parametrize("average", ["tokens", "completions"])
@pytest.mark.parametrize(("level", "high"), [("token", 0.28), ("sequence", 0.0), ("sequence", 0.28)])
def test_ratios_of_tokens_or_completions_are_clipped_further_above_than_below(moved, level, high, average):
    """DAPO's equation 8 and GSPO's equations 5 and 7, on a rollout from which the policy has moved both ways."""
    rollout = rollout_of(moved, drawn(moved), SCORE)
    inside, n = rollout.is_response, rollout.rows.lengths
    away = torch.empty(rollout.logp_old.shape).uniform_(-0.2, 0.2, generator=torch.Generator().manual_seed(2))
    away += torch.tensor([0.1, -0.25, 0.2, -0.22, 0.25, 0.05])[:, None]  # of the completions' ratios, in their logs
    rollout = replace(rollout, logp_old=(rollout.logp_old - away) * inside)
    A = torch.cat([part - part.mean() for part in SCORE.split(3)])[:, None]
    clipped = []

    def objective(logp):
        log_ratio = (logp - rollout.logp_old) * inside
        if level == "sequence":
            log_ratio = (log_ratio.sum(1) / n)[:, None].expand_as(log_ratio)
        r = log_ratio.exp()
        cut = r.clamp(0.8, 1 + (high or 0.2))
        clipped.extend(
            bool(((r > edge) if edge > 1 else (r < edge))[inside].any()) for edge in (0.8, 1 + (high or 0.2))
        )
        gain = torch.minimum(r * A, cut * A) * inside
        return -(gain.sum() / n.sum() if average == "tokens" else (gain.sum(1) / n).mean())

    own = {"cliprange_high": high, "importance_sampling_level": level, "average": average, "scale": "none"}
    learner = learner_of(moved, "grpo", replace(CONFIG, kl_coef=0.0), **own)
    expected = gradient_of(learner, rollout, objective)
    assert clipped[0], "some fall too far"
    assert clipped[1] or high, "some rise too far"
    torch.testing.assert_close(gradient(learner, rollout), expected, atol=1e-6, rtol=1e-4)
    plain = gradient(learner_of(moved, "grpo", replace(CONFIG, kl_coef=0.0), average=average, scale="none"), rollout)
    assert float((plain - expected).abs().max()) > 1e-4


# Completions that reached the length limit

ENDED = torch.tensor([True, False, True, True, True, False])


@pytest.fixture
def cut_off(moved):
    """A rollout of which two completions did not end, and that leaves them out."""
    found = rollout_of(moved, drawn(moved), SCORE)
    return replace(found, rows=replace(found.rows, ended=ENDED), masks_cut=True)


@pytest.mark.parametrize("name", ["ppo", "a2c", "reinforce", "trpo"])
def test_what_is_left_out_counts_neither_in_the_loss_nor_in_its_scales(moved, cut_off, name):
    options = {"baseline": "batch"} if name == "reinforce" else {"lam": 1.0}

    def found(rollout):
        learner, seen = learner_of(moved, name, replace(CONFIG, kl_coef=0.1), **options), []
        if name != "trpo":
            return gradient(learner, rollout)
        learner.move = lambda rollout, advantages: seen.append(learner.gradient(rollout, advantages)[0]) or {}
        learner.update(rollout, 0)
        return seen[0]

    expected = found(replace(cut_off.select(ENDED.nonzero().flatten()), masks_cut=False))
    torch.testing.assert_close(found(cut_off), expected, atol=1e-5, rtol=1e-3)
    everything = found(replace(cut_off, masks_cut=False))
    assert float((everything - expected).abs().max()) > 1e-3


@pytest.mark.parametrize("name", ["rloo", "grpo"])
def test_a_group_still_knows_the_score_of_what_is_left_out(moved, cut_off, name):
    """As in DAPO's overlong filtering and TRL's `mask_truncated_completions`: the mean is over what counts."""
    centred = torch.cat([part - part.mean() for part in SCORE.split(3)])
    A = (centred * 1.5 if name == "rloo" else centred)[:, None]
    inside = cut_off.is_response & ENDED[:, None]

    def loss(logp):
        return -(A * logp * inside).sum() / (4 if name == "rloo" else int(inside.sum()))

    options = {} if name == "rloo" else {"scale": "none"}
    learner = learner_of(moved, name, replace(CONFIG, kl_coef=0.0), **options)
    torch.testing.assert_close(gradient(learner, cut_off), gradient_of(learner, cut_off, loss), atol=1e-6, rtol=1e-3)


def test_a_value_head_does_not_learn_from_what_is_left_out(moved, cut_off):
    heads = []
    for shift in (0.0, 50.0):
        learner = learner_of(moved, "ppo")
        learner.critic.initialise(SCORE)
        values = learner.values(cut_off)
        returns = learner.advantages(cut_off, values)[1]
        learner.fit_values(replace(cut_off, score=SCORE + shift * ~ENDED), values, returns, 0)
        heads.append(copies(learner.critic.head.parameters()))
    assert same(*heads)


def test_a_batch_of_which_nothing_counts_teaches_nothing(moved, cut_off):
    rollout = replace(cut_off, rows=replace(cut_off.rows, ended=torch.zeros(6, dtype=torch.bool)))
    learner = learner_of(moved, "grpo")
    before = copies(learner.actor.weights)
    assert learner.update(rollout, 0)["loss/policy_avg"] == 0.0
    assert same(before, learner.actor.weights)


@pytest.mark.parametrize(
    ("missing_end", "expected"),
    [
        ("subtract", [1.0, -0.5 - 0.4, 0.3, -1.0, 0.2, 0.7 - 0.4]),
        ("replace", [1.0, -0.4, 0.3, -1.0, 0.2, -0.4]),
        ("mask", SCORE.tolist()),
        ("nothing", SCORE.tolist()),
    ],
)
def test_the_score_of_a_completion_that_did_not_end(missing_end, expected):
    spec = RewardSpec.of(replace(CONFIG, missing_end=missing_end, missing_end_penalty=0.4))
    reward = RewardFunction(missing_end=spec.missing_end, missing_end_penalty=spec.missing_end_penalty)
    assert reward.total(SCORE, ENDED).tolist() == pytest.approx(expected)
    assert RewardSpec.of(replace(CONFIG, missing_end_penalty=0.4)).missing_end == "subtract", "as in earlier commands"
