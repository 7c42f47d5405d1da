"""The loss of the reward model, as pure functions of the scores of one prompt's completions."""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

UNRANKED = math.inf


class RankingLoss(NamedTuple):
    loss: Tensor  # scalar, nats
    correct: float  # strict pairs with the chosen one scored higher; equal scores count half
    pairs: int  # strict pairs
    margin: float  # sum over strict pairs of r_chosen - r_rejected


def ranking_loss(
    scores: Tensor,
    ranks: Tensor,
    *,
    ties: str = "half",
    centering: float = 0.0,
    margin: float = 0.0,
    smoothing: float = 0.0,
    tie: Tensor | None = None,
    compared: bool = True,
) -> RankingLoss:
    """Mean over the pairs of one ranking of -log P(the preferred one wins), P = sigmoid(r_j - r_k) unless ties count.

    scores: (N,) rewards of one prompt's completions. ranks: (N,), 1 is best, equal is tied, inf is unranked (below
    every rank, equal to nothing), nan was not judged and is in no pair.

    ties: `drop` ignores tied pairs; `half` gives them the soft label 1/2, which pulls their scores together;
    `davidson` and `rao-kupper` give a tie a probability of its own (see `outcomes`), with the free parameter `tie`.
    Unless equal ranks were `compared` they are no ties, whichever way.
    margin: what a pair's scores must differ by for each place that its ranks are apart beyond the first, subtracted
    inside the sigmoid (Touvron et al. 2023, arXiv 2307.09288, section 3.2.2).
    smoothing: share of pairs taken to be labeled the wrong way round.
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
    asked = strict - margin * (rank_gaps(ranks)[better] - 1) if margin else strict
    win, _ = outcomes(asked, ties, tie)
    losses = [-(1 - smoothing) * win]
    if smoothing:
        losses[0] = losses[0] - smoothing * outcomes(-asked, ties, tie)[0]
    if ties != "drop" and compared:
        losses.append(-outcomes(difference[tied], ties, tie)[1])
    terms = torch.cat(losses)
    total = terms.sum() / max(len(terms), 1)
    if centering and len(strict):
        sums = (scores[:, None] + scores[None, :])[better]
        total = total + centering * sums.square().mean()
    seen = strict.detach()
    correct = float((seen > 0).sum() + 0.5 * (seen == 0).sum())
    return RankingLoss(total, correct, len(strict), float(seen.sum()))


def outcomes(difference: Tensor, ties: str, tie: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """log P(i beats j) and log P(i and j are tied) for differences D = r_i - r_j, both in the shape of D.

    `davidson`: softmax of (D/2, -D/2, log nu), nu = exp(tie) (Davidson 1970). `rao-kupper`: sigmoid(D - eta) and
    sigmoid(-D - eta) win, eta = softplus(tie), the rest is a tie (Rao and Kupper 1967). Both are Bradley and Terry's
    sigmoid(D) among the pairs that are not tied, or nearly so. Otherwise a tie is half a win each way.
    """
    if ties == "davidson":
        assert tie is not None
        log_nu = tie.expand_as(difference)
        normaliser = torch.stack([difference / 2, -difference / 2, log_nu]).logsumexp(0)
        return difference / 2 - normaliser, log_nu - normaliser
    if ties == "rao-kupper":
        assert tie is not None
        eta = F.softplus(tie)
        win, lose = F.logsigmoid(difference - eta), F.logsigmoid(-difference - eta)
        return win, win + lose + torch.log(torch.expm1(2 * eta))
    win = F.logsigmoid(difference)
    return win, (win + F.logsigmoid(-difference)) / 2


def rank_gaps(ranks: Tensor) -> Tensor:
    """How many places lie between two ranks, (N, N); unranked is one place below the last rank."""
    finite = ranks[ranks.isfinite()]
    last = float(finite.max()) if len(finite) else 0.0
    places = torch.where(ranks.isinf(), last + 1, ranks)
    return (places[:, None] - places[None, :]).abs()
