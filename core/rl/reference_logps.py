"""The reference's log-probabilities of stored answers, of which each is read once in a run, however many passes over
them it makes.

An answer is always read beside those with which the first pass deals it, in whatever step it is wanted: so a resumed
run, which knows none of them yet, finds the same numbers to the last bit.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from core.models.adapters import REFERENCE, SharedModel
from core.models.rows import Ids, Rows, from_lists
from core.rl import passes
from core.rl.rollout import logprobs

#: A prompt and its answers.
Stored = tuple[Ids, Sequence[Ids]]


class ReferenceLogps:
    """Of `count` prompts with their answers, which `find` gives by number, and which passes of this `seed` deal out
    `size` at a time."""

    def __init__(
        self, shared: SharedModel, micro_batch: int, size: int, count: int, seed: str, find: Callable[[int], Stored]
    ) -> None:
        self.shared, self.micro_batch, self.find = shared, micro_batch, find
        self.size, self.count, self.seed = size, count, seed
        self.known: dict[int, Tensor] = {}
        """Of the tokens of all answers to a prompt, one after the other, on the CPU."""

    def of(self, numbers: Sequence[int], chosen: Sequence[Stored], rows: Rows) -> Tensor:
        """Log-probabilities (B, T) of `rows`, which are made of those of these `numbers`."""
        at_hand = dict(zip(numbers, chosen, strict=True))
        for number in numbers:
            if number not in self.known:
                together = passes.first_with(number, self.size, self.count, self.seed)
                self._read(together, [at_hand.get(each) or self.find(each) for each in together])
        found = torch.zeros(rows.is_response.shape)
        found[rows.is_response.cpu()] = torch.cat([self.known[number] for number in numbers])
        return found.to(self.shared.base.device)

    def _read(self, numbers: Sequence[int], found: Sequence[Stored]) -> None:
        rows = rows_of(self.shared, found)
        logp, _ = logprobs(self.shared, REFERENCE, rows, 1.0, self.micro_batch)
        tokens = [sum(map(len, answers)) for _, answers in found]
        self.known |= zip(numbers, logp[rows.is_response].cpu().split(tokens), strict=True)


def rows_of(shared: SharedModel, found: Sequence[Stored]) -> Rows:
    prompts, answers = [prompt for prompt, _ in found], [list(each) for _, each in found]
    return from_lists(prompts, answers, shared.base.pad_id, shared.base.device)
