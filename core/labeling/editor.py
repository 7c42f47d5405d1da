"""Opening an item and ordering it: every change by hand is on disk, as a draft, before it is shown."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from core.errors import BadInput, KnownError
from core.labeling.answer_drafts import NEW, AnswerDrafts
from core.labeling.drafts import Begun, ChangedElsewhere, CommentsJoined, Drafts, RankedElsewhere
from core.labeling.item import Item
from core.labeling.ordering import Ordering, from_ranking
from core.labeling.queue import LabelingQueue
from core.preferences.judged_groups import OVERALL
from core.records import MOST_COMPLETIONS, Labeler, Ranking
from core.store import Changes, Project, completions, rankings
from core.store.typed import both
from core.store.undo import History
from core.store.undo.steps import CallableStep, Refused
from core.texts import whole

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
        """Is the labeler's own stored ranking on the table? Then there is nothing to hide any more, unless they are to
        decide between labelers."""
        if self.item is None or self.item.source is None or self.item.source.labeler.id != self.labeler.id:
            return False
        return self.item.source.adjudicates or not self.item.adjudicating

    @property
    def next_criterion(self) -> str | None:
        """The first criterion that this item is not ordered by yet; the overall order comes last."""
        return self.item.next_criterion(self.criteria) if self.item is not None else None

    def close(self) -> None:
        """Nothing is on the table."""
        self.item = None

    def open(self, group_id: int) -> None:
        """Show one item, with what the labeler had begun there."""
        begun = self.drafts.get(group_id)
        self.item = self._fresh(group_id) if begun is None else self._resumed(group_id, begun)

    def take_up(self, group_id: int) -> None:
        """Show an item that somebody names: the labeler's ranking that counts, to be revised, or as `open` does."""
        earlier = rankings.standing(self.project, group_id, self.labeler.id)
        if earlier is None:
            self.open(group_id)
        else:
            self.revise(earlier)

    def adjudicate(self, group_id: int) -> None:
        """Show an item whose labelers disagree: what is saved now counts instead of their rankings. It begins as the
        labeler's own one, of which all would be replaced by what is saved."""
        self.take_up(group_id)
        if self.item is not None:
            self.item = replace(self.item, adjudicating=True)
            self.stand_by()

    def stand_by(self) -> None:
        """What is on the table is the labeler's own as it is, without a change."""
        if self.item is not None:
            self.item = replace(self.item, touched=self.item.touched or self.item.ordering.has_work)

    def revise(self, ranking_id: int) -> None:
        """Show an earlier ranking. Saving makes a new one; an order made by a script must be changed first."""
        ranking = rankings.get(self.project, ranking_id)
        begun = self.drafts.get(ranking.group_id)
        emptied = begun is not None and begun.source is not None and ranking.labeler.kind == "person"
        if begun is not None and (begun.ordering.has_work or emptied):
            self.item = self._resumed(ranking.group_id, begun, source=ranking)
            return
        ordering = from_ranking(ranking, self._shown(ranking.group_id, again=False))
        adjudicating = self._decides(ranking.group_id, ranking)
        item = self._made(ranking.group_id, ordering, source=ranking, adjudicating=adjudicating)
        self.item = item if begun is None else item.commented(both(ordering.comment, begun.ordering.comment))

    def open_ranked(self, group_id: int) -> None:
        """Show the labeler's newest ranking of an item, or what is begun over it."""
        self.revise(rankings.newest_of(self.project, group_id, self.labeler.id))
        self.drafts.note_ranked(group_id)

    def take_up_again(self, ranking: Ranking) -> Item:
        """The item of a ranking that is being taken back, as it was before it was saved, on disk; what was begun there
        since stays instead. It belongs onto the table once that is committed."""
        ordering, begun = self.saved_order(ranking), self.drafts.get(ranking.group_id)
        if begun is not None and begun.ordering.has_work:
            return self._resumed(ranking.group_id, begun)
        if begun is not None:
            said = dict.fromkeys(filter(None, (ordering.comment, begun.ordering.comment)))
            ordering = ordering.with_comment("\n".join(said))
        item = self._made(ranking.group_id, ordering, touched=True, adjudicating=ranking.adjudicates)
        self._keep(item)
        return item

    def saved_order(self, ranking: Ranking) -> Ordering:
        """The order of a stored ranking, as its labeler saw the completions."""
        return from_ranking(ranking, self._shown(ranking.group_id, again=ranking.repeat_of is not None))

    def change(self, ordering: Ordering) -> bool:
        """Take over an ordering made by hand, on disk first; False if nothing differs. Raises `ChangedElsewhere`."""
        item = self.item
        if item is None or ordering == item.ordering:
            return False
        after = item.changed(ordering, touched=True)
        with self.as_it_is():
            self._keep(after)
        step = CallableStep(
            label=change_label(item.ordering, ordering),
            place=PLACE,
            undo=partial(self._return, item),
            redo=partial(self._return, after),
            there=partial(completions.exists, self.project, item.group.id),
        )
        self.history.add(step)
        self.item = after
        return True

    def switch(self, criterion: str) -> None:
        """Look at the order by another criterion; this alone is no change."""
        if self.item is not None:
            self.item = self.item.changed(self.item.ordering.switch(criterion), touched=self.item.touched)

    def use(self, method: str) -> None:
        """Give the order in another way from now on, as `Ordering.given_by` has it."""
        self.method = method
        if self.item is None:
            return
        before = self.item.ordering
        ordering = before.given_by(method)
        if before.begun or ordering.begun:
            self.change(ordering)
        else:
            self.item = self.item.changed(ordering, touched=self.item.touched)

    def set_comment(self, comment: str) -> None:
        """Typing has its own undo. A remark on a script's order does not make it the labeler's own. Where another
        window wrote meanwhile, it joins what was said there; raises `ChangedElsewhere` then."""
        item, comment = self.item, whole(comment)
        if item is None or comment == item.ordering.comment:
            return
        after = item.commented(comment)
        try:
            with self.as_it_is():
                self.item = after  # where it cannot be written now, it is saved with the ranking
                self._keep(after)
        except ChangedElsewhere as elsewhere:
            if self.item is not None and comment not in self.item.ordering.comment:
                self.recall(comment)
                try:
                    self._keep(self.item)
                except (KnownError, sqlite3.Error, OSError) as error:
                    raise elsewhere from error  # it is to be shown before anything is typed over it
                raise CommentsJoined from elsewhere
            raise

    def keep_comment(self, group_id: int, comment: str) -> None:
        """Write a comment that could not be written when it was typed; by now its item may be on the table or not. What
        was said there since stays. Raises `ChangedElsewhere`."""
        if self.item is not None and self.item.group.id == group_id:
            self.recall(comment)
            with self.as_it_is():
                self._keep(self.item)
        elif completions.exists(self.project, group_id):
            begun = self.drafts.get(group_id)
            item = self._fresh(group_id) if begun is None else self._resumed(group_id, begun)
            self.drafts.keep(group_id, item.commented(both(item.ordering.comment, comment)).kept)

    def recall(self, comment: str) -> None:
        """Show the item with a comment that could not be written yet."""
        if self.item is not None:
            self.item = self.item.commented(both(self.item.ordering.comment, comment))

    def write(self, text: str, of: int | None = None) -> Changes:
        """Add an answer of the labeler's own to what is on the table, or one made of its completion `of`: the best one
        until it is placed elsewhere. Undo takes it away again, and keeps its text as one that is begun. Raises
        `BadInput` for what is no further answer."""
        item, text = self.item, whole(text)
        if item is None:
            raise BadInput("There is nothing to answer: open a prompt first.")
        with self.as_it_is():
            changes = self._add(item, text, of)
        (number,) = changes.ids
        step = CallableStep(
            label=changes.label,
            tables=changes.tables,
            place=PLACE,
            undo=partial(self._take_back, item, text, of, number),
            redo=partial(self._add_again, item, text, of, number),
            there=partial(completions.exists, self.project, item.group.id),
        )
        self.history.add(step)
        return changes

    def _add(self, item: Item, text: str, of: int | None, number: int | None = None) -> Changes:
        """Store the answer, and the order with it. Where that fails, it is begun still, in the place where it was."""
        with self.project.write():
            changes = completions.write(self.project, item.group.id, self.labeler.id, text, of, number=number)
            after = self._stored(item.changed(item.ordering.with_best(*changes.ids), touched=True))
            self.answers.added(item.group.id, text)
        self.item = after
        return changes

    def _add_again(self, item: Item, text: str, of: int | None, number: int) -> None:
        with _refusing(BadInput):
            self._add(item, text, of, number)

    def _take_back(self, item: Item, text: str, of: int | None, number: int) -> None:
        with _refusing(BadInput), self.project.write():
            completions.take_back(self.project, number)
            self.answers.taken_back(item.group.id, of or NEW, text)
            before = self._stored(item)
        self.item = before

    @contextmanager
    def as_it_is(self) -> Iterator[None]:
        """What is done within is refused, and the item shown as it is by now, where others changed it: another window
        of the labeler's went on with it, or somebody took an answer back. Raises `ChangedElsewhere`."""
        item = self.item
        try:
            if item is not None:
                self._require_cards(item)
            yield
        except RankedElsewhere:
            if item is not None:
                self.open_ranked(item.group.id)
            raise
        except ChangedElsewhere:
            if item is not None:
                self.open(item.group.id)
            raise

    def _require_cards(self, item: Item) -> None:
        if not completions.exists(self.project, item.group.id):
            raise BadInput("This prompt was deleted meanwhile: go on with the next one.")
        if not set(item.ordering.shown) <= set(completions.ids(self.project, item.group.id)):
            raise ChangedElsewhere("An answer was taken back meanwhile: here is the order without it.")

    def _return(self, then: Item) -> None:
        """Undo or redo of a change."""
        with _refusing(ChangedElsewhere), self.project.write():
            item = self._stored(then)
        self.item = item

    def _stored(self, then: Item) -> Item:
        """An item as it was, on disk again, without what is gone; it belongs onto the table once that is committed.
        Typing a comment is no step: what was said last outlives undo."""
        group_id = then.group.id
        self.drafts.check(group_id)
        begun = self.drafts.get(group_id)
        here = self.item if self.item is not None and self.item.group.id == group_id else then
        last = here.ordering if begun is None else begun.ordering
        ids = set(completions.ids(self.project, group_id))
        ordering = then.ordering.among(tuple(card for card in then.ordering.shown if card in ids))
        item = self._made(group_id, ordering, touched=then.touched, source=then.source, adjudicating=then.adjudicating)
        if last.comment != ordering.comment:
            item = item.commented(last.comment)
        self._keep(item)
        return item

    def _fresh(self, group_id: int) -> Item:
        ordering = Ordering(self._shown(group_id), method=self.method)
        ordering = ordering.switch(self.criteria[0] if self.criteria else OVERALL)
        return self._made(group_id, ordering, adjudicating=self._decides(group_id))

    def _resumed(self, group_id: int, begun: Begun, source: Ranking | None = None) -> Item:
        if source is None and begun.source is not None:
            source = rankings.find(self.project, begun.source)
        if source is not None and source.group_id != group_id:
            source = None
        adjudicating = begun.adjudicating or self._decides(group_id, source)
        return self._made(group_id, begun.ordering, touched=True, source=source, adjudicating=adjudicating)

    def _decides(self, group_id: int, source: Ranking | None = None) -> bool:
        """Whoever decided a prompt and ranks it again decides it again; a repeat is no decision."""
        repeats = source is None and group_id in self.queue.repeats
        return not repeats and rankings.adjudicated_by(self.project, group_id, self.labeler.id)

    def _made(
        self, group_id: int, ordering: Ordering, *, touched: bool = False, source: Ranking | None = None,
        adjudicating: bool = False,
    ) -> Item:  # fmt: skip
        """An item for the table; the time that it took goes on where it lies there already."""
        count = len(completions.ids(self.project, group_id))
        if count > MOST_COMPLETIONS:
            raise BadInput(f"This prompt has {count:,} completions, and at most {MOST_COMPLETIONS} can be ranked.")
        item = Item(completions.group(self.project, group_id), ordering, touched, source, adjudicating)
        if self.item is not None and self.item.group.id == group_id:
            return replace(item, watch=self.item.watch)
        return item

    def _shown(self, group_id: int, *, again: bool | None = None) -> tuple[int, ...]:
        """The completions in the order in which the labeler sees them; a repeat has an order of its own."""
        again = group_id in self.queue.repeats if again is None else again
        ids = completions.ids(self.project, group_id)
        by_hand = completions.written_by_hand(self.project, group_id)
        return tuple(rankings.shown_order(group_id, self.labeler.id, ids, again=again, by_hand=by_hand))

    def _keep(self, item: Item) -> None:
        """What of an item is the labeler's own goes to the disk."""
        if self.item is not None:
            self.item.watch.mark()
        self.drafts.keep(item.group.id, item.kept)


@contextmanager
def _refusing(kind: type[BadInput]) -> Iterator[None]:
    """What others did since, for undo and redo."""
    try:
        yield
    except kind as error:
        raise Refused(str(error)) from error


def change_label(before: Ordering, after: Ordering) -> str:
    """What was done to an order by hand, for menus."""
    if before.method != after.method:
        return "Change the way to rank"
    if (before.flag, before.flags) != (after.flag, after.flags):
        return "Flag"
    if before.verdicts != after.verdicts:
        return "Verdict"
    return "Answer" if before.answers != after.answers else "Order"
