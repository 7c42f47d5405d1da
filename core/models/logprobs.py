"""Log-probabilities of sampled responses under whatever adapter is active."""

from typing import Any, NamedTuple

import torch
from torch import Tensor

from core.models.sampling import Sampled, positions


class LogProbs(NamedTuple):
    logp: Tensor  # (B, T) float32, 0 outside the response
    entropy: Tensor | None  # (B, T) float32 nats, 0 outside the response; only if asked for


def response_logprobs(model: Any, rows: Sampled, temperature: float, *, entropy: bool = False) -> LogProbs:
    """log pi(y_t | prompt, y_<t) at the sampling temperature, in float32.

    State s_t is read at position P-1+t, so the last response token is not fed at all and only the last T
    positions reach the vocabulary: no (B, P+T, V) tensor ever exists.
    """
    T = rows.response_ids.shape[1]
    ids = torch.cat([rows.prompt_ids, rows.response_ids], 1)[:, :-1]
    mask = torch.cat([rows.is_prompt, rows.is_response], 1)[:, :-1]
    out = model(input_ids=ids, attention_mask=mask, position_ids=positions(mask), use_cache=False, logits_to_keep=T)
    logits = out.logits.float() / temperature  # (B, T, V)
    normaliser = logits.logsumexp(-1)  # (B, T)
    chosen = logits.gather(-1, rows.response_ids.unsqueeze(-1)).squeeze(-1)
    logp = torch.where(rows.is_response, chosen - normaliser, 0.0)
    if not entropy:
        return LogProbs(logp, None)
    mean_logit = (logits - normaliser.unsqueeze(-1)).exp().mul_(logits).sum(-1)
    return LogProbs(logp, torch.where(rows.is_response, normaliser - mean_logit, 0.0))
