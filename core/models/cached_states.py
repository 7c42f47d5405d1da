"""States of responses by transformers' own code: the prompts run first, hand their key-value cache (with gradients) to
each response, and the responses run."""

import inspect
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache

from core.models.rows import Rows, positions


def cache_for(model: Any) -> dict[str, DynamicCache]:
    """A fresh key-value cache, under the keyword by which this version of transformers takes it: `cache` from
    5.24, `past_key_values` before."""
    name = "cache" if "cache" in inspect.signature(model.forward).parameters else "past_key_values"
    return {name: DynamicCache(config=model.config)}


def cached_states(model: Any, rows: Rows, through_end: bool) -> Tensor:
    """What `core.models.states.hidden_states` gives."""
    trunk = model.base_model
    cached = cache_for(trunk)
    out = trunk(
        input_ids=rows.prompt_ids, attention_mask=rows.is_prompt, position_ids=positions(rows.is_prompt), **cached
    )
    first = out.last_hidden_state[rows.prompt_of, -1:]  # (B, 1, d)
    T = rows.response_ids.shape[1] + int(through_end)
    if T == 1:
        return first
    for cache in cached.values():
        cache.batch_select_indices(rows.prompt_of)
    mask = torch.cat([rows.is_prompt[rows.prompt_of], rows.is_response[:, : T - 1]], 1)
    later = trunk(
        input_ids=rows.response_ids[:, : T - 1],
        attention_mask=mask,
        position_ids=positions(mask)[:, -(T - 1) :],
        **cached,
    )
    return torch.cat([first, later.last_hidden_state], 1)
