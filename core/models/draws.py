"""Tokens drawn one after the other, wholly on tensors that stay where they are: Python looks at them now and then.

So one step, which reads a token and draws the next, is the same code on every device, and a GPU repeats it as a graph.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from core.errors import Diverged
from core.models.decoding import Decoder
from core.models.fast.cuda_graph import graph_for
from core.models.logprobs import FORBIDDEN
from core.models.rows import Rows

#: A GPU draws so many tokens between two looks at which rows go on: each look waits for all that it was asked for.
LOOKS = 16


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


@dataclass(frozen=True)
class Law:
    """By what tokens are drawn, and what ends a completion: see `core.models.sampling.sample_with_logp`."""

    temperature: float
    top_p: float
    guide: Guide | None
    never: Tensor | None  # (n,)
    ends: Tensor  # (m,)
    stops: Callable[[list[int]], bool] | None
    pad_id: int

    def of(self, logits: Tensor) -> Tensor:
        """At the temperature, and without what is never drawn: (b, V)."""
        allowed = logits if self.never is None else logits.index_fill(-1, self.never, FORBIDDEN)
        return allowed if self.temperature == 1 else allowed / self.temperature


def nucleus(probabilities: Tensor, top_p: float) -> Tensor:
    """Probabilities (B, V) of the likeliest tokens that hold `top_p` of them, the others 0 (Holtzman et al. 2019, arXiv
    1904.09751); they are not made to sum to 1 again."""
    if top_p >= 1.0:
        return probabilities
    ordered, order = probabilities.sort(-1, descending=True)
    before = ordered.cumsum(-1) - ordered  # probability of everything likelier: 0 for the first
    return torch.zeros_like(probabilities).scatter(-1, order, ordered * (before < top_p))


def next_token(probabilities: Tensor, chance: Tensor) -> tuple[Tensor, Tensor]:
    """The token at which the sum of the probabilities passes `chance`: (B, V) and uniform (B,) in [0, 1) -> ids (B,),
    and the sums (B,), which are not finite where the model gives no numbers.

    Summed in float64, so that no token is too unlikely to be drawn and one of probability 0 never is; where `chance`
    is, since not every device knows float64.
    """
    reached = probabilities.to(chance.device).cumsum(-1, dtype=torch.float64)
    total = reached[:, -1:]
    token = torch.searchsorted(reached, chance.to(total)[:, None] * total, right=True)[:, 0]
    return token.clamp_(max=probabilities.shape[-1] - 1).to(probabilities.device), total[:, 0]


def looks(device: torch.device) -> int:
    """Tokens between two looks: where nobody waits for anybody, each."""
    return 1 if device.type == "cpu" else LOOKS


class Draws:
    """B completions of up to T tokens: `chance` (B, T), uniform in [0, 1), decides them. `decoders` have read the
    prompts; the first of them is the policy."""

    def __init__(self, law: Law, decoders: Sequence[Decoder], chance: Tensor, device: torch.device) -> None:
        self.law, self.decoders, self.count = law, decoders, len(chance)
        self.drawn = self.looked = 0  # tokens of each completion
        self.every = 1 if law.guide else looks(device)
        self.truncates = law.guide is not None or law.top_p < 1.0
        # Of all tokens and completions (T * B,).
        self.chance = chance.T.flatten().to("cpu" if device.type == "mps" else device)
        self.total = torch.ones_like(self.chance)
        self.tokens = torch.full(self.chance.shape, law.pad_id, device=device)
        self.over = torch.ones(self.chance.shape, dtype=torch.bool, device=device)
        """Had it ended by this token?"""
        self.logp = torch.zeros(self.chance.shape, device=device)
        self.logp_drawn = torch.zeros_like(self.logp)
        # Of the completions that the decoders are at work on (b,).
        self.going = torch.arange(self.count, device=device)
        self.at = self.going.clone()
        """Places of the tokens that are drawn next."""
        self.token = torch.full_like(self.going, law.pad_id)
        self.ended = torch.zeros_like(self.going, dtype=torch.bool)
        self.apart = law.guide is not None
        """Is only reading repeated as a graph? A guide may do what no graph holds."""
        self.device, self.graph = device, graph_for(device, self._state())

    def _state(self) -> list[Tensor]:
        """What a step changes in place; nothing where it cannot be repeated."""
        read = [tensor for each in self.decoders for tensor in each.state]
        if not all(each.state for each in self.decoders):
            return []
        return read if self.apart else [self.token, self.ended, self.at, *read]

    def next(self) -> None:
        """One token more of each."""
        if self.drawn:
            self._go_on()
        if not self.drawn or self.apart:
            self._choose()
        self.drawn += 1
        if self.graph and self.graph.works is False and not self.apart:
            self.apart = True
            self.graph = graph_for(self.device, self._state())

    def _go_on(self) -> None:
        grown = [each.grows(self.drawn - 1) for each in self.decoders]
        if self.graph and any(grown):
            self.graph = self.graph.again(self._state())
        step = self._read if self.apart else self._step
        if self.graph:
            self.graph(step)
        else:
            step()

    def _step(self) -> Tensor:
        logits = self._read()
        self._choose()
        return logits

    def _read(self) -> Tensor:
        for each in self.decoders:
            each.read(self.token)
        return self.decoders[0].logits

    def _choose(self) -> None:
        guide = self.law.guide
        logits, *seen = (self.law.of(each.logits) for each in self.decoders)
        probabilities = guide.probabilities(logits, seen) if guide else logits.softmax(-1)
        allowed = nucleus(probabilities, self.law.top_p)
        exact = self.at.to(self.chance.device)
        token, total = next_token(allowed, self.chance.index_select(0, exact))
        self.total.index_copy_(0, exact, total)
        of = token[:, None]
        likely = logits.log_softmax(-1).gather(-1, of) if guide else probabilities.gather(-1, of).log()
        self.logp.index_copy_(0, self.at, likely[:, 0])
        if self.truncates:
            likely = allowed.gather(-1, of).log() - allowed.sum(-1, keepdim=True).log()
            self.logp_drawn.index_copy_(0, self.at, likely[:, 0])
        self.token.copy_(token).masked_fill_(self.ended, self.law.pad_id)
        self.tokens.index_copy_(0, self.at, self.token)
        self.ended.logical_or_((self.token[:, None] == self.law.ends).any(1))
        self.over.index_copy_(0, self.at, self.ended)
        self.at.add_(self.count)

    @property
    def has_room(self) -> bool:
        return self.drawn * self.count < len(self.tokens)

    def go_on(self) -> bool:
        """Is there a token to draw? Looks at what was drawn, if it is time to: see `look`."""
        return self.has_room and (self.drawn - self.looked < self.every or self.look())

    def look(self) -> bool:
        """Does any completion go on? Those that ended are dropped where that is worth it. Raises `Diverged` if the
        model gives no numbers."""
        if not bool(torch.isfinite(self.total[self.looked * self.count : self.drawn * self.count]).all()):
            raise Diverged("The probabilities of the next token are not numbers.")
        if self.law.stops is not None:
            self._stop(self.law.stops)
        self.looked = self.drawn
        left = (~self.ended).nonzero()[:, 0]
        worth = self.law.guide is None and self.has_room  # a guide may remember every row
        if worth and 0 < len(left) <= self.decoders[0].drop_at * len(self.going):
            self._keep(left)
        return len(left) > 0

    def _stop(self, stops: Callable[[list[int]], bool]) -> None:
        """End completions at the first of the tokens since the last look behind which they stop."""
        tokens, over = self.tokens.view(-1, self.count), self.over.view(-1, self.count)
        written, was_over = tokens[: self.drawn].T.tolist(), over[self.looked : self.drawn].T.tolist()
        for place, row in enumerate(self.going.tolist()):
            for n in range(self.looked, self.drawn):
                if was_over[row][n - self.looked]:
                    break
                if stops(written[row][: n + 1]):
                    over[n : self.drawn, row] = self.ended[place] = True
                    tokens[n + 1 : self.drawn, row] = self.law.pad_id
                    break

    def _keep(self, left: Tensor) -> None:
        self.going, self.at = self.going[left], self.at[left]
        self.token, self.ended = self.token[left], self.ended[left]
        for each in self.decoders:
            each.keep(left)
        self.graph = self.graph and self.graph.again(self._state())

    def sampled(self, prompt_ids: Tensor, is_prompt: Tensor, prompt_of: Tensor) -> Sampled:
        """What was drawn to prompts (G, P), of which `prompt_of` (B,) were answered."""
        if self.looked < self.drawn:
            self.look()
        over = self._of_rows(self.over)
        inside = torch.cat([torch.ones_like(over[:, :1]), ~over[:, :-1]], 1)
        T = int(inside.sum(1).max())  # more may have been drawn before a look
        inside = inside[:, :T].contiguous()
        rows = Rows(prompt_ids, is_prompt, prompt_of, self._of_rows(self.tokens, T), inside, over[:, T - 1])
        logp = self._of_rows(self.logp, T).masked_fill(~inside, 0.0)
        if not self.truncates:
            return Sampled(rows, logp, logp)
        return Sampled(rows, logp, self._of_rows(self.logp_drawn, T).masked_fill(~inside, 0.0))

    def _of_rows(self, values: Tensor, tokens: int | None = None) -> Tensor:
        """Values (T * B,) of what was drawn, or of so many tokens, as (B, T)."""
        return values.view(-1, self.count)[: tokens or self.drawn].T.contiguous()
