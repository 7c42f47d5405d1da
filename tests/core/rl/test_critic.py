"""The value function: a head on frozen states, and an adapter that begins from the reward model."""

from dataclasses import replace

import pytest
import torch
from peft import PeftModel
from torch.nn.functional import pad
from transformers import AutoModelForCausalLM

from core.config.jobs import JobKind
from core.config.metrics import further
from core.config.training import ALGORITHMS, TrainRewardConfig
from core.jobs import queue
from core.models.adapters import REFERENCE, SharedModel
from core.rl.actor import Setup
from core.rl.adaptive_kl import LiveSettings
from core.rl.critic import CRITIC, critic_of, default_rate
from core.rl.estimators import explained_by_quarter
from core.rl.rollout import POLICY
from core.store.runs import job_log
from tests.core.conftest import ARCHITECTURES, loaded
from tests.core.reward.steps import fresh_model
from tests.core.rl.rollouts import CONFIG, copies, drawn, learner_of, rollout_of, same
from tests.core.rl.test_steering import POLICY as RUN
from tests.core.rl.test_steering import at_step, killed_and_resumed, numbers, options, ranked
from tests.thorough import represented

SCORE = torch.tensor([1.0, -0.5, 0.3, -1.0, 0.2, 0.7])
WITH_VALUES = ("ppo", "nlpo", "a2c", "reinforce", "trpo")


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
def reward(shared):
    """A reward model whose adapter has left the base, as after training."""
    found = fresh_model(shared, TrainRewardConfig(lora_rank=4), seed=1)
    shake(shared.parameters(found.members[0].adapter))
    return found


def shake(weights, seed=2, by=0.05):
    draw = torch.Generator().manual_seed(seed)
    for weight in weights:
        weight.data += by * torch.randn(weight.shape, generator=draw)


def critic(shared, features_of, kind="adapter", name="ppo", config=CONFIG, **values):
    setup = Setup(shared, config, options(name, value_model=kind, **values), LiveSettings.of(config), features_of)
    return critic_of(setup)


# The adapter


def test_an_adapter_begins_with_the_states_that_a_head_would_read(shared, reward):
    """Those of the reward model; without one of ours, those of the reference, also where that has an adapter on."""
    rows = drawn(shared)
    other = replace(CONFIG, lora_rank=3)
    shared.add("begun", other, seed=5)
    shake(shared.parameters("begun"), seed=6)
    for features_of, with_reward, refers in (
        ("reward", reward, None),
        (REFERENCE, None, None),
        (REFERENCE, None, "begun"),
    ):
        if refers:
            shared.refer_to(refers)
        rollout = rollout_of(shared, rows, SCORE, with_reward)
        adapter, head = critic(shared, features_of), critic(shared, features_of, "head")
        for each in (adapter, head):
            each.initialise(SCORE)
            shake(each.head.parameters(), by=0.3)
        torch.testing.assert_close(adapter.values(rollout), head.values(rollout), atol=1e-5, rtol=1e-5)
        shape = shared.shape(features_of or refers) if features_of or refers else (CONFIG.lora_rank, CONFIG.lora_alpha)
        assert shared.shape(CRITIC) == shape
        shared.drop(CRITIC)


