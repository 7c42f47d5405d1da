"""A labeler's session in an arena: what is asked, what becomes of an answer, and the way back."""

import uuid
from collections.abc import Mapping, Sequence, Set
from itertools import combinations
from types import MappingProxyType
from typing import Any, Literal

from core.arena.asking import Asking, Question, Table
from core.arena.session import BlindSession
from core.errors import BadInput
from core.records import Labeler
from core.store import Changes, Project, arena_votes, arenas, guidelines, packed_votes
from core.store.arena_votes import NewVote
from core.store.arenas import Arena, ArenaAnswer, ArenaPrompt

Outcome = Literal["first", "second", "tie", "both bad"]
#: What the answer that is shown first gets.
WON: dict[Outcome, float] = {"first": 1.0, "second": 0.0, "tie": 0.5, "both bad": 0.5}
NO_COMMENTS: Mapping[frozenset[int], str] = MappingProxyType({})


class VotedElsewhere(BadInput):
    """The labeler voted on the question in another window or process since it was asked here."""

    def __init__(self) -> None:
        super().__init__("You voted on these two answers elsewhere since, and that vote stays: here is what is left.")


class VotingSession(BlindSession[Question]):
    """Asks about two answers at a time; `left` are pairs. Raises `BadInput` also where too many policies take part."""

    def __init__(self, project: Project, arena: Arena, labeler: Labeler) -> None:
        if len(arenas.policies(project, arena.id)) > arenas.MOST_POLICIES:  # it comes from elsewhere
            raise BadInput(f"More than {arenas.MOST_POLICIES} policies take part, too many to vote on: remove some.")
        self._prompts: dict[int, ArenaPrompt] = {}
        super().__init__(project, arena, labeler)

    def next(self, later: Set[int]) -> Question | None:
        asking = Asking(self.project, self.arena.id, self.labeler.id)
        self.left = asking.left
        asking.leave_out(asking.where.keys() & later)
        return asking.next(seed=self.left)

    def number(self, question: Question) -> int:
        return question.first_id

    def read(self, question: Question) -> tuple[ArenaPrompt, tuple[ArenaAnswer, ...]]:
        if question.prompt_id not in self._prompts:  # it came since
            self._prompts = {prompt.id: prompt for prompt in arenas.prompts(self.project, self.arena.id)}
        answers = arenas.some_answers(self.project, (question.first_id, question.second_id))
        return self._prompts[question.prompt_id], answers

    def vote(self, outcome: Outcome, comment: str = "") -> Changes:
        """Store what the labeler says of the question, and go on. Raises `BadInput` where nothing is asked, and
        `VotedElsewhere`, after which `refresh` asks about what is left."""
        if self.question is None:
            raise BadInput("Nothing is asked: every pair of answers has your vote.")
        found = NewVote(
            self.question.first_id, self.question.second_id, self.labeler.id, guidelines.current_id(self.project),
            WON[outcome], outcome == "both bad", comment=comment,
            seconds=self.seconds,
        )  # fmt: skip
        with self.project.write():
            if packed_votes.stands(self.project, self.labeler.id, found.first_id, found.second_id):
                raise VotedElsewhere
            _, changes = arena_votes.cast(self.project, [found])
        self.refresh()
        return changes


def ballot(
    table: Table, tiers: Sequence[Sequence[int]], labeler_id: int, guidelines_id: int, *, bad: bool = False,
    comments: Mapping[frozenset[int], str] = NO_COMMENTS, seconds: float | None = None,
) -> list[NewVote]:  # fmt: skip
    """An order of all answers on the table as the votes of one ballot, a vote for each two. `tiers` are their numbers
    from the best on, those that are tied together. An answer stands for those of the same words, too; of two with the
    same words nothing is said. `bad` says of the answers, all tied, that none will do; `comments` are what was remarked
    on two of them. Raises `BadInput` for an order that does not name each answer once, and for answers that are bad and
    not tied.
    """
    rank = {number: place for place, tier in enumerate(tiers) for number in tier}
    if sorted(number for tier in tiers for number in tier) != sorted(table.shown):
        raise BadInput("An order names each of the answers once.")
    if bad and len(tiers) > 1:
        raise BadInput("Answers that are all bad are in no order.")
    shared: dict[str, Any] = {"ballot": uuid.uuid4().hex, "both_bad": bad, "seconds": seconds}
    return [
        NewVote(
            first, second, labeler_id, guidelines_id,
            0.5 if rank[one] == rank[two] else float(rank[one] < rank[two]),
            comment=comments.get(frozenset((first, second)), ""), **shared,
        )
        for one, two in combinations(table.shown, 2)
        for first in (one, *table.same[one])
        for second in (two, *table.same[two])
    ]  # fmt: skip
