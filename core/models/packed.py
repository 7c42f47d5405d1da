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

from core.models.flat import ATTENTION
from core.models.rows import from_lists, hidden_states, pad, positions

Ids = list[int]
#: Places in a row before a prompt with many answers begins another one.
WIDTH = 512


@dataclass(frozen=True)
class Packed:
    """R rows of S places. `ends` (N,) is where each answer's last token lies, as an index into R * S."""

    ids: Tensor  # (R, S) long
    positions: Tensor  # (R, S) long, each sequence from 0
    sees: Tensor  # (R, 1, S, S) bool: may the token in the third axis look at the one in the fourth
    ends: Tensor  # (N,) long, in the order of the answers


def pack(prompts: Sequence[Ids], answers: Sequence[Sequence[Ids]], pad_id: int, device: torch.device) -> Packed:
    """Lay out each prompt with its answers; none of them may be empty."""
    pieces = [piece for g in range(len(prompts)) for piece in _pieces(g, prompts[g], answers[g])]
    lengths = [len(prompts[g]) + sum(len(answers[g][n]) for n in chosen) for g, chosen in pieces]
    width = max(lengths)
    rows = _share_rows(lengths, width)
    ids = torch.full((len(rows), width), pad_id, dtype=torch.long)
    positions = torch.zeros((len(rows), width), dtype=torch.long)
    piece_of = torch.full((len(rows), width), -1)
    answer_of = torch.zeros((len(rows), width), dtype=torch.long)
    ends: dict[tuple[int, int], int] = {}
    for row, members in enumerate(rows):
        at = 0
        for piece in members:
            g, chosen = pieces[piece]
            start = len(prompts[g])
            for number, part in enumerate([prompts[g], *(answers[g][n] for n in chosen)]):
                place = slice(at, at + len(part))
                ids[row, place] = torch.tensor(part, dtype=torch.long)
                first = 0 if number == 0 else start
                positions[row, place] = torch.arange(first, first + len(part))
                piece_of[row, place], answer_of[row, place] = piece, number
                at += len(part)
                if number:
                    ends[g, chosen[number - 1]] = row * width + at - 1
    same = piece_of[:, :, None] == piece_of[:, None, :]
    visible = (answer_of[:, None, :] == 0) | (answer_of[:, :, None] == answer_of[:, None, :])
    sees = (same & visible).tril_()[:, None]
    flat = [ends[g, n] for g, group in enumerate(answers) for n in range(len(group))]
    return Packed(ids.to(device), positions.to(device), sees.to(device), torch.tensor(flat, device=device))


def _pieces(group: int, prompt: Ids, answers: Sequence[Ids]) -> list[tuple[int, list[int]]]:
    """The answers in rows of bounded width, evenly: attention costs the square of a row, a prompt that is laid out anew
    only itself."""
    room = max(WIDTH, 4 * len(prompt)) - len(prompt)
    total = sum(map(len, answers))
    rows = -(-total // room)
    found: list[tuple[int, list[int]]] = []
    filled = 0
    for number, answer in enumerate(answers):
        if not found or (len(found) < rows and filled + len(answer) / 2 > total * len(found) / rows):
            found.append((group, []))
        found[-1][1].append(number)
        filled += len(answer)
    return found


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
    if model.config._attn_implementation in ("sdpa", ATTENTION):
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
    if model.training:
        # Recomputing activations leaves no cache to hand on: every answer brings its prompt along.
        flat = [(prompt, answer) for prompt, group in zip(prompts, answers, strict=True) for answer in group]
        ids, mask = pad([prompt + answer for prompt, answer in flat], pad_id, device, left=False)
        out = model.base_model(input_ids=ids, attention_mask=mask, position_ids=positions(mask), use_cache=False)
        return out.last_hidden_state[torch.arange(len(flat), device=device), mask.sum(1) - 1]
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
    return (
        kinds == {"full_attention"} and not window and model.config._attn_implementation in ("sdpa", "eager", ATTENTION)
    )


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
