"""States of responses by transformers' own code, the plain way: each response behind a prompt of its own, in one pass
without a cache. It takes the most time, and is for models that cannot go on from a cache as they would have alone."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from core.models.decoding import Opened
from core.models.rows import Ids, Rows, pad, positions
from core.models.vocabulary import vocabulary_logits


def whole_states(model: Any, rows: Rows, through_end: bool) -> Tensor:
    """What `core.models.states.hidden_states` gives."""
    prompts = [ids[inside].tolist() for ids, inside in zip(rows.prompt_ids, rows.is_prompt, strict=True)]
    order = rows.prompt_of.tolist()
    answers = [ids[inside].tolist() for ids, inside in zip(rows.response_ids, rows.is_response, strict=True)]
    hidden, lengths = _run(model, [prompts[g] + answer for g, answer in zip(order, answers, strict=True)])
    T = rows.response_ids.shape[1] + int(through_end)
    first = torch.tensor([len(prompts[g]) - 1 for g in order], device=hidden.device)[:, None]  # (B, 1)
    places = first + torch.arange(T, device=hidden.device)
    places = places.minimum(lengths[:, None] - 1)[..., None].expand(-1, -1, hidden.shape[-1])
    return hidden.gather(1, places)


def whole_last_states(model: Any, prompts: Sequence[Ids], answers: Sequence[Sequence[Ids]]) -> Tensor:
    """What `core.models.states.last_states` gives."""
    whole = [prompt + answer for prompt, group in zip(prompts, answers, strict=True) for answer in group]
    hidden, lengths = _run(model, whole)
    return hidden[torch.arange(len(whole), device=hidden.device), lengths - 1]


def _run(model: Any, sequences: Sequence[Ids]) -> tuple[Tensor, Tensor]:
    """States (B, S, d) and lengths (B,). What pads a sequence lies behind it, where nothing of it is seen."""
    ids, mask = pad(sequences, 0, next(model.parameters()).device, left=False)
    out = model.base_model(input_ids=ids, attention_mask=mask, position_ids=positions(mask), use_cache=False)
    return out.last_hidden_state, mask.sum(1)


class WholeDecoder:
    """Reads all of a sequence anew for each token."""

    drop_at = 0.95
    state: Sequence[Tensor] = ()

    def __init__(self, opened: Opened, prompt_ids: Tensor, is_prompt: Tensor, prompt_of: Tensor, room: int) -> None:
        self.opened = opened
        prompts = [ids[inside].tolist() for ids, inside in zip(prompt_ids, is_prompt, strict=True)]
        self.logits = self._next(prompts)[prompt_of]
        self.sequences = [list(prompts[g]) for g in prompt_of.tolist()]

    def _next(self, sequences: Sequence[Ids]) -> Tensor:
        """Logits (b, V) of what follows."""
        with self.opened() as model:
            hidden, lengths = _run(model, sequences)
            last = hidden[torch.arange(len(lengths), device=hidden.device), lengths - 1]
            return vocabulary_logits(model, last)

    def grows(self, read: int) -> bool:
        return True

    def read(self, token: Tensor) -> None:
        for sequence, each in zip(self.sequences, token.tolist(), strict=True):
            sequence.append(each)
        self.logits = self._next(self.sequences)

    def keep(self, index: Tensor) -> None:
        self.sequences = [self.sequences[row] for row in index.tolist()]
        self.logits = self.logits[index]
