"""The reward model's loss by hand-worked numbers and invariants."""

import math

import pytest
import torch

from core.reward.loss import UNRANKED, outcomes, ranking_loss


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
    part = ranking_loss(torch.tensor([0.0, 5.0, -5.0]), ranks(1, UNRANKED, UNRANKED), ties="half")
    expected = [math.log(1 + math.exp(5.0)), math.log(1 + math.exp(-5.0))]
    assert part.pairs == 2
    assert float(part.loss) == pytest.approx(sum(expected) / 2)


def test_centering_pulls_the_sum_to_zero():
    part = ranking_loss(torch.tensor([3.0, 1.0]), ranks(1, 2), centering=0.1)
    plain = ranking_loss(torch.tensor([3.0, 1.0]), ranks(1, 2))
    assert float(part.loss - plain.loss) == pytest.approx(0.1 * 16)


def test_what_was_not_judged_is_in_no_pair():
    part = ranking_loss(torch.tensor([0.3, 9.0, -1.0]), ranks(1, math.nan, 2))
    assert part.pairs == 1
    assert float(part.loss) == pytest.approx(math.log(1 + math.exp(-1.3)))


@pytest.mark.parametrize("ties", ["davidson", "rao-kupper"])
@pytest.mark.parametrize("free", [-1.0, 0.3, 2.0])
def test_winning_losing_and_tying_are_all_that_can_happen(ties, free):
    difference = torch.linspace(-4, 4, 9)
    tie = torch.tensor(free)
    win, even = outcomes(difference, ties, tie)
    lose, even_too = outcomes(-difference, ties, tie)
    torch.testing.assert_close(win.exp() + lose.exp() + even.exp(), torch.ones(9))
    torch.testing.assert_close(even, even_too)
    assert even.argmax() == 4, "a tie is likeliest between equals"


def test_without_ties_davidson_and_rao_kupper_are_bradley_terry():
    difference = torch.linspace(-4, 4, 9)
    for ties in ("davidson", "rao-kupper"):
        win, _ = outcomes(difference, ties, torch.tensor(-30.0))
        torch.testing.assert_close(win, torch.nn.functional.logsigmoid(difference), atol=1e-4, rtol=0)


def test_davidson_finds_the_share_of_ties_by_hand():
    nu = 1.5
    win, even = outcomes(torch.zeros(1), "davidson", torch.tensor(math.log(nu)))
    assert float(even.exp()) == pytest.approx(nu / (2 + nu))
    assert float(win.exp()) == pytest.approx(1 / (2 + nu))


@pytest.mark.parametrize("ties", ["davidson", "rao-kupper"])
def test_tied_completions_are_pulled_together_and_the_tie_parameter_learns(ties):
    scores = torch.tensor([0.5, -0.5], requires_grad=True)
    tie = torch.zeros((), requires_grad=True)
    ranking_loss(scores, ranks(1, 1), ties=ties, tie=tie).loss.backward()
    assert scores.grad[0] > 0 > scores.grad[1]
    assert tie.grad < 0, "more ties than expected: ties become likelier"


def test_equal_ranks_that_were_not_compared_are_no_ties():
    for ties in ("half", "davidson", "rao-kupper"):
        part = ranking_loss(torch.tensor([3.0, -3.0]), ranks(2, 2), ties=ties, tie=torch.zeros(()), compared=False)
        assert float(part.loss) == 0.0


def test_a_margin_asks_for_more_where_ranks_are_further_apart():
    scores = torch.tensor([1.0, 0.0, -1.0])
    plain, asked = (ranking_loss(scores, ranks(1, 2, 3), margin=margin) for margin in (0.0, 0.5))
    more = math.log(1 + math.exp(-1.5)) - math.log(1 + math.exp(-2.0))  # of the one pair that is two places apart
    assert float(asked.loss - plain.loss) == pytest.approx(more / 3)
    last = ranking_loss(scores, ranks(1, 2, UNRANKED), margin=0.5)
    assert float(last.loss) == pytest.approx(float(asked.loss)), "unranked is one place below the last rank"
    assert (asked.correct, asked.margin) == (plain.correct, plain.margin), "what is reported has no margin in it"


def test_smoothing_is_the_loss_of_a_share_of_flipped_pairs():
    part = ranking_loss(torch.tensor([2.0, 0.0]), ranks(1, 2), smoothing=0.1)
    expected = 0.9 * math.log(1 + math.exp(-2.0)) + 0.1 * math.log(1 + math.exp(2.0))
    assert float(part.loss) == pytest.approx(expected)
