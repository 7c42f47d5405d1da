"""With the speed-ups off everything runs on transformers' and peft's own code, and gives the same to rounding.

Everything here is in float32, on both tiny architectures. Tokens that are drawn must be the same ones.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from peft.tuners.lora.layer import Linear as LoraLinear
from torch import Tensor, nn

from core.config.training import LoraConfig, TrainRewardConfig
from core.machine import base_models
from core.models.adapters import SharedModel
from core.models.checkpoint import adamw
from core.models.fast import switch
from core.models.fast.fused_ops import Attention
from core.models.fast.prepacked_linear import base_layers, can_prepack, prepacked
from core.models.fast.varlen_decoding import decoder_kind
from core.models.fast.varlen_states import reads_varlen
from core.models.load import load
from core.models.logprobs import predictions
from core.models.rows import from_lists
from core.models.sampling import sample
from core.models.seeds import generator
from core.models.states import hidden_states
from core.reward.examples import Example, Order
from core.reward.trace import trace
from core.reward.update import own_gradients, put_together, step
from core.rl.rollout import POLICY, draw
from tests.core.reward.steps import fresh_model
from tests.core.rl.rollouts import PROMPTS, cut, learner_of, rollout_of

ROOT = Path(__file__).resolve().parents[3]

CLOSE = {"atol": 2e-5, "rtol": 1e-4}
"""For what one pass through the model gives, and its gradients."""
LEARNT = {"atol": 2e-4, "rtol": 1e-3}
"""For weights after optimizer steps of 0.01: Adam makes a whole step of the sign of a gradient near 0."""
ANSWERS = [[[20, 21, 22, 0], [23, 0]], [[24, 25, 26, 27, 0]]]


@pytest.fixture
def shared(base: Any) -> Iterator[SharedModel]:
    """A base with a policy that differs from the reference, and plain layers of its own for whoever looks."""
    found = SharedModel(base)
    found.add(POLICY, LoraConfig(lora_rank=4), seed=0)
    with torch.no_grad():
        for weight in found.parameters(POLICY):
            weight.normal_(0, 0.1, generator=generator(1))
    yield found
    found.close()


def on_and_off(compute: Callable[[], Any]) -> tuple[Any, Any]:
    fast = compute()
    with switch.disabled():
        return fast, compute()


def changed(model: nn.Module) -> list[nn.Module]:
    """The modules that compute with another forward than their class's."""
    return [module for module in model.modules() if "forward" in vars(module)]


def plain(model: Any) -> bool:
    return not changed(model) and model.config._attn_implementation == "sdpa"


def test_the_switch_undoes_what_was_done_to_a_model_and_does_it_again(base, shared):
    llama = base.model.config.model_type == "llama"
    first = changed(base.model)
    assert bool(first) == llama, "gpt2 has no RMSNorm, and no adapters of linear layers"
    assert any(isinstance(module, LoraLinear) for module in first) == llama
    assert not plain(base.model)
    assert reads_varlen(base.model, 64)
    with switch.disabled():
        assert plain(base.model)
        assert switch.speed_ups_of(base.model) is None
        assert not reads_varlen(base.model, 64)
        assert decoder_kind(base.model, 64) is None
        with prepacked(base.model):
            assert plain(base.model)
        shared.add("other", LoraConfig(lora_rank=2), seed=0)
        assert plain(base.model), "nor is anything done to what comes meanwhile"
    assert changed(base.model) == first
    assert reads_varlen(base.model, 64)


def test_a_person_turns_them_off_by_the_environment(tiny_model, monkeypatch):
    monkeypatch.setenv("PLUMBLINE_FAST", "0")
    monkeypatch.setenv("PLUMBLINE_DEVICE", "cpu")
    base = load(base_models.parse(str(tiny_model)))
    assert not switch.enabled()
    assert plain(base.model)
    assert not reads_varlen(base.model, 64)
    with switch.disabled():
        pass
    assert not switch.enabled()
    assert plain(base.model)


def test_importing_registers_nothing(stranger):
    code = (
        "import core.models.load, core.models.sampling, core.reward.trace, core.models.fast.switch as switch\n"
        "from transformers import AttentionInterface\n"
        "assert 'plumbline' not in AttentionInterface().valid_keys()"
    )
    stranger.run(code, folder=ROOT)


def test_logits_log_probabilities_and_entropies(base, shared):
    rows = from_lists(PROMPTS, ANSWERS, base.pad_id, base.device)

    @torch.no_grad()
    def said() -> list[Tensor]:
        with shared.role(POLICY) as model:
            whole = model(input_ids=torch.tensor([PROMPTS[1]])).logits
            states = hidden_states(model, rows, through_end=True)
            inside = torch.cat([torch.ones_like(rows.is_response[:, :1]), rows.is_response], 1)
            return [whole, states[inside], *predictions(model, rows, 0.7).logp_and_entropy()]

    for fast, slow in zip(*on_and_off(said), strict=True):
        torch.testing.assert_close(fast, slow, **CLOSE)


