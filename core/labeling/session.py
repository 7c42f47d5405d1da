"""What a labeler has in hand: the queue, the ordering of the current item, and one undo line over both. No Qt.

Every change by hand is on disk, as a draft, before it is shown. Undo goes back through placements and through
saved rankings alike; a saved one is retracted in the project, after a restart too. Operations return the
`Changes` that the window announces.
"""

import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from core.errors import BadInput
from core.labeling import drafts
from core.labeling.ordering import OVERALL, Ordering, from_ranking
from core.records import Group, Labeler, NewRanking, Ranking
from core.store import Changes, Project, assignments, calibration, completions, rankings
from core.store import drafts as kept_drafts

#: A pause longer than this is not counted as work on an item.
IDLE_SECONDS = 120.0


@dataclass(frozen=True)
class Edit:
    """One change by hand; `touched` is what it was before."""

    group_id: int
    before: Ordering
    after: Ordering
    touched: bool


@dataclass(frozen=True)
class Saved:
    group_id: int
    ranking_id: int


@dataclass(frozen=True)
class Skipped:
    group_id: int


@dataclass(frozen=True)
class Beside:
    """Something else that was done with an item or several, what takes it back, and what does it again."""

    group_id: int
    undo: Callable[[], Changes]
    redo: Callable[[], Changes]


Step = Edit | Saved | Skipped | Beside


