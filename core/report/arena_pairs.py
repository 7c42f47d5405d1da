"""Who wins over whom in an arena, and the table of all policies, of one voice: people, scripts or a judge.

Answers with the same text are ties that nobody has to be asked about. They count as often as they occur: where a
quarter of two policies' answers are the same, a quarter of what their win rate is computed from are such ties.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.preferences.agreement import MOST_TAGS
from core.preferences.bradley_terry import BradleyTerry, bradley_terry
from core.preferences.holm import adjusted
from core.preferences.interval import NOTHING, Interval, Z
from core.preferences.length_control import LengthControlled, length_controlled
from core.preferences.votes import Floats, Numbers, Votes, win_rate
from core.report.arena_material import Cast, Material

#: Resamples of the table, and of each pair's rate at equal lengths, which has a floor of its own.
TABLE, LENGTHS = 500, 100
#: A difference is claimed where it would come by chance less often than this.
LEVEL = 0.05


@dataclass(frozen=True)
class Rows:
    """Votes on two policies and the ties of their equal answers, (V,) each; what `one` got, and how many letters longer
    its answer is. The first `votes` of them were cast."""

    prompts: Numbers
    won: Floats
    longer: Floats
    votes: int


@dataclass(frozen=True)
class Pair:
    """Two policies by their places, `one` the stronger in the table. `ties` are the voters', `both_bad` among them;
    `same` of `answered` prompts have equal answers, `same_counted` of which are in the rates. `win_rate` is from the
    votes on these two alone. `modelled` is what the table says by all votes; `p_value` belongs to it, adjusted for all
    pairs (Holm), and claims rest on it: it needs fewer votes, and does not contradict itself."""

    one: int
    two: int
    votes: int
    prompts: int
    ties: int
    both_bad: int
    same: int
    same_counted: int
    answered: int
    win_rate: Interval
    at_equal_lengths: LengthControlled
    modelled: Interval
    p_value: float
    by_tag: dict[str, Interval]

    @property
    def claimed(self) -> bool:
        """May it be said that `one` wins?"""
        return self.p_value < LEVEL

    @property
    def fits(self) -> bool:
        """Do the votes on these two alone leave what the table says possible?"""
        low, high, value = self.win_rate.low, self.win_rate.high, self.modelled.value
        return low is None or high is None or value is None or low <= value <= high


@dataclass(frozen=True)
class Place:
    """A policy in the table: Elo's points, of which the reference has 1000, and `rank`, 1 more than how many policies
    are surely stronger; None where no vote compares it with the reference."""

    policy: int
    name: str
    points: Interval
    rank: int | None
    votes: int


@dataclass(frozen=True)
class Table:
    """`connected` is False where some policies cannot be compared, of which `lacks` tells."""

    places: tuple[Place, ...]
    connected: bool
    lacks: tuple[str, ...]
    reference: str


def votes_on(material: Material, cast: Cast, one: int, two: int) -> Cast:
    """The votes on these two; one between equal answers is none."""
    ahead, behind = (cast.first == one) & (cast.second == two), (cast.first == two) & (cast.second == one)
    return cast.at((ahead | behind) & ~material.same(one, two)[cast.prompts])


def rows_of(material: Material, cast: Cast, one: int, two: int, *, once: bool = False) -> Rows:
    """Of one voice; `once` counts each prompt once when it says how many ties of equal answers belong to them."""
    found = votes_on(material, cast, one, two)
    way = np.where(found.first == one, 1.0, -1.0)
    same = np.flatnonzero(material.same(one, two))
    differ = material.answered(one, two) - len(same)
    votes = len(np.unique(found.prompts)) if once else len(found)
    ties = round(votes * len(same) / differ) if differ else len(same)
    spread = same[np.arange(ties) * len(same) // max(ties, len(same))] if len(same) else same
    return Rows(
        np.concatenate([found.prompts, spread]),
        np.concatenate([0.5 + way * (found.won - 0.5), np.full(len(spread), 0.5)]),
        np.concatenate([way * material.longer(found), np.zeros(len(spread))]),
        len(found),
    )


def standing(material: Material, cast: Cast, *, family: int = 1, seed: int = 0) -> tuple[Table, tuple[Pair, ...]]:
    """The table and all pairs; `family` is how many such tables were there to choose from."""
    k = len(material.policies)
    if not k:
        return Table((), True, (), ""), ()
    pairs = [(one, two) for one in range(k) for two in range(one + 1, k)]
    rows = {pair: rows_of(material, cast, *pair) for pair in pairs}
    fitted = bradley_terry(_all(rows), k, resamples=TABLE, seed=seed)
    order = np.argsort(-fitted.strengths, kind="stable").tolist()
    turned = [(one, two) if order.index(one) < order.index(two) else (two, one) for one, two in pairs]
    turned.sort(key=lambda pair: (order.index(pair[0]), order.index(pair[1])))
    p_values = adjusted([_p_value(fitted.difference(*pair)) for pair in turned], len(pairs) * family)
    tagged = {tag: _tagged(material, cast, tag) for tag in _tags(material, cast)}
    found = [
        _pair(material, cast, one, two, fitted, p_value, tagged)
        for (one, two), p_value in zip(turned, p_values, strict=True)
    ]
    return _table(material, cast, fitted, order, found), tuple(found)


def reference(material: Material) -> int:
    """The place of the policy that the table is told from: the base, else the first."""
    return next((place for place, each in enumerate(material.policies) if each.kind == "base"), 0)


def _pair(
    material: Material, cast: Cast, one: int, two: int, fitted: BradleyTerry, p_value: float,
    tagged: Mapping[str, tuple[Material, Cast]],
) -> Pair:  # fmt: skip
    rows = rows_of(material, cast, one, two)
    own = votes_on(material, cast, one, two)
    by_tag = {
        tag: win_rate(found.prompts, found.won)
        for tag, (part, votes) in tagged.items()
        if (found := rows_of(part, votes, one, two)).votes
    }
    return Pair(
        one, two, rows.votes, len(np.unique(own.prompts)), int((own.won == 0.5).sum()), int(own.both_bad.sum()),
        int(material.same(one, two).sum()), len(rows.won) - rows.votes, material.answered(one, two),
        win_rate(rows.prompts, rows.won) if rows.votes else NOTHING,
        length_controlled(rows.prompts, rows.won, rows.longer, resamples=LENGTHS)
        if rows.votes
        else LengthControlled(NOTHING, NOTHING, NOTHING, 0.5),
        fitted.win_probability(one, two), p_value, by_tag,
    )  # fmt: skip


def _table(material: Material, cast: Cast, fitted: BradleyTerry, order: list[int], pairs: Sequence[Pair]) -> Table:
    base = reference(material)
    above = Counter(pair.two for pair in pairs if pair.claimed)
    counts = np.bincount(np.concatenate([cast.first, cast.second]), minlength=len(order))
    home = next((members for members in fitted.components if base in members), ())
    names = [each.name for each in material.policies]
    places = [
        Place(
            policy, names[policy], fitted.points(policy, base),
            1 + above[policy] if policy in home and len(home) > 1 else None, int(counts[policy]),
        )
        for policy in order
    ]  # fmt: skip
    lacks = fitted.lacks(names)
    return Table(tuple(places), len(fitted.components) < 2, tuple(lacks), names[base])


def _all(rows: dict[tuple[int, int], Rows]) -> Votes:
    """The votes and ties of all pairs, for the table."""
    ends = np.repeat(np.array(list(rows), dtype=np.int64).reshape(-1, 2), [len(each.won) for each in rows.values()], 0)
    none = np.zeros(0)
    prompts = np.concatenate([none.astype(np.int64), *(each.prompts for each in rows.values())])
    return Votes(prompts, ends[:, 0], ends[:, 1], np.concatenate([none, *(each.won for each in rows.values())]))


def _p_value(found: Interval) -> float:
    """Of a difference from 0, by the half of its interval that points there."""
    if found.value is None or found.low is None or found.high is None:
        return 1.0
    half = found.value - found.low if found.value > 0 else found.high - found.value
    return math.erfc(abs(found.value) / half * Z / math.sqrt(2)) if half > 0 else 1.0


def _tagged(material: Material, cast: Cast, tag: str) -> tuple[Material, Cast]:
    """Only the prompts with this tag, and the votes on them."""
    here = np.array([tag in each for each in material.tags], dtype=bool)
    return material.tagged(tag), cast.at(here[cast.prompts])


def _tags(material: Material, cast: Cast) -> list[str]:
    """Of the most votes."""
    counts = Counter(tag for prompt in cast.prompts.tolist() for tag in material.tags[prompt])
    return sorted(counts, key=lambda tag: (-counts[tag], tag))[:MOST_TAGS]
