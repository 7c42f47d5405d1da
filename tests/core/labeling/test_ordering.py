"""Orders in the making: by hand, from questions of two, by the best and the worst, by criterion; drafts of them."""

from itertools import permutations
from math import ceil, factorial, log2

import pytest

from core.labeling import pairwise
from core.labeling.drafts import Begun, draft_of, ordering_of
from core.labeling.ordering import Ordering
from core.labeling.written import parse_order, write_order
from core.preferences.judged_groups import OVERALL


class TestOrdering:
    START = Ordering((1, 2, 3, 4))

    def test_letters_in_turn_make_an_order(self) -> None:
        order = self.START.place_last(3).place_last(1).tie_last(4)
        assert order.ranks() == {1: 2, 2: None, 3: 1, 4: 2}
        assert order.place_last(3) is order

    def test_moves_between_ranks(self) -> None:
        order = Ordering((1, 2, 3), ((1,), (2,), (3,)))
        assert order.better(3).tiers == ((1,), (3,), (2,))
        assert order.worse(1).tiers == ((2,), (1,), (3,))
        assert order.better(1) is order
        assert order.worse(3) is order
        assert order.to_rank(3, 1).tiers == ((3,), (1,), (2,))
        assert order.to_rank(1, 9).tiers == ((2,), (3,), (1,))

    def test_ties_join_and_come_apart(self) -> None:
        order = Ordering((1, 2, 3), ((1,), (2,), (3,)))
        tied = order.tie_up(2)
        assert tied.tiers == ((1, 2), (3,))
        assert tied.better(2).tiers == ((2,), (1,), (3,))
        assert tied.worse(1).tiers == ((2,), (1,), (3,))
        assert order.tie_up(1) is order

    def test_a_card_on_an_unranked_card_ranks_both_together(self) -> None:
        assert self.START.tie_with(2, 4).tiers == ((4, 2),)
        assert self.START.tie_with(2, 2) is self.START

    def test_inserting_where_it_is_changes_nothing(self) -> None:
        order = Ordering((1, 2), ((1,), (2,)))
        assert order.insert(2, 1) is order
        assert order.insert(2, 2) is order
        assert order.insert(2, 0).tiers == ((2,), (1,))

    def test_take_back_goes_from_the_bottom(self) -> None:
        order = Ordering((1, 2, 3), ((1,), (2, 3)))
        assert order.take_back().take_back().tiers == ((1,),)
        assert self.START.take_back() is self.START

    def test_only_a_place_or_a_flag_is_a_judgement(self) -> None:
        assert not self.START.with_comment("nice").judged
        assert self.START.with_flag("unsafe").judged
        assert self.START.with_item_flag(2, "unsafe").judged
        assert not self.START.with_item_flag(2, "unsafe").with_item_flag(2, None).judged


class TestPairwise:
    @pytest.mark.parametrize("count", range(2, 7))
    def test_every_order_is_found_with_few_questions(self, count: int) -> None:
        items = tuple(range(10, 10 + count))
        worst = 0
        for wanted in permutations(items):
            answers: pairwise.Answers = ()
            while (asked := pairwise.question(items, answers)) is not None:
                assert len(answers) + pairwise.left(items, answers) <= pairwise.most(count)
                answers = (*answers, (*asked, 1 if wanted.index(asked[0]) < wanted.index(asked[1]) else -1))
            assert pairwise.derive(items, answers) == tuple((item,) for item in wanted)
            worst = max(worst, len(answers))
        assert worst == pairwise.most(count)
        assert worst <= ceil(log2(factorial(count))) + 1

    def test_ties_join_and_save_questions(self) -> None:
        items, answers = (1, 2, 3, 4), ()
        while (asked := pairwise.question(items, answers)) is not None:
            answers = (*answers, (*asked, 0))
        assert pairwise.derive(items, answers) == ((1, 2, 3, 4),)
        assert len(answers) == 3

    def test_half_an_order_is_no_order(self) -> None:
        ordering = Ordering((1, 2, 3), method="pairwise").answer(1)
        assert ordering.question is not None
        assert not ordering.judged
        assert ordering.take_answer().answers == ()


def test_best_and_worst_leave_the_others_between() -> None:
    order = Ordering((1, 2, 3, 4), method="best-worst").pick(3).pick(1)
    assert order.extremes == (3, 1)
    assert order.ranks() == {3: 1, 2: 2, 4: 2, 1: 3}
    assert order.pick(3).extremes == (None, 1), "a second pick takes it back"
    assert order.take_back().take_back().tiers == ()


def test_each_criterion_has_an_order_of_its_own() -> None:
    order = Ordering((1, 2)).switch("helpful").place_last(2).place_last(1).switch(OVERALL)
    assert order.tiers == () and not order.judged, "only the overall order can be stored alone"
    order = order.place_last(1)
    assert order.ranks() == {1: 1, 2: None}
    assert order.criteria() == {"helpful": {1: 2, 2: 1}}


def test_another_way_to_rank_keeps_what_both_can_say() -> None:
    answered = Ordering((1, 2), method="pairwise").answer(-1)
    assert answered.tiers == ((2,), (1,))
    assert answered.with_method("order").tiers == ((2,), (1,))
    assert Ordering((1, 2, 3), ((1,), (2,))).with_method("pairwise").tiers == ()
    assert Ordering((1, 2, 3), method="best-worst").pick(2).with_method("order").tiers == ((2,),)


@pytest.mark.parametrize("ranks", [{1: 2, 2: 1, 3: 2}, {1: None, 2: 1, 3: None}, {1: 1, 2: 2, 3: 3}])
def test_ranks_become_an_order_and_back(ranks) -> None:
    order = Ordering((3, 1, 2), method="pairwise").answer(1).with_ranks(ranks)
    assert order.method == "order" and order.ranks() == ranks
    assert parse_order(write_order(order), order.shown) == ranks


def test_a_draft_reads_back_as_the_same_order_and_an_older_one_too() -> None:
    order = Ordering((1, 2, 3)).switch("helpful").place_last(3).switch(OVERALL).place_last(2).with_comment("so so")
    order = order.with_item_flag(1, "unsafe")
    assert ordering_of(draft_of(7, Begun(order)), order.shown) == order
    older = {"group": 7, "tiers": [[2]], "flags": [[1, "unsafe"]], "flag": None, "comment": "so so", "criterion": "",
             "others": {"helpful": [[[3]], []]}}  # fmt: skip
    assert ordering_of(older, order.shown) == order, "the overall order had an empty name"
    begun = older | {"criterion": "helpful", "tiers": [[3]], "others": {"": [[[2]], []]}}
    assert ordering_of(begun, order.shown) == order.switch("helpful")
    assert ordering_of(draft_of(7, Begun(order)), (4, 5)).switch(OVERALL) == Ordering(
        (4, 5), comment="so so", others={"helpful": ((), ())}
    ), "it speaks of other completions"
