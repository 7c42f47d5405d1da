"""Opening an item and ordering it: every change by hand is on disk, as a draft, before it is shown."""

from dataclasses import replace
from functools import partial

from core.errors import BadInput
from core.labeling.answer_drafts import NEW, AnswerDrafts
from core.labeling.drafts import Drafts
from core.labeling.item import Item
from core.labeling.ordering import Ordering, from_ranking
from core.labeling.queue import LabelingQueue
from core.preferences.judged_groups import OVERALL
from core.records import MOST_COMPLETIONS, Labeler, Ranking
from core.store import Changes, Project, completions, rankings
from core.store.undo import History
from core.store.undo.steps import CallableStep, Refused

#: The page on which orders are seen.
PLACE = "rank"
EMPTY = Ordering(())


class ItemEditor:
    """`criteria` are the names to order by besides the overall order; `method` is how a new item begins. What is
    changed by hand becomes a step of `history`."""

    def __init__(self, project: Project, labeler: Labeler, queue: LabelingQueue, history: History) -> None:
        self.project = project
        self.labeler = labeler
        self.queue = queue
        self.history = history
        self.method = "order"
        self.criteria: tuple[str, ...] = ()
        self.item: Item | None = None
        self.drafts = Drafts(project, labeler.id, self._shown)
        self.answers = AnswerDrafts(project, labeler.id)

    @property
    def ordering(self) -> Ordering:
        """The order on the table; an empty one if nothing is there."""
        return self.item.ordering if self.item is not None else EMPTY

    @property
    def reviewing(self) -> bool:
        """Is the labeler's own stored ranking on the table? Then there is nothing to hide any more."""
        source = self.item.source if self.item is not None else None
        return source is not None and source.labeler.id == self.labeler.id

    @property
    def next_criterion(self) -> str | None:
        """The first criterion that this item is not ordered by yet; the overall order comes last."""
        return self.item.next_criterion(self.criteria) if self.item is not None else None

    def close(self) -> None:
        """Nothing is on the table."""
        self.item = None

    def open(self, group_id: int) -> None:
        """Show one item, with what the labeler had begun there."""
        ordering = self.drafts.get(group_id)
        self._show(group_id, ordering, touched=ordering is not None)

    def adjudicate(self, group_id: int) -> None:
        """Show an item whose labelers disagree: what is saved now counts instead of their rankings."""
        self.open(group_id)
        if self.item is not None:
            self.item = replace(self.item, adjudicating=True)

    def revise(self, ranking_id: int) -> None:
        """Show an earlier ranking. Saving makes a new one; an order made by a script must be changed first."""
        ranking = rankings.get(self.project, ranking_id)
        draft = self.drafts.get(ranking.group_id)
        ordering = draft or from_ranking(ranking, self._shown(ranking.group_id, again=False))
        self._show(ranking.group_id, ordering, touched=draft is not None, source=ranking)

    def reopen(self, ranking: Ranking, ordering: Ordering) -> None:
        """Show the item of a ranking that was taken back, as it was before it was saved."""
        self._show(ranking.group_id, ordering, touched=True)
        if self.item is not None:
            self.item = replace(self.item, adjudicating=ranking.adjudicates)

    def saved_order(self, ranking: Ranking) -> Ordering:
        """The order of a stored ranking, as its labeler saw the completions."""
        return from_ranking(ranking, self._shown(ranking.group_id, again=ranking.repeat_of is not None))

    def change(self, ordering: Ordering) -> bool:
        """Take over an ordering made by hand, on disk first; False if nothing differs."""
        item = self.item
        if item is None or ordering == item.ordering:
            return False
        self._keep(item.group.id, ordering)
        step = CallableStep(
            label=change_label(item.ordering, ordering),
            place=PLACE,
            undo=partial(self._return, item.group.id, item.ordering, touched=item.touched),
            redo=partial(self._return, item.group.id, ordering, touched=True),
            there=partial(completions.exists, self.project, item.group.id),
        )
        self.history.add(step)
        self.item = item.changed(ordering, touched=True)
        return True

    def switch(self, criterion: str) -> None:
        """Look at the order by another criterion; this alone is no change."""
        if self.item is not None:
            self.item = self.item.changed(self.item.ordering.switch(criterion), touched=self.item.touched)

    def use(self, method: str) -> None:
        """Give the order in another way from now on."""
        self.method = method
        if self.item is None:
            return
        ordering = self.item.ordering.with_method(method)
        if self.item.ordering.tiers or self.item.ordering.answers:
            self.change(ordering)
        else:
            self.item = self.item.changed(ordering, touched=self.item.touched)

    def set_comment(self, comment: str) -> None:
        """Typing has its own undo. A remark on a script's order does not make it the labeler's own."""
        item = self.item
        if item is None or comment == item.ordering.comment:
            return
        ordering = item.ordering.with_comment(comment)
        mine = item.source is None or item.source.labeler.kind == "person"
        self.item = item.changed(ordering, touched=item.touched or mine)
        if mine:
            self._keep(item.group.id, ordering)

    def write(self, text: str, of: int | None = None) -> Changes:
        """Add an answer of the labeler's own to what is on the table, or one made of its completion `of`: the best one
        until it is placed elsewhere. Undo takes it away again, and keeps its text as one that is begun. Raises
        `BadInput` for what is no further answer."""
        item, made = self.item, list[int]()
        if item is None:
            raise BadInput("There is nothing to answer: open a prompt first.")
        group_id = item.group.id

        def redo() -> Changes:
            with self.project.write():
                changes = completions.write(self.project, group_id, self.labeler.id, text, of)
                if made and changes.ids != tuple(made):  # later steps know it by its number
                    raise Refused("Other answers came in the meantime: write it anew, its text is kept.")
                made[:] = changes.ids
                self.answers.keep(group_id, of or NEW, "")
                self._return(group_id, item.ordering.with_best(*made), touched=True)
            return changes

        def undo() -> None:
            try:
                with self.project.write():
                    completions.take_back(self.project, *made)
                    self.answers.keep(group_id, of or NEW, text)
                    self._return(group_id, item.ordering, touched=item.touched)
            except BadInput as error:
                raise Refused(str(error)) from error

        changes = redo()
        there = partial(completions.exists, self.project, group_id)
        step = CallableStep(label=changes.label, tables=changes.tables, place=PLACE, undo=undo, redo=redo, there=there)
        self.history.add(step)
        return changes

    def _return(self, group_id: int, ordering: Ordering, *, touched: bool) -> None:
        """Undo or redo of a change. Typing a comment is no step: a comment on screen outlives undo."""
        here = self.item if self.item is not None and self.item.group.id == group_id else None
        kept = ordering.with_comment(here.ordering.comment) if here is not None else ordering
        self._keep(group_id, kept if touched else None)
        self._show(group_id, kept, touched=touched, source=here.source if here is not None else None)

    def _show(self, group_id: int, ordering: Ordering | None, *, touched: bool, source: Ranking | None = None) -> None:
        count = len(completions.ids(self.project, group_id))
        if count > MOST_COMPLETIONS:
            raise BadInput(f"This prompt has {count:,} completions, and at most {MOST_COMPLETIONS} can be ranked.")
        if ordering is None:
            fresh = Ordering(self._shown(group_id, again=group_id in self.queue.repeats), method=self.method)
            ordering = fresh.switch(self.criteria[0] if self.criteria else OVERALL)
        group = completions.group(self.project, group_id)
        if self.item is not None and self.item.group.id == group_id:
            self.item = replace(self.item, group=group, ordering=ordering, touched=touched, source=source)
        else:
            self.item = Item(group, ordering, touched, source)

    def _shown(self, group_id: int, *, again: bool | None = None) -> tuple[int, ...]:
        """The completions in the order in which the labeler sees them; a repeat has an order of its own."""
        again = group_id in self.queue.repeats if again is None else again
        ids = completions.ids(self.project, group_id)
        by_hand = completions.written_by_hand(self.project, group_id)
        return tuple(rankings.shown_order(group_id, self.labeler.id, ids, again=again, by_hand=by_hand))

    def _keep(self, group_id: int, ordering: Ordering | None) -> None:
        if self.item is not None:
            self.item.watch.mark()
        self.drafts.keep(group_id, ordering)


def change_label(before: Ordering, after: Ordering) -> str:
    """What was done to an order by hand, for menus."""
    if before.method != after.method:
        return "Change the way to rank"
    if (before.flag, before.flags) != (after.flag, after.flags):
        return "Flag"
    return "Answer" if before.answers != after.answers else "Order"
