"""A judge of an arena beside people: how far it agrees with them, what else than quality it follows, and what people's
few votes and its many verdicts say together."""

from dataclasses import dataclass

import numpy as np

from core.config.judging import JudgeBy
from core.preferences.interval import Interval
from core.preferences.judge_agreement import JudgeReport, judge_report
from core.preferences.length_taste import LengthTaste, beyond, length_taste
from core.preferences.position_bias import PositionBias, position_bias
from core.preferences.prediction_powered import PredictionPowered, prediction_powered
from core.preferences.votes import Floats, Numbers
from core.report.arena_material import Cast, Material, Voice
from core.report.arena_pairs import Pair, rows_of

#: The chance below which a bias of place is told.
LEVEL = 0.05


@dataclass(frozen=True)
class Corrected:
    """The win rate of `one` over `two`, by their places: what a judge says, corrected by people."""

    one: int
    two: int
    found: PredictionPowered


@dataclass(frozen=True)
class Judge:
    """`agreement` is over the votes of people on the same answers, None where there are none. `places` is over the
    verdicts that were asked for in both orders, None without. `longer_wins` is how often an answer that is longer by
    `scale` letters (a standard deviation) wins, by its verdicts, and `people_longer_wins` by people's votes;
    `beyond_people` is by how much more, in natural logarithms of odds."""

    name: str
    detail: str
    verdicts: int
    agreement: JudgeReport | None
    both_orders: int
    places: PositionBias | None
    longer_wins: Interval
    people_longer_wins: Interval
    beyond_people: Interval
    scale: float
    corrected: tuple[Corrected, ...]

    @property
    def checked(self) -> bool:
        """Did people vote on what it judged?"""
        return self.agreement is not None

    @property
    def scores(self) -> bool:
        """Is it a reward function, which is not asked about two answers?"""
        return self.detail.partition(":")[0] in (JudgeBy.REWARD, JudgeBy.GOLD)

    @property
    def follows_place(self) -> bool:
        return self.places is not None and self.places.p_value is not None and self.places.p_value < LEVEL


def judges(material: Material, pairs: tuple[Pair, ...], *, resamples: int = 1000) -> tuple[Judge, ...]:
    """Every judge that gave a verdict; `pairs` are people's, in whose order the corrected rates are told."""
    people = next(each.cast for each in material.voices if each.kind == "person")
    scale = length_scale(material)
    taste = _taste(material, people, scale)
    return tuple(
        _judge(material, voice, people, taste, scale, pairs, resamples)
        for voice in material.voices
        if voice.kind == "judge" and len(voice.cast)
    )


def length_scale(material: Material) -> float:
    """The standard deviation of how much two answers to a prompt differ in length, in letters; 0 where none do."""
    known = ~np.isnan(material.lengths)
    count = known.sum(axis=1)
    lengths = np.where(known, material.lengths, 0.0)
    centre = lengths.sum(axis=1) / np.maximum(count, 1)
    squares = float(((lengths - centre[:, None]) ** 2 * known).sum())
    freedom = int(np.maximum(count - 1, 0).sum())
    return float(np.sqrt(2 * squares / freedom)) if freedom else 0.0


def _taste(material: Material, cast: Cast, scale: float) -> LengthTaste:
    return length_taste(cast.votes, material.longer(cast), len(material.policies), scale)


def _judge(
    material: Material, voice: Voice, people: Cast, taste: LengthTaste, scale: float, pairs: tuple[Pair, ...],
    resamples: int,
) -> Judge:  # fmt: skip
    cast = voice.cast
    own = _taste(material, cast, scale)
    prompts, voted, judged = beside(people, cast)
    tags = dict(enumerate(material.tags))
    both = [place for place, vote in enumerate(cast.number.tolist()) if vote in material.both_orders]
    orders = np.array([material.both_orders[vote] for vote in cast.number[both].tolist()], dtype=float).reshape(-1, 2)
    return Judge(
        voice.name, voice.detail, len(cast),
        judge_report(prompts, verdict(voted), verdict(judged), tags, resamples=resamples) if len(prompts) else None,
        len(both),
        position_bias(cast.prompts[both], *verdict(orders).T) if both else None,
        own.longer_wins, taste.longer_wins, beyond(own, taste), scale,
        tuple(_corrected(material, people, cast, pair) for pair in pairs) if len(prompts) else (),
    )  # fmt: skip


def beside(people: Cast, judge: Cast) -> tuple[Numbers, Floats, Floats]:
    """Each person's vote on two answers that the judge judged, too: the prompt, what one of the two got from the person
    and from the judge, (V,) each."""
    keys, won = _keys(judge)
    order = np.argsort(keys, kind="stable")
    theirs, voted = _keys(people)
    if not len(keys) or not len(theirs):
        return people.prompts[:0], voted[:0], won[:0]
    place = np.minimum(np.searchsorted(keys[order], theirs), len(keys) - 1)
    here = keys[order][place] == theirs
    return people.prompts[here], voted[here], won[order][place[here]]


def _keys(cast: Cast) -> tuple[Numbers, Floats]:
    """A number for each prompt and two policies, and what the policy of the lower place got, (V,) each."""
    low, high = np.minimum(cast.first, cast.second), np.maximum(cast.first, cast.second)
    return (cast.prompts << 20) + (low << 10) + high, np.where(cast.first == low, cast.won, 1 - cast.won)


def verdict(won: Floats) -> Floats:
    """A probability as a win, a tie at just a half, or a loss."""
    return (np.sign(won - 0.5) + 1) / 2


def _corrected(material: Material, people: Cast, judge: Cast, pair: Pair) -> Corrected:
    theirs, its = (rows_of(material, cast, pair.one, pair.two, once=True) for cast in (people, judge))
    return Corrected(pair.one, pair.two, prediction_powered(theirs.prompts, theirs.won, its.prompts, its.won))
