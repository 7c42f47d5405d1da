"""Prompts and their responses as padded tensors.

Prompts are padded on the left, responses on the right. Several responses to one prompt share its row, so
the prompt goes through the model once however many answers it has, see `core.models.states`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from core.errors import ModelError

Ids = list[int]


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

    def chunks(self, size: int, *, whole: bool = False) -> list[Tensor]:
        """Row numbers, at most `size` at a time, as many as fit of those whose prompts come first: those of a prompt
        stay together unless they alone are more. With `whole` they do then, too."""
        return self.chunks_of(torch.arange(len(self), device=self.prompt_of.device), size, whole=whole)

    def chunks_of(self, index: Tensor, size: int, *, whole: bool = False) -> list[Tensor]:
        """The same of the rows `index`, in whose order those of a prompt are adjacent."""
        groups = index.split(self.prompt_of[index].unique_consecutive(return_counts=True)[1].tolist())
        found: list[list[Tensor]] = []
        room = 0
        for group in (part for each in groups for part in ([each] if whole else each.split(size))):
            if len(group) > room:
                found.append([])
                room = size
            found[-1].append(group)
            room -= len(group)
        return [torch.cat(parts) for parts in found]

    def with_end(self, *end_ids: int) -> tuple["Rows", Tensor]:
        """Rows in which every response ends with the first of `end_ids`, one column longer, and its place (B,).

        It stands for whichever of them was drawn. A response that was cut off at the length limit, or stopped by its
        text, gets it behind its last token, because rewards are read there.
        """
        n, end_id = self.lengths, end_ids[0]
        last = self.response_ids.gather(1, n[:, None] - 1)[:, 0]
        drawn = self.ended & torch.isin(last, torch.tensor(end_ids, device=n.device))
        end = torch.where(drawn, n - 1, n)
        spare = torch.full_like(self.response_ids[:, :1], end_id)
        response = torch.cat([torch.where(self.is_response, self.response_ids, end_id), spare], 1)
        places = torch.arange(response.shape[1], device=n.device)[None, :]
        response = torch.where(places == end[:, None], end_id, response)
        rows = Rows(self.prompt_ids, self.is_prompt, self.prompt_of, response, places <= end[:, None],
                    torch.ones_like(self.ended))  # fmt: skip
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
    """Token ids and their mask, both (B, longest row). Raises `ModelError` for a prompt (`left`) of none."""
    if left and not all(rows):
        raise ModelError("The model's chat template or tokenizer leaves nothing of a prompt: choose another model.")
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
