"""Draw completions from a policy with one key-value cache.

Why not `generate()`: its defaults truncate the distribution (top-k 50 unless told otherwise), so that the
log-probabilities of what was sampled are not those of the policy, and KL goes negative. Here the only
truncations are `top_p` and a `Guide`, and only when they are asked for.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

import torch
from torch import Tensor

from core.errors import Diverged
from core.models.rows import Rows, cache_for, pad, positions

#: Opens a role of the model and yields the causal model in that role.
Opened = Callable[[], AbstractContextManager[Any]]


class Guide(Protocol):
    """Has a say in each draw. It sees what the policy and other roles of the same model would say."""

    @property
    def roles(self) -> tuple[str | None, ...]:
        """The roles whose logits it wants to see, in this order."""

    def probabilities(self, logits: Tensor, others: list[Tensor]) -> Tensor:
        """What to draw from (B, V), from logits at the sampling temperature (B, V) of the policy and of each role."""


def next_token(probabilities: Tensor, top_p: float, generator: torch.Generator) -> Tensor:
    """Draw one token for each row: probabilities (B, V) -> ids (B,).

    Drawn on the CPU in float32, so that a seed gives the same tokens on every device that agrees on the
    logits. Raises `Diverged` if the model gives no numbers.
    """
    probabilities = probabilities.cpu()
    if not bool(torch.isfinite(probabilities).all()):
        raise Diverged("The probabilities of the next token are not numbers.")
    if top_p < 1.0:
        ordered, order = probabilities.sort(-1, descending=True)
        before = ordered.cumsum(-1) - ordered  # probability of everything likelier: 0 for the first
        probabilities = torch.zeros_like(probabilities).scatter(-1, order, ordered * (before < top_p))
    return torch.multinomial(probabilities, 1, generator=generator).squeeze(-1)


class Decoder:
    """One role of the model reading the same prompts and tokens with its own cache."""

    def __init__(self, opened: Opened, prompt_ids: Tensor, is_prompt: Tensor, prompt_of: Tensor) -> None:
        self.opened = opened
        with opened() as model:
            self.cached = cache_for(model)
            out = model(
                input_ids=prompt_ids, attention_mask=is_prompt, position_ids=positions(is_prompt), logits_to_keep=1,
                **self.cached,
            )  # fmt: skip
        self.logits: Tensor = out.logits[prompt_of, -1]  # (B, V) of the next token
        for cache in self.cached.values():
            cache.batch_select_indices(prompt_of)

    def read(self, token: Tensor, mask: Tensor) -> None:
        """Go on by one token (B,); mask (B, S) covers the prompt and all tokens so far."""
        with self.opened() as model:
            out = model(
                input_ids=token[:, None], attention_mask=mask, position_ids=positions(mask)[:, -1:], logits_to_keep=1,
                **self.cached,
            )  # fmt: skip
        self.logits = out.logits[:, -1]


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
    guide: Guide | None = None,
    others: Sequence[Opened] = (),
) -> Rows:
    """Draw `copies` completions of each prompt; the responses of one prompt are adjacent.

    `others` opens the roles that `guide` wants to see, and closes them so that `model` is what it was.
    """
    device = next(model.parameters()).device
    prompt_ids, is_prompt = pad(prompts, pad_id, device, left=True)
    prompt_of = torch.arange(len(prompts), device=device).repeat_interleave(copies)
    own: Opened = lambda: nullcontext(model)  # noqa: E731
    decoders = [Decoder(each, prompt_ids, is_prompt, prompt_of) for each in [own, *others]]
    ends = torch.tensor(list(end_ids), device=device)
    mask = is_prompt[prompt_of]
    ended = torch.zeros(len(prompt_of), dtype=torch.bool, device=device)
    tokens, is_response = [], []
    for index in range(max_new_tokens):
        logits, *seen = (decoder.logits.float() / temperature for decoder in decoders)
        probabilities = guide.probabilities(logits, seen) if guide else logits.softmax(-1)
        token = next_token(probabilities, top_p, generator).to(device)
        token = torch.where(ended, pad_id, token)
        tokens.append(token)
        is_response.append(~ended)
        ended = ended | (~ended & torch.isin(token, ends))
        if bool(ended.all()) or index + 1 == max_new_tokens:
            break
        mask = torch.cat([mask, is_response[-1][:, None]], 1)
        for decoder in decoders:
            decoder.read(token, mask)
    return Rows(prompt_ids, is_prompt, prompt_of, torch.stack(tokens, 1), torch.stack(is_response, 1), ended)
