"""Makes a tiny random model of a family, whose every part matters to what it says."""

from pathlib import Path
from typing import Any

from tests.zoo import tongues
from tests.zoo.families import Family, Refused


def make(family: Family | Refused, folder: Path) -> Path:
    """Write the model and its tokenizer to `folder`, in float32."""
    import torch
    import transformers
    from transformers import GenerationConfig

    tongue, shape = family.tongue, dict(family.shape)
    tokenizer = tongues.write(tongue, folder)
    size = shape.pop("vocab_size", len(tokenizer))
    ids = {
        "vocab_size": size, "bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }  # fmt: skip
    kind = getattr(transformers, family.config)
    if "hidden_size_per_layer_input" in shape:
        ids["vocab_size_per_layer_input"] = size
    if isinstance(family, Family) and family.inside:
        images = {f"{name}_token_index": size - n for n, name in enumerate(("image", "boi", "eoi"), start=1)}
        config = kind(text_config=shape | ids, **family.more, **images)
    else:
        config = kind(**shape, **ids)
    torch.manual_seed(0)
    if isinstance(family, Refused) and family.kind != "AutoModelForCausalLM":
        model = getattr(transformers, family.kind)(config)
    else:
        model = transformers.AutoModelForCausalLM.from_config(config)
    enliven(model.float(), family.embedding if isinstance(family, Family) else 0.6)
    if tongue.ends:
        ends = [tokenizer.convert_tokens_to_ids(token) for token in tongue.ends]
        model.generation_config = GenerationConfig(
            bos_token_id=tokenizer.bos_token_id, eos_token_id=ends, pad_token_id=tokenizer.pad_token_id
        )
    model.save_pretrained(folder)
    return folder


def enliven(model: Any, embedding: float) -> None:
    """As transformers draws them, attention and experts say next to nothing, and an error in them is not seen."""
    import torch

    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, weight in model.named_parameters():  # one that is tied comes once
            noise = torch.randn(weight.shape, generator=generator)
            if "A_log" in name or "dt_bias" in name:
                weight.add_(noise, alpha=0.1)
            elif "sinks" in name:
                weight.copy_(noise)
            elif weight.ndim < 2:
                weight.add_(noise, alpha=0.15)
            elif "embed" in name or "wte" in name:
                weight.copy_(embedding * noise)
            else:
                weight.copy_(noise * (1.5 / (weight[0].numel() if weight.ndim == 2 else weight.shape[-1]) ** 0.5))
