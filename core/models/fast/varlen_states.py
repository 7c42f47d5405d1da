"""States of responses without padding, and whether a model gives the right ones so."""

from typing import Any

import torch
from torch import Tensor

from core.models.cached_states import cached_states
from core.models.fast.switch import speed_ups_of
from core.models.fast.varlen import ATTENTION, lay_out, run
from core.models.rows import Rows, from_lists


def varlen_states(model: Any, rows: Rows, through_end: bool) -> Tensor:
    """What `core.models.states.hidden_states` gives."""
    read = rows.lengths - int(not through_end)
    layout = lay_out(rows.prompt_ids, rows.is_prompt, rows.prompt_of, rows.response_ids, read)
    hidden = run(model.base_model, layout)
    T = rows.response_ids.shape[1] + int(through_end)
    states = layout.states[:, :T]
    padding = states[:, -1:].expand(-1, T - states.shape[1])
    states = torch.cat([states, padding], 1)
    return hidden.index_select(0, states.flatten()).view(*states.shape, -1)


def varlen_last_states(model: Any, rows: Rows) -> Tensor:
    """The state (B, d) at the last token of each response."""
    layout = lay_out(rows.prompt_ids, rows.is_prompt, rows.prompt_of, rows.response_ids, rows.lengths)
    return run(model.base_model, layout).index_select(0, layout.states[:, -1])


def reads_varlen(model: Any, longest: int) -> bool:
    """Are sequences of up to `longest` tokens laid out for this model? Tried once for each model."""
    own = speed_ups_of(model)
    if own is None:
        return False
    if own.reads_varlen is None:
        own.reads_varlen = gives_the_same(model)
    window = _window(model.config.get_text_config())
    return own.reads_varlen and (window is None or longest <= window)


@torch.no_grad()
def gives_the_same(model: Any) -> bool:
    """Does the model give the same states laid out as through its cache?"""
    training = model.training
    model.eval()  # where activations are recomputed, there is no cache to compare with
    try:
        return model.config._attn_implementation == ATTENTION and _same(model)
    finally:
        model.train(training)


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
            found = varlen_states(model, rows, True)
        except torch.OutOfMemoryError:
            raise
        except (TypeError, ValueError, RuntimeError, IndexError, AttributeError, NotImplementedError):
            return False
        inside = torch.arange(found.shape[1], device=device) <= rows.lengths[:, None]
        expected = cached_states(model, rows, True)[inside].float()
        allowed = 1e-3 if model.dtype == torch.float32 else 0.1
        if not bool((found[inside].float() - expected).norm() <= allowed * expected.norm()):
            return False
    return True
