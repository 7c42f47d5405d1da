"""One PPO update seen from outside: what it may touch, and what it must ignore."""

from dataclasses import replace

import pytest
import torch

from core.config.training import TrainRewardConfig
from core.models.adapters import SharedModel
from core.models.logprobs import predictions
from core.models.rows import Rows
from core.rl.rollout import POLICY
from tests.core.reward.steps import fresh_model
from tests.core.rl import rollouts
from tests.core.rl.rollouts import CONFIG, batch_of, copies, drawn, gradient, rollout_of, same


@pytest.fixture
def shared(base):
    found = SharedModel(base)
    found.add(POLICY, CONFIG, seed=0)
    yield found
    found.close()


@pytest.fixture
def rows(shared) -> Rows:
    return drawn(shared)


def learner_of(shared, config=CONFIG, **options):
    return rollouts.learner_of(shared, "ppo", config, **options)


def test_kl_is_0_and_ratio_1_before_the_first_update(shared, rows):
    reward = fresh_model(shared, TrainRewardConfig(), seed=1)
    rollout = rollout_of(shared, rows, reward=reward)
    assert torch.equal(rollout.logp_old, rollout.logp_ref)
    assert rollout.kl.abs().max() == 0
    metrics = learner_of(shared, ppo_epochs=1).update(rollout, 0)
    assert metrics["val/ratio"] == pytest.approx(1, abs=1e-6)
    assert metrics["policy/approxkl_avg"] < 1e-10
    assert metrics["policy/clipfrac_avg"] == 0
    assert abs(metrics["loss/policy_avg"]) < 1e-5, "the mean of whitened advantages is 0"


def test_policy_and_value_learn_from_their_own_losses_alone(shared, rows):
    reward = fresh_model(shared, TrainRewardConfig(), seed=1)
    with torch.no_grad():
        reward.members[0].head.linear.weight.normal_()
    learner = learner_of(shared)
    base = [weight for name, weight in shared.base.model.named_parameters() if "lora_" not in name]
    before = [copies(group) for group in (base, *reward.parameters(reward.members[0]))]
    policy, value = copies(learner.actor.weights), copies(learner.critic.head.parameters())
    learner.update(rollout_of(shared, rows, reward=reward), 0)
    now = (base, *reward.parameters(reward.members[0]))
    assert all(same(a, b) for a, b in zip(before, now, strict=True)), "base, reward adapter and head stay as they are"
    assert not same(policy, learner.actor.weights)
    assert not same(value, learner.critic.head.parameters())


def test_the_value_loss_gives_the_policy_no_gradient(shared, rows):
    rollout = rollout_of(shared, rows, torch.zeros(6))
    learner = learner_of(shared)
    learner.critic.initialise(rollout.score)
    policy = copies(learner.actor.weights)
    learner.critic.fit(rollout, *[torch.ones_like(rollout.logp_old)] * 3, step=0)
    assert same(policy, learner.actor.weights)
    assert all(weight.grad is None for weight in learner.actor.weights)


@pytest.mark.parametrize("name", ["ppo", "a2c", "trpo"])
def test_explained_variance_is_that_of_what_was_drawn(shared, rows, name):
    """Of the returns to go, summed reward by reward; lambda-returns hold the values themselves and flatter them."""
    learner = rollouts.learner_of(shared, name, lam=0.3)
    rollout = rollout_of(shared, rows, torch.tensor([1.0, -0.5, 0.3, -1.0, 0.2, 0.7]))
    learner.critic.initialise(rollout.score)
    with torch.no_grad():
        learner.critic.head.linear.weight.normal_(std=0.3, generator=torch.Generator().manual_seed(0))
    values, mask = learner.critic.values(rollout), rollout.is_response
    gamma, drawn_returns, said = learner.options.gamma, [], []
    for row, length in enumerate(rows.lengths.tolist()):  # no KL yet: the score at the end is the only reward
        drawn_returns += [gamma ** (length - 1 - t) * float(rollout.score[row]) for t in range(length)]
        said += values[row][mask[row]].tolist()
    returns, said = torch.tensor(drawn_returns), torch.tensor(said)
    expected = 1 - float((returns - said).var(correction=0) / returns.var(correction=0))
    assert learner.update(rollout, 0)["val/explained_variance"] == pytest.approx(expected, abs=1e-4)


def test_what_lies_after_the_end_token_does_not_change_the_update(shared, rows):
    score = torch.linspace(-1, 1, 6)
    assert not bool(rows.is_response.all())
    junk = Rows(
        rows.prompt_ids, rows.is_prompt, rows.prompt_of,
        torch.where(rows.is_response, rows.response_ids, 99), rows.is_response, rows.ended,
    )  # fmt: skip
    first = gradient(learner_of(shared), rollout_of(shared, rows, score))
    assert float(first.abs().max()) > 0
    torch.testing.assert_close(gradient(learner_of(shared), rollout_of(shared, junk, score)), first, atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", ["ppo", "rloo", "grpo", "dpo"])
def test_micro_batches_give_the_gradient_of_the_whole_batch(shared, rows, name):
    batch = batch_of(shared, name, rows, torch.tensor([1.0, -0.5, 0.3, -1.0, 0.2, 0.7]))
    whole, parts = (
        gradient(rollouts.learner_of(shared, name, replace(CONFIG, micro_batch=size)), batch) for size in (6, 3)
    )
    assert float(whole.abs().max()) > 0
    torch.testing.assert_close(parts, whole, atol=1e-6, rtol=1e-4)


def test_the_policy_moves_towards_what_is_rewarded(shared, rows):
    score = torch.tensor([2.0, -1.0, -1.0, 2.0, -1.0, -1.0])
    rollout = rollout_of(shared, rows, score)
    learner_of(shared, ppo_epochs=4).update(rollout, 0)
    with torch.no_grad(), shared.role(POLICY) as causal:
        moved = (predictions(causal, rows, 1.0).logp - rollout.logp_old).sum(1)
    assert moved[[0, 3]].mean() > moved[[1, 2, 4, 5]].mean()
