"""One PPO update seen from outside: what it may touch, and what it must ignore."""

from dataclasses import replace

import pytest
import torch

from core.configs import PPOConfig, TrainPolicyConfig, TrainRewardConfig
from core.models.adapters import REFERENCE, SharedModel
from core.models.logprobs import response_logprobs
from core.models.rows import Rows
from core.models.seeds import generator
from core.reward.model import RewardModel
from core.rl.algorithms.ppo import Learner
from core.rl.loop import value_head
from core.rl.rollout import POLICY, Rollout, draw, logprobs, score_and_features

CONFIG = TrainPolicyConfig(batch_size=6, completions=3, max_new_tokens=7, micro_batch=3, learning_rate=1e-2)


@pytest.fixture
def shared(base):
    found = SharedModel(base)
    found.add(POLICY, CONFIG, seed=0)
    yield found
    found.close()


def rollout_of(shared, reward, rows, score=None) -> Rollout:
    logp, entropy = logprobs(shared, POLICY, rows, 1.0, CONFIG.micro_batch, entropy=True)
    reference, _ = logprobs(shared, REFERENCE, rows, 1.0, CONFIG.micro_batch)
    learned, features, _ = score_and_features(shared, reward, rows, CONFIG.micro_batch)
    return Rollout(rows, ("",) * len(rows), logp, reference, entropy, features, learned if score is None else score)


@pytest.fixture
def rows(shared) -> Rows:
    return draw(
        shared, POLICY, [[5, 6, 7], [8, 9, 10, 11]], copies=3, max_new_tokens=7, temperature=1.0, generator=generator(3)
    )


def learner_of(shared, **options) -> Learner:
    return Learner(shared, CONFIG, PPOConfig(**options), value_head(shared))


def copies(tensors):
    return [tensor.detach().clone() for tensor in tensors]


def same(before, now):
    return all(torch.equal(a, b) for a, b in zip(before, now, strict=True))


def test_kl_is_0_and_ratio_1_before_the_first_update(shared, rows):
    reward = RewardModel.fresh(shared, TrainRewardConfig(), seed=1)
    rollout = rollout_of(shared, reward, rows)
    assert torch.equal(rollout.logp_old, rollout.logp_ref)
    assert rollout.kl.abs().max() == 0
    metrics = learner_of(shared, ppo_epochs=1).update(rollout, 0.0)
    assert metrics["val/ratio_first"] < 1e-6
    assert metrics["policy/approxkl_avg"] < 1e-10
    assert metrics["policy/clipfrac_avg"] == 0
    assert abs(metrics["loss/policy_avg"]) < 1e-5, "the mean of whitened advantages is 0"


def test_policy_and_value_learn_from_their_own_losses_alone(shared, rows):
    reward = RewardModel.fresh(shared, TrainRewardConfig(), seed=1)
    with torch.no_grad():
        reward.members[0].head.linear.weight.normal_()
    learner = learner_of(shared)
    base = [weight for name, weight in shared.base.model.named_parameters() if "lora_" not in name]
    before = [copies(group) for group in (base, *reward.parameters(reward.members[0]))]
    policy, value = copies(learner.weights), copies(learner.value_head.parameters())
    learner.update(rollout_of(shared, reward, rows), 0.0)
    now = (base, *reward.parameters(reward.members[0]))
    assert all(same(a, b) for a, b in zip(before, now, strict=True)), "base, reward adapter and head stay as they are"
    assert not same(policy, learner.weights)
    assert not same(value, learner.value_head.parameters())


def test_the_value_loss_gives_the_policy_no_gradient(shared, rows):
    rollout = rollout_of(shared, None, rows, score=torch.zeros(6))
    learner = learner_of(shared, vf_coef=10.0)
    policy = copies(learner.weights)
    learner.value_head.linear.bias.data.fill_(3.0)
    zero = torch.zeros_like(rollout.logp_old)
    learner._step(rows.chunks(99), rollout, advantages=zero, returns=zero, values_old=zero + 3.0)
    assert same(policy, learner.weights)


def test_what_lies_after_the_end_token_does_not_change_the_update(shared, rows):
    score = torch.linspace(-1, 1, 6)
    junk = Rows(
        rows.prompt_ids, rows.is_prompt, rows.prompt_of,
        torch.where(rows.is_response, rows.response_ids, 99), rows.is_response, rows.ended,
    )  # fmt: skip
    assert not torch.equal(junk.response_ids, rows.response_ids) or bool(rows.is_response.all())
    first = learner_of(shared, ppo_epochs=1)
    kept = copies(first.weights)
    one = first.update(rollout_of(shared, None, rows, score), 0.0)
    after = copies(first.weights)
    for weight, old in zip(first.weights, kept, strict=True):
        weight.data.copy_(old)
    two = learner_of(shared, ppo_epochs=1).update(rollout_of(shared, None, junk, score), 0.0)
    torch.testing.assert_close(torch.tensor(list(one.values())), torch.tensor(list(two.values())), atol=1e-5, rtol=1e-5)
    for a, b in zip(after, first.weights, strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-4)


def test_micro_batches_give_the_gradient_of_the_whole_batch(shared, rows):
    score = torch.linspace(-1, 1, 6)
    kept = copies(shared.parameters(POLICY))

    def after(micro_batch: int) -> list[torch.Tensor]:
        for weight, old in zip(shared.parameters(POLICY), kept, strict=True):
            weight.data.copy_(old)
        config = replace(CONFIG, micro_batch=micro_batch)
        learner = Learner(shared, config, PPOConfig(ppo_epochs=1), value_head(shared))
        learner.update(rollout_of(shared, None, rows, score), 0.0)
        return copies(learner.weights)

    for a, b in zip(after(3), after(6), strict=True):
        torch.testing.assert_close(a, b, atol=2e-4, rtol=1e-3)


def test_the_policy_moves_towards_what_is_rewarded(shared, rows):
    score = torch.tensor([2.0, -1.0, -1.0, 2.0, -1.0, -1.0])
    rollout = rollout_of(shared, None, rows, score)
    learner_of(shared, ppo_epochs=4).update(rollout, 0.0)
    with torch.no_grad(), shared.role(POLICY) as causal:
        moved = (response_logprobs(causal, rows, 1.0).logp - rollout.logp_old).sum(1)
    assert moved[[0, 3]].mean() > moved[[1, 2, 4, 5]].mean()