class Labeling:
    """`touched` says whether the order on screen is the labeler's own: only such an order is ever saved.

    `criteria` are the names to order by besides the overall order; `method` is how a new item begins.
    `adjudicating` marks a ranking that will count instead of everybody else's.
    """

    def __init__(self, project: Project, labeler: Labeler) -> None:
        self.project = project
        self.labeler = labeler
        self.group: Group | None = None
        self.ordering = Ordering(())
        self.source: Ranking | None = None
        self.touched = False
        self.adjudicating = False
        self.total = 0
        self.method = "order"
        self.criteria: tuple[str, ...] = ()
        self.queue = assignments.Queue((), 0, {}, frozenset())
        self._seen = (0, 0)
        self._waiting: dict[int, None] = {}
        self._drafts: dict[int, Ordering] = {}
        self._done: list[Step] = []
        self._undone: list[Step] = []
        self._acted = time.monotonic()
        self._seconds = 0.0
        self.reload()
        self._read_drafts()

    @property
    def ranked(self) -> int:
        return self.total - len(self._waiting)

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    @property
    def saveable(self) -> bool:
        return self.group is not None and self.touched and self.ordering.judged

    @property
    def reviewing(self) -> bool:
        """Is the labeler's own stored ranking on the table? Then there is nothing to hide any more."""
        return self.source is not None and self.source.labeler.id == self.labeler.id

    @property
    def ends_calibration(self) -> bool:
        """Is this the last item of the calibration set that the labeler has to rank?"""
        left = self.queue.calibration & self._waiting.keys()
        return self.group is not None and left == {self.group.id}

    @property
    def next_criterion(self) -> str | None:
        """The first criterion that this item is not ordered by yet; the overall order comes last."""
        for name in (*self.criteria, OVERALL):
            if not self.ordering.switch(name).tiers:
                return name
        return None

    @property
    def can_undo(self) -> bool:
        return bool(self._done) or rankings.latest(self.project, self.labeler.id) is not None

    @property
    def can_redo(self) -> bool:
        return bool(self._undone)

    def reload(self) -> None:
        """Look for groups that came or went; skipped ones stay at the end."""
        self.queue = assignments.queue(self.project, self.labeler.id)
        self._seen = self._state()
        self.total = self.queue.total
        known = set(self.queue.waiting)
        begun = self.touched or self.adjudicating
        if self.group and not begun and self.group.id in self._waiting.keys() - known:  # ranked in another window
            self.group = None
        kept = [group_id for group_id in self._waiting if group_id in known]
        self._waiting = dict.fromkeys([*kept, *self.queue.waiting])
        if self.group and not completions.exists(self.project, self.group.id):
            self._drafts.pop(self.group.id, None)
            self.group = None

    @property
    def outdated(self) -> bool:
        """Has somebody else ranked since the queue was read?"""
        return self._state() != self._seen

    def _state(self) -> tuple[int, int]:
        """The newest ranking, and how often earlier ones were taken back or changed."""
        return rankings.newest_id(self.project), self.project.edits("rankings")

    def _note_own_change(self) -> None:
        """One step further is our own change; anything more was somebody else's, and is `outdated`."""
        if sum(state := self._state()) == sum(self._seen) + 1:
            self._seen = state

    def open_next(self) -> None:
        """Show the first item of the queue, or nothing."""
        first = next(iter(self._waiting), None)
        if first is None:
            self.group, self.source = None, None
        else:
            self.open(first)

    def open(self, group_id: int) -> None:
        """Show one item, with what the labeler had begun there."""
        ordering = self._drafts.get(group_id)
        self._show(group_id, ordering, ordering is not None, None)

    def adjudicate(self, group_id: int) -> None:
        """Show an item whose labelers disagree: what is saved now counts instead of their rankings."""
        self.open(group_id)
        self.adjudicating = True

    def revise(self, ranking_id: int) -> None:
        """Show an earlier ranking. Saving makes a new one; an order made by a script must be changed first."""
        ranking = rankings.get(self.project, ranking_id)
        ordering = from_ranking(ranking, self._shown(ranking.group_id))
        draft = self._drafts.get(ranking.group_id)
        self._show(ranking.group_id, draft or ordering, draft is not None, ranking)

    def change(self, ordering: Ordering) -> bool:
        """Take over an ordering made by hand, on disk first; False if nothing differs."""
        if self.group is None or ordering == self.ordering:
            return False
        self._keep(self.group.id, ordering)
        self._done.append(Edit(self.group.id, self.ordering, ordering, self.touched))
        self._undone.clear()
        self.ordering, self.touched = ordering, True
        return True

    def switch(self, criterion: str) -> None:
        """Look at the order by another criterion; this alone is no change."""
        self.ordering = self.ordering.switch(criterion)

    def use(self, method: str) -> None:
        """Give the order in another way from now on."""
        self.method = method
        if self.group is None or not self.ordering.tiers + self.ordering.answers:
            self.ordering = self.ordering.with_method(method)
        else:
            self.change(self.ordering.with_method(method))

    def set_comment(self, comment: str) -> None:
        """Typing has its own undo. A remark on a script's order does not make it the labeler's own."""
        if comment == self.ordering.comment or self.group is None:
            return
        self.ordering = self.ordering.with_comment(comment)
        if self.source is None or self.source.labeler.kind == "person":
            self.touched = True
            self._keep(self.group.id, self.ordering)

    def save(self) -> Changes:
        """Store the ranking on disk; only then go on to the next item."""
        if not self.saveable or self.group is None:
            raise BadInput("Nothing is ranked yet: place at least one completion or set a flag.")
        self._count_time()
        overall = self.ordering.switch(OVERALL)
        with self.project.write():
            changes = rankings.add(
                self.project,
                NewRanking(
                    self.group.id,
                    self.labeler.id,
                    overall.ranks(),
                    flag=overall.flag,
                    flags=overall.flags,
                    comment=overall.comment.strip(),
                    seconds=round(self._seconds, 1),
                    criteria=overall.criteria(),
                    method=overall.method,
                    shown=overall.shown,
                    repeat_of=None if self.source else self.queue.repeats.get(self.group.id),
                    adjudicates=self.adjudicating,
                ),
            )
            repeat = assignments.mix_in_repeat(self.project, self.labeler.id)
        self._note_own_change()
        self._done.append(Saved(self.group.id, changes.ids[0]))
        self._undone.clear()
        self._leave(self.group.id)
        if repeat is not None:
            self.reload()
        return changes

    def skip(self) -> bool:
        """Come back to the item later: put it at the end of the queue; False when there is no other."""
        if self.group is None:
            return False
        if self.group.id in self._waiting:
            if len(self._waiting) == 1:
                return False
            self._waiting.pop(self.group.id)
            self._waiting[self.group.id] = None
        self.open_next()
        return True

    def skip_for_good(self) -> Changes | None:
        """Leave the item unranked; undo brings it back."""
        if self.group is None or self.group.id not in self._waiting:
            return None
        changes = assignments.skip(self.project, self.labeler.id, self.group.id)
        self._done.append(Skipped(self.group.id))
        self._undone.clear()
        self._leave(self.group.id)
        self.reload()
        return changes

    def unskip(self) -> Changes | None:
        """Bring back everything that was skipped for good."""
        groups = sorted(assignments.skipped(self.project, self.labeler.id))
        return self._beside(
            groups[0] if groups else None,
            partial(assignments.skip, self.project, self.labeler.id, *groups),
            partial(assignments.unskip, self.project, self.labeler.id),
        )

    def calibrate(self, ranking_id: int) -> Changes | None:
        """Make a ranking part of the calibration set, instead of another one of the same item."""
        group = rankings.get(self.project, ranking_id).group_id
        before = calibration.keys(self.project).get(group)
        undo = partial(calibration.remove, self.project, group)
        if before is not None:
            undo = partial(calibration.add, self.project, before)
        return self._beside(group, undo, partial(calibration.add, self.project, ranking_id))

    def _beside(self, group_id: int | None, undo: Callable[[], Changes], redo: Callable[[], Changes]) -> Changes | None:
        if group_id is None:
            return None
        changes = self._done_beside(redo)
        self._done.append(Beside(group_id, undo, redo))
        self._undone.clear()
        return changes

    def _done_beside(self, step: Callable[[], Changes]) -> Changes:
        changes = step()
        self.reload()
        if self.group is None:
            self.open_next()
        return changes

    def undo(self) -> Changes | None:
        """Take back the last change by hand, or the last saved ranking and return to its item."""
        step = self._pop_done()
        if step is None:
            return None
        try:
            changes = self._take_back(step)
        except sqlite3.Error:  # such as a full disk: it can be tried again
            self._done.append(step)
            raise
        self._undone.append(step)
        return changes

    def _take_back(self, step: Step) -> Changes | None:
        if isinstance(step, Edit):
            self._show_step(step, step.before, step.touched)
            return None
        if isinstance(step, Beside):
            return self._done_beside(step.undo)
        if isinstance(step, Skipped):
            changes = assignments.unskip(self.project, self.labeler.id, step.group_id)
            self.reload()
            self.open(step.group_id)
            return changes
        ranking = rankings.get(self.project, step.ranking_id)
        ordering = from_ranking(ranking, self._shown(step.group_id, again=ranking.repeat_of is not None))
        with self.project.write():
            changes = rankings.retract(self.project, step.ranking_id)
            self._keep(step.group_id, ordering)
        self._note_own_change()
        if ranking.repeat_of is not None:
            self.queue.repeats[step.group_id] = ranking.repeat_of
        self._waiting = {step.group_id: None} | self._waiting
        self._show(step.group_id, ordering, True, None)
        self.adjudicating = ranking.adjudicates
        return changes

    def redo(self) -> Changes | None:
        step = self._pop_existing(self._undone)
        if step is None:
            return None
        try:
            changes = self._do_again(step)
        except sqlite3.Error:
            self._undone.append(step)
            raise
        self._done.append(step)
        return changes

    def _do_again(self, step: Step) -> Changes | None:
        if isinstance(step, Edit):
            self._show_step(step, step.after, True)
            return None
        if isinstance(step, Beside):
            return self._done_beside(step.redo)
        if isinstance(step, Skipped):
            changes = assignments.skip(self.project, self.labeler.id, step.group_id)
            self.reload()
        else:
            changes = rankings.restore(self.project, step.ranking_id)
            self._note_own_change()
        self._leave(step.group_id)
        return changes

    def _pop_done(self) -> Step | None:
        step = self._pop_existing(self._done)
        if step is not None:
            return step
        ranking = rankings.latest(self.project, self.labeler.id)
        return Saved(ranking.group_id, ranking.id) if ranking else None

    def _pop_existing(self, steps: list[Step]) -> Step | None:
        """The last step whose completions are still there."""
        while steps:
            step = steps.pop()
            if completions.exists(self.project, step.group_id):
                return step
        return None

    def _leave(self, group_id: int) -> None:
        """The item is done with: its draft goes, the next item comes."""
        if self._drafts.pop(group_id, None) is not None:
            kept_drafts.keep(self.project, self.labeler.id, group_id, None)
        self._waiting.pop(group_id, None)
        self.group = None
        self.open_next()

    def _show_step(self, step: Edit, ordering: Ordering, touched: bool) -> None:
        """Typing a comment is no step: a comment on screen outlives undo."""
        here = self.group is not None and self.group.id == step.group_id
        kept = ordering.with_comment(self.ordering.comment) if here else ordering
        self._keep(step.group_id, kept if touched else None)
        self._show(step.group_id, kept, touched, self.source if here else None)

    def _show(self, group_id: int, ordering: Ordering | None, touched: bool, source: Ranking | None) -> None:
        if self.group is None or self.group.id != group_id:
            self.group = completions.group(self.project, group_id)
            self._acted = time.monotonic()
            self._seconds = 0.0
            self.adjudicating = False
        fresh = Ordering(self._shown(group_id, again=group_id in self.queue.repeats), method=self.method)
        self.ordering = ordering or fresh.switch(self.criteria[0] if self.criteria else OVERALL)
        self.touched, self.source = touched, source

    def _shown(self, group_id: int, *, again: bool = False) -> tuple[int, ...]:
        ids = completions.ids(self.project, group_id)
        return tuple(rankings.shown_order(group_id, self.labeler.id, ids, again=again))

    def _read_drafts(self) -> None:
        """What was begun before, where the completions are still the same."""
        for group_id, plain in kept_drafts.listed(self.project, self.labeler.id).items():
            ordering = drafts.ordering(plain, self._shown(group_id, again=group_id in self.queue.repeats))
            if ordering is not None:
                self._drafts[group_id] = ordering

    def _keep(self, group_id: int, ordering: Ordering | None) -> None:
        """Write the draft of a waiting item before anything is shown of it; None forgets it."""
        self._count_time()
        draft = None if ordering is None else drafts.plain(group_id, ordering)
        kept_drafts.keep(self.project, self.labeler.id, group_id, draft)
        if ordering is None:
            self._drafts.pop(group_id, None)
        else:
            self._drafts[group_id] = ordering

    def _count_time(self) -> None:
        """Seconds of work on the item: long pauses do not count."""
        current = time.monotonic()
        self._seconds += min(current - self._acted, IDLE_SECONDS)
        self._acted = current
