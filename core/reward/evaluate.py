"""Score completions with what was learnt: the held-out ones to measure it, the reference's to find its scale."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from core.events import Score
from core.preferences.interval import Interval
from core.preferences.statistics import share_interval, sums_by
from core.reward.encoding import blocks
from core.reward.examples import Example
from core.reward.length import per_token
from core.reward.model import Member, RewardModel
from core.reward.scored import Scored
from core.reward.update import Sums


@dataclass(frozen=True)
class Evaluated:
    """Log loss, accuracy and margin of the overall order on raw scores, as they are trained, and every score."""

    metrics: dict[str, float]
    scores: tuple[Score, ...]
    accuracy: Interval
    """Over prompts, whose pairs are not independent."""


def evaluate(model: RewardModel, member: Member, scored: Sequence[Scored]) -> Evaluated:
    """Of what the member said."""
    sums, each, rows = Sums(), list[tuple[int, float, float]](), list[Score]()
    for found in scored:
        before = sums.correct, sums.pairs
        sums.add(found.raw, found.orders)
        each.append((found.prompt_id, sums.correct - before[0], sums.pairs - before[1]))
        rows += _rows(model, [member], found.completion_ids, found.lengths, found.raw[None], "heldout")
    prompts, right, pairs = (np.array(values) for values in zip(*each, strict=True))
    return Evaluated(sums.values("eval_"), tuple(rows), share_interval(sums_by(prompts, right, pairs)))


def take_length_out(model: RewardModel, member: Member, scored: Sequence[Scored]) -> list[Scored]:
    """From now on a member's scores hold nothing that is linear in the length of these completions; returns what it
    says of them then."""
    found = per_token(scored, len(model.columns))
    member.head.per_token += found.to(member.head.per_token.device)
    return [each.without(found) for each in scored]


def _rows(
    model: RewardModel, members: Sequence[Member], completion_ids: Sequence[int], lengths: Sequence[int],
    scores: Tensor, part: str,
) -> tuple[Score, ...]:  # fmt: skip
    """Scores (M, N, C) of a prompt's completions as rows to be stored."""
    return tuple(
        Score(part, member.adapter, column, completion_id, value, tokens)
        for member, by_answer in zip(members, scores.tolist(), strict=True)
        for completion_id, tokens, values in zip(completion_ids, lengths, by_answer, strict=True)
        for column, value in zip(model.columns, values, strict=True)
        if math.isfinite(value)
    )


def normalise(model: RewardModel, known: Iterable[Example], *, keep: bool) -> tuple[float, float, tuple[Score, ...]]:
    """Give every member's scores mean 0 and standard deviation 1 over these completions.

    Returns the first member's raw mean and standard deviation of the overall score, and all scores if they are to
    `keep`.
    """
    scores, rows = list[Tensor](), list[Score]()
    for block in blocks(known):
        found = model.raw_scores([example.prompt for example in block], [example.answers for example in block])
        scores += found
        for example, each in zip(block if keep else (), found, strict=False):
            lengths = list(map(len, example.answers))
            rows += _rows(model, model.members, example.completion_ids, lengths, each, "reference")
    flat = torch.cat(scores, 1)  # (M, B, C)
    for member, own in zip(model.members, flat, strict=True):
        member.head.normalise(own.mean(0), own.std(0, correction=0))
    model.measure_combined(flat)
    return float(flat[0, :, 0].mean()), float(flat[0, :, 0].std(correction=0)), tuple(rows)
