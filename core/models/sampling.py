"""Draw completions from a policy with one key-value cache.

Why not `generate()`: its defaults truncate the distribution (top-k 50 unless told otherwise), so that the
log-probabilities of what was sampled are not those of the policy, and KL goes negative. Here the only
truncation is `top_p`, and only when it is asked for.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from core.models.rows import Rows, cache_for, pad, positions


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
) -> Rows:
    """Draw `copies` completions of each prompt; the responses of one prompt are adjacent."""
    device = next(model.parameters()).device
    prompt_ids, is_prompt = pad(prompts, pad_id, device, left=True)
    prompt_of = torch.arange(len(prompts), device=device).repeat_interleave(copies)
    cached = cache_for(model)
    out = model(
        input_ids=prompt_ids, attention_mask=is_prompt, position_ids=positions(is_prompt), logits_to_keep=1, **cached
    )
    logits = out.logits[prompt_of, -1]
    for cache in cached.values():
        cache.batch_select_indices(prompt_of)
    ends = torch.tensor(list(end_ids), device=device)
    mask = is_prompt[prompt_of]
    ended = torch.zeros(len(prompt_of), dtype=torch.bool, device=device)
    tokens, is_response = [], []
    for index in range(max_new_tokens):
        token = next_token(logits, temperature, top_p, generator).to(device)
        token = torch.where(ended, pad_id, token)
        tokens.append(token)
        is_response.append(~ended)
        ended = ended | (~ended & torch.isin(token, ends))
        if bool(ended.all()) or index + 1 == max_new_tokens:
            break
        mask = torch.cat([mask, is_response[-1][:, None]], 1)
        out = model(
            input_ids=token[:, None],
            attention_mask=mask,
            position_ids=positions(mask)[:, -1:],
            logits_to_keep=1,
            **cached,
        )
        logits = out.logits[:, -1]
    return Rows(prompt_ids, is_prompt, prompt_of, torch.stack(tokens, 1), torch.stack(is_response, 1), ended)
