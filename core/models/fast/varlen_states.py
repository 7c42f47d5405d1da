"""States of responses without padding, and whether a model gives the right ones so."""

import re
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor

from core.models.alone import Alone, alone
from core.models.fast.switch import disabled, speed_ups_of
from core.models.fast.varlen import ATTENTION, lay_out, run
from core.models.rows import Rows

#: What configs call the reach of attention, and names of theirs that say something else, or are heeded by themselves.
WINDOW = re.compile(r"window|attention_chunk|local_attention")
OTHERWISE = re.compile(r"^sliding_window$|layers|pattern|num_|kernel")


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


def reads_varlen(model: Any, longest: int, expected: Alone | None = None) -> bool:
    """Are sequences of up to `longest` tokens laid out for this model? Tried once for each model."""
    own = speed_ups_of(model)
    if own is None:
        return False
    if own.reads_varlen is None:
        own.reads_varlen = gives_the_same(model, expected)
    window = window_of(model)
    return own.reads_varlen and (window is None or longest <= window)


def gives_the_same(model: Any, expected: Alone | None = None) -> bool:
    """Does the model say the same laid out as of each sequence alone?"""
    training = model.training
    model.eval()
    try:
        return model.config._attn_implementation == ATTENTION and _same(model, expected or by_itself(model))
    finally:
        model.train(training)


def by_itself(model: Any) -> Alone:
    """What it says with the speed-ups off; with them where processes hold a part of it each, which they were made for
    before it was spread."""
    is_here = all(type(weight.data) is Tensor for weight in model.parameters())
    with disabled() if is_here else nullcontext():
        return alone(model)


def window_of(model: Any) -> int | None:
    """Tokens that a token sees back where that is fewer than all, or may be: no short text shows it, so that whatever
    a config calls a window is taken for one."""
    config = model.config.get_text_config()
    kinds = getattr(config, "layer_types", None)
    slides = "sliding_attention" in kinds if kinds else getattr(config, "use_sliding_window", True)
    found = [getattr(config, "sliding_window", None)] if slides else []
    found += [
        value
        for name, value in vars(config).items()
        if type(value) is int and value > 0 and WINDOW.search(name) and not OTHERWISE.search(name)
    ]
    return min((size for size in found if size is not None), default=None)


@torch.no_grad()
def _same(model: Any, expected: Alone) -> bool:
    config = model.config.get_text_config()
    if not set(getattr(config, "layer_types", None) or []) <= {"full_attention", "sliding_attention"}:
        return False
    return expected.read_by(model, varlen_states)
