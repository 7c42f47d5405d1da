"""Rollouts: responses drawn from the policy, with everything that an algorithm needs to learn from them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from core.models.adapters import REFERENCE, SharedModel
from core.models.fast.prepacked_linear import packed
from core.models.logprobs import Predictions, predictions
from core.models.rows import Rows, joined
from core.models.sampling import Guide, sample
from core.models.states import hidden_states
from core.reward.model import RewardModel

POLICY = "policy"


@dataclass(frozen=True)
class Rollout:
    """B responses of padded length T; every tensor is detached, log-probabilities at the sampling temperature.

    `said` holds what the policy said of completions (n,) with the graph of its gradient, until the policy changes: the
    first optimizer step then needs no forward pass of its own. It is empty where they take several micro-batches, whose
    graphs would fill the memory. `extra` holds whatever else an algorithm wants to keep of each token, (B, T, ...) by
    name.
    """

    rows: Rows
    texts: tuple[str, ...]
    logp_old: Tensor  # (B, T) of the policy, before it learns from them, recomputed by the training forward
    logp_ref: Tensor  # (B, T) of the reference
    entropy: Tensor  # (B, T) nats, of the same policy
    features: Tensor  # (B, T, d) what the value head reads at state s_t
    score: Tensor  # (B,) reward of the whole completion
    temperature: float = 1.0
    spread: Tensor | None = None  # (B,) standard deviation over an ensemble's members
    extra: dict[str, Tensor] = field(default_factory=dict)
    said: list[tuple[Tensor, Predictions]] = field(default_factory=list)

    @property
    def is_response(self) -> Tensor:
        return self.rows.is_response

    @property
    def group(self) -> Tensor:
        """The number of the prompt that each completion (B,) answers."""
        return self.rows.prompt_of

    @property
    def kl(self) -> Tensor:
        """Nats per completion (B,): sum over tokens of log pi - log ref, the k1 estimator."""
        return ((self.logp_old - self.logp_ref) * self.is_response).sum(1)

    def __len__(self) -> int:
        return len(self.rows)

    def to(self, device: torch.device) -> "Rollout":
        """The same on another device, without what was said."""

        def moved(value: Any) -> Any:
            return value.to(device) if isinstance(value, Tensor) else value

        rows = Rows(*(moved(getattr(self.rows, item.name)) for item in fields(Rows)))
        own = {item.name: moved(getattr(self, item.name)) for item in fields(self) if item.name not in ("rows", "said")}
        return Rollout(rows, **own | {"extra": {name: moved(value) for name, value in self.extra.items()}})

    def select(self, index: Tensor) -> "Rollout":
        """The completions `index`."""
        spread = None if self.spread is None else self.spread[index]
        return Rollout(
            self.rows.select(index), tuple(self.texts[i] for i in index.tolist()), self.logp_old[index],
            self.logp_ref[index], self.entropy[index], self.features[index], self.score[index], self.temperature,
            spread, {name: value[index] for name, value in self.extra.items()},
        )  # fmt: skip


def join(parts: Sequence[Rollout]) -> Rollout:
    """Several rollouts of one temperature as one."""
    first = parts[0]
    assert all(part.temperature == first.temperature for part in parts), "log-probabilities of different temperatures"
    T = max(part.rows.response_ids.shape[1] for part in parts)

    def stack(values: list[Tensor]) -> Tensor:
        return torch.cat([torch.nn.functional.pad(x, [0, 0] * (x.dim() - 2) + [0, T - x.shape[1]]) for x in values])

    return Rollout(
        joined([part.rows for part in parts]), sum((part.texts for part in parts), ()),
        stack([part.logp_old for part in parts]), stack([part.logp_ref for part in parts]),
        stack([part.entropy for part in parts]), stack([part.features for part in parts]),
        torch.cat([part.score for part in parts]), first.temperature, joined_spread(parts),
        {name: stack([part.extra[name] for part in parts]) for name in first.extra},
    )  # fmt: skip


def joined_spread(parts: Sequence[Rollout]) -> Tensor | None:
    spreads = [part.spread for part in parts if part.spread is not None]
    return torch.cat(spreads) if len(spreads) == len(parts) else None


class Scored(NamedTuple):
    score: Tensor  # (B,)
    features: Tensor  # (B, T, d)
    spread: Tensor | None  # (B,) standard deviation over an ensemble's members, None for one model


def draw(
    shared: SharedModel,
    role: str | None,
    prompts: Sequence[list[int]],
    *,
    copies: int = 1,
    max_new_tokens: int,
    temperature: float,
    top_p: float = 1.0,
    generator: torch.Generator,
    guide: Guide | None = None,
    among: tuple[int, int] | None = None,
) -> Rows:
    """Responses of a role (None is the reference), `copies` for each prompt."""
    base = shared.base
    others = [partial(shared.role, other) for other in guide.roles] if guide else []
    with shared.role(role) as causal, packed(causal):
        return sample(
            causal, prompts, copies=copies, max_new_tokens=max_new_tokens, temperature=temperature, top_p=top_p,
            end_ids=base.end_ids, pad_id=base.pad_id, generator=generator, guide=guide, others=others, among=among,
            report_status=shared.report_status, noun="reference answers" if role is REFERENCE else "completions",
        )  # fmt: skip


@torch.no_grad()
def logprobs(
    shared: SharedModel, role: str | None, rows: Rows, temperature: float, micro_batch: int, *, entropy: bool = False
) -> tuple[Tensor, Tensor]:
    """Log-probabilities and entropies (B, T) under a role, in micro-batches of the same rows as in training."""
    logp, nats = [], []
    with shared.role(role) as causal:
        for index in rows.chunks(micro_batch):
            out = predictions(causal, rows.select(index), temperature)
            said = out.measured() if entropy else (out.logp, torch.zeros_like(out.logp))
            logp.append(said[0])
            nats.append(said[1])
    return torch.cat(logp), torch.cat(nats)


def policy_logprobs(
    shared: SharedModel, rows: Rows, temperature: float, micro_batch: int, *, learns: bool
) -> tuple[Tensor, Tensor, Predictions | None]:
    """Log-probabilities and entropies (B, T) under the policy, and what it said for one that learns from it."""
    if not learns or len(rows.chunks(micro_batch)) > 1:
        return *logprobs(shared, POLICY, rows, temperature, micro_batch, entropy=True), None
    with shared.role(POLICY, train=True) as causal:
        said = predictions(causal, rows, temperature)
        logp, nats = said.measured()
    return logp.detach(), nats.detach(), said


@torch.no_grad()
def score_and_features(shared: SharedModel, reward: RewardModel | None, rows: Rows, micro_batch: int) -> Scored:
    """Scores (B,) and the hidden states (B, T, d) that the value head reads, from one forward pass.

    The value head stands on the frozen reward model: it then knows from the first step what the reward
    looks at (InstructGPT starts its value function from the reward model), its loss can never disturb the
    policy, and its features are computed once a rollout instead of once an epoch. Without a reward model
    the features are the reference's and the scores 0.

    An ensemble's members are asked one after the other; the features are the first one's.

    The end token is appended where a response was cut off, because the reward is read at the end token.
    """
    base = shared.base
    shared.report_status(f"Scoring {len(rows)} completions")
    T = rows.response_ids.shape[1]
    longer, end = rows.with_end(base.end_ids[0])
    scores: list[Tensor] = []
    features: list[Tensor] = []
    for member in reward.members if reward else (None,):
        raw = []
        with shared.role(member.adapter if member else REFERENCE) as causal:
            for index in rows.chunks(micro_batch):
                hidden = hidden_states(causal, longer.select(index), through_end=True)  # (b, T+2, d)
                if not scores:
                    features.append(hidden[:, :T].float())
                at_end = hidden[torch.arange(len(index), device=index.device), end[index] + 1]
                raw.append(member.head(at_end) if member else torch.zeros(len(index), 1, device=index.device))
        scores.append(torch.cat(raw))
    stacked = torch.stack(scores)  # (M, B, C)
    if reward is None:
        return Scored(stacked[0, :, 0], torch.cat(features), None)
    spread = reward.normalised(stacked)[..., 0].std(0, correction=0) if len(stacked) > 1 else None
    return Scored(reward.reward(stacked), torch.cat(features), spread)
