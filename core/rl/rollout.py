"""The parts of a rollout: drawing responses, their log-probabilities, their scores with what the value head reads."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from core.models.adapters import REFERENCE, SharedModel
from core.models.chat import Judged
from core.models.draws import Guide, Sampled
from core.models.logprobs import Predictions, predictions
from core.models.rows import Rows
from core.models.sampling import sample_with_logp
from core.models.states import hidden_states
from core.reward.model import RewardModel

POLICY = "policy"


class Scored(NamedTuple):
    score: Tensor  # (B,)
    features: Tensor  # (B, T, d), or (B, T, 0) where nobody reads them
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
    generator: torch.Generator | Sequence[torch.Generator],
    guide: Guide | None = None,
    among: tuple[int, int] | None = None,
) -> Sampled:
    """Responses of a role (None is the reference), `copies` for each prompt, with their log-probabilities."""
    base = shared.base
    others = shared.opening(guide.roles) if guide else []
    with shared.role(role) as causal:
        return sample_with_logp(
            causal, prompts, copies=copies, max_new_tokens=max_new_tokens, temperature=temperature, top_p=top_p,
            end_ids=base.end_ids, pad_id=base.pad_id, generator=generator, guide=guide, others=others, among=among,
            never=base.textless, stops=base.chat.stops_at if base.chat.stops else None,
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
            found = out.logp_and_entropy() if entropy else (out.logp, torch.zeros_like(out.logp))
            logp.append(found[0])
            nats.append(found[1])
    return torch.cat(logp), torch.cat(nats)


def policy_logprobs(
    shared: SharedModel, rows: Rows, temperature: float, micro_batch: int, *, learns: bool
) -> tuple[Tensor, Tensor, Predictions | None]:
    """Log-probabilities and entropies (B, T) under the policy; for one that `learns` also the predictions themselves,
    with the graph of their gradient.

    They are not kept where the rows take several micro-batches, whose graphs would fill the memory.
    """
    if not learns or len(rows.chunks(micro_batch)) > 1:
        return *logprobs(shared, POLICY, rows, temperature, micro_batch, entropy=True), None
    with shared.role(POLICY, train=True) as causal:
        kept = predictions(causal, rows, temperature)
        logp, nats = kept.logp_and_entropy()
    return logp.detach(), nats.detach(), kept


@torch.no_grad()
def compared_and_scored(
    shared: SharedModel, reward: RewardModel | None, rows: Rows, temperature: float, micro_batch: int,
    judged: Judged | None = None, *, states: bool = True,
) -> tuple[Tensor, Scored]:  # fmt: skip
    """Log-probabilities (B, T) under the reference, and what `score_and_features` finds. Without a reward model the
    states that the value head reads are the reference's, from the same forward pass, and the scores 0."""
    if reward is not None or not states:
        logp, _ = logprobs(shared, REFERENCE, rows, temperature, micro_batch)
        if reward is None:
            return logp, Scored(logp.new_zeros(len(rows)), logp.new_zeros(*logp.shape, 0), None)
        return logp, score_and_features(shared, reward, rows, micro_batch, judged, states=states)
    with shared.role(REFERENCE) as causal:
        parts = [predictions(causal, rows.select(index), temperature) for index in rows.chunks(micro_batch)]
        logp, hidden = torch.cat([part.logp for part in parts]), torch.cat([part.hidden.float() for part in parts])
    return logp, Scored(logp.new_zeros(len(rows)), hidden, None)


@torch.no_grad()
def score_and_features(
    shared: SharedModel, reward: RewardModel, rows: Rows, micro_batch: int, judged: Judged | None = None, *,
    states: bool = True,
) -> Scored:  # fmt: skip
    """Scores (B,) and the hidden states (B, T, d) that the value head reads, from one forward pass.

    The value head stands on the frozen reward model: it then knows from the first step what the reward
    looks at (InstructGPT starts its value function from the reward model), its loss can never disturb the
    policy, and its features are computed once a rollout instead of once an epoch.

    An ensemble's members are asked one after the other; the features are the first one's.

    The end token is appended where a response was cut off, because the reward is read at the end token. The scores of
    responses that are `judged` otherwise than they were drawn (see `core.models.chat.judged_rows`) are those of that,
    in a pass of their own; where nobody reads the `states`, these are not read as they were drawn.
    """
    T = rows.response_ids.shape[1]
    if judged is not None and not states:
        rows = judged.within(rows)
    elif judged is not None:
        drawn, again = score_and_features(shared, reward, rows, micro_batch), judged.index
        own = score_and_features(shared, reward, judged.rows, micro_batch)
        score = drawn.score.index_copy(0, again, own.score)
        if drawn.spread is None or own.spread is None:
            return drawn._replace(score=score)
        return drawn._replace(score=score, spread=drawn.spread.index_copy(0, again, own.spread))
    shared.report_status(f"Scoring {len(rows)} completions")
    longer, end = rows.with_end(*shared.base.end_ids)
    scores: list[Tensor] = []
    features: list[Tensor] = []
    for member in reward.members:
        raw = []
        with shared.role(member.adapter) as causal:
            for index in rows.chunks(micro_batch):
                hidden = hidden_states(causal, longer.select(index), through_end=True)  # (b, T+2, d)
                if not scores:
                    features.append(hidden[:, :T, : None if states else 0].float())
                at_end = hidden[torch.arange(len(index), device=index.device), end[index] + 1]
                raw.append(member.head(at_end, end[index] + 1))
        scores.append(torch.cat(raw))
    stacked = torch.stack(scores)  # (M, B, C)
    spread = reward.normalised(stacked)[..., 0].std(0, correction=0) if len(stacked) > 1 else None
    return Scored(reward.reward(stacked), torch.cat(features), spread)
