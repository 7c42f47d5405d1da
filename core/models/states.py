"""One forward pass over prompts and responses: their states after the last norm.

Reward model, reference, policy and value all see text through this file: without padding
(`core.models.fast.varlen`) where the model can, else through transformers' caches (`core.models.cached_states`), and
where these are not right either, each sequence as a whole (`core.models.whole_states`).
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from core.models.cached_states import cached_states
from core.models.fast.varlen_states import reads_varlen, varlen_last_states, varlen_states
from core.models.rows import Ids, Rows, from_lists
from core.models.ways import goes_on
from core.models.whole_states import whole_last_states, whole_states


def hidden_states(model: Any, rows: Rows, *, through_end: bool = False) -> Tensor:
    """States s_0 .. s_{T-1} after the last norm, (B, T, d): s_t is what predicts response token t.

    With `through_end` also s_T, (B, T+1, d): then index n is the state that has seen all n response tokens.
    `model` is a causal language model; its vocabulary head is not run. States behind a response's end repeat another.
    """
    longest = rows.is_prompt.shape[1] + rows.response_ids.shape[1]
    if reads_varlen(model, longest):
        return varlen_states(model, rows, through_end)
    if goes_on(model):
        return cached_states(model, rows, through_end)
    return whole_states(model, rows, through_end)


def last_states(
    model: Any, prompts: Sequence[Ids], answers: Sequence[Sequence[Ids]], pad_id: int, device: torch.device
) -> Tensor:
    """States (N, d) at the last token of every answer; none of them may be empty."""
    longest = max(len(prompt) + max(map(len, group)) for prompt, group in zip(prompts, answers, strict=True))
    if reads_varlen(model, longest):
        return varlen_last_states(model, from_lists(prompts, answers, pad_id, device))
    if not goes_on(model):
        return whole_last_states(model, prompts, answers)
    rows = from_lists(prompts, answers, pad_id, device)
    return cached_states(model, rows, True)[torch.arange(len(rows), device=device), rows.lengths]
