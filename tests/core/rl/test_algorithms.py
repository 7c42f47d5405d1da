"""What must hold for every algorithm, and the invariants of each one's own mathematics."""

import math
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from core.config.algorithms import DPO, PPO, algorithms
from core.config.training import ALGORITHMS
from core.models import guides
from core.models import logprobs as logprobs_module
from core.models.adapters import REFERENCE, SharedModel
from core.models.logprobs import predictions
from core.models.rows import Rows
from core.models.states import hidden_states
from core.rl import rollout as rollout_module
from core.rl.actor import CachedPredictions
from core.rl.algorithms import dpo, dqn, grpo, nlpo, trpo
from core.rl.batches import Rollout
from core.rl.estimators import k3, leave_one_out, returns_to_go, sum_to_go
from core.rl.rollout import POLICY, compared_and_scored, logprobs, policy_logprobs
from tests.core.conftest import ARCHITECTURES, loaded
from tests.core.rl.rollouts import (
    CONFIG,
    batch_of,
    copies,
    drawn,
    gradient,
    learner_of,
    preferences_of,
    rollout_of,
    same,
)
from tests.thorough import represented

NAMES = list(ALGORITHMS)
SCORE = torch.tensor([1.0, -0.5, 0.3, -1.0, 0.2, 0.7])
GROUP = torch.tensor([0, 0, 0, 1, 1, 1])


@pytest.fixture(params=represented(ARCHITECTURES, "llama"))
def base(request, monkeypatch):
    return loaded(request, monkeypatch)


@pytest.fixture
def shared(base):
    found = SharedModel(base)
    found.add(POLICY, CONFIG, seed=0)
    yield found
    found.close()


@pytest.fixture
def moved(shared):
    """A policy that has left the reference, as after some steps."""
    draw = torch.Generator().manual_seed(1)
    for weight in shared.parameters(POLICY):
        weight.data += 0.05 * torch.randn(weight.shape, generator=draw)
    return shared


# Every algorithm


@pytest.mark.parametrize("name", NAMES)
def test_an_update_changes_the_policy_and_nothing_that_the_reference_is_made_of(shared, name):
    learner = learner_of(shared, name)
    rows = drawn(shared, learner)
    rollout = rollout_of(shared, rows, SCORE)
    assert torch.equal(rollout.logp_old, rollout.logp_ref), "KL is 0 with a fresh adapter"
    base = [weight for key, weight in shared.base.model.named_parameters() if "lora_" not in key]
    before, policy = copies(base), copies(learner.actor.weights)
    learner.update(batch_of(shared, name, rows, SCORE), 0)
    assert same(before, base)
    assert not same(policy, learner.actor.weights)
    again, _ = logprobs(shared, REFERENCE, rollout.rows, 1.0, CONFIG.micro_batch)
    assert torch.equal(again, rollout.logp_ref), "the reference is the base bit for bit"


@pytest.mark.parametrize("name", ["ppo", "nlpo", "reinforce", "rloo", "a2c", "grpo", "trpo"])
def test_an_update_that_goes_on_from_what_was_scored_is_the_same_bit_for_bit(moved, name):
    config = replace(CONFIG, micro_batch=6)
    results = []
    for learns in (False, True):
        learner = learner_of(moved, name, config)
        before = copies(learner.actor.weights)
        rollout = rollout_of(moved, drawn(moved, learner), SCORE)
        logp, entropy, kept = policy_logprobs(moved, rollout.rows, 1.0, 6, learns=learns)
        assert (kept is not None) == learns
        learner.actor.reuse(CachedPredictions(torch.arange(6), kept) if kept else None)
        metrics = learner.update(replace(rollout, logp_old=logp, entropy=entropy), 0)
        assert learner.actor.cached_predictions is None, "what it said is true once only"
        results.append([metrics, copies(learner.actor.weights)])
        for weight, old in zip(learner.actor.weights, before, strict=True):
            weight.data.copy_(old)
        if name == "nlpo":
            moved.drop(nlpo.MASK)
    assert results[0][0] == results[1][0]
    assert same(results[0][1], results[1][1])


def test_what_takes_several_micro_batches_keeps_no_graph(moved):
    rows = drawn(moved)
    logp, _, kept = policy_logprobs(moved, rows, 1.0, 3, learns=True)
    assert kept is None and not logp.requires_grad


