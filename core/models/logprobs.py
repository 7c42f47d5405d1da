"""Log-probabilities of sampled responses under whatever adapter is active."""

from typing import Any, NamedTuple

import torch
from torch import Tensor

from core.models.rows import Rows, hidden_states


class LogProbs(NamedTuple):
    logp: Tensor  # (B, T) float32, 0 outside the response
    entropy: Tensor | None  # (B, T) float32 nats, 0 outside the response; only if asked for


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


def response_logprobs(model: Any, rows: Rows, temperature: float, *, entropy: bool = False) -> LogProbs:
    """log pi(y_t | prompt, y_<t) at the sampling temperature, in float32; only response states reach the
    vocabulary."""
    logits = vocabulary_logits(model, hidden_states(model, rows)) / temperature  # (B, T, V)
    normaliser = logits.logsumexp(-1)  # (B, T)
    chosen = logits.gather(-1, rows.response_ids.unsqueeze(-1)).squeeze(-1)
    logp = torch.where(rows.is_response, chosen - normaliser, 0.0)
    if not entropy:
        return LogProbs(logp, None)
    mean_logit = (logits - normaliser.unsqueeze(-1)).exp().mul_(logits).sum(-1)
    return LogProbs(logp, torch.where(rows.is_response, normaliser - mean_logit, 0.0))
