"""A labeler's session in an arena that asks for an order of all answers to a prompt at once."""

import time
from collections.abc import Sequence, Set
from itertools import combinations

from core.arena.asking import Asking, Table
from core.arena.voting import LONGEST, ballot, person
from core.errors import BadInput
from core.records import Labeler
from core.store import Changes, Project, arena_votes, arenas, guidelines, packed_votes
from core.store.arenas import Arena, ArenaAnswer, ArenaPrompt

#: Policies for whose answers there are letters.
MOST = 16


class Outdated(BadInput):
    """What is on the table is not to be asked any more: another window or process changed it since."""


class WholeVoting:
    """`question` is what is asked now, None where nothing is left. Raises `BadInput` for a labeler that is no person,
    and where more policies take part than there are letters."""

    def __init__(self, project: Project, arena: Arena, labeler: Labeler) -> None:
        self.project, self.arena, self.labeler = project, arena, person(labeler)
        if (there := len(arenas.policies(project, arena.id))) > MOST:
            raise BadInput(f"{there} policies are too many to order at once: up to {MOST} can be, so vote on pairs.")
        self._later: set[int] = set()
        self._trail: list[Table] = []
        self.left = 0
        """Prompts of whose answers the labeler has voted on none, as of the last `refresh`."""
        self.refresh()

    def refresh(self) -> None:
        """Ask anew, by what others said and what was answered by now."""
        found = self._next(self._later)
        if found is None and self._later:
            self._later = set()
            found = self._next(self._later)
        self._show(found)

    def put_off(self) -> bool:
        """Ask about another prompt, and about this once there is no other. False where there is none now."""
        if self.question is None:
            return False
        later = self._later | {self.question.prompt_id}
        found = self._next(later)
        if found is not None:
            self._later = later
            self._show(found)
        return found is not None

    def vote(self, tiers: Sequence[Sequence[int]], *, bad: bool = False) -> Changes:
        """Store an order of all answers, from the best on, as one ballot, and go on; `bad` says that none will do.

        Raises `BadInput` for an order that lacks one of them or where nothing is asked, and `Outdated` where the
        labeler voted on the prompt elsewhere since or an answer is gone, after which `refresh` asks about what is left.
        """
        table = self.question
        if table is None:
            raise BadInput("Nothing is asked: every prompt has a vote of yours.")
        seconds = round(min(time.monotonic() - self._began, LONGEST), 1)
        votes = ballot(
            table, tiers, self.labeler.id, guidelines.current_id(self.project), bad=bad, seconds=seconds
        )  # fmt: skip
        with self.project.write():
            if any(packed_votes.stands(self.project, self.labeler.id, vote.first_id, vote.second_id) for vote in votes):
                raise Outdated("You voted on these answers elsewhere since, and that stays: here is what is left.")
            if not all(arena_votes.can_be_cast(self.project, vote.first_id, vote.second_id) for vote in votes):
                raise Outdated("One of these answers was taken out of the arena since: here is what is left.")
            _, changes = arena_votes.cast(self.project, votes)
        self._trail.append(table)
        self.refresh()
        return changes

    def all_bad(self) -> Changes:
        """None of the answers will do. Raises as `vote` does."""
        return self.vote([self.question.shown] if self.question is not None else [], bad=True)

    def undo(self) -> Changes:
        """Take the labeler's newest ballot in this arena back, or a vote on two answers where that is the newest; after
        a restart, too. What was ordered in this session is asked again. Raises `BadInput` where there is none."""
        newest = arena_votes.newest_of(self.project, self.arena.id, self.labeler.id)
        if not newest:
            raise BadInput("There is no vote of yours to take back.")
        changes = arena_votes.retract(self.project, newest)
        self.look_again()
        return changes

    def look_again(self) -> None:
        """Answers or votes came or went: what is asked stays, unless it was voted on or is gone, or the order before it
        was taken back, which is asked again."""
        on = self.question
        self.refresh()
        if self._trail and self._open(self._trail[-1]):
            on = self._trail.pop()
        if on is not None and self._open(on):
            self._show(on)
        elif on is not None:
            self._trail.append(on)

    def _open(self, table: Table) -> bool:
        """Are its answers still there, without a vote of the labeler's?"""
        numbers = [number for first, others in table.same.items() for number in (first, *others)]
        return all(
            arena_votes.can_be_cast(self.project, *pair)
            and not packed_votes.stands(self.project, self.labeler.id, *pair)
            for pair in combinations(numbers, 2)
        )

    def _next(self, later: Set[int]) -> Table | None:
        asking = Asking(self.project, self.arena.id, self.labeler.id)
        self.left = asking.tables_left
        asking.leave_out([number for number, (prompt, _) in asking.where.items() if prompt in later])
        return asking.next_table(seed=self.left)

    def _show(self, table: Table | None) -> None:
        self.question = table
        self._began = time.monotonic()
        self.prompt: ArenaPrompt | None = None
        self.answers: tuple[ArenaAnswer, ...] = ()
        if table is not None:
            there = {prompt.id: prompt for prompt in arenas.prompts(self.project, self.arena.id)}
            self.prompt, self.answers = there[table.prompt_id], arenas.some_answers(self.project, table.shown)
