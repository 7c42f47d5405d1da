"""One optimizer step of a reward model: the mean over prompts of each prompt's mean over pairs, in passes that fit.

Backward runs for as many prompts at a time as the budget of tokens allows. The loss is a sum over prompts, so the
gradient is the whole batch's while only few prompts' activations are in memory. A prompt that is too long for the
budget by itself is computed some answers at a time: the loss depends on the weights only through the scores r, so with
g = dL/dr from a pass without gradient, the gradient of sum(g * r) is the loss's own.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from core.config.training import TrainRewardConfig
from core.errors import KnownError
from core.models.rows import Ids
from core.reward.examples import Example, Order
from core.reward.loss import ranking_loss
from core.reward.memory import enough
from core.reward.model import Member, RewardModel, by_length


@dataclass
class Sums:
    """Over the pairs of the overall order; `log_loss` is a sum over prompts of the mean over their pairs."""

    prompts: float = 0.0
    correct: float = 0.0
    margin: float = 0.0
    pairs: float = 0.0
    log_loss: float = 0.0

    def add(self, raw: Tensor, orders: Sequence[Order]) -> None:
        """Count a prompt's scores (N, C), without ties and whatever else the loss is told to do."""
        found = [ranking_loss(raw[:, 0], order.ranks, ties="drop") for order in orders if order.column == 0]
        self.prompts += 1
        self.correct += sum(part.correct for part in found)
        self.margin += sum(part.margin for part in found)
        self.pairs += sum(part.pairs for part in found)
        self.log_loss += float(torch.stack([part.loss for part in found]).mean())

    def values(self, prefix: str = "") -> dict[str, float]:
        """Log loss (mean over prompts of the mean over labelers), accuracy and margin (means over strict pairs)."""
        return {
            f"{prefix}loss": self.log_loss / max(self.prompts, 1),
            f"{prefix}accuracy": self.correct / max(self.pairs, 1),
            f"{prefix}margin": self.margin / max(self.pairs, 1),
        }


def example_loss(raw: Tensor, example: Example, config: TrainRewardConfig, tie: Tensor, sums: Sums) -> Tensor:
    """The loss of the overall order, a mean over labelers, plus the mean of the criteria's; raw is (N, C).

    The criteria are added and not averaged in, so that the reward is learnt as fast with them as without.
    """
    by_column: dict[int, list[Tensor]] = {}
    for order in example.orders:
        found = ranking_loss(
            raw[:, order.column], order.ranks,
            ties=config.ties, compared=order.ties, centering=config.centering, margin=config.margin,
            smoothing=config.label_smoothing, tie=tie[order.column],
        )  # fmt: skip
        by_column.setdefault(order.column, []).append(found.loss)
    sums.add(raw.detach(), example.orders)
    overall = torch.stack(by_column.pop(0)).mean()
    criteria = [torch.stack(losses).mean() for losses in by_column.values()]
    return overall + torch.stack(criteria).mean() if criteria else overall


def own_gradients(
    model: RewardModel, member: Member, batch: Sequence[Example], config: TrainRewardConfig, tokens: int
) -> Sums:
    """Leave the gradient of this process's share of the batch in the weights' `grad`."""
    sums, count = Sums(), len(batch)
    batch = batch[model.shared.world.share(count)]
    with model.shared.role(member.adapter, train=True):
        parts = by_length([example.tokens for example in batch], enough(model.shared.base.device, tokens))
        for number, part in enumerate(parts, start=1):
            model.shared.report_status("Learning", "part", number, len(parts))
            chosen = [batch[index] for index in part]
            if len(chosen) == 1 and chosen[0].tokens > tokens and len(chosen[0].answers) > 1:
                _in_parts(model, member, chosen[0], config, tokens, 1 / count, sums)
                continue
            raw = model.raw(member, [example.prompt for example in chosen], [example.answers for example in chosen])
            each = raw.split([len(example.answers) for example in chosen])
            losses = [
                example_loss(one, example, config, member.head.tie, sums)
                for one, example in zip(each, chosen, strict=True)
            ]
            (torch.stack(losses).sum() / count).backward()
    return sums


def put_together(model: RewardModel, member: Member, sums: Sums) -> dict[str, float]:
    """Add up what the processes found and clip the gradient to norm 1; returns what the batch says."""
    adapter, head = model.parameters(member)
    world = model.shared.world
    world.add_gradients([*adapter, *head])
    norm = torch.nn.utils.clip_grad_norm_([*adapter, *head], 1.0)
    return Sums(**world.summed(asdict(sums))).values() | {"grad_norm": float(norm)}


def step(optimizer: torch.optim.Optimizer, metrics: dict[str, float]) -> None:
    """Move the weights by their gradients, unless those are no numbers."""
    if not math.isfinite(metrics["grad_norm"]):
        optimizer.zero_grad()
        raise KnownError(
            "Training diverged (the loss is not a number): the last checkpoint is kept; lower --learning-rate and "
            "train again."
        )
    optimizer.step()
    optimizer.zero_grad()
    metrics["lr"] = float(optimizer.param_groups[0]["lr"])


def _in_parts(
    model: RewardModel, member: Member, example: Example, config: TrainRewardConfig, tokens: int, weight: float,
    sums: Sums,
) -> None:  # fmt: skip
    """Add the gradient of one long example's loss, as few answers at a time as the budget asks for."""
    parts = _answer_parts(example, tokens)
    with torch.no_grad():
        raw = torch.cat([model.raw(member, [example.prompt], [part]) for part in parts])
    raw.requires_grad_(True)
    tie = member.head.tie
    loss = example_loss(raw, example, config, tie, sums) * weight
    slope, tie_slope = torch.autograd.grad(loss, [raw, tie], allow_unused=True)
    if tie_slope is not None:
        tie.grad = tie_slope if tie.grad is None else tie.grad + tie_slope
    for part, wanted in zip(parts, slope.split([len(part) for part in parts]), strict=True):
        (model.raw(member, [example.prompt], [part]) * wanted).sum().backward()


def _answer_parts(example: Example, tokens: int) -> list[list[Ids]]:
    """The answers in order, as many at a time as fit behind the prompt, at least one."""
    parts: list[list[Ids]] = []
    filled = 0
    for answer in example.answers:
        if not parts or filled + len(answer) > tokens:
            parts.append([])
            filled = len(example.prompt)
        parts[-1].append(answer)
        filled += len(answer)
    return parts


@contextmanager
def checkpointed(model: Any, on: bool) -> Iterator[None]:
    """Keep only the layers' inputs for the backward pass. Dropout is off: training mode changes nothing else."""
    if not on:
        yield
        return
    model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    model.train()
    try:
        yield
    finally:
        model.eval()
        model.gradient_checkpointing_disable()
