"""Draw completions from a policy.

Why not `generate()`: its defaults truncate the distribution (top-k 50 unless told otherwise), so that the
log-probabilities of what was sampled are not those of the policy, and KL goes negative. Here the only
truncations are `top_p` and a `Guide`, and only when they are asked for; what is drawn comes with how likely it was.
"""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from core.errors import Diverged
from core.jobs.progress import ReportStatus, no_report
from core.models.decoding import Decoder, DecoderKind, Opened
from core.models.devices import in_any_order
from core.models.fast.prepacked_linear import prepacked
from core.models.fast.varlen_decoding import decoder_kind
from core.models.logprobs import FORBIDDEN
from core.models.rows import Rows, pad
from core.models.ways import ways_of


class Guide(Protocol):
    """Has a say in each draw. It sees what the policy and other roles of the same model would say."""

    @property
    def roles(self) -> tuple[str | None, ...]:
        """The roles whose logits it wants to see, in this order."""

    def probabilities(self, logits: Tensor, others: list[Tensor]) -> Tensor:
        """What to draw from (B, V), from logits at the sampling temperature (B, V) of the policy and of each role."""


class Sampled(NamedTuple):
    """Completions, and how likely each token (B, T) was when it was drawn: 0 outside the response."""

    rows: Rows
    logp: Tensor
    """By the policy itself at the sampling temperature, as the sampler computed it."""
    logp_drawn: Tensor
    """By what was drawn from, after `top_p` and the guide; where there is neither, `logp` itself."""


def nucleus(probabilities: Tensor, top_p: float) -> Tensor:
    """Probabilities (B, V) of the likeliest tokens that hold `top_p` of them, the others 0 (Holtzman et al. 2019, arXiv
    1904.09751); they are not made to sum to 1 again."""
    if top_p >= 1.0:
        return probabilities
    ordered, order = probabilities.sort(-1, descending=True)
    before = ordered.cumsum(-1) - ordered  # probability of everything likelier: 0 for the first
    return torch.zeros_like(probabilities).scatter(-1, order, ordered * (before < top_p))


def next_token(probabilities: Tensor, top_p: float, chance: Tensor) -> Tensor:
    """The token at which the sum of the probabilities passes `chance`: (B, V) and uniform (B,) in [0, 1) -> ids (B,).

    Summed in float64, so that no token is too unlikely to be drawn and one of probability 0 never is. Raises
    `Diverged` if the model gives no numbers.
    """
    if probabilities.device.type == "mps":  # has no float64
        return next_token(probabilities.cpu(), top_p, chance).to(probabilities.device)
    reached = nucleus(probabilities, top_p).cumsum(-1, dtype=torch.float64)
    total = reached[:, -1:]
    if not bool(torch.isfinite(total).all()):
        raise Diverged("The probabilities of the next token are not numbers.")
    return torch.searchsorted(reached, chance.to(total)[:, None] * total, right=True)[:, 0]


def without(logits: Tensor, never: Tensor | None) -> Tensor:
    """Logits (B, V) in which the tokens `never` (n,) have no chance."""
    return logits if never is None else logits.index_fill(-1, never, FORBIDDEN)


def _stopped(written: list[list[int]], ended: list[bool], stops: Callable[[list[int]], bool]) -> list[bool]:
    """Which rows end at what was `written` so far, a list of all rows' tokens for each place."""
    return [not over and stops([tokens[row] for tokens in written]) for row, over in enumerate(ended)]


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
    ends = torch.tensor(list(end_ids), device=device)
    going = torch.arange(B, device=device)  # the rows that the decoders are at work on
    ended = torch.zeros(B, dtype=torch.bool, device=device)
    tokens, is_response, written = [], [], list[list[int]]()
    said, drawn_at = list[Tensor](), list[Tensor]()
    truncated = guide is not None or top_p < 1.0
    what = f"Writing {B} {noun}"  # all of them grow at once
    with prepacked(model):
        decoders = [decoder(each, prompt_ids, is_prompt, prompt_of, max_new_tokens - 1) for each in [own, *others]]
        for index in range(max_new_tokens):
            report_status(what, "token", index + 1, max_new_tokens)
            logits, *seen = (without(each.logits, never) / temperature for each in decoders)
            probabilities = guide.probabilities(logits, seen) if guide else logits.softmax(-1)
            allowed = nucleus(probabilities, top_p)
            chosen = next_token(allowed, 1.0, chance[going.cpu(), index])
            token = torch.full((B,), pad_id, device=device)
            token[going] = chosen
            of = chosen[:, None]
            likely = logits.log_softmax(-1).gather(-1, of) if guide else probabilities.gather(-1, of).log()
            said.append(_placed(likely, going, B))
            if truncated:
                likely = allowed.gather(-1, of).log() - allowed.sum(-1, keepdim=True).log()
                drawn_at.append(_placed(likely, going, B))
            token = torch.where(ended, pad_id, token)
            tokens.append(token)
            is_response.append(~ended)
            ended = ended | torch.isin(token, ends)
            if stops is not None:
                written.append(token.tolist())
                ended = ended | torch.tensor(_stopped(written, ended.tolist(), stops), device=device)
            if bool(ended.all()) or index + 1 == max_new_tokens:
                break
            left = (~ended[going]).nonzero()[:, 0]
            if guide is None and len(left) <= decoders[0].drop_at * len(going):  # a guide may remember every row
                going = going[left]
                for each in decoders:
                    each.keep(left)
            for each in decoders:
                each.read(token[going])
    inside = torch.stack(is_response, 1)
    logp = torch.stack(said, 1).masked_fill(~inside, 0.0)
    logp_drawn = torch.stack(drawn_at, 1).masked_fill(~inside, 0.0) if truncated else logp
    return Sampled(Rows(prompt_ids, is_prompt, prompt_of, torch.stack(tokens, 1), inside, ended), logp, logp_drawn)


def _placed(values: Tensor, going: Tensor, rows: int) -> Tensor:
    """Numbers (n, 1) of the rows that are `going` as (rows,), 0 for the others."""
    return values.new_zeros(rows).index_copy(0, going, values[:, 0])
