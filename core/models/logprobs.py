"""What a model says of sampled responses: log-probabilities and entropies under whatever adapter is active."""

from dataclasses import replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from core.models.fast.fused_ops import LogProbability
from core.models.fast.switch import speed_ups_of
from core.models.rows import Rows
from core.models.states import hidden_states
from core.models.vocabulary import cap_of, scale_of, vocabulary_logits

#: The logit of a token that may not be drawn. Finite, so that 0 times it is 0.
FORBIDDEN = -1e9


class Predictions:
    """The distributions over the next token at the states s_0 .. s_{T-1} of responses.

    All in float32 at the sampling temperature; `logp` and `entropy` are 0 outside the response. Logits (B, T, V) are
    only made where something needs them whole.
    """

    def __init__(self, model: Any, hidden: Tensor, rows: Rows, temperature: float) -> None:
        self.model, self.hidden, self.rows, self.temperature = model, hidden, rows, temperature  # hidden (B, T, d)

    @cached_property
    def logits(self) -> Tensor:
        """Divided by the temperature (B, T, V)."""
        return vocabulary_logits(self.model, self.hidden) / self.temperature

    @cached_property
    def normaliser(self) -> Tensor:
        return self.logits.logsumexp(-1)  # (B, T)

    @cached_property
    def logp(self) -> Tensor:
        """log pi(y_t | prompt, y_<t) of the tokens that were drawn (B, T)."""
        if "logits" not in self.__dict__ and (found := self._chunked(entropy=False)):
            return found[0]
        return torch.where(self.rows.is_response, self.of(self.rows.response_ids[..., None])[..., 0], 0.0)

    def logp_and_entropy(self) -> tuple[Tensor, Tensor]:
        """`logp` and `entropy` (B, T) from one look at the vocabulary; the entropy may be without a gradient."""
        found = self._chunked(entropy=True)
        if found is None:
            return self.logp, self.entropy
        self.logp, nats = found
        assert nats is not None
        return self.logp, nats

    def widened(self, T: int) -> "Predictions":
        """The same for responses that are padded to T."""
        more = T - self.hidden.shape[1]
        own = self.rows
        rows = replace(own, response_ids=pad(own.response_ids, [0, more]), is_response=pad(own.is_response, [0, more]))
        wide = Predictions(self.model, pad(self.hidden, [0, 0, 0, more]), rows, self.temperature)
        if "logp" in self.__dict__:
            wide.logp = pad(self.logp, [0, more])
        return wide

    def _chunked(self, *, entropy: bool) -> tuple[Tensor, Tensor | None] | None:
        """Both chunk by chunk, without keeping logits; None where plain code is to run."""
        weight, speed_ups = plain_vocabulary(self.model), speed_ups_of(self.model)
        if weight is None or speed_ups is None:
            return None
        mask = self.rows.is_response
        places = mask.flatten().nonzero()[:, 0]
        states = self.hidden.flatten(0, 1).index_select(0, places)
        ids = self.rows.response_ids.flatten().index_select(0, places)
        found = LogProbability.apply(states, weight, ids, self.temperature, entropy, speed_ups.scratch)

        def spread(x: Tensor) -> Tensor:
            return x.new_zeros(mask.numel()).index_copy(0, places, x).view(mask.shape)

        return spread(found[0]), None if found[1] is None else spread(found[1])

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
        inside = Predictions(self.model, self.hidden, self.rows, self.temperature)
        inside.logits = self.logits.masked_fill(~allowed, FORBIDDEN)
        return inside


def predictions(model: Any, rows: Rows, temperature: float) -> Predictions:
    """One forward pass over the responses; only their states reach the vocabulary."""
    return Predictions(model, hidden_states(model, rows), rows, temperature)


def plain_vocabulary(model: Any) -> Tensor | None:
    """The weights (V, d) of a vocabulary head that is one frozen product and nothing more."""
    head, config = model.get_output_embeddings(), model.config.get_text_config()
    changed = scale_of(config) != 1 or cap_of(config)
    plain = type(head) is nn.Linear and head.bias is None and not head.weight.requires_grad
    return head.weight if plain and not changed else None