def test_without_a_reward_model_the_value_head_reads_the_states_of_the_reference_and_no_pass_is_made_for_it(
    moved, monkeypatch
):
    rows, passes = drawn(moved), []
    monkeypatch.setattr(logprobs_module, "hidden_states", counted(passes, logprobs_module.hidden_states))
    monkeypatch.setattr(rollout_module, "hidden_states", counted(passes, rollout_module.hidden_states))
    logp, scored = compared_and_scored(moved, None, rows, 0.7, 6)
    assert len(passes) == 1 and not scored.score.any() and scored.spread is None
    assert torch.equal(logp, logprobs(moved, REFERENCE, rows, 0.7, 6)[0])
    with moved.role(REFERENCE) as causal, torch.no_grad():
        states = hidden_states(causal, rows).float()
    assert torch.equal(scored.features[rows.is_response], states[rows.is_response])


@pytest.mark.parametrize(
    ("name", "own", "expected"),
    [
        ("nlpo", {"ppo_epochs": 2}, 2),  # one in each epoch, of which the first says what it was drawn by
        ("dqn", {"n_step": 2, "q_updates": 1}, 3),  # candidates, the target network, the one that learns
        ("trpo", {"line_steps": 1, "trust_kl": 1e-6}, 3),  # the gradient, the Fisher matrix, one step that is tried
    ],
)
def test_an_update_makes_no_pass_for_what_another_one_has_said(moved, monkeypatch, name, own, expected):
    learner, passes = learner_of(moved, name, replace(CONFIG, micro_batch=6), **own), []
    rollout = rollout_of(moved, drawn(moved, learner), SCORE)
    monkeypatch.setattr(logprobs_module, "hidden_states", counted(passes, logprobs_module.hidden_states))
    learner.update(rollout, 0)
    assert len(passes) == expected


def counted(calls: list, function):
    def count(*args, **named):
        calls.append(args)
        return function(*args, **named)

    return count


@pytest.mark.parametrize("name", represented(NAMES, "ppo", "dqn"))
def test_a_checkpoint_gives_the_next_update_bit_for_bit(shared, tmp_path, name):
    learner = learner_of(shared, name)
    for step in range(2):
        learner.update(batch_of(shared, name, drawn(shared, learner, step), SCORE), step)
    shared.save(POLICY, tmp_path / POLICY)
    learner.save(tmp_path)
    expected = learner.update(batch_of(shared, name, drawn(shared, learner, 9), SCORE), 2)
    weights = copies(learner.actor.weights)
    for extra in (nlpo.MASK, dqn.TARGET):
        if any(f".{extra}." in key for key, _ in shared.base.model.named_parameters()):
            shared.drop(extra)
    other = learner_of(shared, name)
    shared.reload(POLICY, tmp_path / POLICY)
    other.restore(tmp_path)
    assert other.update(batch_of(shared, name, drawn(shared, other, 9), SCORE), 2) == expected
    assert same(weights, other.actor.weights)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("dqn", "soft-q", "dpo", "sft", "kto")])
def test_equal_rewards_teach_nothing_where_the_baseline_is_their_mean(moved, name):
    options = {"reinforce": {"baseline": "batch"}, "grpo": {"kl_in": "reward"}}.get(name, {})
    learner = learner_of(moved, name, replace(CONFIG, kl_coef=0.0), **options)
    rollout = rollout_of(moved, drawn(moved, learner), torch.full((6,), 0.7))
    before = copies(learner.actor.weights)
    learner.update(rollout, 0)
    for old, new in zip(before, learner.actor.weights, strict=True):
        torch.testing.assert_close(old, new.detach(), atol=1e-4, rtol=0)


def test_what_a_learner_may_know_is_declared_with_its_options(shared):
    for name, algorithm in algorithms().items():
        learner = learner_of(shared, name)
        assert (learner.critic is not None) == algorithm.config.CRITIC, name
        assert (learner.guide() is not None) == algorithm.config.GUIDED, name
        assert (learner.options.drawn_within is not None) == algorithm.config.GUIDED, name
        for extra in (nlpo.MASK, dqn.TARGET):
            if any(f".{extra}." in key for key, _ in shared.base.model.named_parameters()):
                shared.drop(extra)
    assert issubclass(ALGORITHMS["nlpo"].config, PPO), "an option of PPO is one of NLPO"


# Estimators


