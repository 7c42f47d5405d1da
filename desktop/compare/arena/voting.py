"""What a voter does with the question on the table. A vote is on disk before the next question is asked for."""

import time
from collections.abc import Callable, Collection

from PySide6.QtCore import QObject, Signal

from core.errors import KnownError
from core.records import Labeler
from core.store import Changes, arena_votes, guidelines, labelers, packed_rankings
from core.store.arena_votes import NewVote
from core.store.arenas import Arena
from desktop.compare.arena.asking import Pair, Question, next_question, question
from desktop.session import Session

NONE_TO_TAKE_BACK = "You have no vote here that could be taken back."
LAST = "This is the last pair: there is no other to ask about."
#: Seconds for one question beyond which nobody was there.
LONGEST = 3600.0


class Voting(QObject):
    """`labeler` and `arena` are None while nobody can vote; `parent` is who is not told of the votes given here."""

    asked = Signal()
    """Another question is on the table, or none, or what is known of it is another."""
    hinted = Signal(str)
    """A sentence for the voter."""
    voted = Signal()
    """A vote was given or taken back here."""
    kept = Signal(object)
    """What was typed on this pair is on disk with the vote."""

    def __init__(self, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self.session = session
        self.arena: Arena | None = None
        self.labeler: Labeler | None = None
        self.question: Question | None = None
        self.left = 0
        """Pairs that the voter did not vote on, as of the last time that something was asked."""
        self.first: list[Pair] = []
        """Asked about before anything else, because something was typed on them."""
        self._later: set[Pair] = set()
        self._trail: list[Question] = []
        self._began = 0.0

    def begin(self, arena: Arena, name: str) -> None:
        """Let the voter called `name` vote in an arena. Raises `KnownError` for a name that cannot be used."""
        project = self.session.project
        found = labelers.named(project, packed_rankings.labeler_here(project, name))
        if (arena, found) != (self.arena, self.labeler):
            self.arena, self.labeler, self.question = arena, found, None
            self._later, self._trail = set(), []
        self.look_again()

    def stop(self) -> None:
        """Nobody can vote now."""
        self.arena = self.labeler = self.question = None
        self.asked.emit()

    def look_again(self) -> None:
        """Answers or votes came or went: what is on the table stays, unless it was voted on or is gone, or the vote
        before it was undone."""
        undone = next((each for each in self._trail[-1:] if not self._is_voted(each)), None)
        if undone is not None:
            self._trail.pop()
            self.left += 1
            self._put(self._found(undone))
        elif self.question is None or self._is_voted(self.question) or self._found(self.question) is None:
            self._ask()
        else:
            self.asked.emit()

    def vote(self, won: float, both_bad: bool, comment: str) -> None:
        """`won` is what the answer at the left gets."""
        on, who = self.question, self.labeler
        if on is None or who is None:
            return
        project = self.session.project

        def write() -> Changes:
            version = guidelines.current_id(project)
            seconds = round(min(time.monotonic() - self._began, LONGEST), 1)
            new = NewVote(
                on.first.id, on.second.id, who.id, version, won, both_bad, comment=comment, seconds=seconds
            )  # fmt: skip
            return arena_votes.cast(project, [new])[1]

        if self._do(write):
            self.kept.emit(on.pair)
            self._trail.append(on)
            self._ask()

    def put_off(self) -> None:
        """Ask about something else; this comes back once there is nothing else."""
        if self.question is None:
            return
        others = self._later | {self.question.pair}
        if self._next(others) is None:
            self.hinted.emit(LAST)
            return
        self._later = others
        self._ask()

    def take_back(self) -> None:
        """Take the voter's newest vote in the arena back, and ask about it again."""
        if self.arena is None or self.labeler is None:
            return
        project = self.session.project
        newest = arena_votes.newest_of(project, self.arena.id, self.labeler.id)
        votes = [vote for vote in self._votes() if vote.id in newest]
        if not votes:
            self.hinted.emit(NONE_TO_TAKE_BACK)
        elif self._do(lambda: arena_votes.retract(project, newest)):
            last = votes[-1]
            self._trail = [each for each in self._trail if each.pair != {last.first_id, last.second_id}]
            self.left += len(votes)
            self._put(self._about(last.first_id, last.second_id))

    def _do(self, write: Callable[[], Changes]) -> bool:
        """Is it on disk? If not, why is said, and nothing is changed."""
        try:
            changes = write()
        except KnownError as error:
            self.hinted.emit(str(error))
            return False
        self.session.announce(changes, self.parent())
        self.voted.emit()
        return True

    def _ask(self) -> None:
        found = self._next(self._later)
        if found is None and self._later:
            self._later = set()
            found = self._next(self._later)
        self._put(found)

    def _next(self, later: Collection[Pair]) -> Question | None:
        if self.arena is None or self.labeler is None:
            return None
        found, self.left = next_question(self.session.project, self.arena.id, self.labeler.id, later)
        for pair in self.first:
            typed_on = self._about(*pair) if len(pair) == 2 and pair not in later else None
            if typed_on is not None and not self._is_voted(typed_on):
                return typed_on
        return found

    def _about(self, first_id: int, second_id: int) -> Question | None:
        return None if self.arena is None else question(self.session.project, self.arena.id, first_id, second_id)

    def _found(self, on: Question) -> Question | None:
        return self._about(on.first.id, on.second.id)

    def _put(self, found: Question | None) -> None:
        self.question, self._began = found, time.monotonic()
        self.asked.emit()

    def _votes(self) -> list[arena_votes.Vote]:
        return [] if self.arena is None else arena_votes.counting(self.session.project, self.arena.id)

    def _is_voted(self, on: Question) -> bool:
        who = self.labeler
        return who is not None and any(
            vote.labeler_id == who.id and on.pair == {vote.first_id, vote.second_id} for vote in self._votes()
        )
