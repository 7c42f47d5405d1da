"""One ranking in the making, as plain data: each change gives a new ordering, so undo is keeping the old one. No Qt.

`tiers` holds the placed completions, best first; those in one tier are tied. Whatever is in no tier is unranked.
There is one such order for each criterion; `tiers` is that of `criterion`, the others wait in `others`. `verdicts` say
of a completion by itself that it is good or bad.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from core.labeling import pairwise
from core.labeling.pairwise import Answers, Tiers
from core.preferences.judged_groups import OVERALL
from core.records import Ranking, Verdict


@dataclass(frozen=True)
class Ordering:
    """`shown` is every completion in the order in which the labeler sees it."""

    shown: tuple[int, ...]
    tiers: Tiers = ()
    flags: dict[int, str] = field(default_factory=dict)
    flag: str | None = None
    comment: str = ""
    method: str = "order"
    answers: Answers = ()
    criterion: str = OVERALL
    others: dict[str, tuple[Tiers, Answers]] = field(default_factory=dict)
    verdicts: dict[int, Verdict] = field(default_factory=dict)
    aside: dict[str, "Ordering"] = field(default_factory=dict)
    """By way to rank: what was begun in that way, before another one was taken."""

    @property
    def unranked(self) -> tuple[int, ...]:
        placed = {item for tier in self.tiers for item in tier}
        return tuple(item for item in self.shown if item not in placed)

    @property
    def judged(self) -> bool:
        """Is there anything in it that can be stored? A comment alone is no judgement."""
        overall = self.switch(OVERALL)
        return bool(overall.tiers or overall.flags or overall.flag or overall.verdicts)

    @property
    def left_out(self) -> tuple[int, ...]:
        """What has no place in an order by hand that gives others one, and no flag: it would count as worse."""
        overall = self.switch(OVERALL)
        if self.method != "order" or self.flag or not overall.tiers:
            return ()
        return tuple(item for item in overall.unranked if item not in self.flags)

    @property
    def question(self) -> tuple[int, int] | None:
        """The two completions to compare next, or None when the answers give the whole order."""
        return pairwise.question(self.shown, self.answers) if self.method == "pairwise" else None

    @property
    def unfinished(self) -> str | None:
        """The criterion of an order whose questions are answered in part: nothing of that could be stored."""
        orders = {self.criterion: (self.tiers, self.answers), **self.others} if self.method == "pairwise" else {}
        return next((name for name, (tiers, answers) in orders.items() if answers and not tiers), None)

    @property
    def begun(self) -> bool:
        """Is anything placed or answered, by whichever criterion?"""
        return any(tiers or answers for tiers, answers in ((self.tiers, self.answers), *self.others.values()))

    @property
    def has_work(self) -> bool:
        """Is there more in it than a comment? Half of the questions answered is work, though nothing can be stored."""
        return self.judged or self.begun or any(each.begun for each in self.aside.values())

    def says_as(self, other: "Ordering") -> bool:
        """Would both be stored as the same ranking?"""
        one, two = self.switch(OVERALL), other.switch(OVERALL)
        return (one.ranks(), one.criteria(), one.flags, one.verdicts, one.flag, one.comment.strip()) == (
            two.ranks(), two.criteria(), two.flags, two.verdicts, two.flag, two.comment.strip()
        )  # fmt: skip

    def rank(self, item: int) -> int | None:
        return next((index + 1 for index, tier in enumerate(self.tiers) if item in tier), None)

    def ranks(self) -> dict[int, int | None]:
        return {item: self.rank(item) for item in self.shown}

    def criteria(self) -> dict[str, dict[int, int | None]]:
        """The ranks by each criterion but the overall one."""
        names = {*self.others, self.criterion} - {OVERALL}
        found = {name: self.switch(name) for name in sorted(names)}
        return {name: ordering.ranks() for name, ordering in found.items() if ordering.tiers}

    def with_ranks(self, ranks: Mapping[int, int | None]) -> "Ordering":
        """Ordered by hand as `ranks` say: 1 is best, equal ones are tied, None is unranked."""
        return replace(self.with_method("order"), tiers=_tiers(self.shown, ranks))

    def among(self, shown: tuple[int, ...]) -> "Ordering":
        """The order of those that are `shown`: what is said of others goes with them."""
        if self.aside:
            aside = {method: each.among(shown) for method, each in self.aside.items()}
            return replace(replace(self, aside={}).among(shown), aside=aside)
        there = set(shown)
        orders = {self.criterion: (self.tiers, self.answers), **self.others}
        named = {item for tiers, answers in orders.values() for item in _named(tiers, answers)}
        if named | self.flags.keys() | self.verdicts.keys() <= there:
            return replace(self, shown=shown, tiers=self.tiers or self._answered(shown))
        best, worst = (item if item in there else None for item in self.extremes)
        left = {name: self._left(shown, *order) for name, order in orders.items()}
        tiers, answers = left.pop(self.criterion)
        flags = {item: flag for item, flag in self.flags.items() if item in there}
        verdicts = {item: verdict for item, verdict in self.verdicts.items() if item in there}
        found = replace(self, shown=shown, tiers=tiers, answers=answers, flags=flags, others=left, verdicts=verdicts)
        return found._extremes(best, worst) if self.method == "best-worst" else found

    def _answered(self, shown: tuple[int, ...]) -> Tiers:
        """What the answers say by themselves: in this order of the completions they may be all."""
        return pairwise.derive(shown, self.answers) if self.answers and self.method == "pairwise" else ()

    def _left(self, shown: tuple[int, ...], tiers: Tiers, answers: Answers) -> tuple[Tiers, Answers]:
        known = tuple(answer for answer in answers if answer[0] in shown and answer[1] in shown)
        if self.method == "pairwise":
            return pairwise.derive(shown, known), known
        kept = (tuple(item for item in tier if item in shown) for tier in tiers)
        return tuple(tier for tier in kept if tier), known

    def with_best(self, item: int) -> "Ordering":
        """With one more completion, shown last: the best one by each order that was begun, or the first that is placed.
        Where questions of two are still open, it is asked about instead."""
        more = replace(self, shown=(*self.shown, item))
        if self.method == "pairwise":
            return more.with_method("order")._topped(item) if self.tiers else more
        return more._topped(item) if self.method == "order" else more._extremes(item, self.extremes[1])

    def _topped(self, item: int) -> "Ordering":
        others = {name: (((item,), *tiers) if tiers else tiers, rest) for name, (tiers, rest) in self.others.items()}
        return replace(self, tiers=((item,), *self.tiers), others=others)

    def switch(self, criterion: str) -> "Ordering":
        """The same ranking with the order by another criterion on top."""
        if criterion == self.criterion:
            return self
        others = self.others | {self.criterion: (self.tiers, self.answers)}
        tiers, answers = others.pop(criterion, ((), ()))
        return replace(self, criterion=criterion, tiers=tiers, answers=answers, others=others)

    def with_method(self, method: str) -> "Ordering":
        """Give the order in another way: what is placed stays where both ways can say it."""
        if method == self.method:
            return self
        best, _ = self.extremes
        keep: Tiers = self.tiers if self.method == "pairwise" and method == "order" else ()
        if self.method == "best-worst" and method == "order" and best is not None:
            keep = ((best,),)
        others = self.others if method == "order" else {}
        return replace(self, method=method, answers=(), tiers=keep, others=others)

    def given_by(self, method: str) -> "Ordering":
        """As `with_method`, and what that cannot say is put aside: it is there again once this way is taken again."""
        if method == self.method:
            return self
        found = self.with_method(method)
        aside = {name: each for name, each in self.aside.items() if name != self.method}
        if self.begun:
            aside[self.method] = Ordering(
                self.shown, self.tiers, method=self.method, answers=self.answers, criterion=self.criterion,
                others=self.others,
            )  # fmt: skip
        if method in aside and not found.begun:
            kept = aside.pop(method).among(self.shown).switch(self.criterion)
            found = replace(found, tiers=kept.tiers, answers=kept.answers, others=kept.others)
        return replace(found, aside=aside)

    def answer(self, sign: int) -> "Ordering":
        """Answer the present question: 1 the left one is better, -1 the right one, 0 neither."""
        if self.question is None:
            return self
        answers = (*self.answers, (*self.question, sign))
        return replace(self, answers=answers, tiers=pairwise.derive(self.shown, answers))

    def take_answer(self) -> "Ordering":
        """Without the last answer."""
        answers = self.answers[:-1]
        return replace(self, answers=answers, tiers=pairwise.derive(self.shown, answers))

    def pick(self, item: int) -> "Ordering":
        """Best and worst only: the first pick is the best, the next one the worst; a second pick takes it back."""
        best, worst = self.extremes
        if item == best:
            return self._extremes(None, worst)
        if item == worst:
            return self._extremes(best, None)
        return self._extremes(item, worst) if best is None else self._extremes(best, item)

    def pick_worst(self, item: int) -> "Ordering":
        best, worst = self.extremes
        return self._extremes(None if item == best else best, None if item == worst else item)

    @property
    def extremes(self) -> tuple[int | None, int | None]:
        """The best and the worst as far as they are picked."""
        if len(self.tiers) == 1:
            return (self.tiers[0][0], None) if len(self.tiers[0]) == 1 else (None, None)
        if len(self.tiers) == 2 and len(self.tiers[0]) > 1:
            return None, self.tiers[1][0]
        return (self.tiers[0][0], self.tiers[-1][0]) if self.tiers else (None, None)

    def _extremes(self, best: int | None, worst: int | None) -> "Ordering":
        if worst is None:
            return replace(self, tiers=() if best is None else ((best,),))
        middle = tuple(item for item in self.shown if item not in (best, worst))
        return self._with(((best,) if best is not None else (), middle, (worst,)))

    def tied(self, item: int) -> bool:
        return any(item in tier and len(tier) > 1 for tier in self.tiers)

    def place_last(self, item: int) -> "Ordering":
        """Below everything placed so far; a completion that has a place keeps it."""
        return self if self.rank(item) else self._with((*self.tiers, (item,)))

    def tie_last(self, item: int) -> "Ordering":
        """Into the lowest tier, or as the first one."""
        return self.tie_with(item, self.tiers[-1][-1]) if self.tiers else self.place_last(item)

    def tie_with(self, item: int, other: int) -> "Ordering":
        """Beside `other`; if that is unranked, both get the next place together."""
        if item == other:
            return self
        placed = self.place_last(other)
        return placed.into_tier(item, (placed.rank(other) or 1) - 1)

    def into_tier(self, item: int, index: int) -> "Ordering":
        """Tie `item` with the tier at `index`."""
        target = self.tiers[index]
        if item in target:
            return self
        return self._with(
            tuple((*tier, item) if tier is target else self._less(tier, item) for tier in self.tiers),
        )

    def insert(self, item: int, index: int) -> "Ordering":
        """Alone in a new tier, before the tier that is at `index` now; past the end it becomes the last."""
        if (item,) in self.tiers and self.tiers.index((item,)) in (index, index - 1):
            return self
        index = max(0, min(index, len(self.tiers)))
        before = [self._less(tier, item) for tier in self.tiers[:index]]
        after = [self._less(tier, item) for tier in self.tiers[index:]]
        return self._with((*before, (item,), *after))

    def to_rank(self, item: int, rank: int) -> "Ordering":
        """Alone at `rank` (1 is best), pushing the others down."""
        without = self.remove(item)
        moved = without.insert(item, rank - 1)
        return self if moved.tiers == self.tiers else moved

    def better(self, item: int) -> "Ordering":
        """One step up: out of a tie, or past the tier above; an unranked one gets the next place."""
        rank = self.rank(item)
        if rank is None:
            return self.place_last(item)
        if self.tied(item):
            return self.insert(item, rank - 1)
        return self.to_rank(item, rank - 1) if rank > 1 else self

    def worse(self, item: int) -> "Ordering":
        rank = self.rank(item)
        if rank is None:
            return self
        if self.tied(item):
            return self.insert(item, rank)
        return self.to_rank(item, rank + 1)

    def tie_up(self, item: int) -> "Ordering":
        """Tie with the tier above; an unranked one with the lowest."""
        rank = self.rank(item)
        if rank is None:
            return self.tie_last(item)
        return self.into_tier(item, rank - 2) if rank > 1 else self

    def remove(self, item: int) -> "Ordering":
        if self.rank(item) is None:
            return self
        return self._with(tuple(self._less(tier, item) for tier in self.tiers))

    def take_back(self) -> "Ordering":
        """Without the lowest placement, or without the last answer."""
        if self.method == "pairwise":
            return self.take_answer()
        if self.method == "best-worst":
            best, worst = self.extremes
            return self._extremes(best if worst is not None else None, None)
        return self.remove(self.tiers[-1][-1]) if self.tiers else self

    def with_item_flag(self, item: int, flag: str | None) -> "Ordering":
        flags = {key: value for key, value in self.flags.items() if key != item}
        return replace(self, flags=flags | {item: flag} if flag else flags)

    def with_verdict(self, item: int, verdict: Verdict | None) -> "Ordering":
        """Whether the completion is good or bad by itself; None takes that back."""
        verdicts = {key: value for key, value in self.verdicts.items() if key != item}
        return replace(self, verdicts=verdicts | {item: verdict} if verdict else verdicts)

    def judge(self, item: int, verdict: Verdict) -> "Ordering":
        """The verdict on a completion; the same one again takes it back."""
        return self.with_verdict(item, None if self.verdicts.get(item) == verdict else verdict)

    def with_flag(self, flag: str | None) -> "Ordering":
        return replace(self, flag=flag)

    def with_comment(self, comment: str) -> "Ordering":
        return replace(self, comment=comment)

    def _with(self, tiers: Iterable[tuple[int, ...]]) -> "Ordering":
        return replace(self, tiers=tuple(tier for tier in tiers if tier))

    @staticmethod
    def _less(tier: tuple[int, ...], item: int) -> tuple[int, ...]:
        return tuple(other for other in tier if other != item)


def from_ranking(ranking: Ranking, shown: Iterable[int]) -> Ordering:
    """The ordering that was stored as `ranking`."""
    order = tuple(shown)
    tiers = _tiers(order, ranking.ranks)
    others: dict[str, tuple[Tiers, Answers]] = {
        name: (_tiers(order, ranks), ()) for name, ranks in ranking.criteria.items() if name != OVERALL
    }
    method = "best-worst" if ranking.method == "best-worst" else "order"
    return Ordering(
        order, tiers, dict(ranking.flags), ranking.flag, ranking.comment, method, others=others,
        verdicts=dict(ranking.verdicts),
    )  # fmt: skip


def _named(tiers: Tiers, answers: Answers) -> set[int]:
    return {item for tier in tiers for item in tier} | {item for one, two, _ in answers for item in (one, two)}


def _tiers(order: tuple[int, ...], ranks: Mapping[int, int | None]) -> Tiers:
    values = sorted({rank for rank in ranks.values() if rank is not None})
    return tuple(tuple(item for item in order if ranks.get(item) == value) for value in values)


def letter(index: int) -> str:
    """The name of the card at `index`: A, B, C ..."""
    return chr(ord("A") + index)
