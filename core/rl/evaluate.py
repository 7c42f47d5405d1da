"""Measure a policy on prompts that were not trained on: its answers, their scores and its KL."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from core.conversation import Conversation
from core.events import Note, Sample
from core.models import chat
from core.models.adapters import REFERENCE, SharedModel
from core.models.chat import Asked, conversation_of
from core.models.draws import Guide, Sampled
from core.models.seeds import generator
from core.reward.reward_function import RewardFunction
from core.rl.batches import Rollout
from core.rl.collect import step_rewards_of
from core.rl.rollout import Scored, compared_and_scored, draw, logprobs, score_and_features


@dataclass(frozen=True)
class Answered:
    """Answers as people are shown them, and as a rollout of the policy that wrote them. The score is nan where there is
    none. What nobody asks is 0: entropies, and of the reference's own answers, whose KL is 0, all log-probabilities
    and, without a reward model, the states; which are not there at all where they are not asked for."""

    samples: list[Sample]
    rollout: Rollout


def answers(
    shared: SharedModel,
    role: str | None,
    prompts: Sequence[tuple[int | None, Asked]],
    reward: RewardFunction,
    **how: Any,
) -> list[Sample]:
    """All that `batches` yields."""
    return [sample for part in batches(shared, role, prompts, reward, **how) for sample in part]


def batches(
    shared: SharedModel,
    role: str | None,
    prompts: Sequence[tuple[int | None, Asked]],
    reward: RewardFunction,
    **how: Any,
) -> Iterator[list[Sample]]:
    """The samples alone of what `answered` yields."""
    return (part.samples for part in answered(shared, role, prompts, reward, states=False, **how))


def answered(
    shared: SharedModel,
    role: str | None,
    prompts: Sequence[tuple[int | None, Asked]],
    reward: RewardFunction,
    *,
    name: str,
    copies: int = 1,
    max_new_tokens: int,
    temperature: float,
    top_p: float = 1.0,
    seed: int,
    batch_size: int = 32,
    micro_batch: int = 32,
    guide: Guide | None = None,
    first: int = 0,
    states: bool = True,
) -> Iterator[Answered]:
    """`copies` answers to each (id, prompt), in order, as many prompts at a time as `batch_size` answers allow.

    Each prompt has a seed of its own, whatever is asked beside it, and one that is asked again another. Reference and
    policy get the same seeds, so a policy that equals the reference gives the same answers. With the `guide` that a
    policy was trained within, it answers within that. KL is that of what was drawn from. Of what is asked, the first
    batches are left out that an earlier call has answered: they end where prompt `first` begins.
    """
    at_once = max(1, batch_size // copies)
    asked = Counter[str]()
    for start in range(0, len(prompts), at_once):
        batch = [(id, conversation_of(each)) for id, each in prompts[start : start + at_once]]
        chances = []
        for _, conversation in batch:
            text = conversation.text
            chances.append(generator(seed, "evaluate", asked[text], text))
            asked[text] += 1
        if start < first:
            continue
        sampled = draw(
            shared, role, [chat.to_answer(shared.base, each, max_new_tokens, id) for id, each in batch], copies=copies,
            max_new_tokens=max_new_tokens, temperature=temperature, top_p=top_p,
            generator=chances, guide=guide,
        )  # fmt: skip
        yield _scored(
            shared,
            role,
            [item for item in batch for _ in range(copies)],
            sampled,
            reward,
            name,
            temperature,
            micro_batch,
            states,
        )


def _scored(
    shared: SharedModel,
    role: str | None,
    prompts: list[tuple[int | None, Conversation]],
    sampled: Sampled,
    reward: RewardFunction,
    name: str,
    temperature: float,
    micro_batch: int,
    states: bool,
) -> Answered:
    rows, base = sampled.rows, shared.base
    lengths = rows.lengths.tolist()
    texts = chat.texts_of(base, rows)
    judged = chat.judged_rows(base, rows, texts)
    policy = reference = truncated = torch.zeros(rows.is_response.shape, device=rows.is_response.device)
    if role is not REFERENCE:
        policy, _ = logprobs(shared, role, rows, temperature, micro_batch)
        reference, scored = compared_and_scored(
            shared, reward.model, rows, temperature, micro_batch, judged, states=states
        )
        truncated = sampled.logp_drawn - sampled.logp  # by a guide or top-p
    elif reward.model is not None:
        scored = score_and_features(shared, reward.model, rows, micro_batch, judged, states=states)
    else:
        scored = Scored(policy.sum(1), policy[..., None].expand(-1, -1, base.hidden_size if states else 0), None)
    asked, said = [conversation for _, conversation in prompts], list(map(base.chat.judged, texts))
    score, gold, lost, steps = reward.scores(scored.score, asked, said, rows.ended)
    rollout = Rollout(
        rows, texts, policy, reference, torch.zeros_like(policy), scored.features, score.to(policy.device),
        guided=truncated, temperature=temperature, step_rewards=step_rewards_of(base, rows, texts, said, steps),
    )  # fmt: skip
    kl = rollout.kl.cpu()
    samples = [
        Sample(
            prompt=prompts[i][1].text,
            prompt_id=prompts[i][0],
            completion=texts[i],
            policy=name,
            score=float(score[i]) if reward.known and not lost[i] else None,
            gold=None if gold is None else gold[i],
            kl=float(kl[i]),
            tokens=int(lengths[i]),
        )
        for i in range(len(texts))
    ]
    return Answered(samples, rollout)


def mean(samples: list[Sample], field: str) -> float | None:
    """Mean of a field over samples, None if it was not measured."""
    values = [getattr(sample, field) for sample in samples if getattr(sample, field) is not None]
    return sum(values) / len(values) if values else None


def unscored(samples: list[Sample], reward: RewardFunction) -> Iterator[Note]:
    """That some answers have no reward, where they have not, and why."""
    yield from reward.told()
    if reward.known and (lost := sum(sample.score is None for sample in samples)):
        yield Note(f"{lost} of {len(samples)} answers have no reward: means and shares are of the others.")
