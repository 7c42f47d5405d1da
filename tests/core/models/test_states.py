"""States at the ends of answers are those that each gives alone, whichever way they come, with the same gradients."""

from contextlib import AbstractContextManager, nullcontext

import pytest
import torch

from core.config.training import LoraConfig
from core.models.adapters import SharedModel
from core.models.fast.switch import disabled
from core.models.fast.varlen_states import reads_varlen
from core.models.states import last_states
from core.reward.update import checkpointed

PROMPTS = [[5, 9, 12], [7, 8, 30, 31, 40, 41], [50]]
ANSWERS = [[[11, 12, 13, 0], [20, 0]], [[33, 34, 35, 36, 0]], [[60, 0], [61, 62, 0], [63, 64, 65, 0]]]


def switched(on: bool) -> AbstractContextManager[None]:
    return nullcontext() if on else disabled()


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
@pytest.mark.parametrize("fast", [True, False])
def test_states_at_the_ends_equal_those_of_each_answer_alone(base, fast):
    with switched(fast):
        assert reads_varlen(base.model, 64) == fast
        found = last_states(base.model, PROMPTS, ANSWERS, base.pad_id, base.device)
    torch.testing.assert_close(found, alone(base), atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_company_and_padding_change_nothing(base):
    found = last_states(base.model, PROMPTS, ANSWERS, base.pad_id, base.device)
    assert torch.equal(last_states(base.model, PROMPTS, ANSWERS, 77, base.device), found)
    single = last_states(base.model, PROMPTS[:1], ANSWERS[:1], base.pad_id, base.device)
    torch.testing.assert_close(single, found[:2], atol=1e-5, rtol=1e-5)


def gradients(base, *, recompute: bool = False) -> list[torch.Tensor]:
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
def test_gradients_are_those_of_the_way_through_the_cache(base, recompute):
    found = []
    for fast in (True, False):
        with switched(fast):
            found.append(gradients(base, recompute=recompute))
    laid, cached = (torch.cat([gradient.flatten() for gradient in each]) for each in found)
    assert float((laid - cached).norm()) < 5e-3 * float(cached.norm())


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
