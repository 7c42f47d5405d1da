"""Prompts packed with all their answers give the states that each gives alone, and the same gradients."""

import pytest
import torch

from core.configs import LoraConfig
from core.models import packed
from core.models.adapters import SharedModel
from core.models.packed import last_states, pack, states, works
from core.reward.update import checkpointed

PROMPTS = [[5, 9, 12], [7, 8, 30, 31, 40, 41], [50]]
ANSWERS = [[[11, 12, 13, 0], [20, 0]], [[33, 34, 35, 36, 0]], [[60, 0], [61, 62, 0], [63, 64, 65, 0]]]


def alone(base) -> torch.Tensor:
    """The textbook way: one unpadded sequence for each answer."""
    return torch.stack(
        [
            base.model.base_model(input_ids=torch.tensor([prompt + answer])).last_hidden_state[0, -1]
            for prompt, group in zip(PROMPTS, ANSWERS, strict=True)
            for answer in group
        ]
    )


@torch.no_grad()
def test_packed_states_equal_those_of_each_answer_alone(base):
    assert works(base.model, base.device)
    found = pack(PROMPTS, ANSWERS, base.pad_id, base.device)
    torch.testing.assert_close(states(base.model, found)[found.ends], alone(base), atol=1e-4, rtol=1e-4)


def test_a_prompt_is_laid_out_once_and_short_ones_share_a_row(base):
    found = pack(PROMPTS, ANSWERS, base.pad_id, base.device)
    lengths = [len(prompt) + sum(map(len, group)) for prompt, group in zip(PROMPTS, ANSWERS, strict=True)]
    assert found.ids.shape == (3, max(lengths))
    many = pack([[5, 6]] * 8, [[[7, 0]]] * 7 + [[[7] * 14]], base.pad_id, base.device)
    assert many.ids.shape == (3, 16), "seven groups of 4 tokens fill two rows beside the one of 16"


@torch.no_grad()
def test_company_and_padding_change_nothing(base):
    found = pack(PROMPTS, ANSWERS, base.pad_id, base.device)
    other = pack(PROMPTS, ANSWERS, 77, base.device)
    expected = states(base.model, found)[found.ends]
    torch.testing.assert_close(states(base.model, other)[other.ends], expected)
    single = pack(PROMPTS[:1], ANSWERS[:1], base.pad_id, base.device)
    torch.testing.assert_close(states(base.model, single)[single.ends], expected[:2], atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_many_answers_are_spread_over_rows_of_bounded_width(base, monkeypatch):
    monkeypatch.setattr(packed, "WIDTH", 16)
    answers = [[10 + n, 11 + n, 12, 0] for n in range(9)]
    found = pack([PROMPTS[0]], [answers], base.pad_id, base.device)
    assert found.ids.shape == (3, 15), "three answers behind the prompt in each row"
    uneven = pack([PROMPTS[0]], [answers[:4]], base.pad_id, base.device)
    assert uneven.ids.shape == (2, 11), "two and two, not three and one"
    expected = torch.stack(
        [base.model.base_model(input_ids=torch.tensor([PROMPTS[0] + a])).last_hidden_state[0, -1] for a in answers]
    )
    torch.testing.assert_close(states(base.model, found)[found.ends], expected, atol=1e-4, rtol=1e-4)


def gradients(base, *, works_packed: bool, monkeypatch, recompute: bool = False) -> list[torch.Tensor]:
    monkeypatch.setitem(packed._known, base.model, works_packed)
    shared = SharedModel(base)
    shared.add("reward", LoraConfig(lora_rank=4), seed=0)
    with torch.no_grad():
        for weight in shared.parameters("reward"):
            weight.add_(0.02)
    with shared.role("reward", train=True), checkpointed(base.model, recompute):
        last_states(base.model, PROMPTS, ANSWERS, base.pad_id, base.device).square().sum().backward()
    found = [weight.grad.clone() for weight in shared.parameters("reward")]
    shared.close()
    return found


@pytest.mark.parametrize("recompute", [False, True])
def test_gradients_are_those_of_the_way_through_the_cache(base, monkeypatch, recompute):
    found = (gradients(base, works_packed=way, monkeypatch=monkeypatch, recompute=recompute) for way in (True, False))
    own, cached = (torch.cat([gradient.flatten() for gradient in each]) for each in found)
    assert float((own - cached).norm()) < 5e-3 * float(cached.norm())


def test_an_architecture_that_ignores_the_mask_is_found_out(base, monkeypatch):
    model = base.model
    packed._known.pop(model, None)
    forward = model.base_model.forward
    monkeypatch.setattr(
        model.base_model, "forward", lambda *, attention_mask=None, **more: forward(attention_mask=None, **more)
    )
    assert not works(model, base.device)
    packed._known.pop(model, None)


def test_sliding_windows_are_not_packed(base, monkeypatch):
    monkeypatch.setattr(base.model.config, "layer_types", ["sliding_attention", "full_attention"], raising=False)
    packed._known.pop(base.model, None)
    assert not works(base.model, base.device)
    packed._known.pop(base.model, None)


@pytest.mark.parametrize("kind", ["rslora", "dora"])
def test_the_kinds_of_lora_that_peft_offers(base, kind):
    config = LoraConfig(lora_rank=4, lora_rslora=kind == "rslora", lora_dora=kind == "dora")
    shared = SharedModel(base)
    shared.add("reward", config, seed=0)
    expected = 32 / 4**0.5 if kind == "rslora" else 32 / 4
    layer = next(module for module in base.model.modules() if hasattr(module, "lora_A"))
    assert layer.scaling["reward"] == expected
    names = [name for name, _ in base.model.named_parameters() if "magnitude" in name]
    assert bool(names) == (kind == "dora")
    with torch.no_grad(), shared.role("reward"):
        found = last_states(base.model, PROMPTS, ANSWERS, base.pad_id, base.device)
    torch.testing.assert_close(found, alone_without(shared, base), atol=1e-4, rtol=1e-4)
    with shared.role("reward", train=True):
        last_states(base.model, PROMPTS, ANSWERS, base.pad_id, base.device).square().sum().backward()
    assert all(weight.grad is not None for weight in shared.parameters("reward"))
    shared.close()


@torch.no_grad()
def alone_without(shared, base) -> torch.Tensor:
    with shared.role(None):
        return alone(base)
