"""A labeler's session, in the window and in the terminal alike: the queue, the item on the table, saving and skipping.

Undo goes back through placements and through saved rankings alike; a saved one is retracted in the project, after a
restart too. Operations return the `Changes` that others are told of.
"""

from collections.abc import Callable
from functools import partial

from core.errors import BadInput
from core.labeling.drafts import ChangedElsewhere
from core.labeling.editor import PLACE, ItemEditor
from core.labeling.ordering import Ordering
from core.labeling.queue import LabelingQueue
from core.labeling.saving import save
from core.records import Group, Labeler
from core.store import Changes, Project, assignments, calibration, changed, completions, rankings
from core.store.undo import History
from core.store.undo.steps import CallableStep, Refused


class RankedAgain(Refused):
    """The ranking counts no more: the labeler ranked the prompt again, in another window or a pack."""

    because = "another ranking of yours counts by now"
    instead = "change that one, or take it back where it was made"


class LabelingSession:
    """`editor` opens and orders items; `queue` holds what waits. Without a `history` of the window's it has one of its
    own, which reaches back to rankings from before."""

    def __init__(self, project: Project, labeler: Labeler, history: History | None = None) -> None:
        self.project = project
        self.labeler = labeler
        self.queue = LabelingQueue(project, labeler.id)
        if history is None:
            history = History()
            history.earlier = self.latest_saved
        self.history = history
        self.editor = ItemEditor(project, labeler, self.queue, history)

    @property
    def group(self) -> Group | None:
        """What is on the table."""
        return self.editor.item.group if self.editor.item is not None else None

    @property
    def ordering(self) -> Ordering:
        return self.editor.ordering

    @property
    def saveable(self) -> bool:
        return self.editor.item is not None and self.editor.item.saveable

    @property
    def total(self) -> int:
        return self.queue.total

    @property
    def waiting(self) -> int:
        return len(self.queue)

    @property
    def ranked(self) -> int:
        return self.total - self.waiting

    @property
    def ends_calibration(self) -> bool:
        """Is this the last item of the calibration set that the labeler has to rank?"""
        return self.group is not None and self.queue.ends_calibration(self.group.id)

    @property
    def can_undo(self) -> bool:
        return self.history.next("undo") is not None

    def undo(self) -> Changes:
        """Take back the last change by hand, or the last saved ranking and return to its item."""
        return self.history.undo()

    def redo(self) -> Changes:
        return self.history.redo()

    def close(self) -> None:
        """Somebody else takes over: what this labeler did here is not undone any more."""
        self.history.remove(lambda step: step.place == PLACE)

    def reload(self) -> str:
        """Look for groups that came or went; skipped ones stay at the end. What is begun stays on the table, unless the
        labeler ranked it elsewhere since: then that is shown, and this says so."""
        item = self.editor.item
        waited = item is not None and item.group.id in self.queue
        self.queue.reload()
        if item is None:
            return ""
        done_with = waited and item.group.id not in self.queue and not item.begun
        if done_with or not completions.exists(self.project, item.group.id):
            self.editor.close()
        elif item.begun and self.editor.drafts.ranked_since(item.group.id):
            try:
                self.editor.drafts.check(item.group.id)
            except ChangedElsewhere as said:
                self.editor.open_ranked(item.group.id)
                return str(said)
        return ""

    def open_next(self) -> None:
        """Show the first item of the queue, or nothing."""
        first = self.queue.first
        if first is None:
            self.editor.close()
        else:
            self.editor.open(first)

    def save(self, *, timed: bool = True) -> Changes:
        """Store the ranking on disk; only then go on to the next item. `timed` keeps the seconds that it took."""
        item = self.editor.item
        if item is None or not item.saveable:
            if item is not None and item.ordering.unfinished:
                raise BadInput("There are questions left: answer them, take the answers back, or rank in another way.")
            raise BadInput("Nothing is ranked yet: place or judge at least one completion, or set a flag.")
        group_id = item.group.id
        item.watch.mark()
        seconds = round(item.watch.seconds, 1) if timed else None
        repeat_of = None if item.source or item.adjudicating else self.queue.repeats.get(group_id)
        with self.editor.as_it_is():
            changes, mixed_in = save(self.editor.drafts, item, repeat_of=repeat_of, seconds=seconds)
        self.queue.note_own_change()
        self._add(
            group_id,
            changes,
            undo=partial(self._retract, changes.ids[0]),
            redo=partial(self._restore, group_id, changes.ids[0]),
        )
        self._leave(group_id)
        if mixed_in:
            self.reload()
        return changes

    def latest_saved(self) -> CallableStep | None:
        """The labeler's last ranking that stands, as a step: what is taken back after a restart."""
        ranking = rankings.latest(self.project, self.labeler.id)
        if ranking is None:
            return None
        return self._step(
            ranking.group_id,
            changed("Rank", "rankings"),
            undo=partial(self._retract, ranking.id),
            redo=partial(self._restore, ranking.group_id, ranking.id),
        )

    def skip(self) -> bool:
        """Come back to the item later: put it at the end of the queue; False when there is no other."""
        if self.group is None or not self.queue.put_off(self.group.id):
            return False
        self.open_next()
        return True

    def skip_for_good(self) -> Changes | None:
        """Leave the item unranked; undo brings it back."""
        if self.group is None or self.group.id not in self.queue:
            return None
        group_id = self.group.id
        changes = self._skip(group_id)
        self._add(group_id, changes, undo=partial(self._unskip, group_id), redo=partial(self._skip, group_id))
        return changes

    def unskip(self) -> Changes | None:
        """Bring back everything that was skipped for good."""
        groups = sorted(assignments.skipped(self.project, self.labeler.id))
        if not groups:
            return None
        return self._do(
            groups[0],
            undo=partial(assignments.skip, self.project, self.labeler.id, *groups),
            redo=partial(assignments.unskip, self.project, self.labeler.id),
        )

    def calibrate(self, ranking_id: int) -> Changes:
        """Make a ranking part of the calibration set, instead of another one of the same item."""
        group_id = rankings.get(self.project, ranking_id).group_id
        before = calibration.keys(self.project).get(group_id)
        undo = partial(calibration.remove, self.project, group_id)
        if before is not None:
            undo = partial(calibration.add, self.project, before)
        return self._do(group_id, undo=undo, redo=partial(calibration.add, self.project, ranking_id))

    def _do(self, group_id: int, *, undo: Callable[[], Changes], redo: Callable[[], Changes]) -> Changes:
        """Something that is done with several items, or beside the one on the table."""
        changes = self._look_again_after(redo)
        self._add(
            group_id,
            changes,
            undo=partial(self._look_again_after, undo),
            redo=partial(self._look_again_after, redo),
        )
        return changes

    def _look_again_after(self, operation: Callable[[], Changes]) -> Changes:
        changes = operation()
        self.reload()
        if self.group is None:
            self.open_next()
        return changes

    def _add(self, group_id: int, changes: Changes, *, undo: Callable[[], object], redo: Callable[[], object]) -> None:
        self.history.add(self._step(group_id, changes, undo=undo, redo=redo))

    def _step(
        self, group_id: int, changes: Changes, *, undo: Callable[[], object], redo: Callable[[], object]
    ) -> CallableStep:
        there = partial(completions.exists, self.project, group_id)
        return CallableStep(label=changes.label, tables=changes.tables, place=PLACE, undo=undo, redo=redo, there=there)

    def _leave(self, group_id: int) -> None:
        """The item is done with: the next one comes."""
        self.queue.remove(group_id)
        self.open_next()

    def _skip(self, group_id: int) -> Changes:
        """What was begun stays on disk, and is there again where it is brought back."""
        changes = assignments.skip(self.project, self.labeler.id, group_id)
        self._leave(group_id)
        self.reload()
        return changes

    def _unskip(self, group_id: int) -> None:
        assignments.unskip(self.project, self.labeler.id, group_id)
        self.reload()
        self.editor.open(group_id)

    def _retract(self, ranking_id: int) -> None:
        ranking = rankings.get(self.project, ranking_id)
        with self.project.write():
            counts = rankings.standing(self.project, ranking.group_id, self.labeler.id)
            if counts not in (None, ranking_id) and ranking.repeat_of is None:
                raise RankedAgain
            rankings.retract(self.project, ranking_id)
            item = self.editor.take_up_again(ranking)
        self.editor.item = item
        self.queue.note_own_change()
        self.queue.put_first(ranking.group_id, ranking.repeat_of)

    def _restore(self, group_id: int, ranking_id: int) -> None:
        """What was begun since, a comment too, is no part of the ranking and stays."""
        drafts, saved = self.editor.drafts, self.editor.saved_order(rankings.get(self.project, ranking_id))
        with self.project.write():
            rankings.restore(self.project, ranking_id)
            begun = drafts.get(group_id)
            drafts.note_ranked(group_id)  # which is no news to whoever does it again
            if begun is not None and begun.ordering.says_as(saved):
                drafts.keep(group_id, None)
        self.queue.note_own_change()
        self._leave(group_id)
