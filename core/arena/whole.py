"""A labeler's session in an arena that asks for an order of all answers to a prompt at once."""

from collections.abc import Mapping, Sequence, Set

from core.arena.asking import Asking, Table
from core.arena.session import BlindSession
from core.arena.voting import NO_COMMENTS, ballot
from core.errors import BadInput
from core.records import Labeler
from core.store import Changes, Project, arena_votes, arenas, guidelines, packed_votes
from core.store.arenas import Arena, ArenaAnswer, ArenaPrompt

#: Policies for whose answers there are letters.
MOST = 16


class Outdated(BadInput):
    """What is on the table is not to be asked any more: another window or process changed it since."""


class WholeVoting(BlindSession[Table]):
    """Asks for an order of all answers to a prompt; `left` are prompts on which the labeler has not voted at all.
    Raises `BadInput` also where more policies take part than there are letters."""

    def __init__(self, project: Project, arena: Arena, labeler: Labeler) -> None:
        if (there := len(arenas.policies(project, arena.id))) > MOST:
            raise BadInput(f"{there} policies are too many to order at once: up to {MOST} can be, so vote on pairs.")
        self._trail: list[Table] = []
        super().__init__(project, arena, labeler)

    def vote(
        self, tiers: Sequence[Sequence[int]], *, bad: bool = False, comments: Mapping[frozenset[int], str] = NO_COMMENTS
    ) -> Changes:
        """Store an order of all answers, from the best on, as one ballot, and go on; `bad` says that none will do, and
        `comments` are what was remarked on two of them.

        Raises `BadInput` for an order that lacks one of them or where nothing is asked, and `Outdated` where the
        labeler voted on the prompt elsewhere since or an answer is gone, after which `refresh` asks about what is left.
        """
        table = self.question
        if table is None:
            raise BadInput("Nothing is asked: every prompt has a vote of yours.")
        votes = ballot(
            table, tiers, self.labeler.id, guidelines.current_id(self.project), bad=bad, comments=comments,
            seconds=self.seconds,
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

    def all_bad(self, *, comments: Mapping[frozenset[int], str] = NO_COMMENTS) -> Changes:
        """None of the answers will do. Raises as `vote` does."""
        return self.vote([self.question.shown] if self.question is not None else [], bad=True, comments=comments)

    def look_again(self) -> None:
        """What is asked stays where answers or votes came or went, unless it was voted on or is gone, or the order
        before it was taken back, which is asked again."""
        on = self.question
        self.refresh()
        if self._trail and self._open(self._trail[-1]):
            on = self._trail.pop()
        if on is not None and self._open(on):
            self.show(on)
        elif on is not None:
            self._trail.append(on)

    def _open(self, table: Table) -> bool:
        """Are its answers still there, without a vote of the labeler's?"""
        return all(
            arena_votes.can_be_cast(self.project, *pair)
            and not packed_votes.stands(self.project, self.labeler.id, *pair)
            for pair in table.pairs
        )

    def next(self, later: Set[int]) -> Table | None:
        asking = Asking(self.project, self.arena.id, self.labeler.id)
        self.left = asking.tables_left
        asking.leave_out([number for number, (prompt, _) in asking.where.items() if prompt in later])
        return asking.next_table(seed=self.left)

    def number(self, question: Table) -> int:
        return question.prompt_id

    def read(self, question: Table) -> tuple[ArenaPrompt, tuple[ArenaAnswer, ...]]:
        there = {prompt.id: prompt for prompt in arenas.prompts(self.project, self.arena.id)}
        return there[question.prompt_id], arenas.some_answers(self.project, question.shown)
