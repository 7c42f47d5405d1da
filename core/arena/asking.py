"""Which two answers a labeler is asked about next: those whose vote should tell most about the policies.

It is chosen by the votes so far (`core.preferences.next_vote`): those of people, and the labeler's own; without any, of
the policies and prompts with the fewest votes. Nobody is asked again what they voted on, nor about two answers of the
same words, which are a tie.
"""

import random
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from core.preferences.bradley_terry import bradley_terry
from core.preferences.next_vote import next_vote
from core.preferences.votes import Votes
from core.store import Project, arena_votes, arenas

#: A prompt of the arena, the first policy and the second by their place, and what the first got.
_Row = tuple[int, int, int, float]


@dataclass(frozen=True)
class Question:
    """Two answers to a prompt of the arena, by their numbers, in the order in which they are shown."""

    prompt_id: int
    first_id: int
    second_id: int


@dataclass(frozen=True)
class Table:
    """Answers to a prompt of the arena that all have other words, in the order in which they are shown. `same` are
    others that have the words of one of these."""

    prompt_id: int
    shown: tuple[int, ...]
    same: dict[int, tuple[int, ...]]

    @property
    def pairs(self) -> list[frozenset[int]]:
        """Each two of all answers, also of those that have the same words."""
        numbers = [number for first in self.shown for number in (first, *self.same[first])]
        return list(map(frozenset, combinations(numbers, 2)))


def question_on(labeler_id: int, prompt_id: int, one_id: int, two_id: int) -> Question:
    """On two answers, in the order in which the labeler sees them: drawn, and the same each time."""
    pair = sorted((one_id, two_id))
    if random.Random(f"{labeler_id}/{pair[0]}/{pair[1]}").random() < 0.5:
        pair.reverse()
    return Question(prompt_id, *pair)


class Asking:
    """What there is to ask a labeler, as of the moment at which it was made and of what was `voted` since."""

    def __init__(self, project: Project, arena_id: int, labeler_id: int) -> None:
        self.labeler_id = labeler_id
        with project.reading():
            policies = [policy.id for policy in arenas.policies(project, arena_id)]
            texts = arenas.texts(project, arena_id)
            cast = arena_votes.outcomes(project, arena_id)
        place = {policy: number for number, policy in enumerate(policies)}
        self.policies = len(policies)
        self.answers: dict[int, dict[int, int]] = {}
        """Of each prompt the numbers of its answers, by the policy's place."""
        self._words: dict[int, str] = {}
        for number, policy, prompt, text in texts:
            self.answers.setdefault(prompt, {})[place[policy]] = number
            self._words[number] = text.strip()
        self.where = {number: (prompt, policy) for prompt, of in self.answers.items() for policy, number in of.items()}
        self._equal = [row for prompt in self.answers for row in self._ties(prompt)]
        rows = [(prompt, place[one], place[two], won, who, kind) for prompt, one, two, won, who, kind in cast]
        self._votes: list[_Row] = [
            (prompt, one, two, won)
            for prompt, one, two, won, who, kind in rows
            if kind == "person" or who == labeler_id
        ]
        self._own: list[_Row] = [(prompt, one, two, won) for prompt, one, two, won, who, _ in rows if who == labeler_id]

    def leave_out(self, answer_ids: Collection[int]) -> None:
        """Ask nothing about these."""
        for number in answer_ids:
            prompt, policy = self.where[number]
            self.answers[prompt].pop(policy, None)

    def voted(self, first_id: int, second_id: int, won: float) -> None:
        """The labeler voted on these since."""
        (prompt, one), (_, two) = self.where[first_id], self.where[second_id]
        self._votes.append((prompt, one, two, won))
        self._own.append((prompt, one, two, won))

    @property
    def left(self) -> int:
        """How many questions there are for the labeler."""
        done = {(prompt, *sorted(pair)) for prompt, *pair, _ in (*self._own, *self._equal)}
        return sum(len(of) * (len(of) - 1) // 2 for of in self.answers.values()) - sum(
            one in self.answers[prompt] and two in self.answers[prompt] for prompt, one, two in done
        )

    def next(self, seed: int = 0) -> Question | None:
        """None where nothing is left. The same seed asks the same, as long as nothing came since."""
        prompts = [prompt for prompt, of in self.answers.items() if len(of) > 1]
        if not prompts:
            return None
        answered = np.zeros((len(prompts), self.policies), dtype=bool)
        for row, prompt in enumerate(prompts):
            answered[row, list(self.answers[prompt])] = True
        votes = _votes([*self._votes, *self._equal])
        found = next_vote(
            bradley_terry(votes, self.policies, resamples=0), votes, np.array(prompts), answered,
            done=_votes([*self._own, *self._equal]), seed=seed,
        )  # fmt: skip
        if found is None:
            return None
        of = self.answers[found.prompt]
        return question_on(self.labeler_id, found.prompt, of[found.first], of[found.second])

    def next_table(self, seed: int = 0) -> Table | None:
        """All answers of the prompt with the fewest votes, of which the labeler has voted on none; None without one."""
        votes, tables = Counter(prompt for prompt, *_ in self._votes), self._tables()
        if not tables:
            return None
        chance = random.Random(f"{self.labeler_id}/{seed}")
        fewest = min(votes[prompt] for prompt in tables)
        prompt = chance.choice([each for each in tables if votes[each] == fewest])
        shown = list(tables[prompt])
        chance.shuffle(shown)
        return Table(prompt, tuple(shown), tables[prompt])

    @property
    def tables_left(self) -> int:
        """How many prompts there are of whose answers the labeler has voted on none."""
        return len(self._tables())

    def _tables(self) -> dict[int, dict[int, tuple[int, ...]]]:
        """By prompt, what can be ordered as a whole."""
        own = {prompt for prompt, *_ in self._own}
        found = {prompt: self._different(prompt) for prompt in self.answers if prompt not in own}
        return {prompt: different for prompt, different in found.items() if len(different) > 1}

    def _different(self, prompt: int) -> dict[int, tuple[int, ...]]:
        """One answer for each words, with the others that have them."""
        found: dict[str, list[int]] = {}
        for number in self.answers[prompt].values():
            found.setdefault(self._words[number], []).append(number)
        return {first: tuple(others) for first, *others in found.values()}

    def _ties(self, prompt: int) -> list[_Row]:
        of = sorted(self.answers[prompt].items())
        if len({self._words[number] for _, number in of}) == len(of):
            return []
        return [
            (prompt, one, two, 0.5)
            for place, (one, first) in enumerate(of)
            for two, second in of[place + 1 :]
            if self._words[first] == self._words[second]
        ]


def _votes(rows: list[_Row]) -> Votes:
    prompts, first, second, won = zip(*rows, strict=True) if rows else ((), (), (), ())
    return Votes(
        np.array(prompts, dtype=np.int64), np.array(first, dtype=np.int64), np.array(second, dtype=np.int64),
        np.array(won, dtype=np.float64),
    )  # fmt: skip
