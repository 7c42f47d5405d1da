"""What a voter does with the question on the table. A vote is on disk before the next question is asked for."""

import sqlite3
from collections.abc import Callable, Iterable
from functools import partial

from PySide6.QtCore import QObject, Signal

from core.arena.asking import Question, question_on
from core.arena.session import VoteStep
from core.arena.voting import Outcome, VotedElsewhere, VotingSession
from core.errors import KnownError, known
from core.store import Changes, Project, arena_votes, arenas, labelers, packed_rankings
from core.store.arena_votes import Vote
from core.store.arenas import Arena
from desktop.session import Session

LAST = "This is the last one: there is no other to ask about."
Pair = frozenset[int]


def forget_others(session: Session, labeler_id: int) -> None:
    """Whoever votes now does not take back what somebody else gave at this window."""
    session.history.remove(lambda step: isinstance(step, VoteStep) and step.labeler_id != labeler_id)


def pair_of(asked: Question) -> Pair:
    """The numbers of both answers, in whichever order they are shown."""
    return frozenset((asked.first_id, asked.second_id))


class Voting(QObject):
    """`voting` is None while nobody can vote; `parent` is who is not told of the votes given here."""

    asked = Signal()
    """Another question is on the table, or none, or what is known of it is another."""
    hinted = Signal(str)
    """A sentence for the voter."""
    voted = Signal()
    """A vote was given or taken back here."""
    kept = Signal(object, int)
    """What the labeler of this number typed on this pair is on disk with the vote."""

    def __init__(self, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self.session = session
        self.voting: VotingSession | None = None
        self.votes: list[Vote] = []
        """Of people in the arena, as of the last question."""
        self.first: Callable[[int], Iterable[Pair]] = lambda _: ()
        """Asked about before anything else, because the labeler of this number typed something on them."""
        self.is_typed: Callable[[Iterable[Pair], int], bool] = lambda pairs, labeler: False
        """Did the labeler of this number type on one of these what is in no vote?"""
        self._trail: list[Question] = []

    @property
    def question(self) -> Question | None:
        return self.voting.question if self.voting is not None else None

    @property
    def mine(self) -> list[Vote]:
        """The voter's own votes in the arena."""
        return [vote for vote in self.votes if self.voting and vote.labeler_id == self.voting.labeler.id]

    def begin(self, arena: Arena, name: str) -> None:
        """Let the voter called `name` vote in an arena, or go on. Raises `KnownError` for a name that cannot be
        used."""
        project, voting = self.session.project, self.voting
        who = labelers.named(project, packed_rankings.labeler_here(project, name))
        if voting is not None and (voting.arena, voting.labeler) == (arena, who):
            self.look_again(voting)
            return
        self.voting, self._trail = VotingSession(project, arena, who), []
        forget_others(self.session, who.id)
        self._tell()
        self._ask_first()

    def stop(self) -> None:
        """Nobody can vote now."""
        self.voting, self.votes = None, []
        self.asked.emit()

    def look_again(self, voting: VotingSession) -> None:
        """Answers or votes came or went: what is on the table stays, unless it was voted on or is gone, or the vote
        before it was undone."""
        on = voting.question
        voting.refresh()
        self._read()
        voted = {frozenset((vote.first_id, vote.second_id)) for vote in self.mine}
        if self._trail and pair_of(self._trail[-1]) not in voted:
            on = self._trail.pop()
        if on is not None and pair_of(on) not in voted:
            self._show(on)
        self.asked.emit()

    def vote(self, outcome: Outcome, comment: str) -> None:
        """What the voter says of the question."""
        voting, on = self.voting, self.question
        if voting is None or on is None:
            return
        try:
            told = self._do(lambda: voting.vote(outcome, comment))
        except VotedElsewhere as error:
            self.look_again(voting)
            self.hinted.emit(str(error))
            return
        if told:
            self._trail.append(on)
            self.kept.emit(pair_of(on), voting.labeler.id)
            self._tell()

    def put_off(self) -> None:
        """Ask about something else; this comes back once there is nothing else."""
        if self.voting is None or self.question is None:
            return
        if self.voting.put_off():
            self._tell()
        else:
            self.hinted.emit(LAST)

    def take_back(self) -> None:
        """Take the voter's newest vote in the arena back, and ask about it again."""
        voting = self.voting
        if voting is None:
            return
        last = self.mine[-1] if self.mine else None
        if self._do(voting.undo, back=True) and last is not None:
            again = Question(last.arena_prompt_id, last.first_id, last.second_id)
            self._trail = [each for each in self._trail if pair_of(each) != pair_of(again)]
            self._show(again)
            self._tell()

    def _do(self, write: Callable[[], Changes], *, back: bool = False) -> bool:
        """Is it on disk? If not, why is said, and nothing is changed. `back` where it takes a vote back."""
        try:
            changes = write()
        except VotedElsewhere:
            raise
        except (KnownError, sqlite3.Error, OSError) as error:
            if (sentence := known(error)) is None:
                raise
            self.hinted.emit(str(sentence))
            return False
        if self.voting is not None:
            pairs = arena_votes.pairs(self.session.project, changes.ids)
            typed = partial(self.is_typed, pairs, self.voting.labeler.id)
            self.session.history.add(self.voting.step(changes, typed, back=back))
        self.session.announce(changes, self.parent(), undoable=False)  # it is a step of the history already
        self.voted.emit()
        return True

    def _ask_first(self) -> None:
        """About what somebody typed on when the project was closed."""
        voting = self.voting
        if voting is None:
            return
        voted = {frozenset((vote.first_id, vote.second_id)) for vote in self.mine}
        for pair in self.first(voting.labeler.id):
            if len(pair) == 2 and pair not in voted:
                found = _question(self.session.project, voting, pair)
                if found is not None and self._show(found):
                    self._tell()
                    return

    def _show(self, on: Question) -> bool:
        """What is gone meanwhile is not asked about: the next question stays."""
        voting = self.voting
        if voting is None:
            return False
        try:
            voting.show(on)
        except KnownError:
            voting.refresh()
            return False
        return True

    def _tell(self) -> None:
        self._read()
        self.asked.emit()

    def _read(self) -> None:
        arena = self.voting.arena if self.voting is not None else None
        found = [] if arena is None else arena_votes.counting(self.session.project, arena.id)
        self.votes = [vote for vote in found if vote.kind == "person"]


def _question(project: Project, voting: VotingSession, pair: Pair) -> Question | None:
    """About two answers of the arena."""
    found = [row for row in arenas.texts(project, voting.arena.id) if row[0] in pair]
    prompts = {prompt for _, _, prompt, _ in found}
    return question_on(voting.labeler.id, prompts.pop(), *pair) if len(found) == 2 and len(prompts) == 1 else None
