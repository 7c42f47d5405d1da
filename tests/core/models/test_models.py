"""One base, several adapters: nothing leaks from one to the other, and padding changes nothing."""

from dataclasses import replace

import pytest
import torch
from peft.tuners.tuners_utils import BaseTunerLayer

from core.config.training import LoraConfig
from core.errors import ModelError
from core.models.adapters import REFERENCE, SharedModel
from core.models.draws import next_token, nucleus
from core.models.logprobs import predictions
from core.models.rows import Rows, from_lists
from core.models.sampling import sample
from core.models.seeds import generator
from core.models.states import hidden_states

LORA = LoraConfig(lora_rank=4)


def make_rows(base, prompts=((5, 9, 12), (7, 8, 30, 31, 40))) -> Rows:
    answers = [[[11, 12, 13, 0], [20, 0]], [[33, 34, 35, 36, 0]]]
    return from_lists([list(prompt) for prompt in prompts], answers, base.pad_id, base.device)


def logits_without_padding(base, prompt: list[int], answer: list[int]) -> torch.Tensor:
    """The textbook way: one unpadded sequence, its own forward pass."""
    ids = torch.tensor([prompt + answer])
    logits = base.model(input_ids=ids).logits.float()[0]
    logp = logits[len(prompt) - 1 : -1].log_softmax(-1)
    return logp.gather(-1, torch.tensor(answer)[:, None]).squeeze(-1)


@torch.no_grad()
def test_logprobs_under_left_padding_and_a_shared_prompt_equal_those_without(base):
    rows = make_rows(base)
    logp = predictions(base.model, rows, 1.0).logp
    prompts, answers = [[5, 9, 12], [5, 9, 12], [7, 8, 30, 31, 40]], [[11, 12, 13, 0], [20, 0], [33, 34, 35, 36, 0]]
    for row, (prompt, answer) in enumerate(zip(prompts, answers, strict=True)):
        expected = logits_without_padding(base, prompt, answer)
        torch.testing.assert_close(logp[row, : len(answer)], expected, atol=1e-4, rtol=0)
        assert logp[row, len(answer) :].abs().sum() == 0


@torch.no_grad()
def test_what_lies_after_the_end_token_changes_nothing(base):
    rows = make_rows(base)
    changed = Rows(
        rows.prompt_ids,
        rows.is_prompt,
        rows.prompt_of,
        torch.where(rows.is_response, rows.response_ids, 77),
        rows.is_response,
        rows.ended,
    )
    torch.testing.assert_close(predictions(base.model, changed, 0.7).logp, predictions(base.model, rows, 0.7).logp)


@torch.no_grad()
def test_entropy_is_that_of_the_softmax(base):
    rows = make_rows(base)
    entropy = predictions(base.model, rows, 1.3).entropy
    hidden = hidden_states(base.model, rows)
    p = (base.model.get_output_embeddings()(hidden).float() / 1.3).softmax(-1)
    expected = -(p * p.log()).sum(-1) * rows.is_response
    torch.testing.assert_close(entropy, expected, atol=1e-4, rtol=0)


@torch.no_grad()
def test_a_fresh_adapter_changes_no_bit_and_the_reference_is_the_base(base):
    rows = make_rows(base)
    before = predictions(base.model, rows, 1.0).logp
    shared = SharedModel(base)
    shared.add("policy", LORA, seed=0)
    shared.add("reward", LORA, seed=1)
    with shared.role("policy") as causal:
        assert torch.equal(predictions(causal, rows, 1.0).logp, before)
    for weight in shared.parameters("policy"):
        weight.add_(0.1)
    with shared.role("policy") as causal:
        assert not torch.equal(predictions(causal, rows, 1.0).logp, before)
    with shared.role(REFERENCE) as causal:
        assert torch.equal(predictions(causal, rows, 1.0).logp, before)
    shared.close()
    assert torch.equal(predictions(base.model, rows, 1.0).logp, before)


def test_a_role_gives_gradients_to_its_own_adapter_alone(base):
    rows = make_rows(base)
    shared = SharedModel(base)
    shared.add("policy", LORA, seed=0)
    shared.add("reward", LORA, seed=1)
    with shared.role("reward", train=True) as causal:
        hidden_states(causal, rows).square().sum().backward()
    assert any(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in shared.parameters("reward"))
    assert all(weight.grad is None for weight in shared.parameters("policy"))
    inside = {id(weight) for weight in shared.parameters("reward")}
    assert all(weight.grad is None for weight in base.model.parameters() if id(weight) not in inside)
    with shared.role(REFERENCE):
        pass
    assert not any(weight.requires_grad for weight in base.model.parameters())
    shared.close()


def awake(shared) -> tuple[set[str], set[str]]:
    """The adapters that layers compute with, and those that learn."""
    layers = [each for each in shared.base.model.modules() if isinstance(each, BaseTunerLayer)]
    works = {name for each in layers if not each.disable_adapters for name in each.active_adapters}
    learning = {key.split(".")[-2] for key, each in shared.base.model.named_parameters() if each.requires_grad}
    return works, learning


