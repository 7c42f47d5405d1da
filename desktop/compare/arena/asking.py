"""What a voter is asked, with the words that are shown: `core.arena.asking` chooses by numbers."""

from collections.abc import Collection
from dataclasses import dataclass

from core.arena.asking import Asking
from core.errors import BadInput
from core.store import Project, arenas
from core.store.arenas import ArenaAnswer, ArenaPrompt

Pair = frozenset[int]


@dataclass(frozen=True)
class Question:
    """Two answers to a prompt, in the order in which they are shown."""

    prompt: ArenaPrompt
    first: ArenaAnswer
    second: ArenaAnswer

    @property
    def pair(self) -> Pair:
        return frozenset((self.first.id, self.second.id))


def question(project: Project, arena_id: int, first_id: int, second_id: int) -> Question | None:
    """About two answers, if they are in the arena."""
    try:
        first, second = arenas.some_answers(project, (first_id, second_id))
    except BadInput:
        return None
    prompt = next((each for each in arenas.prompts(project, arena_id) if each.id == first.arena_prompt_id), None)
    return None if prompt is None else Question(prompt, first, second)


def next_question(
    project: Project, arena_id: int, labeler_id: int, later: Collection[Pair] = ()
) -> tuple[Question | None, int]:
    """The one whose vote tells most, and how many there are. While there are others, answers of those that are to come
    `later` are left out."""
    asking = Asking(project, arena_id, labeler_id)
    left = asking.left
    asking.leave_out([min(pair) for pair in later])
    found = asking.next(seed=left)
    return (None if found is None else question(project, arena_id, found.first_id, found.second_id)), left
