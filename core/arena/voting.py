"""A labeler's session in an arena: what is asked, what becomes of an answer, and the way back."""

import time
import uuid
from collections.abc import Sequence, Set
from itertools import combinations
from typing import Any, Literal

from core.arena.asking import Asking, Question, Table
from core.errors import BadInput
from core.records import Labeler
from core.store import Changes, Project, arena_votes, arenas, guidelines, packed_votes
from core.store.arena_votes import NewVote
from core.store.arenas import Arena, ArenaAnswer, ArenaPrompt

Outcome = Literal["first", "second", "tie", "both bad"]
#: What the answer that is shown first gets.
WON: dict[Outcome, float] = {"first": 1.0, "second": 0.0, "tie": 0.5, "both bad": 0.5}
#: Seconds for one question beyond which nobody was there.
LONGEST = 3600.0


class VotedElsewhere(BadInput):
    """The labeler voted on the question in another window or process since it was asked here."""

    def __init__(self) -> None:
        super().__init__("You voted on these two answers elsewhere since, and that vote stays: here is what is left.")


class VotingSession:
    """`question` is what is asked now, None where nothing is left. Raises `BadInput` for a labeler that is no person:
    votes of scripts and judges are made by those."""

    def __init__(self, project: Project, arena: Arena, labeler: Labeler) -> None:
        self.project, self.arena, self.labeler = project, arena, person(labeler)
        self._prompts = {prompt.id: prompt for prompt in arenas.prompts(project, arena.id)}
        self._later: set[int] = set()
        self.left = 0
        """Pairs without a vote of the labeler, as of the last `refresh`."""
        self.refresh()

    def refresh(self) -> None:
        """Ask anew, by what others said and what was answered by now."""
        found = self._next(self._later)
        if found is None and self._later:
            self._later = set()
            found = self._next(self._later)
        self.show(found)

    def put_off(self) -> bool:
        """Ask about other answers, and about these once there are no others. False where there are none now."""
        if self.question is None:
            return False
        later = self._later | {self.question.first_id}
        found = self._next(later)
        if found is not None:
            self._later = later
            self.show(found)
        return found is not None

    def _next(self, later: Set[int]) -> Question | None:
        asking = Asking(self.project, self.arena.id, self.labeler.id)
        self.left = asking.left
        asking.leave_out(asking.where.keys() & later)
        return asking.next(seed=self.left)

    def show(self, question: Question | None) -> None:
        """Ask this now. Raises `BadInput` where one of its answers is not in the arena any more."""
        self.question = question
        self._began = time.monotonic()
        self.prompt: ArenaPrompt | None = None
        self.answers: tuple[ArenaAnswer, ...] = ()
        if self.question is not None:
            if self.question.prompt_id not in self._prompts:  # it came since
                self._prompts = {prompt.id: prompt for prompt in arenas.prompts(self.project, self.arena.id)}
            self.prompt = self._prompts[self.question.prompt_id]
            self.answers = arenas.some_answers(self.project, (self.question.first_id, self.question.second_id))

    def vote(self, outcome: Outcome, comment: str = "") -> Changes:
        """Store what the labeler says of the question, and go on. Raises `BadInput` where nothing is asked, and
        `VotedElsewhere`, after which `refresh` asks about what is left."""
        if self.question is None:
            raise BadInput("Nothing is asked: every pair of answers has your vote.")
        found = NewVote(
            self.question.first_id, self.question.second_id, self.labeler.id, guidelines.current_id(self.project),
            WON[outcome], outcome == "both bad", comment=comment,
            seconds=round(min(time.monotonic() - self._began, LONGEST), 1),
        )  # fmt: skip
        with self.project.write():
            if packed_votes.stands(self.project, self.labeler.id, found.first_id, found.second_id):
                raise VotedElsewhere
            _, changes = arena_votes.cast(self.project, [found])
        self.refresh()
        return changes

    def undo(self) -> Changes:
        """Take the labeler's newest vote in this arena back, or all of a ballot; after a restart, too. Raises
        `BadInput` where there is none."""
        newest = arena_votes.newest_of(self.project, self.arena.id, self.labeler.id)
        if not newest:
            raise BadInput("There is no vote of yours to take back.")
        changes = arena_votes.retract(self.project, newest)
        self.refresh()
        return changes


def person(labeler: Labeler) -> Labeler:
    """The labeler, who is one. Raises `BadInput` for scripts and judges."""
    if labeler.kind != "person":
        raise BadInput(f"{labeler.name!r} is a {labeler.kind} labeler, and here people vote: choose another name.")
    return labeler


def ballot(
    table: Table, tiers: Sequence[Sequence[int]], labeler_id: int, guidelines_id: int, *, bad: bool = False,
    comment: str = "", seconds: float | None = None,
) -> list[NewVote]:  # fmt: skip
    """An order of all answers on the table as the votes of one ballot, a vote for each two. `tiers` are their numbers
    from the best on, those that are tied together. An answer stands for those of the same words, too; of two with the
    same words nothing is said. `bad` says of the answers, all tied, that none will do. Raises `BadInput` for an order
    that does not name each answer once, and for answers that are bad and not tied.
    """
    rank = {number: place for place, tier in enumerate(tiers) for number in tier}
    if sorted(number for tier in tiers for number in tier) != sorted(table.shown):
        raise BadInput("An order names each of the answers once.")
    if bad and len(tiers) > 1:
        raise BadInput("Answers that are all bad are in no order.")
    shared: dict[str, Any] = {"ballot": uuid.uuid4().hex, "both_bad": bad, "comment": comment, "seconds": seconds}
    return [
        NewVote(
            first, second, labeler_id, guidelines_id,
            0.5 if rank[one] == rank[two] else float(rank[one] < rank[two]), **shared,
        )
        for one, two in combinations(table.shown, 2)
        for first in (one, *table.same[one])
        for second in (two, *table.same[two])
    ]  # fmt: skip
