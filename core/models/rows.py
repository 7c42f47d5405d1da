"""Prompts and their responses as padded tensors, and one forward pass over them.

Prompts are padded on the left, responses on the right. Several responses to one prompt share its row, so
the prompt goes through the model once however many answers it has. Reward model, reference, policy and value
all see text through `hidden_states`: laid out flat (`core.models.flat`) where the model can, else it runs the
prompts, hands their key-value cache (with gradients) to each response, and runs the responses.
"""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor
from transformers import DynamicCache

from core.models.flat import ATTENTION, lay_out, run


@dataclass(frozen=True)
class Rows:
    """G prompts and B responses; P and T are the padded lengths."""

    prompt_ids: Tensor  # (G, P) long, left-padded
    is_prompt: Tensor  # (G, P) bool
    prompt_of: Tensor  # (B,) long, the prompt that each response answers
    response_ids: Tensor  # (B, T) long, right-padded
    is_response: Tensor  # (B, T) bool, True up to and including the end token
    ended: Tensor  # (B,) bool, the response holds its end token

    @property
    def lengths(self) -> Tensor:
        """Response lengths (B,), each at least 1."""
        return self.is_response.sum(1)

    def __len__(self) -> int:
        return len(self.prompt_of)

    def select(self, index: Tensor) -> "Rows":
        """The responses `index`, with only the prompts that they need."""
        prompts, prompt_of = self.prompt_of[index].unique(return_inverse=True)
        return Rows(
            self.prompt_ids[prompts],
            self.is_prompt[prompts],
            prompt_of,
            self.response_ids[index],
            self.is_response[index],
            self.ended[index],
        )

    def chunks(self, size: int) -> list[Tensor]:
        """Row numbers, about `size` at a time; the responses of one prompt stay in one chunk."""
        index = torch.arange(len(self), device=self.prompt_of.device)
        prompts = len(self.prompt_ids)
        at_once = max(1, round(size * prompts / len(self)))
        return [index[(self.prompt_of >= g) & (self.prompt_of < g + at_once)] for g in range(0, prompts, at_once)]

    def with_end(self, end_id: int) -> tuple["Rows", Tensor]:
        """Rows in which every response ends with `end_id`, one column longer, and its place (B,).

        A response that was cut off at the length limit gets the end token, because rewards are read there.
        """
        n = self.lengths
        end = torch.where(self.ended, n - 1, n)
        spare = torch.full_like(self.response_ids[:, :1], end_id)
        response = torch.cat([torch.where(self.is_response, self.response_ids, end_id), spare], 1)
        inside = torch.arange(response.shape[1], device=n.device)[None, :] <= end[:, None]
        rows = Rows(self.prompt_ids, self.is_prompt, self.prompt_of, response, inside, torch.ones_like(self.ended))
        return rows, end


def joined(parts: Sequence[Rows]) -> Rows:
    """Several rows as one, padded to the longest."""
    P = max(part.prompt_ids.shape[1] for part in parts)
    T = max(part.response_ids.shape[1] for part in parts)

    def stack(values: list[Tensor], side: int) -> Tensor:
        grown = [(x, (P if side else T) - x.shape[1]) for x in values]
        return torch.cat([torch.nn.functional.pad(x, [by, 0] if side else [0, by]) for x, by in grown])

    offsets = [0, *torch.tensor([len(part.prompt_ids) for part in parts]).cumsum(0).tolist()]
    return Rows(
        stack([part.prompt_ids for part in parts], 1), stack([part.is_prompt for part in parts], 1),
        torch.cat([part.prompt_of + offset for part, offset in zip(parts, offsets, strict=False)]),
        stack([part.response_ids for part in parts], 0), stack([part.is_response for part in parts], 0),
        torch.cat([part.ended for part in parts]),
    )  # fmt: skip


def pad(rows: Sequence[list[int]], pad_id: int, device: torch.device, *, left: bool) -> tuple[Tensor, Tensor]:
    """Token ids and their mask, both (B, longest row)."""
    width = max(len(row) for row in rows)
    ids = torch.full((len(rows), width), pad_id, dtype=torch.long)
    mask = torch.zeros((len(rows), width), dtype=torch.bool)
    for index, row in enumerate(rows):
        place = slice(width - len(row), width) if left else slice(0, len(row))
        ids[index, place] = torch.tensor(row, dtype=torch.long)
        mask[index, place] = True
    return ids.to(device), mask.to(device)


def from_lists(
    prompts: Sequence[list[int]], answers: Sequence[Sequence[list[int]]], pad_id: int, device: torch.device
) -> Rows:
    """Rows of prompts and their answers; each answer ends with its end token."""
    prompt_ids, is_prompt = pad(prompts, pad_id, device, left=True)
    flat = [answer for group in answers for answer in group]
    response_ids, is_response = pad(flat, pad_id, device, left=False)
    prompt_of = torch.tensor([g for g, group in enumerate(answers) for _ in group], device=device)
    ended = torch.ones(len(flat), dtype=torch.bool, device=device)
    return Rows(prompt_ids, is_prompt, prompt_of, response_ids, is_response, ended)


def positions(mask: Tensor) -> Tensor:
    """Position ids (B, S) that start at 0 with each row's first real token.

    Without them a model with absolute positions is off by whole nats under left padding.
    """
    return (mask.long().cumsum(-1) - 1).clamp(min=0)


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
    read = rows.lengths - (0 if through_end else 1)
    layout = lay_out(rows.prompt_ids, rows.is_prompt, rows.prompt_of, rows.response_ids, read)
    hidden = run(model.base_model, layout.ids, layout.positions, layout)
    T = rows.response_ids.shape[1] + (1 if through_end else 0)
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
    T = rows.response_ids.shape[1] + (0 if not through_end else 1)
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


_known: WeakKeyDictionary[Any, bool] = WeakKeyDictionary()


@torch.no_grad()
def works_flat(model: Any, longest: int) -> bool:
    """Does the model give the same states flat, for sequences of up to `longest` tokens? Tried once for each model."""
    if model not in _known:
        _known[model] = False  # what the trial is compared with
        _known[model] = model.config._attn_implementation == ATTENTION and _same(model)
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
        except (TypeError, ValueError, RuntimeError, IndexError, AttributeError, NotImplementedError):
            return False
        inside = torch.arange(found.shape[1], device=device) <= rows.lengths[:, None]
        expected = _cached(model, rows, True)[inside].float()
        allowed = 1e-3 if model.dtype == torch.float32 else 0.1
        if not bool((found[inside].float() - expected).norm() <= allowed * expected.norm()):
            return False
    return True
