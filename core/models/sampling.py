"""Draw completions from a policy: prompts left-padded, responses right-padded, one key-value cache.

Why not `generate()`: its defaults truncate the distribution (top-k 50 unless told otherwise), so that the
log-probabilities of what was sampled are not those of the policy, and KL goes negative. Here the only
truncation is `top_p`, and only when it is asked for.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class Sampled:
    """Prompts and responses of B rows; P and T are the padded lengths."""

    prompt_ids: Tensor  # (B, P) long, left-padded
    is_prompt: Tensor  # (B, P) bool
    response_ids: Tensor  # (B, T) long, right-padded
    is_response: Tensor  # (B, T) bool, True up to and including the end token
    ended: Tensor  # (B,) bool, the end token was drawn

    @property
    def lengths(self) -> Tensor:
        """Response lengths (B,), each at least 1."""
        return self.is_response.sum(1)

    def rows(self, index: Tensor) -> "Sampled":
        return Sampled(
            self.prompt_ids[index],
            self.is_prompt[index],
            self.response_ids[index],
            self.is_response[index],
            self.ended[index],
        )


def left_pad(rows: Sequence[list[int]], pad_id: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Token ids and their mask, both (B, longest row), padded on the left."""
    width = max(len(row) for row in rows)
    ids = torch.full((len(rows), width), pad_id, dtype=torch.long)
    mask = torch.zeros((len(rows), width), dtype=torch.bool)
    for index, row in enumerate(rows):
        ids[index, width - len(row) :] = torch.tensor(row)
        mask[index, width - len(row) :] = True
    return ids.to(device), mask.to(device)


def positions(mask: Tensor) -> Tensor:
    """Position ids (B, S) that start at 0 with each row's first real token.

    Without them a model with absolute positions is off by whole nats under left padding.
    """
    return (mask.long().cumsum(-1) - 1).clamp(min=0)


def next_token(logits: Tensor, temperature: float, top_p: float, generator: torch.Generator) -> Tensor:
    """Draw one token for each row: logits (B, V) -> ids (B,).

    Drawn on the CPU in float32, so that a seed gives the same tokens on every device that agrees on the
    logits.
    """
    probabilities = (logits.float() / temperature).softmax(-1).cpu()  # (B, V)
    if top_p < 1.0:
        ordered, order = probabilities.sort(-1, descending=True)
        before = ordered.cumsum(-1) - ordered  # probability of everything likelier: 0 for the first
        probabilities = torch.zeros_like(probabilities).scatter(-1, order, ordered * (before < top_p))
    return torch.multinomial(probabilities, 1, generator=generator).squeeze(-1)


@torch.no_grad()
def sample(
    model: Any,
    prompts: Sequence[list[int]],
    *,
    copies: int = 1,
    max_new_tokens: int,
    temperature: float = 1.0,
    top_p: float = 1.0,
    end_ids: Sequence[int],
    pad_id: int,
    generator: torch.Generator,
    on_token: Callable[[int], None] | None = None,
) -> Sampled:
    """Draw `copies` completions of each prompt; the rows of one prompt are adjacent.

    Each prompt goes through the model once, however many copies are drawn. `on_token` is told after each
    token how many were drawn a row, so that a caller can report progress or raise to cancel.
    """
    device = next(model.parameters()).device
    prompt_ids, is_prompt = left_pad(prompts, pad_id, device)
    out = model(input_ids=prompt_ids, attention_mask=is_prompt, position_ids=positions(is_prompt), use_cache=True,
                logits_to_keep=1)  # fmt: skip
    cache, logits = out.past_key_values, out.logits[:, -1]
    if copies > 1:
        cache.batch_repeat_interleave(copies)
        logits = logits.repeat_interleave(copies, 0)
        prompt_ids, is_prompt = (x.repeat_interleave(copies, 0) for x in (prompt_ids, is_prompt))
    ends = torch.tensor(list(end_ids), device=device)
    rows = prompt_ids.shape[0]
    mask = is_prompt
    ended = torch.zeros(rows, dtype=torch.bool, device=device)
    tokens, is_response = [], []
    for index in range(max_new_tokens):
        token = next_token(logits, temperature, top_p, generator).to(device)
        token = torch.where(ended, pad_id, token)
        tokens.append(token)
        is_response.append(~ended)
        ended = ended | (~ended & torch.isin(token, ends))
        if on_token is not None:
            on_token(index + 1)
        if bool(ended.all()) or index + 1 == max_new_tokens:
            break
        mask = torch.cat([mask, is_response[-1][:, None]], 1)
        out = model(input_ids=token[:, None], attention_mask=mask, position_ids=positions(mask)[:, -1:],
                    past_key_values=cache, use_cache=True, logits_to_keep=1)  # fmt: skip
        logits = out.logits[:, -1]
    return Sampled(prompt_ids, is_prompt, torch.stack(tokens, 1), torch.stack(is_response, 1), ended)
