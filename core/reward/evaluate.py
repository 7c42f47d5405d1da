"""Score completions with what was learnt: the held-out ones to measure it, the reference's to find its scale."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from core.events import Score
from core.reward.examples import Example
from core.reward.model import Member, RewardModel
from core.reward.update import Sums


def evaluate(
    model: RewardModel, member: Member, chosen: Sequence[Example]
) -> tuple[dict[str, float], tuple[Score, ...]]:
    """Log loss, accuracy and margin of the overall order on raw scores, as they are trained, and every score."""
    scores = model.raw_scores(
        [example.prompt for example in chosen], [example.answers for example in chosen], only=member
    )
    sums = Sums()
    for example, found in zip(chosen, scores, strict=True):
        sums.add(found[0], example)
    return sums.values("eval_"), _rows(model, [member], chosen, scores, "heldout")


def _rows(
    model: RewardModel, members: Sequence[Member], chosen: Sequence[Example], scores: Sequence[Tensor], part: str
) -> tuple[Score, ...]:
    """Scores (M, N, C) of each example as rows to be stored."""
    return tuple(
        Score(part, member.adapter, column, completion_id, value, len(answer))
        for example, found in zip(chosen, scores, strict=True)
        for member, by_answer in zip(members, found.tolist(), strict=True)
        for completion_id, answer, values in zip(example.completion_ids, example.answers, by_answer, strict=True)
        for column, value in zip(model.columns, values, strict=True)
        if math.isfinite(value)
    )


def normalise(model: RewardModel, known: Sequence[Example]) -> tuple[float, float, tuple[Score, ...]]:
    """Give every member's scores mean 0 and standard deviation 1 over these completions.

    Returns the first member's raw mean and standard deviation of the overall score, and all scores.
    """
    scores = model.raw_scores([example.prompt for example in known], [example.answers for example in known])
    flat = torch.cat(scores, 1)  # (M, B, C)
    for member, own in zip(model.members, flat, strict=True):
        member.head.normalise(own.mean(0), own.std(0, correction=0))
    model.measure_combined(flat)
    rows = _rows(model, model.members, known, scores, "reference")
    return float(flat[0, :, 0].mean()), float(flat[0, :, 0].std(correction=0)), rows
