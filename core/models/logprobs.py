"""What a model says of sampled responses: log-probabilities and entropies under whatever adapter is active."""

from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from core.models.rows import Rows, hidden_states

#: The logit of a token that may not be drawn. Finite, so that 0 times it is 0.
FORBIDDEN = -1e9


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


class Predictions:
    """The distributions over the next token at the states s_0 .. s_{T-1} of responses.

    All in float32 at the sampling temperature; `logp` and `entropy` are 0 outside the response.
    """

    def __init__(self, logits: Tensor, rows: Rows) -> None:
        self.logits = logits  # (B, T, V), divided by the temperature
        self.rows = rows

    @cached_property
    def normaliser(self) -> Tensor:
        return self.logits.logsumexp(-1)  # (B, T)

    @cached_property
    def logp(self) -> Tensor:
        """log pi(y_t | prompt, y_<t) of the tokens that were drawn (B, T)."""
        return torch.where(self.rows.is_response, self.of(self.rows.response_ids[..., None])[..., 0], 0.0)

    def of(self, ids: Tensor) -> Tensor:
        """Log-probabilities of other tokens ids (B, T, K) at the same states (B, T, K)."""
        return self.logits.gather(-1, ids) - self.normaliser[..., None]

    @cached_property
    def entropy(self) -> Tensor:
        """Nats of each distribution (B, T)."""
        mean_logit = ((self.logits - self.normaliser[..., None]).exp() * self.logits).sum(-1)
        return torch.where(self.rows.is_response, self.normaliser - mean_logit, 0.0)

    def kl_from(self, logp: Tensor) -> Tensor:
        """KL(p || this) in nats (B, T) from the whole log-distributions logp (B, T, V) of p; 0 outside."""
        kl = (logp.exp() * (logp - self.logits + self.normaliser[..., None])).sum(-1)
        return torch.where(self.rows.is_response, kl, 0.0)

    def within(self, allowed: Tensor) -> "Predictions":
        """The distributions restricted to the tokens that are allowed (B, T, V), and made to sum to 1 again."""
        return Predictions(self.logits.masked_fill(~allowed, FORBIDDEN), self.rows)


def predictions(model: Any, rows: Rows, temperature: float) -> Predictions:
    """One forward pass over the responses; only their states reach the vocabulary."""
    return Predictions(vocabulary_logits(model, hidden_states(model, rows)) / temperature, rows)
