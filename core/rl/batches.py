"""What an algorithm learns from: rollouts of its own policy, completions that people have ranked, or answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import torch
from torch import Tensor

from core.models.rows import Rows, joined
from core.rl.estimators import token_kl


@dataclass(frozen=True)
class Batch:
    """B completions of padded length T, whoever wrote them. Nothing in a batch is ever changed."""

    rows: Rows
    temperature: float = field(default=1.0, kw_only=True)
    """At which the policy's log-probabilities are taken."""

    @property
    def is_response(self) -> Tensor:
        return self.rows.is_response

    @property
    def kept(self) -> Tensor:
        """Which completions (B,) count in the loss."""
        return torch.ones_like(self.rows.ended)

    @property
    def in_loss(self) -> Tensor:
        """Which tokens (B, T) do: those of responses that are kept."""
        return self.is_response & self.kept[:, None]

    @property
    def group(self) -> Tensor:
        """The number of the prompt that each completion (B,) answers."""
        return self.rows.prompt_of

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class PreferenceBatch(Batch):
    """Ranked completions, whoever wrote them; every tensor is detached."""

    logp_ref: Tensor | None  # (B, T) of the reference, None where nothing learnt depends on it
    ranks: Tensor  # (B,) 1 is the best of its prompt, equal ranks are ties, NaN was not judged


@dataclass(frozen=True)
class VerdictBatch(Batch):
    """Completions that are good or bad by themselves; every tensor is detached."""

    logp_ref: Tensor  # (B, T) of the reference
    weight: Tensor  # (B,) how much each counts; that of a bad one is negative
    mismatched: tuple[Rows, Tensor] | None
    """Prompts with answers that are not theirs, and the reference's log-probabilities (B, T') of these; None where all
    answers are to one prompt."""


@dataclass(frozen=True)
class Rollout(Batch):
    """Completions drawn from the policy; every tensor is detached, log-probabilities at the sampling temperature.

    `extra` holds whatever else an algorithm wants to keep of each token, (B, T, ...) by name.
    """

    texts: tuple[str, ...]
    logp_old: Tensor  # (B, T) of the policy, before it learns from them, recomputed by the training forward
    logp_ref: Tensor  # (B, T) of the reference
    entropy: Tensor  # (B, T) nats, of the same policy
    features: Tensor  # (B, T, d) what the value head reads at state s_t; d is 0 where nobody reads it
    score: Tensor  # (B,) reward of the whole completion
    spread: Tensor | None = None  # (B,) standard deviation over an ensemble's members
    extra: Mapping[str, Tensor] = field(default_factory=dict)
    logp_sampled: Tensor | None = None  # (B, T) of the policy, as the sampler computed it while drawing
    guided: Tensor | None = None  # (B, T) how much likelier a guide made each token, log; None without one
    masks_cut: bool = False  # are completions that reached the length limit left out of the loss?
    step_rewards: Tensor | None = None  # (B, T) the part of the score that is of single tokens, None without any
    places: Tensor | None = None  # (B,) among all that were drawn, where some of those are left out

    @property
    def kept(self) -> Tensor:
        return self.rows.ended if self.masks_cut else super().kept

    @property
    def logp_drawn(self) -> Tensor:
        """Of the distribution that drew (B, T): the policy's own, within a guide if there was one."""
        return self.logp_old if self.guided is None else self.logp_old + self.guided

    @property
    def kl(self) -> Tensor:
        """Nats per completion (B,) of what drew: sum over tokens of log drawn - log ref, the k1 estimator."""
        return ((self.logp_drawn - self.logp_ref) * self.is_response).sum(1)

    def charged_kl(self, estimator: str) -> Tensor:
        """The KL to the reference that each token (B, T) pays for, before the coefficient."""
        return token_kl(self.logp_old, self.logp_ref, estimator) * self.is_response

    def to(self, device: torch.device) -> "Rollout":
        """The same on another device."""

        def moved(value: Any) -> Any:
            return value.to(device) if isinstance(value, Tensor) else value

        rows = Rows(*(moved(getattr(self.rows, item.name)) for item in fields(Rows)))
        own = {item.name: moved(getattr(self, item.name)) for item in fields(self) if item.name != "rows"}
        return Rollout(rows, **own | {"extra": {name: moved(value) for name, value in self.extra.items()}})

    def select(self, index: Tensor) -> "Rollout":
        """The completions `index`."""
        return Rollout(
            self.rows.select(index), tuple(self.texts[i] for i in index.tolist()), self.logp_old[index],
            self.logp_ref[index], self.entropy[index], self.features[index], self.score[index],
            None if self.spread is None else self.spread[index],
            {name: value[index] for name, value in self.extra.items()}, temperature=self.temperature,
            logp_sampled=None if self.logp_sampled is None else self.logp_sampled[index],
            guided=None if self.guided is None else self.guided[index], masks_cut=self.masks_cut,
            step_rewards=None if self.step_rewards is None else self.step_rewards[index],
            places=None if self.places is None else self.places[index],
        )  # fmt: skip


def join(parts: Sequence[Rollout]) -> Rollout:
    """Several rollouts of one temperature as one."""
    first = parts[0]
    assert all(part.temperature == first.temperature for part in parts), "log-probabilities of different temperatures"
    T = max(part.rows.response_ids.shape[1] for part in parts)

    def stack(values: list[Tensor]) -> Tensor:
        return torch.cat([torch.nn.functional.pad(x, [0, 0] * (x.dim() - 2) + [0, T - x.shape[1]]) for x in values])

    def known(values: list[Tensor | None]) -> Tensor | None:
        found = [value for value in values if value is not None]
        return stack(found) if len(found) == len(values) else None

    return Rollout(
        joined([part.rows for part in parts]), sum((part.texts for part in parts), ()),
        stack([part.logp_old for part in parts]), stack([part.logp_ref for part in parts]),
        stack([part.entropy for part in parts]), stack([part.features for part in parts]),
        torch.cat([part.score for part in parts]), _joined_spread(parts),
        {name: stack([part.extra[name] for part in parts]) for name in first.extra},
        logp_sampled=known([part.logp_sampled for part in parts]), guided=known([part.guided for part in parts]),
        temperature=first.temperature, masks_cut=first.masks_cut,
        step_rewards=stack(list(map(_step_rewards, parts))) if any(x.step_rewards is not None for x in parts) else None,
    )  # fmt: skip


def _step_rewards(part: Rollout) -> Tensor:
    return torch.zeros_like(part.logp_old) if part.step_rewards is None else part.step_rewards


def _joined_spread(parts: Sequence[Rollout]) -> Tensor | None:
    spreads = [part.spread for part in parts if part.spread is not None]
    return torch.cat(spreads) if len(spreads) == len(parts) else None
