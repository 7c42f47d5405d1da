"""One ranking in the making, as plain data: each change gives a new ordering, so undo is keeping the old one. No Qt.

`tiers` holds the placed completions, best first; those in one tier are tied. Whatever is in no tier is unranked.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from core.records import Ranking

Tiers = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Ordering:
    """`shown` is every completion in the order in which the labeler sees it."""

    shown: tuple[int, ...]
    tiers: Tiers = ()
    flags: dict[int, str] = field(default_factory=dict)
    flag: str | None = None
    comment: str = ""

    @property
    def unranked(self) -> tuple[int, ...]:
        placed = {item for tier in self.tiers for item in tier}
        return tuple(item for item in self.shown if item not in placed)

    @property
    def judged(self) -> bool:
        """Is there anything in it that can be stored? A comment alone is no judgement."""
        return bool(self.tiers or self.flags or self.flag)

    def rank(self, item: int) -> int | None:
        return next((index + 1 for index, tier in enumerate(self.tiers) if item in tier), None)

    def ranks(self) -> dict[int, int | None]:
        return {item: self.rank(item) for item in self.shown}

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
        """Without the lowest placement."""
        return self.remove(self.tiers[-1][-1]) if self.tiers else self

    def with_item_flag(self, item: int, flag: str | None) -> "Ordering":
        flags = {key: value for key, value in self.flags.items() if key != item}
        return replace(self, flags=flags | {item: flag} if flag else flags)

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
    values = sorted({rank for rank in ranking.ranks.values() if rank is not None})
    tiers = tuple(tuple(item for item in order if ranking.ranks.get(item) == value) for value in values)
    return Ordering(order, tiers, dict(ranking.flags), ranking.flag, ranking.comment)


def letter(index: int) -> str:
    """The name of the card at `index`: A, B, C ..."""
    return chr(ord("A") + index)