def test_grpo_by_length_is_the_gradient_of_dr_grpo(moved):
    """Liu et al. 2025, equation 2: the mean over completions of the sum over tokens of the clipped ratio times the
    reward less its group's mean, over one constant; written out by autograd."""
    config = replace(CONFIG, kl_coef=0.0)
    learner = learner_of(moved, "grpo", config, scale="none", average="length")
    rollout = rollout_of(moved, drawn(moved), SCORE)
    with moved.role(POLICY, train=True) as causal:
        logp = predictions(causal, rollout.rows, 1.0).logp
        centred = torch.cat([part - part.mean() for part in SCORE.split(3)])
        r = (logp - rollout.logp_old).exp()
        gain = torch.minimum(r * centred[:, None], r.clamp(0.8, 1.2) * centred[:, None]) * rollout.is_response
        loss = -sum(float(1 / config.max_new_tokens) * row.sum() for row in gain) / len(gain)
        grads = torch.autograd.grad(loss, learner.actor.weights)
    expected = torch.cat([each.flatten() for each in grads])
    assert float(expected.abs().max()) > 0
    torch.testing.assert_close(gradient(learner, rollout), expected, atol=1e-6, rtol=1e-4)


def test_leave_one_out_sums_to_0_in_each_group_and_is_grpo_without_its_deviation():
    loo = leave_one_out(SCORE, GROUP)
    assert float(loo[:3].sum()) == pytest.approx(0, abs=1e-6)
    assert float(loo[0]) == pytest.approx(1.0 - (-0.5 + 0.3) / 2)
    centred, flat = grpo.group_advantages(SCORE, GROUP, scaled=False)
    torch.testing.assert_close(centred, loo * 2 / 3)
    scaled, _ = grpo.group_advantages(SCORE, GROUP, scaled=True)
    torch.testing.assert_close(scaled[:3], (SCORE[:3] - SCORE[:3].mean()) / (SCORE[:3].std() + 1e-4))
    assert flat == 0.0
    assert grpo.group_advantages(torch.full((6,), 5.7), GROUP, scaled=True)[1] == 1.0


def test_k3_is_never_negative_and_0_where_both_agree():
    x = torch.linspace(-3, 3, 13)
    assert bool((k3(x, torch.zeros(13)) >= 0).all())
    assert float(k3(torch.tensor(-2.0), torch.tensor(-2.0))) == 0.0
    torch.manual_seed(0)
    p, q = torch.tensor([0.5, 0.3, 0.2]), torch.tensor([0.4, 0.4, 0.2])
    mean = (p * k3(p.log(), q.log())).sum()
    torch.testing.assert_close(mean, (p * (p / q).log()).sum())


# The policy gradient family


def test_a2c_is_ppo_with_one_pass_and_reinforce_its_gradient_without_a_critic(moved):
    rollout = rollout_of(moved, drawn(moved), SCORE)
    ppo = gradient(learner_of(moved, "ppo", ppo_epochs=1, lam=1.0), rollout)
    torch.testing.assert_close(gradient(learner_of(moved, "a2c", lam=1.0), rollout), ppo, atol=1e-6, rtol=1e-4)
    torch.testing.assert_close(gradient(learner_of(moved, "reinforce"), rollout), ppo, atol=1e-6, rtol=1e-4)


def test_rewards_shifted_by_a_constant_give_the_same_gradient(moved):
    rollout = rollout_of(moved, drawn(moved), SCORE)
    shifted = replace(rollout, score=SCORE + 5.0)
    for name, options in (("reinforce", {"baseline": "batch"}), ("rloo", {}), ("grpo", {})):
        first = gradient(learner_of(moved, name, **options), rollout)
        assert float(first.abs().max()) > 0
        second = gradient(learner_of(moved, name, **options), shifted)
        torch.testing.assert_close(first, second, atol=1e-5, rtol=1e-3)


def test_rloo_needs_nothing_of_other_groups(moved):
    rows = drawn(moved)
    alone = torch.tensor([0.4, 0.4, 0.4])  # equal rewards: this group asks for nothing
    one = gradient(
        learner_of(moved, "rloo", replace(CONFIG, kl_coef=0.0)), rollout_of(moved, rows, torch.cat([SCORE[:3], alone]))
    )
    two = gradient(
        learner_of(moved, "rloo", replace(CONFIG, kl_coef=0.0)),
        rollout_of(moved, rows, torch.cat([SCORE[:3], alone + 9])),
    )
    assert float(one.abs().max()) > 0
    torch.testing.assert_close(one, two, atol=1e-6, rtol=1e-4)


def test_the_running_baseline_never_holds_the_batch_that_it_is_used_for(moved):
    learner = learner_of(moved, "reinforce", baseline="running", decay=0.5)
    rollout = rollout_of(moved, drawn(moved), SCORE)
    returns = torch.ones_like(rollout.logp_old)
    assert float(learner.baseline(rollout, returns)) == 1.0, "nothing is known before the first rollout"
    assert float(learner.baseline(rollout, 3 * returns)) == 1.0
    assert float(learner.baseline(rollout, 9 * returns)) == pytest.approx(2.0)


