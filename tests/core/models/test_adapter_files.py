"""Adapters that PEFT writes for honest models are read again."""

from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer, MixtralConfig, MixtralForCausalLM

from core.config.training import LoraConfig
from core.errors import BadInput, ModelError
from core.machine import adapter_folder, base_models
from core.models import adapter_files, drawing
from core.models.adapters import SharedModel
from core.models.load import Base, load


@pytest.fixture
def experts(tiny_model: Path, tmp_path: Path) -> Base:
    """A model whose experts lie in one tensor: PEFT adapts them by patterns and parameters, not by layers alone."""
    folder = tmp_path / "experts"
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    config = MixtralConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=32, num_hidden_layers=1, num_attention_heads=4,
        num_key_value_heads=2, num_local_experts=2, num_experts_per_tok=1, max_position_embeddings=64, eos_token_id=0,
    )  # fmt: skip
    MixtralForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return load(base_models.parse(str(folder)))


def test_an_adapter_of_experts_is_read_again(experts, tmp_path):
    shared = SharedModel(experts)
    shared.add("policy", LoraConfig(lora_rank=4), seed=0)
    with torch.no_grad():
        for weight in shared.parameters("policy"):
            weight.add_(0.1)
    shared.save("policy", tmp_path / "policy")
    config, _ = adapter_files.read(tmp_path / "policy")
    assert config.rank_pattern and config.target_parameters, "what this test is about"
    shared.load("other", tmp_path / "policy")
    ids = torch.arange(5, 15)[None]
    logits = []
    for name in ("policy", "other"):
        with torch.no_grad(), shared.role(name) as model:
            logits.append(model(input_ids=ids).logits)
    torch.testing.assert_close(logits[0], logits[1], atol=0, rtol=0)


def test_a_policy_is_loaded_as_it_was_kept_and_from_no_link_and_nothing_else_is(tiny_model, tmp_path):
    shared = SharedModel(load(base_models.parse(str(tiny_model))))
    shared.add("policy", LoraConfig(lora_rank=2), seed=0)
    shared.save("policy", tmp_path / "policy")
    shared.save("policy", tmp_path / "reward", head=torch.zeros(1, 32))
    drawing.load_policy(shared, "same", tmp_path / "policy", adapter_folder.content_hash(tmp_path / "policy"))
    for name in shared.state("policy"):
        assert torch.equal(shared.state("same")[name], shared.state("policy")[name])
    with pytest.raises(ModelError, match="a reward model's adapter: choose one of a policy"):
        drawing.load_policy(shared, "reward", tmp_path / "reward")
    with pytest.raises(BadInput, match="not as the run kept it"):
        drawing.load_policy(shared, "other", tmp_path / "policy", "")
    (tmp_path / "link").symlink_to(tmp_path / "policy")
    with pytest.raises(BadInput, match="is a link"):
        drawing.load_policy(shared, "linked", tmp_path / "link")


@pytest.mark.parametrize("pattern", [r".*\.gate_up_proj", "q_proj", "self_attn.q_proj"])
def test_a_name_in_whatever_layer_is_no_danger(pattern):
    assert adapter_folder.TAKEN["rank_pattern"]({pattern: 8})


@pytest.mark.parametrize("pattern", ["(a+)+$", ".*.*.*a", r".*\..*\.a", "a|b", r"a\w", "a{9}", ""])
def test_any_other_pattern_is_not_read(pattern):
    assert not adapter_folder.TAKEN["alpha_pattern"]({pattern: 8})
