"""What every session of a labeler in an arena does, whether it asks about two answers or about all of a prompt's."""

import time
from collections.abc import Callable, Set
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from core.errors import BadInput
from core.records import Labeler
from core.store import Changes, Project, arena_votes
from core.store.arenas import Arena, ArenaAnswer, ArenaPrompt
from core.store.undo.steps import CallableStep, StillTyped

#: Seconds for one question beyond which nobody was there.
LONGEST = 3600.0

Asked = TypeVar("Asked")


@dataclass(frozen=True, kw_only=True, eq=False)
class VoteStep(CallableStep):
    """Votes of the labeler of this number."""

    labeler_id: int


class BlindSession(Generic[Asked]):
    """`question` is what is asked now, None where nothing is left. Raises `BadInput` for a labeler that is no person:
    votes of scripts and judges are made by those."""

    def __init__(self, project: Project, arena: Arena, labeler: Labeler) -> None:
        if labeler.kind != "person":
            raise BadInput(f"{labeler.name!r} is a {labeler.kind} labeler, and here people vote: choose another name.")
        self.project, self.arena, self.labeler = project, arena, labeler
        self._later: set[int] = set()
        self.left = 0
        """What the labeler has not voted on yet, as of the last `refresh`."""
        self.refresh()

    def refresh(self) -> None:
        """Ask anew, by what others said and what was answered by now."""
        found = self.next(self._later)
        if found is None and self._later:
            self._later = set()
            found = self.next(self._later)
        self.show(found)

    def put_off(self) -> bool:
        """Ask something else, and this once there is nothing else. False where there is nothing now."""
        if self.question is None:
            return False
        later = self._later | {self.number(self.question)}
        found = self.next(later)
        if found is not None:
            self._later = later
            self.show(found)
        return found is not None

    def show(self, question: Asked | None) -> None:
        """Ask this now. Raises `BadInput` where one of its answers is not in the arena any more."""
        self.question = question
        self._began = time.monotonic()
        self.prompt: ArenaPrompt | None = None
        self.answers: tuple[ArenaAnswer, ...] = ()
        if question is not None:
            self.prompt, self.answers = self.read(question)

    @property
    def seconds(self) -> float:
        """Since the question was asked."""
        return round(min(time.monotonic() - self._began, LONGEST), 1)

    def undo(self) -> Changes:
        """Take the labeler's newest vote in this arena back, or all of a ballot; after a restart, too. Raises
        `BadInput` where there is none."""
        newest = arena_votes.newest_of(self.project, self.arena.id, self.labeler.id)
        if not newest:
            raise BadInput("There is no vote of yours to take back.")
        changes = arena_votes.retract(self.project, newest)
        self.look_again()
        return changes

    def step(self, changes: Changes, is_typed: Callable[[], bool], *, back: bool = False) -> VoteStep:
        """What `changes` did to votes of the labeler's as a step of the window's history: they gave them, or took them
        `back`. Votes that are taken back stay in the file, whoever does it. They are not given again by it where
        something `is_typed` that would not be in them."""
        away = partial(arena_votes.retract, self.project, changes.ids)

        def again() -> None:
            if is_typed():
                raise StillTyped("a comment is typed that would not be in the vote")
            arena_votes.give_again(self.project, changes.ids)

        return VoteStep(
            label=f"{'Vote taken back' if back else 'Vote'} of {self.labeler.name}", tables=changes.tables,
            undo=again if back else away, redo=away if back else again,
            there=partial(arena_votes.exist, self.project, changes.ids), labeler_id=self.labeler.id,
        )  # fmt: skip

    def look_again(self) -> None:
        """Answers or votes came or went."""
        self.refresh()

    def next(self, later: Set[int]) -> Asked | None:
        """What tells most, but for what was put off; sets `left`."""
        raise NotImplementedError

    def number(self, question: Asked) -> int:
        """By which it is put off."""
        raise NotImplementedError

    def read(self, question: Asked) -> tuple[ArenaPrompt, tuple[ArenaAnswer, ...]]:
        """The words of the question, its answers in their order on the table."""
        raise NotImplementedError