def test_gradients_of_the_log_probabilities(base, shared):
    rows = from_lists(PROMPTS, ANSWERS, base.pad_id, base.device)

    def gradients() -> list[Tensor]:
        weights = shared.parameters(POLICY)
        with shared.role(POLICY, train=True) as model:
            return list(torch.autograd.grad(predictions(model, rows, 0.7).logp.sum(), weights))

    for fast, slow in zip(*on_and_off(gradients), strict=True):
        torch.testing.assert_close(fast, slow, atol=1e-3, rtol=1e-3)


def test_tokens_that_are_drawn(shared):
    def tokens() -> Tensor:
        how = {"copies": 4, "max_new_tokens": 24, "temperature": 0.8, "top_p": 0.9, "generator": generator(2)}
        return draw(shared, POLICY, PROMPTS, **how).rows.response_ids

    fast, slow = on_and_off(tokens)
    assert torch.equal(fast, slow)


def test_an_update_by_ppo(base):
    rows = from_lists(PROMPTS, [[[5, 6, 7, 8, 9, 10, 11]] * 3] * 2, base.pad_id, base.device)
    score = torch.tensor([1.0, -0.5, 0.3, -1.0, 0.2, 0.7])

    def learnt() -> tuple[dict[str, float], list[Tensor]]:
        shared = SharedModel(base)
        shared.add(POLICY, LoraConfig(lora_rank=4), seed=0)
        metrics = learner_of(shared, "ppo").update(rollout_of(shared, cut(rows), score), 0)
        weights = [weight.detach().clone() for weight in shared.parameters(POLICY)]
        shared.close()
        return metrics, weights

    fast, slow = on_and_off(learnt)
    for name, value in fast[0].items():
        assert value == pytest.approx(slow[0][name], rel=1e-2, abs=1e-4), name
    for one, other in zip(fast[1], slow[1], strict=True):
        torch.testing.assert_close(one, other, **LEARNT)


def test_an_update_of_a_reward_model_its_scores_and_its_trace(base):
    config = TrainRewardConfig(lora_rank=4)
    order = Order(0, torch.tensor([1.0, 2.0]), True)
    batch = [Example(0, PROMPTS[0], tuple(ANSWERS[0]), (0, 1), (order,))]

    def learnt() -> list[Tensor]:
        shared = SharedModel(base)
        model = fresh_model(shared, config, seed=3)
        (member,) = model.members
        weights = model.parameters(member)
        optimizer = adamw(*zip(weights, (1e-2, 1e-2), strict=True))
        metrics = put_together(model, member, own_gradients(model, member, batch, config, 1000))
        gradients = [weight.grad.clone() for weight in (*weights[0], *weights[1]) if weight.grad is not None]
        step(optimizer, metrics)
        with torch.no_grad():
            scores = model.raw(member, PROMPTS, ANSWERS)
        found = [
            scores,
            torch.tensor(trace(model, PROMPTS[0], ANSWERS[0][0]).rewards),
            torch.tensor([*metrics.values()]),
        ]
        shared.close()
        return [*found, *gradients]

    for fast, slow in zip(*on_and_off(learnt), strict=True):
        torch.testing.assert_close(fast, slow, **LEARNT)


def test_each_prompt_draws_the_same_in_any_company(base):
    prompts, how = [*PROMPTS, [50]], {"copies": 3, "max_new_tokens": 12, "end_ids": base.end_ids, "pad_id": base.pad_id}

    def drawn(numbers: list[int]) -> dict[int, list[list[int]]]:
        seeds = [generator(7, number) for number in numbers]
        rows = sample(base.model, [prompts[number] for number in numbers], generator=seeds, **how)
        texts = [ids[:length].tolist() for ids, length in zip(rows.response_ids, rows.lengths, strict=True)]
        return {number: texts[3 * place : 3 * place + 3] for place, number in enumerate(numbers)}

    together = drawn([0, 1, 2])
    assert drawn([2, 0, 1]) == together
    assert drawn([0]) | drawn([2, 1]) == together
    assert len({str(texts) for texts in together.values()}) == 3


def test_without_the_private_operators_plain_code_runs(base, monkeypatch):
    torch.manual_seed(0)
    inputs = [torch.randn(size, dtype=torch.float64, requires_grad=True) for size in ((2, 4, 5), (2, 3, 5), (2, 3, 5))]
    bias = torch.zeros(1, 4, 3, dtype=torch.float64)

    def gradients() -> tuple[Tensor, ...]:
        return torch.autograd.grad(Attention.apply(*inputs, bias, 0.5).square().sum(), inputs)

    expected = gradients()
    monkeypatch.delattr(torch, "_softmax_backward_data")
    torch.testing.assert_close(gradients(), expected)

    def gone(*_: Any) -> Tensor:
        raise AttributeError("no such operator")

    layers = base_layers(base.model)
    monkeypatch.setattr("core.models.fast.prepacked_linear._product", gone)
    assert not can_prepack(layers[0])
    with prepacked(base.model):
        assert not any("forward" in vars(layer) for layer in layers)
