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
from core.reward.update import Sums


@dataclass(frozen=True)
class Evaluated:
    """Log loss, accuracy and margin of the overall order on raw scores, as they are trained, and every score."""

    metrics: dict[str, float]
    scores: tuple[Score, ...]
    accuracy: Interval
    """Over prompts, whose pairs are not independent."""


def evaluate(model: RewardModel, member: Member, chosen: Sequence[Example]) -> Evaluated:
    sums, each, rows = Sums(), list[tuple[int, float, float]](), list[Score]()
    for block in blocks(chosen):
        scores = _raw(model, member, block)
        for example, found in zip(block, scores, strict=True):
            before = sums.correct, sums.pairs
            sums.add(found[0], example)
            each.append((example.prompt_id, sums.correct - before[0], sums.pairs - before[1]))
        rows += _rows(model, [member], block, scores, "heldout")
    prompts, right, pairs = (np.array(values) for values in zip(*each, strict=True))
    return Evaluated(sums.values("eval_"), tuple(rows), share_interval(sums_by(prompts, right, pairs)))


def take_length_out(model: RewardModel, member: Member, chosen: Sequence[Example]) -> float:
    """From now on a member's scores hold nothing that is linear in the length of these completions; returns what each
    token takes off the overall one."""
    scored = (
        pair for block in blocks(chosen) for pair in zip(block, _raw(model, member, block), strict=True)
    )  # fmt: skip
    found = per_token(((example, scores[0]) for example, scores in scored), len(model.columns))
    member.head.per_token += found.to(member.head.per_token.device)
    return float(member.head.per_token[0])


def _raw(model: RewardModel, member: Member, chosen: Sequence[Example]) -> list[Tensor]:
    """Raw scores (1, N, C) of each prompt's N completions."""
    return model.raw_scores(
        [example.prompt for example in chosen], [example.answers for example in chosen], only=member
    )


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


def normalise(model: RewardModel, known: Iterable[Example], *, keep: bool) -> tuple[float, float, tuple[Score, ...]]:
    """Give every member's scores mean 0 and standard deviation 1 over these completions.

    Returns the first member's raw mean and standard deviation of the overall score, and all scores if they are to
    `keep`.
    """
    scores, rows = list[Tensor](), list[Score]()
    for block in blocks(known):
        found = model.raw_scores([example.prompt for example in block], [example.answers for example in block])
        scores += found
        rows += _rows(model, model.members, block, found, "reference") if keep else ()
    flat = torch.cat(scores, 1)  # (M, B, C)
    for member, own in zip(model.members, flat, strict=True):
        member.head.normalise(own.mean(0), own.std(0, correction=0))
    model.measure_combined(flat)
    return float(flat[0, :, 0].mean()), float(flat[0, :, 0].std(correction=0)), tuple(rows)
