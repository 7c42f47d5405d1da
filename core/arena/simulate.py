"""Scripted voters of known taste, for demos, for tests and for trying an arena. Always marked as scripts.

One with noise T prefers the first answer with probability sigmoid((gold(first) - gold(second)) / T) (Bradley and Terry
1952); with T = 0 it follows the gold reward exactly, and equal rewards are ties.
"""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass

from core.arena.asking import Asking
from core.errors import BadInput
from core.labeling import gold
from core.labeling.own_reward import Lost
from core.store import Changes, Project, arena_votes, arenas, guidelines, labelers
from core.store.arena_votes import NewVote
from core.store.arenas import Arena

#: Answers whose reward is asked for at once.
AT_ONCE = 32
#: The most votes of one call.
MOST = 100_000


@dataclass(frozen=True)
class Simulated:
    """Who voted, how often, and how many answers have no reward, with the first reason."""

    labeler: str
    votes: int
    unscored: int
    why: str
    changes: Changes


def asked(
    project: Project, arena: Arena, reward: str, *, noise: float = 0.0, votes: int = 100, seed: int = 0
) -> Callable[[], Simulated]:
    """Ask the gold reward of all answers and draw as many votes, on the questions that a labeler would be asked; which
    may take long and keeps nobody from writing. Where there is noise, another `seed` is another voter. Returns what
    stores them. Raises `BadInput` for what is no reward, for a noise below 0, and for a number of votes below 1.
    """
    if not (0 <= noise < math.inf):
        raise BadInput("The noise must be a number of at least 0.")
    if not 1 <= votes <= MOST:
        raise BadInput(f"The number of votes must be from 1 to {MOST:,}.")
    score = gold.find(project, reward)
    drawn = f"noise {noise:g}" + (f", seed {seed}" if seed and noise else "")
    name, detail = f"{gold.SIMULATED}voter, {reward}, {drawn}", f"{reward} (voter, {drawn})"
    known = labelers.find(project, name)
    asking = Asking(project, arena.id, known.id if known else 0)
    values, lost = _values(project, arena, score)
    asking.leave_out(lost.keys())
    chosen: list[tuple[int, int, float]] = []
    while len(chosen) < votes and (question := asking.next(seed=seed + len(chosen))) is not None:
        one, two = question.first_id, question.second_id
        chance = random.Random(f"{seed}/{name}/{min(one, two)}/{max(one, two)}")
        won = _won(values[one] - values[two], noise, chance.random())
        asking.voted(one, two, won)
        chosen.append((one, two, won))

    def store() -> Simulated:
        with project.write():
            who = labelers.named(project, name, kind="scripted", detail=detail).id
            rules = guidelines.current_id(project)
            stored, _ = arena_votes.cast(project, [NewVote(one, two, who, rules, won) for one, two, won in chosen])
        changes = project.changed("Simulate votes", "arena_votes", "labelers", ids=tuple(stored))
        return Simulated(name, len(stored), len(lost), str(next(iter(lost.values()), "")), changes)

    return store


def _won(difference: float, noise: float, drawn: float) -> float:
    """What the first answer gets, where it is so much better; `drawn` is from 0 to 1."""
    if not noise:
        return 0.5 if not difference else float(difference > 0)
    return float(drawn < 0.5 + 0.5 * math.tanh(difference / noise / 2))


def _values(project: Project, arena: Arena, score: gold.Gold) -> tuple[dict[int, float], dict[int, Lost]]:
    """The reward of each answer that has one, and why the others have none."""
    prompts = {prompt.id: prompt.text for prompt in arenas.prompts(project, arena.id)}
    texts = arenas.texts(project, arena.id)
    found: dict[int, float] = {}
    lost: dict[int, Lost] = {}
    for start in range(0, len(texts), AT_ONCE):
        part = texts[start : start + AT_ONCE]
        pairs = [(prompts[prompt], text) for _, _, prompt, text in part]
        for (number, *_), value in zip(part, gold.values(score, pairs), strict=True):
            if isinstance(value, Lost):
                lost[number] = value
            else:
                found[number] = value
    return found, lost
