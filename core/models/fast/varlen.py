"""One forward pass over all tokens of a batch as one row, without padding.

Everything in a transformer but attention looks at one token at a time. So the tokens of all prompts and responses are
laid out behind each other, a prompt once however many responses it has, and only attention is told, by a `Layout`,
which of them belong together. It is transformers' own model that runs: `use_layouts` gives it an attention function of
ours (`ATTENTION`), and the layout is passed along as a keyword. `core.models.fast.varlen_states` knows whether a model
takes part; one with other layers (state spaces, attention with sinks) is run with transformers' caches instead.
"""

from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from core.machine.limits import CACHED_SCORES, FEW_SCORES
from core.models.fast.fused_ops import Attention

ATTENTION = "plumbline"
#: What some models hand to their attention that changes its result and that we do not know.
FOREIGN = ("softcap", "s_aux", "position_bias", "head_mask")


class Attends(Protocol):
    """Answers an attention layer for N tokens that lie in one row."""

    def attend(self, layer: int, q: Tensor, k: Tensor, v: Tensor, scaling: float) -> Tensor:
        """q (N, H, D), k and v (N, K, D) of one layer -> (N, H, D)."""


def attention(
    module: Any, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, *,
    layout: Attends | None = None, scaling: float | None = None, **more: Any,
) -> tuple[Tensor, None]:  # fmt: skip
    """transformers' attention (1, H, N, D) -> (1, N, H, D) as the layout has it, or torch's where there is none.

    Raises `NotImplementedError` for what a layout does not know.
    """
    if layout is None:
        return sdpa_attention_forward(module, query, key, value, attention_mask, scaling=scaling, **more)
    if any(more.get(name) is not None for name in FOREIGN):
        raise NotImplementedError("this attention is not known")
    q, k, v = (x[0].transpose(0, 1) for x in (query, key, value))
    return layout.attend(module.layer_idx, q, k, v, scaling or q.shape[-1] ** -0.5)[None], None


def use_layouts(model: Any) -> None:
    """Let a model that attends with torch's kernels read layouts too."""
    if model.config._attn_implementation == "sdpa":
        AttentionInterface.register(ATTENTION, attention)
        AttentionMaskInterface.register(ATTENTION, sdpa_mask)
        model.set_attn_implementation(ATTENTION)


def use_sdpa(model: Any) -> None:
    """Undo `use_layouts`."""
    if model.config._attn_implementation == ATTENTION:
        model.set_attn_implementation("sdpa")


def run(trunk: Any, layout: "Layout") -> Tensor:
    """States (N, d) after the last norm of all that is laid out."""
    return forward(trunk, layout.ids, layout.positions, layout)


def forward(trunk: Any, ids: Tensor, positions: Tensor, layout: Attends) -> Tensor:
    """States (N, d) after the last norm of tokens (N,) that see what `layout` lets them."""
    # A mask of four axes is what transformers passes on as it is, instead of making one.
    unused = torch.zeros(1, 1, 1, 1, device=ids.device)
    out = trunk(
        input_ids=ids[None], position_ids=positions[None], attention_mask=unused, use_cache=False, layout=layout
    )
    return out.last_hidden_state[0]


