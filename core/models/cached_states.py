"""States of responses by transformers' own code: the prompts run first, hand their cache (with gradients) to each
response, and the responses run."""

import inspect
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer, LinearAttentionCacheLayerMixin

from core.models.rows import Rows, positions


def cache_for(model: Any) -> dict[str, DynamicCache]:
    """A fresh cache, under the keyword by which this version of transformers takes it: `cache` from 5.24,
    `past_key_values` before."""
    name = "cache" if "cache" in inspect.signature(model.forward).parameters else "past_key_values"
    return {name: DynamicCache(config=model.config)}


def select_rows(cache: DynamicCache, index: Tensor) -> None:
    """Go on with the rows `index` of all that a cache holds. transformers' own way knows keys and values alone, and
    leaves out the states of convolutions and of linear attention."""
    for layer in cache.layers:
        if isinstance(layer, LinearAttentionCacheLayerMixin):
            layer.conv_states = _of_rows(layer.conv_states, index)
            layer.recurrent_states = _of_rows(layer.recurrent_states, index)
            if not isinstance(layer, DynamicLayer):
                continue
        layer.batch_select_indices(index)


def _of_rows(states: Any, index: Tensor) -> Any:
    """Several states by number since transformers 5.24, one before."""
    if isinstance(states, dict):
        return {key: _of_rows(state, index) for key, state in states.items()}
    return states if states is None else states.index_select(0, index)


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
        select_rows(cache, rows.prompt_of)
    mask = torch.cat([rows.is_prompt[rows.prompt_of], rows.is_response[:, : T - 1]], 1)
    later = trunk(
        input_ids=rows.response_ids[:, : T - 1],
        attention_mask=mask,
        position_ids=positions(mask)[:, -(T - 1) :],
        **cached,
    )
    return torch.cat([first, later.last_hidden_state], 1)
