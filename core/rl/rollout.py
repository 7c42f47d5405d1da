"""Rollouts: responses drawn from the policy, with everything that an algorithm needs to learn from them."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from core.models.adapters import REFERENCE, SharedModel
from core.models.logprobs import response_logprobs
from core.models.sampling import Sampled, positions, sample
from core.reward.model import ADAPTER as REWARD
from core.reward.model import RewardModel

POLICY = "policy"


@dataclass(frozen=True)
class Rollout:
    """B responses of padded length T; everything is detached, log-probabilities at the sampling temperature."""

    sampled: Sampled
    texts: tuple[str, ...]
    logp_old: Tensor  # (B, T) of the policy that drew them, recomputed by the training forward
    logp_ref: Tensor  # (B, T) of the reference
    entropy: Tensor  # (B, T) nats, of the policy that drew them
    features: Tensor  # (B, T, d) what the value head reads at state s_t
    score: Tensor  # (B,) reward of the whole completion

    @property
    def is_response(self) -> Tensor:
        return self.sampled.is_response

    @property
    def kl(self) -> Tensor:
        """Nats per completion (B,): sum over tokens of log pi - log ref, the k1 estimator."""
        return ((self.logp_old - self.logp_ref) * self.is_response).sum(1)


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
) -> Sampled:
    """Responses of a role (None is the reference), `copies` for each prompt."""
    base = shared.base
    with shared.role(role) as causal:
        return sample(
            causal, prompts, copies=copies, max_new_tokens=max_new_tokens, temperature=temperature, top_p=top_p,
            end_ids=base.end_ids, pad_id=base.pad_id, generator=generator,
        )  # fmt: skip


@torch.no_grad()
def logprobs(
    shared: SharedModel, role: str | None, rows: Sampled, temperature: float, micro_batch: int, *, entropy: bool = False
) -> tuple[Tensor, Tensor]:
    """Log-probabilities and entropies (B, T) under a role, in micro-batches of the same rows as in training."""
    logp, nats = [], []
    with shared.role(role) as causal:
        for index in chunks(len(rows.ended), micro_batch, rows.ended.device):
            out = response_logprobs(causal, rows.rows(index), temperature, entropy=entropy)
            logp.append(out.logp)
            nats.append(out.entropy if out.entropy is not None else torch.zeros_like(out.logp))
    return torch.cat(logp), torch.cat(nats)


def chunks(rows: int, size: int, device: torch.device) -> list[Tensor]:
    """Row numbers 0..rows-1 in order, `size` at a time."""
    return list(torch.arange(rows, device=device).split(size))


@torch.no_grad()
def score_and_features(
    shared: SharedModel, reward: RewardModel | None, rows: Sampled, micro_batch: int
) -> tuple[Tensor, Tensor]:
    """Scores (B,) and the hidden states (B, T, d) that the value head reads, from one forward pass.

    The value head stands on the frozen reward model: it then knows from the first step what the reward
    looks at (InstructGPT starts its value function from the reward model), its loss can never disturb the
    policy, and its features are computed once a rollout instead of once an epoch. Without a reward model
    the features are the reference's and the scores 0.

    The end token is appended where a response was cut off, because the reward is read at the end token.
    """
    P, T = rows.prompt_ids.shape[1], rows.response_ids.shape[1]
    base = shared.base
    scores, features = [], []
    with shared.role(REWARD if reward else REFERENCE):
        for index in chunks(len(rows.ended), micro_batch, rows.ended.device):
            part = rows.rows(index)
            ids, mask, end = with_end(part, base.end_ids[0], base.pad_id)
            hidden = shared.hidden(ids, mask, positions(mask))
            features.append(hidden[:, P - 1 : P + T - 1].float())
            at_end = hidden[torch.arange(len(end), device=end.device), P + end]
            scores.append(reward.head(at_end) if reward else torch.zeros(len(end), device=end.device))
    return torch.cat(scores), torch.cat(features)


def with_end(rows: Sampled, end_id: int, pad_id: int) -> tuple[Tensor, Tensor, Tensor]:
    """Ids and mask (B, P+T+1) in which every response ends with the end token, and its place in it (B,)."""
    n = rows.lengths
    end = torch.where(rows.ended, n - 1, n)
    column = rows.response_ids.new_full((len(n), 1), pad_id)
    response = torch.cat([torch.where(rows.is_response, rows.response_ids, pad_id), column], 1)
    response[torch.arange(len(n), device=n.device), end] = end_id
    inside = torch.arange(response.shape[1], device=n.device)[None, :] <= end[:, None]
    return torch.cat([rows.prompt_ids, response], 1), torch.cat([rows.is_prompt, inside], 1), end