# TRPO


@pytest.fixture
def trusting(moved):
    config = replace(CONFIG, micro_batch=6)
    learner = learner_of(moved, "trpo", config, fisher_share=1.0, trust_kl=0.01)
    return learner, rollout_of(moved, drawn(moved), SCORE)


def test_conjugate_gradient_solves_a_known_system():
    torch.manual_seed(0)
    root = torch.randn(6, 6, dtype=torch.float64)
    A, b = root @ root.T + torch.eye(6), torch.randn(6, dtype=torch.float64)
    x, Ax = trpo.conjugate_gradient(lambda v: A @ v, b, 12, 0.0, tolerance=1e-20)
    torch.testing.assert_close(x, torch.linalg.solve(A, b), atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(Ax, b, atol=1e-6, rtol=1e-6)


def test_the_fisher_product_is_symmetric_positive_and_the_curvature_of_kl(trusting):
    learner, rollout = trusting
    size = sum(weight.numel() for weight in learner.actor.weights)
    u, v = torch.randn(2, size, generator=torch.Generator().manual_seed(2))
    with learner.fisher(rollout) as product:
        Fu, Fv = product(u), product(v)
    assert float(u @ Fv) == pytest.approx(float(v @ Fu), rel=1e-3)
    assert float(v @ Fv) > 0
    old, states = copies(learner.actor.weights), learner.gradient(rollout, torch.zeros_like(rollout.logp_old))[2]
    step = 1e-2 / float(v @ Fv) ** 0.5 * v
    for weight, change in zip(learner.actor.weights, trpo.split(step, old), strict=True):
        weight.data += change
    _, kl = learner.measure(rollout, torch.zeros_like(rollout.logp_old), old, states)
    assert kl == pytest.approx(0.5 * float(step @ Fv) * 1e-2 / float(v @ Fv) ** 0.5, rel=0.2)


def test_a_trust_region_step_keeps_the_bound_and_gains(trusting):
    learner, rollout = trusting
    advantages = torch.linspace(-1, 1, 6)[:, None] * rollout.is_response
    old, states = copies(learner.actor.weights), learner.gradient(rollout, advantages)[2]
    moved = learner.move(rollout, advantages)
    assert 0 < moved["policy/step_kl"] <= 0.01
    assert moved["policy/step_size"] > 0
    gain, kl = learner.measure(rollout, advantages, old, states)
    assert kl == pytest.approx(moved["policy/step_kl"], rel=1e-3)
    assert gain > 0


def test_a_step_that_does_not_gain_is_taken_back_bit_for_bit(trusting, monkeypatch):
    learner, rollout = trusting
    old = copies(learner.actor.weights)
    monkeypatch.setattr(learner, "measure", lambda *_: (-math.inf, 0.0))
    moved = learner.move(rollout, torch.linspace(-1, 1, 6)[:, None] * rollout.is_response)
    assert (moved["policy/step_size"], moved["policy/step_kl"]) == (0.0, 0.0)
    assert same(old, learner.actor.weights)


# NLPO


def test_the_mask_holds_its_probability_the_likeliest_and_the_end_token():
    logits = torch.randn(4, 50, generator=torch.Generator().manual_seed(0)) * 3
    allowed = guides.top_set(logits, 0.8, 1, [7])
    p = logits.softmax(-1)
    assert bool(((p * allowed).sum(-1) >= 0.8).all())
    assert bool(allowed[:, 7].all())
    assert bool(allowed[torch.arange(4), logits.argmax(-1)].all())
    for row in range(4):
        inside = [i for i in range(50) if allowed[row, i] and i != 7]
        least = min(inside, key=lambda i: float(p[row, i]))
        assert float((p[row] * allowed[row]).sum() - p[row, least] - p[row, 7]) < 0.8
    assert int(guides.top_set(logits, 0.01, 10, [7]).sum(-1).min()) >= 10


def test_nlpo_draws_within_the_mask_its_ratio_is_1_and_with_everything_allowed_it_is_ppo(moved):
    learner = learner_of(moved, "nlpo", top_mask=0.3, fewest_tokens=1, ppo_epochs=1)
    rows = drawn(moved, learner)
    allowed = torch.stack(learner.drawing.masks[: rows.response_ids.shape[1]], 1)
    chosen = allowed.gather(-1, rows.response_ids[..., None])[..., 0]
    assert bool(chosen[rows.is_response].all())
    assert float(allowed.float().mean()) < 0.5
    rollout = rollout_of(moved, rows, SCORE)
    with torch.no_grad(), moved.role(POLICY) as causal:
        inside = predictions(causal, rows, 1.0).within(allowed)
        torch.testing.assert_close(inside.logits.softmax(-1).mul(allowed).sum(-1), torch.ones(rows.is_response.shape))
    metrics = learner.update(rollout, 0)
    assert metrics["policy/approxkl_avg"] < 1e-9
    assert metrics["policy/mask_size"] < 0.5 * allowed.shape[-1]


def test_with_everything_allowed_nlpo_is_ppo(moved):
    everything = learner_of(moved, "nlpo", top_mask=1.0)
    rollout = rollout_of(moved, drawn(moved, everything), SCORE)
    expected = gradient(learner_of(moved, "ppo"), rollout)
    torch.testing.assert_close(gradient(everything, rollout), expected, atol=1e-6, rtol=1e-4)


def test_the_masking_policy_is_renewed_on_time_and_reaches_the_sampler(shared):
    learner = learner_of(shared, "nlpo", mask_refresh=2)
    start = {key: value.clone() for key, value in shared.state(nlpo.MASK).items()}
    for step in range(2):
        assert all(torch.equal(value, shared.state(nlpo.MASK)[key]) for key, value in start.items())
        learner.update(rollout_of(shared, drawn(shared, learner, step), SCORE), step)
    policy = shared.state(POLICY)
    assert all(torch.equal(value, policy[key]) for key, value in shared.state(nlpo.MASK).items())
    assert any(not torch.equal(value, policy[key]) for key, value in start.items())
    drawn(shared, learner, 5)
    with torch.no_grad(), shared.role(POLICY) as causal:
        logits = causal(torch.tensor([[8, 9, 10, 11]])).logits[0, -1]
    options = learner.options
    expected = guides.top_set(logits, options.top_mask, options.fewest_tokens, list(shared.base.end_ids))
    assert torch.equal(learner.drawing.masks[0][3], expected), "the sampler sees the renewed masking policy"


# Soft Q-learning


def test_at_the_soft_optimum_no_path_leaves_anything_to_correct(shared):
    """Two steps over three tokens: V and pi solve the soft Bellman equation, the head knows V of each state."""
    torch.manual_seed(0)
    beta, prior, leaf = 0.3, torch.randn(3).log_softmax(-1), torch.randn(3, 3)
    second = torch.randn(3, 3).log_softmax(-1)
    V1 = beta * (second + leaf / beta).logsumexp(-1)
    V0 = beta * (prior + V1 / beta).logsumexp(-1)
    pi1, pi0 = second + (leaf - V1[:, None]) / beta, prior + (V1 - V0) / beta
    a, b = torch.arange(3).repeat_interleave(3), torch.arange(3).repeat(3)  # the nine paths

    learner = learner_of(shared, "soft-q", replace(CONFIG, kl_coef=beta))
    d = shared.base.hidden_size
    for head in (learner.critic.head, learner.target):
        head.zero()
        head.linear.weight.data[0, :4] = torch.tensor([float(V0), *V1.tolist()])
    states = torch.stack([torch.zeros_like(a), 1 + a], 1)
    inside = torch.ones(9, 2, dtype=torch.bool)
    prompt, of_it = torch.ones(1, 1, dtype=torch.long), torch.zeros(9, dtype=torch.long)
    rows = Rows(prompt, prompt > 0, of_it, torch.stack([a, b], 1), inside, torch.ones(9, dtype=torch.bool))
    logp, reference = torch.stack([pi0[a], pi1[a, b]], 1), torch.stack([prior[a], second[a, b]], 1)
    features = torch.nn.functional.one_hot(states, d).float()
    batch = Rollout(rows, ("",) * 9, logp, reference, torch.zeros(9, 2), features, leaf[a, b])
    missing = []

    def look(batch, pieces, loss, *, beside):
        found, parts = loss(SimpleNamespace(logp=logp), torch.arange(9))
        missing.append([each.detach() for each in (found, *parts.values())])
        return {}

    learner.actor.descend = look
    learner.consistent(batch)
    assert max(float(each.abs().max()) for each in missing[0]) < 1e-8
    learner.consistent(replace(batch, score=batch.score + torch.nn.functional.one_hot(torch.tensor(4), 9)))
    for found in missing[1]:
        assert bool(found[4].sum() > 0.1)
        assert float(torch.cat([found[:4], found[5:]]).abs().max()) < 1e-8


def test_the_one_step_residual_asks_the_target_for_what_comes_next(moved):
    learner = learner_of(moved, "soft-q", replace(CONFIG, kl_coef=0.5), q_updates=1)
    rollout = rollout_of(moved, drawn(moved), SCORE)
    learner.critic.fresh = False
    for head, value in ((learner.critic.head, 0.25), (learner.target, 0.75)):
        head.zero()
        head.linear.bias.data.fill_(value)
    found = learner.consistent(rollout)["loss/consistency"]
    total, price = 0.0, 0.5 * (rollout.logp_old - rollout.logp_ref)
    for row, n in enumerate(rollout.rows.lengths.tolist()):
        for t in range(n):
            following = 0.75 if t + 1 < n else float(SCORE[row])
            total += 0.5 * (following - float(price[row, t]) - 0.25) ** 2
    assert found == pytest.approx(total / int(rollout.is_response.sum()), rel=1e-3)


def test_at_the_reference_the_residual_is_the_score_less_the_value(shared):
    learner = learner_of(shared, "soft-q", replace(CONFIG, kl_coef=0.5), q_updates=1)
    rollout = rollout_of(shared, drawn(shared, learner), SCORE)
    mean = float(SCORE.mean())
    expected = 0.5 * ((SCORE - mean).square() * rollout.rows.lengths).sum() / rollout.is_response.sum()
    assert learner.update(rollout, 0)["loss/value_avg"] == pytest.approx(float(expected), rel=1e-4)


def test_on_fresh_rollouts_soft_q_is_the_policy_gradient_with_its_residual_as_advantage(moved):
    learner = learner_of(moved, "soft-q", replace(CONFIG, kl_coef=0.5), q_updates=1, one_step=0.0)
    rollout = rollout_of(moved, drawn(moved), SCORE)
    found = gradient(learner, rollout)
    price = 0.5 * (rollout.logp_old - rollout.logp_ref)
    residual = (SCORE[:, None] - sum_to_go(price) - float(SCORE.mean())) * rollout.is_response
    weight = residual.cumsum(1)  # a token's price is part of every residual that begins before it
    with moved.role(POLICY, train=True) as causal:
        logp = predictions(causal, rollout.rows, 1.0).logp
        (-(weight * logp).sum() / rollout.is_response.sum()).backward()
    expected = torch.cat([weight.grad.flatten() for weight in learner.actor.weights])
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-3)


