"""The reward model's loss by hand-worked numbers and invariants."""

import math

import pytest
import torch

from core.reward.loss import UNRANKED, rank_tensor, ranking_loss


def ranks(*values: float) -> torch.Tensor:
    return torch.tensor([float(value) for value in values])


def test_two_completions_are_the_plain_pair_loss():
    part = ranking_loss(torch.tensor([1.5, -0.5]), ranks(1, 2))
    assert float(part.loss) == pytest.approx(math.log(1 + math.exp(-2.0)))
    assert (part.correct, part.pairs, part.margin) == (1.0, 1, 2.0)


def test_mean_over_all_pairs_of_a_prompt():
    scores = [0.3, 1.0, -0.2]
    expected = [math.log(1 + math.exp(-(scores[j] - scores[k]))) for j, k in ((0, 1), (0, 2), (1, 2))]
    part = ranking_loss(torch.tensor(scores), ranks(1, 2, 3))
    assert float(part.loss) == pytest.approx(sum(expected) / 3)
    assert part.correct == 2.0


def test_equal_scores_are_chance_and_count_half():
    part = ranking_loss(torch.zeros(4), ranks(1, 2, 3, 4))
    assert float(part.loss) == pytest.approx(math.log(2))
    assert part.correct / part.pairs == 0.5


def test_permutation_and_shift_change_nothing():
    scores, order = torch.tensor([0.1, 0.9, -1.0, 0.4]), ranks(2, 1, 2, 3)
    shuffle = torch.tensor([2, 0, 3, 1])
    loss = ranking_loss(scores, order).loss
    torch.testing.assert_close(ranking_loss(scores[shuffle], order[shuffle]).loss, loss)
    torch.testing.assert_close(ranking_loss(scores + 7, order).loss, loss)


def test_dropped_ties_give_no_loss_and_no_gradient():
    scores = torch.tensor([0.5, -0.5], requires_grad=True)
    part = ranking_loss(scores, ranks(1, 1), ties="drop")
    part.loss.backward()
    assert float(part.loss.detach()) == 0.0
    assert part.pairs == 0
    assert scores.grad.abs().sum() == 0


def test_half_ties_pull_scores_together():
    scores = torch.tensor([0.5, -0.5], requires_grad=True)
    ranking_loss(scores, ranks(1, 1), ties="half").loss.backward()
    assert scores.grad[0] > 0 > scores.grad[1]


def test_unranked_are_below_the_ranked_and_incomparable_among_themselves():
    order = rank_tensor((1, None, None))
    assert order.tolist() == [1.0, UNRANKED, UNRANKED]
    part = ranking_loss(torch.tensor([0.0, 5.0, -5.0]), order, ties="half")
    expected = [math.log(1 + math.exp(5.0)), math.log(1 + math.exp(-5.0))]
    assert part.pairs == 2
    assert float(part.loss) == pytest.approx(sum(expected) / 2)


def test_centering_pulls_the_sum_to_zero():
    part = ranking_loss(torch.tensor([3.0, 1.0]), ranks(1, 2), centering=0.1)
    plain = ranking_loss(torch.tensor([3.0, 1.0]), ranks(1, 2))
    assert float(part.loss - plain.loss) == pytest.approx(0.1 * 16)
