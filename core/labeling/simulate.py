"""Simulated labelers: a gold reward with noise, and a few characters, for demos and experiments. Always marked.

A labeler with temperature T prefers A to B with probability sigmoid((gold(A) - gold(B)) / T) (Bradley and Terry
1952); a whole order is drawn from the matching Plackett-Luce model by adding Gumbel noise to gold / T. T = 0
follows the gold reward exactly.
"""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, replace

from core.errors import BadInput
from core.labeling import gold
from core.labeling.gold import Unscored
from core.records import Completion, Labeler, NewRanking
from core.store import Changes, Project, assignments, completions, labelers, rankings

#: For whom nothing was assigned or ranked yet.
NOBODY = 0


@dataclass(frozen=True)
class Personality:
    """`temperature` is in units of the gold reward; `length` is added for each 100 characters, `first` for standing
    first on the screen (falling to 0 at the last place); `tie` is the difference below which two are tied; `top`
    is how many are ranked (0 is all); `seconds` is the usual time for a prompt."""

    meaning: str
    temperature: float = 0.1
    length: float = 0.0
    first: float = 0.0
    tie: float = 0.0
    top: int = 0
    seconds: float = 20.0


PERSONALITIES: dict[str, Personality] = {
    "careful": Personality("Reads everything; little noise.", seconds=40.0),
    "hasty": Personality("Ranks quickly and often wrongly.", temperature=1.0, seconds=4.0),
    "length-lover": Personality("Takes long for good.", length=0.5),
    "first-picker": Personality("Prefers what stands first.", first=1.0, seconds=10.0),
    "tie-happy": Personality("Ties what is nearly the same.", tie=0.3),
    "top-two": Personality("Ranks the best two and leaves the rest.", top=2, seconds=12.0),
}


def simulate(
    project: Project, reward: str, personality: str, *, temperature: float | None = None, share: float = 1.0,
    seed: int = 0, unscored: Unscored | None = None,
) -> Changes:  # fmt: skip
    """Rank what waits for the simulated labeler, as `asked` says."""
    return asked(project, reward, personality, temperature=temperature, share=share, seed=seed, unscored=unscored)()


def asked(
    project: Project, reward: str, personality: str, *, temperature: float | None = None, share: float = 1.0,
    seed: int = 0, unscored: Unscored | None = None,
) -> Callable[[], Changes]:  # fmt: skip
    """Ask the gold reward of what waits for the simulated labeler, or a `share` of it, which may take long and keeps
    nobody from writing. Returns what stores the rankings, in one transaction. Groups with a completion that has no
    value stay unranked, and are told in `unscored`.

    Raises `BadInput` for an unknown gold reward or personality.
    """
    if personality not in PERSONALITIES:
        raise BadInput(f"There is no personality {personality!r}: choose one of {', '.join(PERSONALITIES)}.")
    if not 0 < share <= 1:
        raise BadInput("The share must be above 0 and at most 1.")
    character = PERSONALITIES[personality]
    if temperature is not None:
        if temperature < 0:
            raise BadInput("The temperature must be at least 0.")
        character = replace(character, temperature=temperature)
    score = gold.find(project, reward)
    name, _ = _named(reward, personality, temperature)
    known = labelers.find(project, name)
    waiting = assignments.queue(project, known.id if known else NOBODY).waiting
    chances = {number: random.Random(f"{seed}/{name}/{number}") for number in waiting}
    chosen = [number for number, chance in chances.items() if chance.random() < share]
    groups = (completions.group(project, number) for number in chosen)
    values = {group.id: found for group, found in gold.scored(score, groups, unscored or Unscored())}

    def store() -> Changes:
        ids: list[int] = []
        with project.write():
            who = labeler(project, reward, personality, temperature)
            for group_id in assignments.queue(project, who.id).waiting:
                if group_id not in values:
                    continue  # it has no value, or came while the function was asked
                found, group = values[group_id], completions.group(project, group_id)
                if found.keys() != {item.id for item in group.completions}:
                    continue  # it was changed meanwhile
                chance = chances[group_id]
                by_hand = completions.written_by_hand(project, group_id)
                shown = rankings.shown_order(group_id, who.id, [item.id for item in group.completions], by_hand=by_hand)
                liked = {item.id: _liked(item, found[item.id], shown, character) for item in group.completions}
                ids += rankings.add(
                    project, NewRanking(group_id, who.id, _order(liked, character, chance), shown=shown,
                    seconds=round(character.seconds * math.exp(chance.gauss(0, 0.4)), 1),
                )).ids  # fmt: skip
        return project.changed("Simulate a labeler", "rankings", "labelers", ids=tuple(ids))

    return store


def labeler(project: Project, reward: str, personality: str, temperature: float | None = None) -> Labeler:
    """The simulated labeler of this character; scripted, and named as such."""
    name, detail = _named(reward, personality, temperature)
    return labelers.named(project, name, kind="scripted", detail=detail)


def _named(reward: str, personality: str, temperature: float | None) -> tuple[str, str]:
    """Its name and what is kept beside."""
    noise = "" if temperature is None else f", noise {temperature:g}"
    return f"{gold.SIMULATED}{personality}, {reward}{noise}", f"{reward} ({personality}{noise})"


def _liked(item: Completion, reward: float, shown: list[int], character: Personality) -> float:
    """The gold reward as this character feels it."""
    place = shown.index(item.id)
    ahead = 1 - place / max(1, len(shown) - 1)
    return reward + character.length * len(item.text) / 100 + character.first * ahead


def _order(liked: dict[int, float], character: Personality, chance: random.Random) -> dict[int, int | None]:
    """Ranks drawn by Plackett-Luce; values within `tie` of the tier's best are tied, those past `top` unranked."""
    t = character.temperature
    felt = {item: value + (t * _gumbel(chance) if t else 0.0) for item, value in liked.items()}
    ranks: dict[int, int | None] = {}
    rank, best = 0, math.inf
    for item in sorted(felt, key=lambda item: -felt[item]):
        if best - felt[item] > character.tie or rank == 0:
            rank, best = rank + 1, felt[item]
        ranks[item] = rank if not character.top or rank <= character.top else None
    return ranks


def _gumbel(chance: random.Random) -> float:
    return -math.log(-math.log(max(chance.random(), 1e-300)))
