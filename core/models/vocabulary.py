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
    # What Gemma and Cohere do after their vocabulary heads, which is skipped by calling the head itself.
    if scale := getattr(config, "logit_scale", None):
        logits = logits * scale
    if cap := getattr(config, "final_logit_softcapping", None):
        logits = torch.tanh(logits / cap) * cap
    return logits.view(*hidden.shape[:-1], -1)
