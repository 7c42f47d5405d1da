"""From hidden states to the logits of the vocabulary."""

from typing import Any

import torch
from torch import Tensor


def vocabulary_logits(model: Any, hidden: Tensor) -> Tensor:
    """Logits (B, T, V) in float32 from hidden states (B, T, d).

    The states are flattened first: a batched product would copy the vocabulary's weights for every row.
    """
    config = model.config.get_text_config()
    logits = model.get_output_embeddings()(hidden.reshape(-1, hidden.shape[-1])).float()
    if (scale := scale_of(config)) != 1:
        logits = logits * scale
    if cap := cap_of(config):
        logits = torch.tanh(logits / cap) * cap
    return logits.view(*hidden.shape[:-1], -1)


def scale_of(config: Any) -> float:
    """What a family multiplies its logits by behind its vocabulary head, which is skipped by calling the head itself:
    Cohere, Falcon-H1, and Granite, which divides. What is not known here `core.models.proving` finds out."""
    if divided := getattr(config, "logits_scaling", None):
        return float(divided) if config.model_type == "hyperclovax" else 1 / float(divided)
    return float(getattr(config, "logit_scale", None) or getattr(config, "lm_head_multiplier", None) or 1)


def cap_of(config: Any) -> float | None:
    """Where a family bends its logits: Gemma 2 and later, and RecurrentGemma."""
    return getattr(config, "final_logit_softcapping", None) or getattr(config, "logits_soft_cap", None)