@pytest.mark.parametrize("dora", [False, True])
def test_a_role_wakes_its_own_adapter_alone_whatever_was_added_loaded_dropped_or_failed_before(base, tmp_path, dora):
    shared = SharedModel(base)

    def check() -> None:
        for name in (REFERENCE, *shared._peft.peft_config):
            for train in (False, True):
                own = set() if name is REFERENCE else {name}
                with shared.role(name, train=train):
                    assert awake(shared) == (own, own if train else set())
                assert awake(shared) == (set(), set())

    shared.add("a", replace(LORA, lora_dora=dora, lora_targets="attention"), seed=0)
    check()
    shared.add("b", replace(LORA, lora_dora=dora), seed=1)
    shared.save("a", tmp_path / "a")
    shared.load("c", tmp_path / "a")
    check()
    shared.copy("a", "c")
    shared.reload("a", tmp_path / "a")
    check()
    shared.drop("c")
    shared.drop("a")
    check()
    with pytest.raises(ZeroDivisionError), shared.role("b", train=True):
        1 / 0
    check()
    (tmp_path / "a" / "adapter_model.safetensors").write_bytes(b"damaged")
    with pytest.raises(ModelError):
        shared.load("d", tmp_path / "a")
    check()
    shared.close()
    assert awake(shared) == (set(), set())
    shared.add("a", LORA, seed=0)
    check()
    shared.close()


def test_adapters_survive_a_round_trip_through_a_plain_peft_folder(base, tmp_path):
    rows = make_rows(base)
    shared = SharedModel(base)
    shared.add("policy", LORA, seed=0)
    with torch.no_grad():
        for weight in shared.parameters("policy"):
            weight.normal_(0, 0.1)
    with torch.no_grad(), shared.role("policy") as causal:
        expected = predictions(causal, rows, 1.0).logp
    shared.save("policy", tmp_path / "policy")
    shared.close()
    assert (tmp_path / "policy" / "adapter_model.safetensors").is_file()
    shared.load("policy", tmp_path / "policy")
    with torch.no_grad(), shared.role("policy") as causal:
        assert torch.equal(predictions(causal, rows, 1.0).logp, expected)
    shared.close()


def test_sampling_is_seeded_and_stops_at_the_end_token(base):
    options = {"copies": 3, "max_new_tokens": 12, "end_ids": base.end_ids, "pad_id": base.pad_id}
    prompts = [[5, 6, 7], [8, 9, 10, 11]]
    first = sample(base.model, prompts, generator=generator(1), **options)
    again = sample(base.model, prompts, generator=generator(1), **options)
    other = sample(base.model, prompts, generator=generator(2), **options)
    assert torch.equal(first.response_ids, again.response_ids)
    assert not torch.equal(first.response_ids, other.response_ids)
    assert first.prompt_of.tolist() == [0, 0, 0, 1, 1, 1]
    for row in range(len(first)):
        ids = first.response_ids[row, : first.lengths[row]].tolist()
        assert all(token not in base.end_ids for token in ids[:-1])
        assert (ids[-1] in base.end_ids) == bool(first.ended[row])


def chance(seed: int) -> torch.Tensor:
    return torch.rand(1, generator=generator(seed))


def test_every_token_can_be_drawn_unless_top_p_says_otherwise():
    logits = torch.zeros(1, 200)
    drawn = {int(next_token(logits.softmax(-1), chance(seed))[0]) for seed in range(400)}
    assert len(drawn) > 100, "something truncates the distribution (top-k 50 is the classic)"
    peaked = torch.tensor([[3.0, 2.0, -9.0, -9.0]])
    assert {int(next_token(nucleus(peaked.softmax(-1), 0.5), chance(seed))[0]) for seed in range(50)} == {0}
    assert {int(next_token(nucleus(peaked.softmax(-1), 0.9), chance(seed))[0]) for seed in range(50)} == {0, 1}


def test_the_end_token_is_appended_where_a_response_was_cut_off(base):
    rows = make_rows(base)
    cut = Rows(
        rows.prompt_ids,
        rows.is_prompt,
        rows.prompt_of,
        rows.response_ids,
        rows.is_response,
        torch.tensor([True, False, False]),
    )
    longer, end = cut.with_end(0)
    assert end.tolist() == [3, 2, 5]
    assert [longer.response_ids[row, place].item() for row, place in enumerate(end.tolist())] == [0, 0, 0]
    assert longer.lengths.tolist() == [4, 3, 6]


def test_adapters_find_the_attention_layers_under_any_name_and_beside_other_adapters(base):
    shared = SharedModel(base)
    shared.add("first", LoraConfig(lora_targets="attention"), seed=0)
    shared.add("second", LoraConfig(lora_targets="attention"), seed=0)
    names = [name for name, _ in base.model.named_parameters() if ".second." in name]
    assert names
    assert all("attn" in name for name in names)
    assert len(shared.parameters("first")) == len(shared.parameters("second"))
    shared.close()
