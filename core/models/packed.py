"""Prompts with all their answers in one forward pass: no cache, and almost no padding.

A prompt is laid out once with its answers behind it; the mask lets every answer see its prompt and itself, and the
positions of each answer begin where the prompt ends. Short prompts share a row. A token therefore goes through the
model once however many answers, or pairs, there are. Where an architecture does not take such a mask (sliding windows,
state spaces), `works` says so and `core.models.rows` is used instead, which hands the prompt's cache to its answers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from core.models.rows import from_lists, hidden_states

Ids = list[int]


@dataclass(frozen=True)
class Packed:
    """R rows of S places. `ends` (N,) is where each answer's last token lies, as an index into R * S."""

    ids: Tensor  # (R, S) long
    positions: Tensor  # (R, S) long, each sequence from 0
    sees: Tensor  # (R, 1, S, S) bool: may the token in the third axis look at the one in the fourth
    ends: Tensor  # (N,) long, in the order of the answers


def pack(prompts: Sequence[Ids], answers: Sequence[Sequence[Ids]], pad_id: int, device: torch.device) -> Packed:
    """Lay out each prompt with its answers; none of them may be empty."""
    lengths = [len(prompt) + sum(map(len, group)) for prompt, group in zip(prompts, answers, strict=True)]
    width = max(lengths)
    rows = _share_rows(lengths, width)
    ids = torch.full((len(rows), width), pad_id, dtype=torch.long)
    positions = torch.zeros((len(rows), width), dtype=torch.long)
    group_of = torch.full((len(rows), width), -1)
    answer_of = torch.zeros((len(rows), width), dtype=torch.long)
    ends: dict[int, list[int]] = {}
    for row, members in enumerate(rows):
        at = 0
        for group in members:
            start = len(prompts[group])
            for number, part in enumerate([prompts[group], *answers[group]]):
                place = slice(at, at + len(part))
                ids[row, place] = torch.tensor(part, dtype=torch.long)
                first = 0 if number == 0 else start
                positions[row, place] = torch.arange(first, first + len(part))
                group_of[row, place], answer_of[row, place] = group, number
                at += len(part)
                if number:
                    ends.setdefault(group, []).append(row * width + at - 1)
    same = group_of[:, :, None] == group_of[:, None, :]
    visible = (answer_of[:, None, :] == 0) | (answer_of[:, :, None] == answer_of[:, None, :])
    sees = (same & visible).tril_()[:, None]
    flat = [end for group in range(len(prompts)) for end in ends[group]]
    return Packed(ids.to(device), positions.to(device), sees.to(device), torch.tensor(flat, device=device))


def _share_rows(lengths: Sequence[int], width: int) -> list[list[int]]:
    """Groups by row: the longest first, each into the first row that has room."""
    rows: list[list[int]] = []
    free: list[int] = []
    for group in sorted(range(len(lengths)), key=lambda g: -lengths[g]):
        row = next((r for r, room in enumerate(free) if room >= lengths[group]), None)
        if row is None:
            rows.append([])
            free.append(width)
            row = len(rows) - 1
        rows[row].append(group)
        free[row] -= lengths[group]
    return rows


def states(model: Any, packed: Packed) -> Tensor:
    """Hidden states (R * S, d) after the last norm of everything that was packed."""
    out = model.base_model(
        input_ids=packed.ids,
        attention_mask=attention_mask(model, packed.sees),
        position_ids=packed.positions,
        use_cache=False,
    )
    return out.last_hidden_state.flatten(0, 1)


def attention_mask(model: Any, sees: Tensor) -> Tensor:
    """The mask in the form that the model's attention takes: booleans, or what is added to its logits."""
    if model.config._attn_implementation == "sdpa":
        return sees
    return torch.zeros(sees.shape, dtype=model.dtype, device=sees.device).masked_fill(
        ~sees, torch.finfo(model.dtype).min
    )


def last_states(
    model: Any, prompts: Sequence[Ids], answers: Sequence[Sequence[Ids]], pad_id: int, device: torch.device
) -> Tensor:
    """States (N, d) at the last token of every answer, in whichever way the architecture allows."""
    if works(model, device):
        packed = pack(prompts, answers, pad_id, device)
        return states(model, packed)[packed.ends]
    rows = from_lists(prompts, answers, pad_id, device)
    hidden = hidden_states(model, rows, through_end=True)
    return hidden[torch.arange(len(rows), device=device), rows.lengths]


_known: WeakKeyDictionary[Any, bool] = WeakKeyDictionary()


@torch.no_grad()
def works(model: Any, device: torch.device) -> bool:
    """Does the model give the same states packed as one by one? Tried once for each model, on four short answers."""
    if model not in _known:
        _known[model] = _may_work(model) and _same(model, device)
    return _known[model]


def _may_work(model: Any) -> bool:
    config = model.config.get_text_config()
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    window = getattr(config, "sliding_window", None) if getattr(config, "use_sliding_window", True) else None
    return kinds == {"full_attention"} and not window and model.config._attn_implementation in ("sdpa", "eager")


def _same(model: Any, device: torch.device) -> bool:
    size = int(model.config.get_text_config().vocab_size)
    prompts, answers = [[3, 1, 4], [1, 5]], [[[9, 2], [6, 5, 3]], [[5], [8, 9, 7, 9]]]
    prompts = [[token % size for token in prompt] for prompt in prompts]
    answers = [[[token % size for token in answer] for answer in group] for group in answers]
    try:
        packed = pack(prompts, answers, 0, device)
        found = states(model, packed)[packed.ends].float()
    except (TypeError, ValueError, RuntimeError, IndexError):
        return False
    expected = torch.stack(
        [
            model.base_model(input_ids=torch.tensor([prompt + answer], device=device), use_cache=False)
            .last_hidden_state[0, -1]
            .float()
            for prompt, group in zip(prompts, answers, strict=True)
            for answer in group
        ]
    )
    allowed = 1e-3 if model.dtype == torch.float32 else 5e-2
    return bool((found - expected).norm() <= allowed * expected.norm())
