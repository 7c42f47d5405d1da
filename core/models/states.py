"""One forward pass over prompts and responses: their states after the last norm.

Reward model, reference, policy and value all see text through this file. It is laid out flat
(`core.models.fast.varlen`) where the model can; else the prompts run first, hand their key-value cache (with
gradients) to each response, and the responses run.
"""

import inspect
from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor
from transformers import DynamicCache

from core.models.fast.varlen import ATTENTION, lay_out, run
from core.models.rows import Ids, Rows, from_lists, pad, positions


def cache_for(model: Any) -> dict[str, DynamicCache]:
    """A fresh key-value cache, under the keyword by which this version of transformers takes it: `cache` from
    5.24, `past_key_values` before."""
    name = "cache" if "cache" in inspect.signature(model.forward).parameters else "past_key_values"
    return {name: DynamicCache(config=model.config)}


def hidden_states(model: Any, rows: Rows, *, through_end: bool = False) -> Tensor:
    """States s_0 .. s_{T-1} after the last norm, (B, T, d): s_t is what predicts response token t.

    With `through_end` also s_T, (B, T+1, d): then index n is the state that has seen all n response tokens.
    `model` is a causal language model; its vocabulary head is not run. States behind a response's end repeat another.
    """
    longest = rows.is_prompt.shape[1] + rows.response_ids.shape[1]
    if works_flat(model, longest):
        return _flat(model, rows, through_end)
    return _cached(model, rows, through_end)


def _flat(model: Any, rows: Rows, through_end: bool) -> Tensor:
    read = rows.lengths - int(not through_end)
    layout = lay_out(rows.prompt_ids, rows.is_prompt, rows.prompt_of, rows.response_ids, read)
    hidden = run(model.base_model, layout)
    T = rows.response_ids.shape[1] + int(through_end)
    states = layout.states[:, :T]
    padding = states[:, -1:].expand(-1, T - states.shape[1])
    states = torch.cat([states, padding], 1)
    return hidden.index_select(0, states.flatten()).view(*states.shape, -1)


def _cached(model: Any, rows: Rows, through_end: bool) -> Tensor:
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


def last_states(
    model: Any, prompts: Sequence[Ids], answers: Sequence[Sequence[Ids]], pad_id: int, device: torch.device
) -> Tensor:
    """States (N, d) at the last token of every answer; none of them may be empty."""
    longest = max(len(prompt) + max(map(len, group)) for prompt, group in zip(prompts, answers, strict=True))
    flat = works_flat(model, longest)
    if model.training and not flat:
        # Recomputing activations leaves no cache to hand on: every answer brings its prompt along.
        whole = [prompt + answer for prompt, group in zip(prompts, answers, strict=True) for answer in group]
        ids, mask = pad(whole, pad_id, device, left=False)
        out = model.base_model(input_ids=ids, attention_mask=mask, position_ids=positions(mask), use_cache=False)
        return out.last_hidden_state[torch.arange(len(whole), device=device), mask.sum(1) - 1]
    rows = from_lists(prompts, answers, pad_id, device)
    if not flat:
        return _cached(model, rows, True)[torch.arange(len(rows), device=device), rows.lengths]
    layout = lay_out(rows.prompt_ids, rows.is_prompt, rows.prompt_of, rows.response_ids, rows.lengths)
    return run(model.base_model, layout).index_select(0, layout.states[:, -1])


_known: WeakKeyDictionary[Any, bool] = WeakKeyDictionary()


@torch.no_grad()
def works_flat(model: Any, longest: int) -> bool:
    """Does the model give the same states flat, for sequences of up to `longest` tokens? Tried once for each model."""
    if model not in _known:
        training = model.training
        model.eval()  # where activations are recomputed, there is no cache to compare with
        try:
            _known[model] = model.config._attn_implementation == ATTENTION and _same(model)
        finally:
            model.train(training)
    window = _window(model.config.get_text_config())
    return _known[model] and (window is None or longest <= window)


def _window(config: Any) -> int | None:
    """Tokens that a token sees back where that is fewer than all."""
    kinds = getattr(config, "layer_types", None)
    slides = "sliding_attention" in kinds if kinds else getattr(config, "use_sliding_window", True)
    return getattr(config, "sliding_window", None) if slides else None


def _same(model: Any) -> bool:
    """Two prompts with three responses, and with one each."""
    config = model.config.get_text_config()
    if not set(getattr(config, "layer_types", None) or []) <= {"full_attention", "sliding_attention"}:
        return False
    device = next(model.parameters()).device
    # Common tokens: what makes no sense to a model drowns in the noise of bfloat16.
    word = lambda n: (300 + 7 * n) % int(config.vocab_size)  # noqa: E731
    prompts = [[word(n) for n in prompt] for prompt in ([3, 1, 4, 2, 7, 8], [1, 5, 3, 6])]
    answers = [[[word(n) for n in answer] for answer in group] for group in ([[9, 2], [6, 5, 3]], [[8, 9, 7, 9]])]
    for given in (answers, [group[:1] for group in answers]):
        rows = from_lists(prompts, given, 0, device)
        try:
            found = _flat(model, rows, True)
        except torch.OutOfMemoryError:
            raise
        except (TypeError, ValueError, RuntimeError, IndexError, AttributeError, NotImplementedError):
            return False
        inside = torch.arange(found.shape[1], device=device) <= rows.lengths[:, None]
        expected = _cached(model, rows, True)[inside].float()
        allowed = 1e-3 if model.dtype == torch.float32 else 0.1
        if not bool((found[inside].float() - expected).norm() <= allowed * expected.norm()):
            return False
    return True
