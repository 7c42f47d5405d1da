"""Models that read responses token by token, each with its own memory of what it has read."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import torch
from torch import Tensor

from core.models.cached_states import cache_for, select_rows
from core.models.rows import positions

#: Opens a role of the model and yields the causal model in that role.
Opened = Callable[[], AbstractContextManager[Any]]


class Decoder(Protocol):
    """One role of the model reading the same prompts and tokens as the others."""

    logits: Tensor  # (b, V) float32 of the next token
    drop_at: float
    """Rows that have ended are worth dropping when no more than this share of those at work goes on."""

    @property
    def state(self) -> Sequence[Tensor]:
        """What `read` changes in place, where it does the same from token to token on tensors that stay where they are,
        so that a graph can repeat it; nothing where it does not."""

    def grows(self, read: int) -> bool:
        """Prepare to read a token behind so many that were read. Will its tensors be of other shapes than before?"""

    def read(self, token: Tensor) -> None:
        """Go on by one token (b,)."""

    def keep(self, index: Tensor) -> None:
        """Go on with the rows `index` only."""


#: Made of `opened`, prompts (G, P) with their mask, the prompt of each row (B,), and how many tokens will be read.
DecoderKind = Callable[[Opened, Tensor, Tensor, Tensor, int], Decoder]


class CachedDecoder:
    """Reads with transformers' own cache."""

    drop_at = 0.75
    state: Sequence[Tensor] = ()

    def __init__(self, opened: Opened, prompt_ids: Tensor, is_prompt: Tensor, prompt_of: Tensor, room: int) -> None:
        self.opened = opened
        with opened() as model:
            self.cached = cache_for(model)
            out = model(
                input_ids=prompt_ids, attention_mask=is_prompt, position_ids=positions(is_prompt), logits_to_keep=1,
                **self.cached,
            )  # fmt: skip
        self.logits = out.logits[prompt_of, -1].float()
        self.mask = is_prompt
        self.keep(prompt_of)

    def grows(self, read: int) -> bool:
        return True

    def read(self, token: Tensor) -> None:
        self.mask = torch.cat([self.mask, torch.ones_like(self.mask[:, :1])], 1)
        with self.opened() as model:
            out = model(
                input_ids=token[:, None], attention_mask=self.mask, position_ids=positions(self.mask)[:, -1:],
                logits_to_keep=1, **self.cached,
            )  # fmt: skip
        self.logits = out.logits[:, -1].float()

    def keep(self, index: Tensor) -> None:
        self.mask = self.mask[index]
        for cache in self.cached.values():
            select_rows(cache, index)
