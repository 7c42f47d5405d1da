"""Which ways by transformers' own code give what a model says of each sequence alone. Found out by trying.

Models keep in their caches what they like. Some cannot go on from one by several tokens (Jamba), some not at all
(RecurrentGemma), some hand no gradient on through it; and many do not say so.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from core.models.alone import UNFIT, Alone, same
from core.models.cached_states import cached_states
from core.models.decoding import CachedDecoder, DecoderKind
from core.models.fast.varlen_states import by_itself
from core.models.whole_states import WholeDecoder, whole_states

#: Gradients may be so many times as far from each other as logits.
GRADIENTS = 5.0


@dataclass(frozen=True)
class Ways:
    whole: bool
    """Sequences that are padded behind, without a cache."""
    trains: bool
    """Do gradients come through these?"""
    continues: bool
    """Answers that go on from their prompts' cache."""
    learns: bool
    """Do the same gradients come through that?"""
    decodes: bool
    """One token after the other, from the cache."""

    @property
    def decoder(self) -> DecoderKind:
        return CachedDecoder if self.decodes else WholeDecoder


_found: WeakKeyDictionary[Any, Ways] = WeakKeyDictionary()


def ways_of(model: Any, expected: Alone | None = None) -> Ways:
    """Tried once for each model."""
    if model not in _found:
        with in_eval_mode(model):
            _found[model] = _try(model, expected or by_itself(model))
    return _found[model]


def goes_on(model: Any) -> bool:
    """May answers go on from their prompts' cache, now?"""
    if model.training:  # where activations are recomputed, there is no cache
        return False
    ways = ways_of(model)
    return ways.learns if torch.is_grad_enabled() else ways.continues


@contextmanager
def in_eval_mode(model: Any) -> Iterator[None]:
    training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(training)


def _try(model: Any, expected: Alone) -> Ways:
    with torch.no_grad():
        whole, continues = expected.read_by(model, whole_states), expected.read_by(model, cached_states)
    plain = _gradient(model, whole_states, expected) if whole else None
    cached = _gradient(model, cached_states, expected) if continues and plain is not None else None
    learns = cached is not None and plain is not None and same(cached, plain, GRADIENTS * expected.allowed)
    return Ways(whole, plain is not None, continues, learns, decodes(CachedDecoder, model, expected))


@torch.no_grad()
def decodes(kind: DecoderKind, model: Any, expected: Alone) -> bool:
    """Does a decoder say the same token by token, also without the row that ended?"""
    rows = expected.rows
    T, going = rows.response_ids.shape[1], torch.arange(len(rows), device=rows.prompt_of.device)
    found: list[list[Tensor]] = [[] for _ in expected.logits]
    try:
        decoder = kind(lambda: nullcontext(model), rows.prompt_ids, rows.is_prompt, rows.prompt_of, T)
        for t in range(T + 1):
            for row, logits in zip(going.tolist(), decoder.logits, strict=True):
                found[row].append(logits.clone())
            left = (rows.lengths[going] > t).nonzero()[:, 0]
            if t == T:
                break
            if len(left) < len(going):
                going = going[left]
                decoder.keep(left)
            decoder.grows(t)
            decoder.read(rows.response_ids[going, t])
    except torch.OutOfMemoryError:
        raise
    except UNFIT:
        return False
    together = torch.cat([torch.stack(each) for each in found])
    return same(together, torch.cat(expected.logits), expected.allowed)


def _gradient(model: Any, read: Callable[[Any, Any, bool], Tensor], expected: Alone) -> Tensor | None:
    """That of a mixture of the states by each token's embedding, summed by token (n, d); None where there is none."""
    rows, seen = expected.rows, list[tuple[Tensor, Tensor]]()

    def hook(module: Any, given: tuple[Any, ...], named: dict[str, Any], out: Tensor) -> Tensor:
        leaf = out.detach().requires_grad_()
        seen.append((given[0] if given else next(iter(named.values())), leaf))
        return leaf

    handle = model.get_input_embeddings().register_forward_hook(hook, with_kwargs=True)
    try:
        with torch.enable_grad():
            states = read(model, rows, True)
            places = torch.arange(states.shape[1], device=states.device) <= rows.lengths[:, None]
            inside = states[places].float()
            mixture = torch.linspace(-1, 1, inside.numel(), device=inside.device).cos().view_as(inside)
            slopes = torch.autograd.grad((inside * mixture).sum(), [leaf for _, leaf in seen])
    except torch.OutOfMemoryError:
        raise
    except UNFIT:
        return None
    finally:
        handle.remove()
    tokens = torch.cat([rows.prompt_ids[rows.is_prompt], rows.response_ids[rows.is_response]]).unique()
    total = inside.new_zeros(len(tokens), inside.shape[-1] if not slopes else slopes[0].shape[-1])
    for (ids, _), slope in zip(seen, slopes, strict=True):
        is_token = torch.isin(ids, tokens)
        total.index_add_(0, torch.searchsorted(tokens, ids[is_token]), slope[is_token].float())
    return total if bool(total.isfinite().all()) else None
