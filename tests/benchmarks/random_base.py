"""Bases of random weights in the shapes of well-known models, made where they are used: nothing is downloaded."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from core.machine.memory_plan import KNOWN, Shape

TINY = Shape(2, 64, 128, 4, 2, 16, 512, True)
SHAPES = {"tiny": TINY} | {f"Qwen2.5-{size}": KNOWN[size] for size in ("0.5B", "1.5B", "7B")}


def random_base(shape: Shape, folder: Path) -> Any:
    """A base of this shape on the device that is chosen, in its number format, with a tokenizer of bytes; `folder` is
    for what the tokenizer is read from. Its completions do not end early."""
    import torch
    from transformers import AutoModelForCausalLM, Qwen2Config

    from core.machine import base_models
    from core.models import proving
    from core.models.fast.switch import speed_up
    from core.models.load import load
    from tests.tiny import make_tiny_model

    small = load(base_models.parse(str(make_tiny_model(folder))))
    config = Qwen2Config(
        vocab_size=shape.vocabulary, hidden_size=shape.hidden, intermediate_size=shape.inner,
        num_hidden_layers=shape.layers, num_attention_heads=shape.heads, num_key_value_heads=shape.kv_heads,
        tie_word_embeddings=shape.tied, max_position_embeddings=4096, bos_token_id=1, eos_token_id=0, pad_token_id=0,
        use_sliding_window=False,
    )  # fmt: skip
    torch.manual_seed(0)
    with torch.device(small.device):
        model = AutoModelForCausalLM.from_config(config, dtype=small.placement.dtype, attn_implementation="sdpa")
    model.eval().requires_grad_(False)
    speed_up(model)
    proving.check(model, "the model of random weights")
    base = replace(small, model=model, end_ids=(shape.vocabulary - 1,))
    vars(base)["textless"] = None  # tokens that the tokenizer does not know may be drawn
    return base
