"""What of a reward is linear in length, so that it can be taken out.

A reward model that learnt to prefer one length pays a policy for that length, whatever it says (Singhal et al. 2023,
arXiv 2310.03716). How we differ from post-hoc reward calibration (Huang et al. 2024, arXiv 2409.17407): a line instead
of a locally weighted regression, because held-out pairs are few, and within prompts, because only differences between
completions of one prompt mean something.
"""

from collections.abc import Iterable

import torch
from torch import Tensor

from core.reward.scored import Scored


def per_token(scored: Iterable[Scored], columns: int) -> Tensor:
    """What a token adds to each score, (C,), from prompts with raw scores (N, C) of N completions, by least squares.

    Scores and lengths are less their means over the prompt's completions that are in a pair of the column. 0 where
    those are all of one length.
    """
    products, squares = torch.zeros(columns), torch.zeros(columns)
    for found in scored:
        tokens = torch.tensor(found.lengths).float()
        for column in range(columns):
            if len(within := _in_pairs(found, column)):
                longer = tokens[within] - tokens[within].mean()
                products[column] += (longer * found.raw[within, column]).sum()
                squares[column] += longer.square().sum()
    return products / squares.clamp(min=1)


def _in_pairs(found: Scored, column: int) -> Tensor:
    """Places (n,) of the completions that somebody ranked above or below another."""
    inside = torch.zeros(len(found.lengths), dtype=torch.bool)
    for order in found.orders:
        if order.column == column:
            better = order.ranks[:, None] < order.ranks[None, :]
            inside |= better.any(0) | better.any(1)
    return inside.nonzero()[:, 0]