@pytest.mark.parametrize(("data", "fresh"), [("on-policy", 6), ("both", 3), ("off-policy", 0)])
def test_soft_q_learns_from_fresh_rollouts_earlier_ones_or_both(shared, data, fresh):
    learner = learner_of(shared, "soft-q", data=data)
    first, second = (rollout_of(shared, drawn(shared, None, seed), SCORE + 10 * seed) for seed in range(2))
    assert learner.batch(first, 0, 0) is first, "there is nothing earlier yet"
    learner.update(first, 0)
    batch = learner.batch(second, 1, 0)
    assert len(batch) == 6
    assert int((batch.score > 5).sum()) == fresh


# DQN


@pytest.fixture
def deep(moved):
    learner = learner_of(moved, "dqn", replace(CONFIG, kl_coef=0.0), n_step=2, sync_every=3, q_updates=1)
    rollout = rollout_of(moved, drawn(moved), SCORE)
    learner.critic.initialise(rollout.score)
    learner.sync()
    return learner, learner.with_candidates(rollout)


def test_at_the_reference_every_q_is_the_value(shared):
    learner = learner_of(shared, "dqn")
    rollout = learner.with_candidates(rollout_of(shared, drawn(shared), SCORE))
    learner.critic.initialise(rollout.score)
    values = learner.critic.values(rollout)
    with torch.no_grad(), shared.role(POLICY) as causal:
        seen = predictions(causal, rollout.rows, 1.0)
        taken, best = learner.q_values(seen, rollout, torch.arange(6), learner.critic.head)
    torch.testing.assert_close(taken * rollout.is_response, values, atol=1e-5, rtol=0)
    torch.testing.assert_close(best[..., 0] * rollout.is_response, values, atol=1e-5, rtol=0)