@dataclass
class Sees:
    """Which queries see which keys: `mask` (b, 1, Q, S), or None where each sees itself and what lies before it."""

    mask: Tensor | None = None
    _bias: dict[int, Tensor] = field(default_factory=dict)

    def attend(self, q: Tensor, k: Tensor, v: Tensor, scaling: float, *, plain: bool) -> Tensor:
        """q (b, H, Q, D), k and v (b, K, S, D) with K heads for H -> (b, H, Q, D), by `plain` products or torch's
        fused kernel."""
        (b, heads, Q, D), (_, kv_heads, S, _) = q.shape, k.shape
        if not plain:
            times = heads // kv_heads
            if self.mask is not None and times > 1:  # else CUDA would take its slowest kernel
                k, v, times = k.repeat_interleave(times, 1), v.repeat_interleave(times, 1), 1
            return scaled_dot_product_attention(
                q, k, v, attn_mask=self.mask, is_causal=self.mask is None, scale=scaling, enable_gqa=times > 1
            )
        queries, keys, values = q.reshape(b * kv_heads, -1, D), k.reshape(-1, S, D), v.reshape(-1, S, v.shape[-1])
        bias = self.bias(heads // kv_heads, kv_heads, Q, S)
        return Attention.apply(queries, keys, values, bias, scaling).view(b, heads, Q, -1)

    def bias(self, times: int, kv_heads: int, Q: int, S: int) -> Tensor:
        """What is added to the scores (b * kv_heads or 1, times * Q, S): 0, or -inf where nothing is seen."""
        if times not in self._bias:
            mask = torch.ones(1, 1, Q, S, dtype=torch.bool).tril() if self.mask is None else self.mask
            bias = torch.zeros(mask.shape).masked_fill_(~mask, float("-inf")).repeat(1, 1, times, 1)
            self._bias[times] = bias.expand(-1, 1 if self.mask is None else kv_heads, -1, -1).flatten(0, 1)
        return self._bias[times]


@dataclass(frozen=True)
class Block:
    """One attention of b sequences: the places in the row of their queries (b, Q) and of their keys (b, S)."""

    queries: Tensor
    keys: Tensor
    sees: Sees
    is_token: Tensor  # (b, Q) bool, the queries that are no padding


@dataclass(frozen=True)
class Layout:
    """Where the N tokens of prompts and responses lie in one row, and who sees whom."""

    ids: Tensor  # (N,) long
    positions: Tensor  # (N,) long, of each sequence from 0
    blocks: list[Block]
    back: Tensor  # (N,) where the blocks' answers, laid behind each other, hold each token's
    states: Tensor  # (B, 1 + longest) place of the last token of each response's prompt, then of its own tokens

    def attend(self, layer: int, q: Tensor, k: Tensor, v: Tensor, scaling: float) -> Tensor:
        scores = q.shape[1] * sum(block.queries.numel() * block.keys.shape[1] for block in self.blocks)
        plain = q.device.type == "cpu" and scores <= FEW_SCORES
        answers = []
        for block in self.blocks:
            queries, keys, values = placed(q, block.queries), placed(k, block.keys), placed(v, block.keys)
            answer = block.sees.attend(queries, keys, values, scaling, plain=plain)
            answers.append(answer.transpose(1, 2).flatten(0, 1).flatten(1))
        together = answers[0] if len(answers) == 1 else torch.cat(answers)
        return together.index_select(0, self.back).view(*q.shape[:2], -1)


def placed(x: Tensor, places: Tensor) -> Tensor:
    """The tokens (N, H, D) that lie at places (b, S), by head: (b, H, S, D)."""
    # As rows of H * D: indexing with two axes has a backward pass six times as slow.
    rows = x.reshape(len(x), -1).index_select(0, places.flatten())
    return rows.view(*places.shape, *x.shape[1:]).transpose(1, 2)


def lay_out(
    prompt_ids: Tensor, is_prompt: Tensor, prompt_of: Tensor, response_ids: Tensor, read: Tensor,
    sees: Tensor | None = None,
) -> Layout:  # fmt: skip
    """The first `read` (B,) tokens of responses (B, T) to prompts (G, P) that are padded on any side.

    A response sees and follows the first `sees` (B,) tokens of its prompt, or all of them.
    """
    device, (G, B) = prompt_ids.device, (len(prompt_ids), len(prompt_of))
    lengths = is_prompt.sum(1)
    P, T = int(lengths.max()), int(read.max())
    of_prompt, of_response = torch.arange(P, device=device), torch.arange(T, device=device)
    in_prompt, in_response = of_prompt < lengths[:, None], of_response < read[:, None]
    ids = torch.cat([prompt_ids[is_prompt], response_ids[:, :T][in_response]])
    N, prompts = len(ids), int(lengths.sum())
    first, start = lengths.cumsum(0) - lengths, prompts + read.cumsum(0) - read  # (G,), (B,) places of first tokens
    own, begin = lengths[prompt_of, None] if sees is None else sees[:, None], first[prompt_of, None]  # (B, 1)
    positions = torch.cat([of_prompt.expand(G, P)[in_prompt], (own + of_response)[in_response]])

    if sees is None and B == G and bool((prompt_of.bincount(minlength=G) == 1).all()):
        # Each response lies behind its prompt, and whatever pads a sequence lies behind all that is read.
        whole = own[:, 0] + read
        place = torch.arange(int(whole.max()), device=device)
        places = torch.where(place < own, begin + place, start[:, None] + place - own).clamp(max=N - 1)
        blocks = _causal(places, whole)
    else:
        prompts_at = (first[:, None] + of_prompt).clamp(max=N - 1)
        blocks = _causal(prompts_at, lengths)
        if T:
            responses_at = (start[:, None] + of_response).clamp(max=N - 1)
            for rows in alike(T * (own[:, 0] + T)):
                longest = int(own[rows].max())
                keys = torch.cat([prompts_at[prompt_of[rows], :longest], responses_at[rows]], 1)
                sees_prompt = (of_prompt[:longest] < own[rows])[:, None].expand(-1, T, -1)
                sees_itself = torch.ones(T, T, dtype=torch.bool, device=device).tril().expand(len(rows), -1, -1)
                mask = torch.cat([sees_prompt, sees_itself], 2)[:, None]
                blocks.append(Block(responses_at[rows], keys, Sees(mask), in_response[rows]))

    back, offset = torch.empty(N, dtype=torch.long, device=device), 0
    for block in blocks:
        back[block.queries[block.is_token]] = offset + block.is_token.flatten().nonzero()[:, 0]
        offset += block.is_token.numel()
    last = begin + own - 1
    after = torch.where(read[:, None] > 0, start[:, None] + torch.minimum(of_response, read[:, None] - 1), last)
    return Layout(ids, positions, blocks, back, torch.cat([last, after], 1))


def _causal(places: Tensor, lengths: Tensor) -> list[Block]:
    """Each of n sequences (n, S) sees itself and what lies before it; what lies behind its length is padding."""
    blocks = []
    for rows in alike(lengths.square()):
        longest = int(lengths[rows].max())
        at = places[rows, :longest]
        is_token = torch.arange(longest, device=places.device) < lengths[rows, None]
        blocks.append(Block(at, at, Sees(), is_token))
    return blocks


def alike(scores: Tensor) -> list[Tensor]:
    """Which of n sequences attend together, given how many scores (n,) each has for a head: all on a GPU. On a CPU
    those of about one length, as many as its cache holds the scores of: less is padded."""
    if scores.device.type != "cpu":
        return [torch.arange(len(scores), device=scores.device)]
    order = scores.argsort(descending=True, stable=True)
    groups: list[list[int]] = []
    size = 0
    for row, own in zip(order.tolist(), scores[order].tolist(), strict=True):
        if not groups or (len(groups[-1]) + 1) * size > CACHED_SCORES:
            groups.append([])
            size = own  # the largest comes first
        groups[-1].append(row)
    return [torch.tensor(group) for group in groups]
