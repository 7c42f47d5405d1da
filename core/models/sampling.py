"""Draw completions from a policy.

Why not `generate()`: its defaults truncate the distribution (top-k 50 unless told otherwise), so that the
log-probabilities of what was sampled are not those of the policy, and KL goes negative. Here the only
truncations are `top_p` and a `Guide`, and only when they are asked for; what is drawn comes with how likely it was.
"""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor

from core.jobs.progress import ReportStatus, no_report
from core.models.decoding import Decoder, DecoderKind, Opened
from core.models.devices import in_any_order
from core.models.draws import Draws, Guide, Law, Sampled
from core.models.fast.prepacked_linear import prepacked
from core.models.fast.switch import casts_kept
from core.models.fast.varlen_decoding import decoder_kind
from core.models.rows import Rows, pad
from core.models.ways import ways_of


def decoder(opened: Opened, prompt_ids: Tensor, is_prompt: Tensor, prompt_of: Tensor, room: int) -> Decoder:
    """One that has read prompts (G, P) and goes on with a row for each of `prompt_of` (B,), by up to `room` tokens."""
    with opened() as model:
        kind: DecoderKind = decoder_kind(model, is_prompt.shape[1] + room) or ways_of(model).decoder
    return kind(opened, prompt_ids, is_prompt, prompt_of, room)


def chances(generators: Sequence[torch.Generator], rows: int, tokens: int) -> Tensor:
    """Uniform numbers in [0, 1) for `rows` completions by each generator in turn: (len(generators) * rows, tokens).

    Drawn on the CPU for every completion and every token, so that a seed gives the same tokens on every device that
    agrees on the logits, whatever else ends when.
    """
    drawn = [torch.rand(tokens, rows, generator=each, dtype=torch.float64) for each in generators]
    return torch.cat(drawn, 1).T


def sample(model: Any, prompts: Sequence[list[int]], **how: Any) -> Rows:
    """The completions alone that `sample_with_logp` draws."""
    return sample_with_logp(model, prompts, **how).rows


@torch.no_grad()
@in_any_order()
def sample_with_logp(
    model: Any,
    prompts: Sequence[list[int]],
    *,
    copies: int = 1,
    max_new_tokens: int,
    temperature: float = 1.0,
    top_p: float = 1.0,
    end_ids: Sequence[int],
    pad_id: int,
    generator: torch.Generator | Sequence[torch.Generator],
    guide: Guide | None = None,
    others: Sequence[Opened] = (),
    among: tuple[int, int] | None = None,
    never: Tensor | None = None,
    stops: Callable[[list[int]], bool] | None = None,
    report_status: ReportStatus = no_report,
    noun: str = "completions",
) -> Sampled:
    """Draw `copies` completions of each prompt; the responses of one prompt are adjacent.

    `others` opens the roles that `guide` wants to see, and closes them so that `model` is what it was.

    With a generator for each prompt, its completions do not depend on the prompts beside it. One generator for all
    draws the same in every process: with `among` these completions are those from the first number on, of the second
    number in all.

    The tokens `never` (n,) are not drawn. `stops` says of a completion's tokens so far whether it ends here, beside the
    end tokens.
    """
    device = next(model.parameters()).device
    prompt_ids, is_prompt = pad(prompts, pad_id, device, left=True)
    prompt_of = torch.arange(len(prompts), device=device).repeat_interleave(copies)
    B = len(prompt_of)
    if isinstance(generator, torch.Generator):
        first, drawn = among or (0, B)
        chance = chances([generator], drawn, max_new_tokens)[first : first + B]
    else:
        chance = chances(generator, copies, max_new_tokens)
    own: Opened = lambda: nullcontext(model)  # noqa: E731
    law = Law(temperature, top_p, guide, never, torch.tensor(list(end_ids), device=device), stops, pad_id)
    what = f"Writing {B} {noun}"  # all of them grow at once
    with prepacked(model), casts_kept(model):
        decoders = [decoder(each, prompt_ids, is_prompt, prompt_of, max_new_tokens - 1) for each in [own, *others]]
        draws = Draws(law, decoders, chance, device)
        while draws.go_on():
            report_status(what, "token", draws.drawn + 1, max_new_tokens)
            draws.next()
    return draws.sampled(prompt_ids, is_prompt, prompt_of)