def test_candidates_hold_the_end_token_and_the_likeliest():
    logits = torch.randn(3, 40, generator=torch.Generator().manual_seed(0))
    ids = guides.candidate_ids(logits, 5, [39])
    assert bool((ids == 39).any(-1).all())
    likeliest = logits[:, :39].topk(4, -1).indices
    assert bool((ids[..., None] == likeliest[:, None, :]).any(1).all())


def test_targets_are_the_score_at_the_end_and_the_target_network_before(deep):
    learner, batch = deep
    learner.target_head.linear.bias.data += 0.5
    lengths, rows = batch.rows.lengths, torch.arange(6)
    with torch.no_grad(), learner.shared.role(dqn.TARGET) as causal:
        seen = predictions(causal, batch.rows, 1.0)
        _, candidates = learner.q_values(seen, batch, rows, learner.target_head)
    with torch.no_grad(), learner.shared.role(POLICY) as causal:
        _, online = learner.q_values(predictions(causal, batch.rows, 1.0), batch, rows, learner.critic.head)
    targets = learner.targets(batch, learner.target_values(batch), online)
    torch.testing.assert_close(targets[rows, lengths - 1], SCORE)
    torch.testing.assert_close(targets[rows, (lengths - 2).clamp(min=0)], SCORE)
    row, t = 1, 2  # seven tokens long
    assert float(targets[row, t]) == pytest.approx(float(candidates[row, t + 2, online[row, t + 2].argmax()]), abs=1e-5)
    assert float(targets[row, t]) != pytest.approx(float(SCORE[row]), abs=1e-3)
    learner.options = replace(learner.options, n_step=99)
    none = torch.full_like(online, torch.nan)
    torch.testing.assert_close(
        learner.targets(batch, none, none), returns_to_go(learner.rewards(batch), batch.is_response)
    )