@pytest.mark.parametrize("clip", [0.0, 0.2])
def test_an_adapters_step_is_down_the_value_loss_of_a_naive_loop(shared, reward, tmp_path, clip):
    """Completion by completion through transformers and peft, V a product with the head's weights: the gradient of the
    mean over all tokens, however many micro-batches there are."""
    rows, T = drawn(shared), 7
    draw = torch.Generator().manual_seed(4)
    old, returns = torch.randn((6, T), generator=draw), torch.randn((6, T), generator=draw)
    rollout = rollout_of(shared, rows, SCORE, reward)
    found = []
    for micro_batch in (6, 2):
        config = replace(CONFIG, micro_batch=micro_batch)
        own = critic(shared, "reward", config=config, value_adapter_epochs=1)
        own.initialise(SCORE)
        shake(own.head.parameters(), by=0.3)
        kept = []

        def step(own=own, kept=kept):  # nothing moves: the head's own passes, then one of both
            kept.append([weight.grad for weight in own.weights])
            own.optimizer.zero_grad()

        own.step = step
        loss = own.fit(rollout, old, returns, returns, step=0, clip=clip)["loss/value_avg"]
        assert len(kept) == own.options.value_epochs + 1
        found.append((loss, kept[-1]))
        shared.save(CRITIC, tmp_path / "adapter")
        head = copies(own.head.parameters())
        shared.drop(CRITIC)

    model = AutoModelForCausalLM.from_pretrained(
        shared.base.spec.folder, dtype=torch.float32, attn_implementation="eager"
    )
    model = PeftModel.from_pretrained(model, tmp_path / "adapter", is_trainable=True)
    weight, bias = (each.requires_grad_() for each in head)
    total = torch.zeros(())
    for row, n in enumerate(rows.lengths.tolist()):
        prompt = rows.prompt_ids[rows.prompt_of[row]][rows.is_prompt[rows.prompt_of[row]]]
        ids = torch.cat([prompt, rows.response_ids[row, :n]])[None]
        states = model(input_ids=ids, output_hidden_states=True).hidden_states[-1][0]
        for t in range(n):
            v = weight[0] @ states[len(prompt) - 1 + t] + bias[0]
            error = (v - returns[row, t]) ** 2
            if clip:
                near = old[row, t] + torch.clamp(v - old[row, t], -clip, clip)
                error = torch.maximum(error, (near - returns[row, t]) ** 2)
            total = total + error / 2
    loss = total / rows.is_response.sum()
    lora = [each for key, each in model.named_parameters() if "lora_" in key]
    expected = torch.autograd.grad(loss, [*lora, weight, bias])
    assert sum(float(each.abs().sum()) for each in expected[: len(lora)]) > 0
    for said, grads in found:
        assert said == pytest.approx(float(loss.detach()), rel=1e-4)
        for mine, theirs in zip(grads, expected, strict=True):
            torch.testing.assert_close(mine, theirs, atol=1e-6, rtol=1e-3)


@pytest.mark.parametrize("name", represented(WITH_VALUES, "ppo", "trpo"))
def test_an_adapter_learns_beside_the_policy_and_touches_nothing_else(shared, reward, name):
    """The first update of the policy is the same bit for bit: both forms begin at the mean score everywhere."""
    policies = []
    before = copies(shared.parameters(POLICY))
    frozen = [weight for key, weight in shared.base.model.named_parameters() if "lora_" not in key]
    frozen = [*frozen, *shared.parameters("reward"), *reward.members[0].head.parameters()]
    unchanged = copies(frozen)
    for kind in ("head", "adapter"):
        learner = learner_of(shared, name, features_of="reward", value_model=kind)
        rollout = rollout_of(shared, drawn(shared, learner), SCORE, reward)
        for step in range(2):  # the head begins at 0, so that the adapter feels nothing before the second pass
            if step:
                rollout = rollout_of(shared, drawn(shared, learner), SCORE, reward)
            metrics = learner.update(rollout, step)
            if not step:
                policies.append(copies(learner.actor.weights))
        assert metrics["loss/value_avg"] > 0
        if name == "nlpo":
            shared.drop("masking")
        if kind == "adapter":
            assert not same(copies(shared.parameters(CRITIC)), shared.parameters("reward"))
            shared.drop(CRITIC)
        for weight, old in zip(shared.parameters(POLICY), before, strict=True):
            weight.data.copy_(old)
    assert same(*policies)
    assert same(unchanged, frozen)


# The head


@pytest.mark.parametrize("name", ["ppo", "a2c"])
@pytest.mark.parametrize("clip", [0.0, 0.1])
def test_a_head_learns_bit_for_bit_as_a_plain_regression_on_the_features(shared, reward, name, clip):
    own = {"cliprange_value": clip} if name == "ppo" else {}
    if clip and not own:
        return
    chosen = {"lam": 1.0, "gamma": 1.0, "value_learning_rate": 1e-3} | own
    learner = learner_of(shared, name, features_of="reward", **chosen)
    rollout = rollout_of(shared, drawn(shared), SCORE, reward)
    learner.update(rollout, 0)
    linear = torch.nn.Linear(32, 1)
    torch.nn.init.zeros_(linear.weight)
    torch.nn.init.constant_(linear.bias, float(SCORE.mean()))
    optimizer = torch.optim.AdamW(linear.parameters(), lr=1e-3, eps=1e-5, weight_decay=0.0)
    mask = rollout.is_response
    old = (linear(rollout.features)[..., 0] * mask).detach()
    last = torch.zeros(mask.shape)
    last[torch.arange(6), rollout.rows.lengths - 1] = SCORE
    advantages, following = torch.zeros(mask.shape), torch.zeros(6)
    for t in reversed(range(mask.shape[1])):
        following = (last[:, t] + pad(old, [0, 1])[:, t + 1] - old[:, t] + following) * mask[:, t]
        advantages[:, t] = following
    returns = (advantages + old) * mask
    for _ in range(8):
        values = linear(rollout.features)[..., 0]
        error = (values - returns) ** 2
        if clip:
            error = torch.maximum(error, (old + (values - old).clamp(-clip, clip) - returns) ** 2)
        optimizer.zero_grad()
        ((0.5 * error * mask).sum() / mask.sum()).backward()
        torch.nn.utils.clip_grad_norm_(linear.parameters(), 1.0)
        optimizer.step()
    assert same(copies(linear.parameters()), learner.critic.head.parameters())


