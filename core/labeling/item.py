"""The item on the table: completions of one prompt and the order that a labeler is giving them."""

from dataclasses import dataclass, field, replace

from core.labeling.clock import Stopwatch
from core.labeling.drafts import Begun
from core.labeling.ordering import Ordering
from core.preferences.judged_groups import OVERALL
from core.records import Group, Ranking


@dataclass(frozen=True)
class Item:
    """`touched` says whether the order is the labeler's own: only such an order is ever saved. `source` is the stored
    ranking that is being looked at or revised. `adjudicating` marks an order that will count instead of everybody
    else's. `watch` counts the seconds of work on it."""

    group: Group
    ordering: Ordering
    touched: bool = False
    source: Ranking | None = None
    adjudicating: bool = False
    watch: Stopwatch = field(default_factory=Stopwatch, compare=False)

    @property
    def saveable(self) -> bool:
        """A flag on the prompt stands instead of an order; of any other one all questions are to be answered."""
        return self.touched and self.ordering.judged and not (self.ordering.unfinished and not self.ordering.flag)

    @property
    def begun(self) -> bool:
        """Is there work in it that must not be taken away by news of others?"""
        return self.touched or self.adjudicating

    @property
    def left_out(self) -> set[int]:
        """What was written after the ranking that is revised, and was not judged in the revision either."""
        if self.source is None:
            return set()
        orders = [self.ordering.tiers, *(tiers for tiers, _ in self.ordering.others.values())]
        judged = {item for tiers in orders for tier in tiers for item in tier}
        judged |= self.ordering.flags.keys() | self.ordering.verdicts.keys()
        return set(self.ordering.shown) - set(self.source.ranks) - judged

    def next_criterion(self, criteria: tuple[str, ...]) -> str | None:
        """The first of `criteria` by which there is no order yet; the overall order comes last."""
        for name in (*criteria, OVERALL):
            if not self.ordering.switch(name).tiers:
                return name
        return None

    def changed(self, ordering: Ordering, *, touched: bool) -> "Item":
        return replace(self, ordering=ordering, touched=touched)

    def commented(self, comment: str) -> "Item":
        """With another comment, which makes an order the labeler's own unless a script made it."""
        mine = self.source is None or self.source.labeler.kind == "person"
        return self.changed(self.ordering.with_comment(comment), touched=self.touched or mine)

    @property
    def kept(self) -> Begun | None:
        """What of it is kept on disk until it is saved; of a script's order a remark alone."""
        if self.touched:
            return Begun(self.ordering, self.source.id if self.source is not None else None, self.adjudicating)
        if self.ordering.comment == (self.source.comment if self.source is not None else ""):
            return None
        return Begun(Ordering(self.ordering.shown, comment=self.ordering.comment))
