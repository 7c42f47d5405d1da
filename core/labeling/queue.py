"""What a labeler has still to rank, in the order in which it comes: the calibration set, what was sent to be ranked
first, what a reward model doubts, the rest, with repeats mixed in (`core.store.assignments`); what is put off comes
again at the end."""

from collections.abc import Iterator, Mapping
from itertools import takewhile

from core.store import Project, assignments, rankings


class LabelingQueue:
    """The groups that wait for one labeler. Others may rank meanwhile: `outdated` says so, `reload` reads anew."""

    def __init__(self, project: Project, labeler_id: int) -> None:
        self.project = project
        self.labeler_id = labeler_id
        self._waiting: dict[int, None] = {}
        self.reload()

    def __iter__(self) -> Iterator[int]:
        return iter(self._waiting)

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, group_id: int) -> bool:
        return group_id in self._waiting

    @property
    def total(self) -> int:
        """How many items there are, with those that are ranked."""
        return self._found.total

    @property
    def repeats(self) -> Mapping[int, int]:
        """The earlier ranking that a waiting group repeats, unannounced."""
        return self._found.repeats

    @property
    def first(self) -> int | None:
        return next(iter(self._waiting), None)

    def reload(self) -> None:
        """Look for groups that came or went; those put off stay at the end. What was sent meanwhile comes first, after
        what waits of the calibration set."""
        self._found = assignments.queue(self.project, self.labeler_id)
        self._seen = self._state()
        known = set(self._found.waiting)
        kept = [group_id for group_id in self._waiting if group_id in known]
        first = list(takewhile(self._found.calibration.__contains__, kept))
        sent = [group_id for group_id in self._found.sent if kept and group_id not in self._waiting]
        self._waiting = dict.fromkeys([*first, *sent, *kept, *self._found.waiting])

    @property
    def outdated(self) -> bool:
        """Has somebody else ranked since the queue was read?"""
        return self._state() != self._seen

    def note_own_change(self) -> None:
        """One step further is our own change; anything more was somebody else's, and is `outdated`."""
        if sum(state := self._state()) == sum(self._seen) + 1:
            self._seen = state

    def ends_calibration(self, group_id: int) -> bool:
        """Is this the last group of the calibration set that waits?"""
        return self._found.calibration & self._waiting.keys() == {group_id}

    def put_off(self, group_id: int) -> bool:
        """To the end; False when nothing else waits."""
        if group_id in self._waiting:
            if len(self._waiting) == 1:
                return False
            self._waiting[group_id] = self._waiting.pop(group_id)
        return True

    def remove(self, group_id: int) -> None:
        """It is done with; a repeat of it, too."""
        self._waiting.pop(group_id, None)
        self._found.repeats.pop(group_id, None)

    def put_first(self, group_id: int, repeat_of: int | None) -> None:
        """A ranking was taken back: its group waits again, as the repeat that it was. Of what was taken back itself
        there is none to come."""
        self._found.repeats.pop(group_id, None)
        if repeat_of is not None:
            self._found.repeats[group_id] = repeat_of
        self._waiting = {group_id: None} | self._waiting

    def _state(self) -> tuple[int, int]:
        """The newest ranking, and how often earlier ones were taken back or changed."""
        return rankings.newest_id(self.project), self.project.edits("rankings")