def test_a_head_moves_a_value_by_less_than_returns_spread(shared, reward):
    """The first step, all weights in one direction, is Adam's longest; a wider model has more weights."""
    critic = learner_of(shared, "ppo", features_of="reward").critic
    states = torch.ones(1, 1, 32)
    (0.5 * (critic.head(states) - 1).square()).mean().backward()
    critic.step()
    assert 0.03 < float(critic.head(states).detach()) < 0.1
    assert [width * default_rate(width) for width in (576, 4096)] == pytest.approx([0.058, 0.058], rel=0.05)


def test_a_rate_that_is_given_stays(shared, reward):
    assert learner_of(shared, "a2c", features_of="reward", value_learning_rate=3e-3).critic.rate == 3e-3
    assert learner_of(shared, "a2c", features_of="reward").critic.rate == default_rate(32)


# Which one


def test_an_adapter_is_learnt_where_it_was_chosen_and_there_is_use_for_it(shared):
    assert not options("ppo").learns_value_adapter
    assert options("trpo", value_model="adapter").learns_value_adapter
    assert not options("reinforce", value_model="adapter", baseline="batch").learns_value_adapter
    assert critic(shared, REFERENCE, "head").notes() == []
    (note,) = critic(shared, REFERENCE, "adapter").notes()
    assert "begins from the reference" in note
    shared.drop(CRITIC)
    for name, kind in ALGORITHMS.items():
        assert ("value_model" in vars(kind.config())) == (name in WITH_VALUES), name


# Runs


def rewarded(project, run_job):
    ranked(project, run_job)
    learnt = run_job(project, JobKind.TRAIN_REWARD, TrainRewardConfig(epochs=1, lora_rank=4, batch_prompts=3))
    assert learnt.status == "done", learnt.report or learnt.error


@pytest.mark.thorough
def test_a_run_with_an_adapter_that_is_killed_ends_with_the_same_bits(project, run_job, monkeypatch, chance):
    rewarded(project, run_job)
    config = replace(RUN, train_on_gold=False)
    own = options("ppo", value_model="adapter", minibatches=2, value_adapter_learning_rate=5e-3)
    whole = run_job(project, JobKind.TRAIN_POLICY, config, own)
    assert whole.status == "done", whole.report or whole.error
    assert any("begins from the reward model" in row["text"] for row in job_log.lines(project, whole.id))
    charts = further(numbers(project, whole))
    quarters = [f"val/explained_variance_q{number}" for number in (1, 2, 3, 4)]
    assert charts[(place := charts.index("val/explained_variance") + 1) : place + 4] == quarters
    resumed = killed_and_resumed(project, monkeypatch, config, own, at_step(chance.randint(1, 4)))
    assert numbers(project, resumed) == numbers(project, whole)
    critics = [queue.adapter_of(project, each) / CRITIC / "adapter_model.safetensors" for each in (whole, resumed)]
    assert critics[0].read_bytes() == critics[1].read_bytes()


@pytest.fixture
def project(asking):
    return asking


# What it explains


def test_each_quarter_of_a_completion_is_explained_by_itself():
    """Token by token: of a completion of n tokens, token t lies in quarter 4t/n."""
    draw = torch.Generator().manual_seed(0)
    lengths = [1, 9, 4, 12, 7]
    mask = torch.arange(12) < torch.tensor(lengths)[:, None]
    mask[2] = False  # left out of the loss
    returns, values = (torch.randn((5, 12), generator=draw) for _ in range(2))
    expected = []
    for quarter in range(4):
        places = [(b, t) for b, n in enumerate(lengths) if b != 2 for t in range(n) if 4 * t // n == quarter]
        G = torch.tensor([float(returns[place]) for place in places])
        V = torch.tensor([float(values[place]) for place in places])
        expected.append(1 - float((G - V).var(correction=0) / G.var(correction=0)))
    assert explained_by_quarter(returns, values, mask) == pytest.approx(expected, abs=1e-5)
