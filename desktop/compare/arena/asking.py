"""What a voter is asked next."""

import random
from collections import Counter
from collections.abc import Container
from dataclasses import dataclass
from itertools import combinations

from core.store import Project, arena_votes, arenas
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
    answers = {each.id: each for each in arenas.answers(project, arena_id)}
    prompts = {each.id: each for each in arenas.prompts(project, arena_id)}
    first, second = answers.get(first_id), answers.get(second_id)
    if first is None or second is None:
        return None
    return Question(prompts[first.arena_prompt_id], first, second)


def next_question(project: Project, arena_id: int, labeler_id: int, later: Container[Pair]) -> Question | None:
    """About policies that were compared least, on a pair that the labeler did not vote on."""
    votes = arena_votes.counting(project, arena_id)
    mine = {frozenset((vote.first_id, vote.second_id)) for vote in votes if vote.labeler_id == labeler_id}
    met = Counter(frozenset((vote.first_policy, vote.second_policy)) for vote in votes)
    by_prompt: dict[int, list[ArenaAnswer]] = {}
    for answer in arenas.answers(project, arena_id):
        by_prompt.setdefault(answer.arena_prompt_id, []).append(answer)
    found = [
        pair
        for answers in by_prompt.values()
        for pair in combinations(answers, 2)
        if (ids := frozenset((pair[0].id, pair[1].id))) not in mine and ids not in later
    ]
    if not found:
        return None
    draw = random.Random(f"{labeler_id}/{len(votes)}")
    chosen = min(found, key=lambda pair: (met[frozenset((pair[0].policy_id, pair[1].policy_id))], draw.random()))
    first, second = draw.sample(chosen, 2)
    return question(project, arena_id, first.id, second.id)


def how_many_left(project: Project, arena_id: int, labeler_id: int) -> int:
    """Pairs that the labeler did not vote on."""
    votes = arena_votes.counting(project, arena_id)
    mine = {frozenset((vote.first_id, vote.second_id)) for vote in votes if vote.labeler_id == labeler_id}
    of_prompt = Counter(answer.arena_prompt_id for answer in arenas.answers(project, arena_id))
    return sum(n * (n - 1) // 2 for n in of_prompt.values()) - len(mine)