def test_double_q_is_plain_q_while_both_networks_agree(deep):
    learner, batch = deep
    with torch.no_grad(), learner.shared.role(POLICY) as causal:
        _, online = learner.q_values(predictions(causal, batch.rows, 1.0), batch, torch.arange(6), learner.critic.head)
    double = learner.targets(batch, learner.target_values(batch), online)
    learner.options = replace(learner.options, double_q=False)
    torch.testing.assert_close(learner.targets(batch, learner.target_values(batch), -online), double)


def test_the_target_network_changes_only_when_it_is_renewed(deep):
    learner, batch = deep
    target = {key: value.clone() for key, value in learner.shared.state(dqn.TARGET).items()}
    for step in range(2):
        learner.update(batch, step)
        assert all(torch.equal(value, target[key]) for key, value in learner.shared.state(dqn.TARGET).items())
    learner.update(batch, 2)
    policy = learner.shared.state(POLICY)
    assert all(torch.equal(value, policy[key]) for key, value in learner.shared.state(dqn.TARGET).items())


def test_replay_gives_back_what_was_stored_and_forgets_the_oldest(shared):
    from core.rl.replay import Replay

    replay, parts = Replay(12), [rollout_of(shared, drawn(shared, None, seed), SCORE + seed) for seed in range(3)]
    for part in parts:
        replay.add(part)
    assert len(replay) == 12
    everything = replay.sample(99, torch.Generator().manual_seed(0))
    assert sorted(everything.score.tolist()) == sorted((torch.cat([SCORE + 1, SCORE + 2])).tolist())
    for row in range(len(everything)):
        n, own = int(everything.rows.lengths[row]), everything.score[row]
        part = next(part for part in parts[1:] if bool((part.score == own).any()))
        place = int((part.score == own).nonzero()[0])
        assert torch.equal(everything.rows.response_ids[row, :n], part.rows.response_ids[place, :n])
        torch.testing.assert_close(everything.logp_old[row, :n], part.logp_old[place, :n])
    again, _ = logprobs(shared, POLICY, everything.rows, 1.0, 6)
    torch.testing.assert_close(again, everything.logp_old, atol=1e-5, rtol=1e-4)


def test_what_was_drawn_at_another_temperature_is_forgotten(shared):
    for name in ("soft-q", "dqn"):
        learner = learner_of(shared, name)
        rollout = rollout_of(shared, drawn(shared), SCORE)
        learner.update(rollout, 0)
        learner.update(replace(rollout, temperature=0.5), 1)
        assert {part.temperature for part in learner.replay.parts} == {0.5}
        shared.drop(dqn.TARGET) if name == "dqn" else None


# DPO


def test_dpo_starts_at_ln_2_with_half_of_the_pairs_right(shared):
    learner = learner_of(shared, "dpo")
    metrics = learner.update(preferences_of(shared, drawn(shared), -SCORE), 0)
    assert metrics["loss"] == pytest.approx(math.log(2), abs=1e-5)
    assert metrics["rewards/accuracies"] == pytest.approx(0.5)
    assert metrics["rewards/margins"] == pytest.approx(0.0, abs=1e-6)


def test_dpo_pairs_are_of_one_prompt_and_neither_ties_nor_unranked_ones():
    ranks = torch.tensor([1.0, 2.0, 2.0, 1.0, float("nan"), 3.0])
    pairs = dpo.preferred(ranks, GROUP)
    assert pairs.nonzero().tolist() == [[0, 1], [0, 2], [3, 5]]


