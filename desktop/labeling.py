"""What a labeler has in hand: the queue, the ordering of the current item, and one undo line over both. No Qt.

Undo goes back through placements and through saved rankings alike; a saved one is retracted in the project,
after a restart too. Operations return the `Changes` that the window announces.
"""

import time
from dataclasses import dataclass
from typing import Any

from core.errors import BadInput
from core.records import Group, Labeler, Ranking
from core.store import Changes, Project, completions, rankings
from desktop.widgets.ordering import Ordering, from_ranking


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


class Labeling:
    """`touched` says whether the order on screen is the labeler's own: only such an order is ever saved."""

    def __init__(self, project: Project, labeler: Labeler) -> None:
        self.project = project
        self.labeler = labeler
        self.group: Group | None = None
        self.ordering = Ordering(())
        self.source: Ranking | None = None
        self.touched = False
        self.total = 0
        self._waiting: dict[int, None] = {}
        self._drafts: dict[int, tuple[Ordering, bool]] = {}
        self._done: list[Edit | Saved] = []
        self._undone: list[Edit | Saved] = []
        self._since = time.monotonic()
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
    def can_undo(self) -> bool:
        return bool(self._done) or rankings.latest(self.project, self.labeler.id) is not None

    @property
    def can_redo(self) -> bool:
        return bool(self._undone)

    def reload(self) -> None:
        """Look for groups that came or went; skipped ones stay at the end."""
        found = completions.group_ids(self.project, unranked_by=self.labeler.id)
        known = set(found)
        kept = [group_id for group_id in self._waiting if group_id in known]
        self._waiting = dict.fromkeys([*kept, *found])
        self.total = int(self.project.value("select count(*) from completion_groups"))
        if self.group and self.project.one("select 1 from completion_groups where id = ?", self.group.id) is None:
            self._drafts.pop(self.group.id, None)
            self.group = None

    def open_next(self) -> None:
        """Show the first item of the queue, or nothing."""
        first = next(iter(self._waiting), None)
        if first is None:
            self._keep_draft()
            self.group, self.source = None, None
        else:
            self.open(first)

    def open(self, group_id: int) -> None:
        """Show one item, with what the labeler had begun there."""
        ordering, touched = self._drafts.get(group_id, (None, False))
        self._show(group_id, ordering, touched, None)

    def revise(self, ranking_id: int) -> None:
        """Show an earlier ranking. Saving makes a new one; an order made by a script must be changed first."""
        ranking = rankings.get(self.project, ranking_id)
        ordering = from_ranking(ranking, self._shown(completions.group(self.project, ranking.group_id)))
        self._show(ranking.group_id, ordering, False, ranking)

    def change(self, ordering: Ordering) -> bool:
        """Take over an ordering made by hand; False if nothing differs."""
        if self.group is None or ordering == self.ordering:
            return False
        self._done.append(Edit(self.group.id, self.ordering, ordering, self.touched))
        self._undone.clear()
        self.ordering, self.touched = ordering, True
        return True

    def set_comment(self, comment: str) -> None:
        """Typing has its own undo. A remark on a script's order does not make it the labeler's own."""
        if comment == self.ordering.comment:
            return
        self.ordering = self.ordering.with_comment(comment)
        if self.source is None or self.source.labeler.kind == "person":
            self.touched = True

    def save(self) -> Changes:
        """Store the ranking on disk; only then go on to the next item."""
        if not self.saveable or self.group is None:
            raise BadInput("Nothing is ranked yet: place at least one completion or set a flag.")
        changes = rankings.rank(
            self.project,
            self.group.id,
            self.labeler.id,
            self.ordering.ranks(),
            flag=self.ordering.flag,
            flags=self.ordering.flags,
            comment=self.ordering.comment.strip(),
            seconds=round(time.monotonic() - self._since, 1),
        )
        self._done.append(Saved(self.group.id, changes.ids[0]))
        self._undone.clear()
        self._leave_ranked(self.group.id)
        return changes

    def keep_drafts(self) -> None:
        """Store what is begun and not yet saved in the project, so that a crash does not lose it."""
        self._keep_draft()
        drafts = [_plain(group_id, ordering) for group_id, (ordering, _) in self._drafts.items()]
        if self.project.setting(self._key, []) != drafts:
            self.project.set_setting(self._key, drafts)

    def skip(self) -> bool:
        """Put the item at the end of the queue; False when there is no other."""
        if self.group is None:
            return False
        if self.group.id in self._waiting:
            if len(self._waiting) == 1:
                return False
            self._waiting.pop(self.group.id)
            self._waiting[self.group.id] = None
        self.open_next()
        return True

    def undo(self) -> Changes | None:
        """Take back the last change by hand, or the last saved ranking and return to its item."""
        step = self._pop_done()
        if step is None:
            return None
        self._undone.append(step)
        if isinstance(step, Edit):
            self._show_step(step, step.before, step.touched)
            return None
        changes = rankings.retract(self.project, step.ranking_id)
        ranking = rankings.get(self.project, step.ranking_id)
        self._keep_draft()
        self.reload()
        shown = self._shown(completions.group(self.project, step.group_id))
        self._show(step.group_id, from_ranking(ranking, shown), True, None)
        return changes

    def redo(self) -> Changes | None:
        step = self._pop_existing(self._undone)
        if step is None:
            return None
        self._done.append(step)
        if isinstance(step, Edit):
            self._show_step(step, step.after, True)
            return None
        changes = rankings.restore(self.project, step.ranking_id)
        self._leave_ranked(step.group_id)
        return changes

    def _pop_done(self) -> Edit | Saved | None:
        step = self._pop_existing(self._done)
        if step is not None:
            return step
        ranking = rankings.latest(self.project, self.labeler.id)
        return Saved(ranking.group_id, ranking.id) if ranking else None

    def _pop_existing(self, steps: list[Edit | Saved]) -> Edit | Saved | None:
        """The last step whose completions are still there."""
        while steps:
            step = steps.pop()
            if self.project.one("select 1 from completion_groups where id = ?", step.group_id):
                return step
        return None

    def _leave_ranked(self, group_id: int) -> None:
        self._drafts.pop(group_id, None)
        self._waiting.pop(group_id, None)
        self.group = None
        self.open_next()

    def _show_step(self, step: Edit, ordering: Ordering, touched: bool) -> None:
        """Typing a comment is no step: a comment on screen outlives undo."""
        here = self.group is not None and self.group.id == step.group_id
        kept = ordering.with_comment(self.ordering.comment) if here else ordering
        self._show(step.group_id, kept, touched, self.source if here else None)

    def _show(self, group_id: int, ordering: Ordering | None, touched: bool, source: Ranking | None) -> None:
        self._keep_draft()
        same = self.group is not None and self.group.id == group_id
        if not same:
            self.group = completions.group(self.project, group_id)
            self._since = time.monotonic()
        assert self.group is not None
        self.ordering = ordering or Ordering(self._shown(self.group))
        self.touched, self.source = touched, source

    def _shown(self, group: Group) -> tuple[int, ...]:
        return tuple(rankings.shown_order(group.id, self.labeler.id, [item.id for item in group.completions]))

    @property
    def _key(self) -> str:
        return f"ranking_drafts/{self.labeler.id}"

    def _read_drafts(self) -> None:
        """Drafts of the last time, of items that still wait and still have the same completions."""
        for plain in self.project.setting(self._key, []):
            if plain["group"] in self._waiting:
                ordering = _ordering(plain, self._shown(completions.group(self.project, plain["group"])))
                if ordering is not None:
                    self._drafts[plain["group"]] = (ordering, True)

    def _keep_draft(self) -> None:
        """An item that is left half done is found again as it was."""
        if self.group is None:
            return
        if self.touched and self.group.id in self._waiting:
            self._drafts[self.group.id] = (self.ordering, self.touched)
        else:
            self._drafts.pop(self.group.id, None)


def _plain(group_id: int, ordering: Ordering) -> dict[str, Any]:
    return {
        "group": group_id,
        "tiers": [list(tier) for tier in ordering.tiers],
        "flags": list(ordering.flags.items()),
        "flag": ordering.flag,
        "comment": ordering.comment,
    }


def _ordering(plain: dict[str, Any], shown: tuple[int, ...]) -> Ordering | None:
    """The stored draft as an ordering, or None if it speaks of other completions."""
    tiers = tuple(tuple(tier) for tier in plain["tiers"])
    flags = {int(item): str(flag) for item, flag in plain["flags"]}
    if not {item for tier in tiers for item in tier} | set(flags) <= set(shown):
        return None
    return Ordering(shown, tiers, flags, plain["flag"], plain["comment"])
