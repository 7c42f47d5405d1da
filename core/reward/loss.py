"""The loss of the reward model, as pure functions of the scores of one ranking."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

UNRANKED = float("inf")


class RankingLoss(NamedTuple):
    loss: Tensor  # scalar, nats
    correct: float  # strict pairs with the chosen one scored higher; equal scores count half
    pairs: int  # strict pairs
    margin: float  # sum over strict pairs of r_chosen - r_rejected


def rank_tensor(ranks: tuple[int | None, ...]) -> Tensor:
    """Ranks (N,) as floats; unranked ones are infinite: below every rank, equal to nothing."""
    return torch.tensor([UNRANKED if rank is None else float(rank) for rank in ranks])


def ranking_loss(scores: Tensor, ranks: Tensor, *, ties: str = "half", centering: float = 0.0) -> RankingLoss:
    """Mean over the pairs of one ranking of -log sigmoid(r_j - r_k), the preferred completion first.

    scores: (N,) rewards of one prompt's completions. ranks: (N,), 1 is best, equal is tied, inf is unranked.
    ties: `drop` ignores tied pairs; `half` gives them the soft label 1/2, which pulls their scores together.
    centering: weight of mean((r_j + r_k)^2), which keeps scores near 0 (Eisenstein et al. 2023, arXiv 2312.09244).

    All pairs of a prompt form one element of the batch, so that each completion goes through the model once
    (Ouyang et al. 2022, arXiv 2203.02155, section 3.5). A ranking without any usable pair has loss 0.
    """
    assert scores.ndim == 1 and scores.shape == ranks.shape, "scores and ranks must be (N,)"
    ranks = ranks.to(scores.device)
    difference = scores[:, None] - scores[None, :]  # (N, N), row minus column
    better = ranks[:, None] < ranks[None, :]
    tied = torch.triu(ranks[:, None] == ranks[None, :], diagonal=1) & ranks.isfinite()[:, None]
    strict = difference[better]
    losses = [-F.logsigmoid(strict)]
    if ties == "half":
        even = difference[tied]
        losses.append(-(F.logsigmoid(even) + F.logsigmoid(-even)) / 2)
    terms = torch.cat(losses)
    total = terms.sum() / max(len(terms), 1)
    if centering and len(strict):
        sums = (scores[:, None] + scores[None, :])[better]
        total = total + centering * sums.square().mean()
    seen = strict.detach()
    correct = float((seen > 0).sum() + 0.5 * (seen == 0).sum())
    return RankingLoss(total, correct, len(strict), float(seen.sum()))
