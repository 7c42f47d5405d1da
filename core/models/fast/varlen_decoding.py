"""Decoders that keep keys and values in blocks which are made once, and read prompts without padding."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from core.models.decoding import Opened
from core.models.fast.varlen import Layout, forward, lay_out, placed
from core.models.fast.varlen_states import reads_varlen
from core.models.vocabulary import vocabulary_logits

#: So many places more are looked at each time that a block whose shapes stay is full, and blocks are of multiples of
#: these, as CUDA's kernels want their masks.
PLACES, ALIGNED = 256, 64


def decoder_kind(model: Any, longest: int) -> "type[VarlenDecoder] | None":
    """The decoder that suits a model and its device, for up to `longest` tokens; None if plain code is to run."""
    if not reads_varlen(model, longest):
        return None
    weights = list(model.parameters())
    is_whole = all(type(weight.data) is Tensor for weight in weights)  # in this process
    return GraphDecoder if weights[0].device.type == "cuda" and is_whole else VarlenDecoder


class VarlenDecoder:
    """Keys and values lie in one block per layer that is made once; rows that have ended are dropped from it.

    A prompt of n tokens fills the first n places, and every row's generated tokens lie from place P on: where a key
    lies says nothing to attention, only what is seen of it.
    """

    drop_at = 0.75

    def __init__(self, opened: Opened, prompt_ids: Tensor, is_prompt: Tensor, prompt_of: Tensor, room: int) -> None:
        self.opened, self.prompt_of, self.room = opened, prompt_of, room
        lengths = is_prompt.sum(1)
        self.width = int(lengths.max())
        self.position = lengths[prompt_of]
        place = torch.arange(self.width + room, device=is_prompt.device)
        self.seen = ((place < self.position[:, None]) | (place >= self.width))[:, None, None]  # (b, 1, 1, S)
        self.keys: dict[int, Tensor] = {}  # by layer (b, K, S, D)
        self.values: dict[int, Tensor] = {}
        everyone = torch.arange(len(lengths), device=lengths.device)
        self.layout: Layout | None = lay_out(prompt_ids, is_prompt, everyone, prompt_ids[:, :0], 0 * lengths)
        first = lengths.cumsum(0) - lengths
        self.prompts_at = (first[:, None] + place[: self.width]).clamp(max=len(self.layout.ids) - 1)  # (G, P)
        with opened() as model:
            hidden = forward(model.base_model, self.layout.ids, self.layout.positions, self)
            last = hidden.index_select(0, self.layout.states[:, 0])
            self.logits = vocabulary_logits(model, last)[prompt_of]
        self.layout = None

    def attend(self, layer: int, q: Tensor, k: Tensor, v: Tensor, scaling: float) -> Tensor:
        if self.layout is not None:
            self.keys[layer], self.values[layer] = self._begun(k), self._begun(v)
            return self.layout.attend(layer, q, k, v, scaling)
        keys, values, seen = self._with(layer, k, v)
        # Heads that share keys stand as so many queries.
        found = scaled_dot_product_attention(
            q.view(len(q), k.shape[1], -1, q.shape[-1]), keys, values, attn_mask=seen, scale=scaling
        )
        return found.reshape(*q.shape[:2], -1)

    def _with(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """All keys and values of a layer so far, these of the new token (b, K, D) among them, and what is seen."""
        keys, values, end = self.keys[layer], self.values[layer], self.width + 1
        keys[:, :, self.width], values[:, :, self.width] = k, v
        return keys[:, :, :end], values[:, :, :end], self.seen[..., :end]

    def _begun(self, x: Tensor) -> Tensor:
        """The prompts' keys or values (N, K, D) with room behind them, for every row."""
        assert self.layout is not None
        prompts = placed(x, self.prompts_at)  # (G, K, P, D)
        block = x.new_zeros(len(self.prompt_of), x.shape[1], self.width + self.room, x.shape[2])
        block[:, :, : self.width] = prompts.index_select(0, self.prompt_of)
        return block

    @property
    def state(self) -> Sequence[Tensor]:
        return ()

    def grows(self, read: int) -> bool:
        return True

    def read(self, token: Tensor) -> None:
        with self.opened() as model:
            self.logits = vocabulary_logits(model, forward(model.base_model, token, self.position, self))
        self.position = self.position + 1
        self.width += 1

    def keep(self, index: Tensor) -> None:
        self.position, self.seen = self.position[index], self.seen[index]
        for blocks in (self.keys, self.values):
            for layer, block in blocks.items():
                blocks[layer] = block.index_select(0, index)


class GraphDecoder(VarlenDecoder):
    """The same with shapes that stay from token to token: more places are looked at, those to come are not seen. So a
    GPU can repeat a step as a graph. Another number of rows or places is another graph, which takes as long as ten
    tokens."""

    drop_at = 0.25

    def __init__(self, opened: Opened, prompt_ids: Tensor, is_prompt: Tensor, prompt_of: Tensor, room: int) -> None:
        room += -(is_prompt.shape[1] + room) % ALIGNED
        super().__init__(opened, prompt_ids, is_prompt, prompt_of, room)
        self.place = torch.arange(self.width + room, device=is_prompt.device)
        self.next = torch.full((1,), self.width, device=is_prompt.device)
        self.end = 0
        """So many places are looked at."""

    @property
    def state(self) -> Sequence[Tensor]:
        return self.position, self.next

    def grows(self, read: int) -> bool:
        before, due = self.end, self.width + read + 1
        self.end = min(due + -due % PLACES, len(self.place))
        return self.end != before

    def _with(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        keys, values = self.keys[layer], self.values[layer]
        keys.index_copy_(2, self.next, k[:, :, None])
        values.index_copy_(2, self.next, v[:, :, None])
        return keys[:, :, : self.end], values[:, :, : self.end], self.bias

    def read(self, token: Tensor) -> None:
        seen = self.seen[..., : self.end] & (self.place[: self.end] <= self.next)
        self.bias = self.keys[0].new_zeros(seen.shape).masked_fill_(~seen, float("-inf"))  # once for all layers
        with self.opened() as model:
            self.logits = vocabulary_logits(model, forward(model.base_model, token, self.position, self))
        self.position += 1
        self.next += 1
