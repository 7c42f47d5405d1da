"""What honest models have in their folders is not taken for an attack."""

import shutil
import struct
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, BitsAndBytesConfig

from core.errors import ModelError
from core.machine import base_models
from core.models import gguf_header, vetting
from core.models.load import load
from tests.attacks.strangers import edit

WEIGHTS = "model.safetensors"
EIGHT_BITS = {
    "quant_method": "fp8",
    "fmt": "e4m3",
    "activation_scheme": "dynamic",
    "weight_block_size": [16, 16],
    "modules_to_not_convert": ["lm_head", "(a+)+$"],
    "modules_to_convert": ["(a+)+$"],
}


@pytest.fixture
def model(tiny_model: Path, tmp_path: Path) -> Path:
    shutil.copytree(tiny_model, tmp_path / "model")
    return tmp_path / "model"


def in_blocks(weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Weights in 8 bits and the scales of their blocks of 16 times 16."""
    rows, columns = weight.shape
    blocks = weight.view(rows // 16, 16, columns // 16, 16)
    scales = blocks.abs().amax((1, 3)) / 448
    return (blocks / scales[:, None, :, None]).view(rows, columns).to(torch.float8_e4m3fn), scales


def store_in_8_bits(folder: Path) -> None:
    """As DeepSeek and Qwen publish theirs."""
    stored = {}
    for name, weight in load_file(folder / WEIGHTS).items():
        if "_proj" in name:
            stored[name], stored[f"{name}_scale_inv"] = in_blocks(weight)
        else:
            stored[name] = weight
    save_file(stored, folder / WEIGHTS, metadata={"format": "pt"})
    edit(folder / "config.json", quantization_config=EIGHT_BITS)


@torch.no_grad()
def test_weights_in_8_bits_are_read_as_plain_numbers(model, monkeypatch):
    monkeypatch.setenv("PLUMBLINE_DTYPE", "float32")
    plain = load(base_models.parse(str(model))).model
    for name, weight in plain.named_parameters():
        if "_proj" in name:
            quantized, scales = in_blocks(weight)
            weight.copy_(quantized.float() * scales.repeat_interleave(16, 0).repeat_interleave(16, 1))
    store_in_8_bits(model)
    base = load(base_models.parse(str(model)))
    ids = torch.arange(5, 30)[None]
    torch.testing.assert_close(base.model(ids).logits, plain(ids).logits, atol=1e-5, rtol=0)
    assert base.unused == () and "quantization_config" not in base.model.config.to_dict()


def test_weights_in_8_bits_are_not_held_in_4(model):
    edit(model / "config.json", quantization_config=EIGHT_BITS)
    config = AutoConfig.from_pretrained(model)
    with pytest.raises(ModelError, match="set --base-bits to 16"):
        vetting.dequantized(config, {"quantization_config": BitsAndBytesConfig(load_in_4bit=True)})


@pytest.mark.parametrize("place", ["text_config", "vision_config"])
def test_only_the_models_own_setting_may_say_8_bits(model, place):
    edit(model / "config.json", **{place: {"quantization_config": EIGHT_BITS}})
    with pytest.raises(ModelError, match="is quantized"):
        vetting.check_folder(model)


def test_an_end_that_the_model_cannot_say_is_no_fault(model):
    """A generation config is often copied from a relative with more tokens."""
    edit(model / "generation_config.json", eos_token_id=[0, 3, 100_000])
    assert load(base_models.parse(str(model))).end_ids == (0, 3)


@pytest.mark.parametrize("name", ["general.parameter_count", "quantize.imatrix.chunks_count"])
def test_what_a_gguf_counts_beside_its_model_is_no_size(tmp_path, name):
    path = tmp_path / "model.gguf"
    entry = struct.pack("<Q", len(name)) + name.encode() + struct.pack("<IQ", 10, 8_030_261_248)
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + entry)
    assert gguf_header.check(path) == 0