def test_dpo_weighs_prompts_alike_and_leaves_out_those_without_a_pair(shared):
    tied = torch.tensor([1.0, 2.0, 3.0, 1.0, 1.0, 1.0])
    metrics = learner_of(shared, "dpo").update(preferences_of(shared, drawn(shared), tied), 0)
    assert metrics["loss"] == pytest.approx(math.log(2), abs=1e-5)


def test_dpo_raises_the_chosen_above_the_rejected(shared):
    learner = learner_of(shared, "dpo")
    batch = preferences_of(shared, drawn(shared), -SCORE)
    seen = [learner.update(batch, step) for step in range(6)]
    assert seen[-1]["rewards/accuracies"] > 0.9
    assert seen[-1]["loss"] < seen[0]["loss"]


def test_the_hinge_is_0_once_the_margin_is_1():
    learner = dpo.Learner.__new__(dpo.Learner)
    learner.options = DPO(dpo_loss="hinge", beta=0.5)
    assert learner.pair_loss(torch.tensor([-2.0, 0.0, 1.0, 2.0, 3.0])).tolist() == [2.0, 1.0, 0.5, 0.0, 0.0]


@pytest.mark.parametrize("kind", ["simpo", "orpo"])
def test_losses_without_a_reference_are_those_of_their_papers(moved, kind):
    rows = drawn(moved)
    batch = preferences_of(moved, rows, torch.tensor([1.0, 2.0, 2.0, 1.0, 1.0, 1.0]))  # pairs (0, 1) and (0, 2)
    logp, _ = logprobs(moved, POLICY, rows, 1.0, CONFIG.micro_batch)
    mean = (logp.sum(1) / rows.lengths).tolist()
    sigmoid = lambda x: 1 / (1 + math.exp(-x))  # noqa: E731
    if kind == "simpo":
        losses = [-math.log(sigmoid(2.0 * (mean[0] - mean[loser]) - 0.7)) for loser in (1, 2)]
    else:
        odds = [math.exp(each) / (1 - math.exp(each)) for each in mean]
        losses = [-mean[0] - 0.3 * math.log(sigmoid(math.log(odds[0] / odds[loser]))) for loser in (1, 2)]
    own = {"beta": 2.0, "simpo_margin": 0.7} if kind == "simpo" else {"beta": 0.3}
    found = learner_of(moved, "dpo", dpo_loss=kind, **own).update(batch, 0)
    assert found["loss"] == pytest.approx(sum(losses) / 2, abs=1e-4)
    other = replace(batch, logp_ref=batch.logp_ref - 3.0 * rows.is_response)
    assert torch.equal(
        gradient(learner_of(moved, "dpo", dpo_loss=kind, **own), batch),
        gradient(learner_of(moved, "dpo", dpo_loss=kind, **own), other),
    )


@pytest.mark.parametrize("kind", ["sigmoid", "ipo", "hinge", "simpo", "orpo"])
def test_smoothed_labels_mix_in_the_loss_of_the_pair_the_other_way_round(kind):
    learner, h = dpo.Learner.__new__(dpo.Learner), torch.tensor([-1.3, 0.0, 0.4])
    learner.options = DPO(dpo_loss=kind)
    plain, turned = learner.pair_loss(h), learner.pair_loss(-h)
    learner.options = DPO(dpo_loss=kind, label_smoothing=0.3)
    torch.testing.assert_close(learner.pair_loss(h), 0.7 * plain + 0.3 * turned)


def test_orpo_learns_the_best_of_a_prompt_alone_as_it_is(moved):
    rows = drawn(moved)
    ranks = torch.tensor([1.0, 2.0, 3.0, 1.0, 2.0, 3.0])
    learner = learner_of(moved, "dpo", dpo_loss="orpo", beta=1e-3)
    logp, _ = logprobs(moved, POLICY, rows, 1.0, CONFIG.micro_batch)
    mean = (logp.sum(1) / rows.lengths).tolist()
    found = learner.update(preferences_of(moved, rows, ranks), 0)
    assert found["loss"] == pytest.approx(-(mean[0] + mean[3]) / 2, abs=3e-3)


def test_ipo_wants_a_margin_of_half_its_beta_and_no_more():
    learner = dpo.Learner.__new__(dpo.Learner)
    learner.options = DPO(dpo_loss="ipo", beta=0.1)
    losses = learner.pair_loss(torch.tensor([4.0, 5.0, 6.0]))
    assert losses.tolist() == pytest.approx([1.0, 0.0, 1.0])
