"""How far labelers agree: with each other, with the author's calibration set, and with themselves.

A unit is a group of completions. Intervals are bootstrapped over groups, because the pairs of one group are not
independent of each other.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from core.errors import ProjectError
from core.preferences.interval import NOTHING, Interval
from core.preferences.ordinal_alpha import Tables
from core.preferences.statistics import (
    BUNDLES,
    Ranks,
    alike,
    bootstrap_rows,
    kendall_w,
    share_interval,
    shares,
    tau_b,
    widened,
)
from core.store import Project, calibration, groups, judgements
from core.store.calibration import KeyItem

RESAMPLES = 1000
#: Labelers that are compared: every two of them are, so that more would take too long.
MOST_LABELERS = 50
#: Tags that are measured: each takes a bootstrap of its own.
MOST_TAGS = 100


@dataclass(frozen=True)
class Agreement:
    """`groups` is how many were ranked by at least two of the `labelers`."""

    pairwise: Interval
    tau_b: Interval
    w: Interval
    alpha: Interval
    groups: int
    labelers: int


@dataclass(frozen=True)
class Difference:
    """A calibration item on which a labeler differs: ranks by completion, and the share of pairs judged alike."""

    group_id: int
    prompt: str
    agreement: float
    key: dict[int, int | None]
    theirs: dict[int, int | None]


@dataclass(frozen=True)
class Calibration:
    agreement: Interval
    ranked: int
    total: int
    differences: list[Difference]


@dataclass(frozen=True)
class Disagreement:
    group_id: int
    prompt: str
    labelers: int
    agreement: float
    adjudicated: bool


@dataclass(frozen=True)
class Report:
    """Agreement overall, of each labeler with the others, and on the prompts of each tag (the most prompts first);
    then the groups on which labelers agree least, those that are not adjudicated first. `left_out` labelers share
    groups with others and are not compared."""

    overall: Agreement
    labelers: dict[int, Agreement]
    tags: dict[str, Agreement]
    disagreements: list[Disagreement]
    left_out: int = 0

    @property
    def lacks(self) -> str:
        """The sentence about who is not compared; empty where everybody is."""
        if not self.left_out:
            return ""
        return (
            f"At most {MOST_LABELERS} labelers are compared, those who share the most prompts: {self.left_out:,} "
            f"{'is' if self.left_out == 1 else 'are'} left out."
        )


def measure(
    project: Project, *, tag: str = "", people_only: bool = False, by_tag: bool = True, limit: int = 100,
    resamples: int = RESAMPLES,
) -> Report:  # fmt: skip
    """Over all groups (of prompts with `tag`, if given) that at least two labelers ranked.

    What somebody ranked by the best and the worst only counts as an order with ties in the middle. Of more labelers
    than `MOST_LABELERS` those with the most such groups are compared, and of more tags than `MOST_TAGS` the same.
    """
    tags = defaultdict(set, groups.tags(project) if tag or by_tag else {})
    said, left_out = _said(project, people_only)
    blocks = list(_blocks(said, {group for group in tags if tag in tags[group]} if tag else None))
    apart = {}
    for who in sorted({who for block in blocks for who in block.labelers}):
        theirs = [block for block in blocks if who in block.labelers]
        apart[who] = Tally(theirs, only=who).agreement(resamples)
    named = _by_tag(blocks, tags) if by_tag else ()
    tagged = {name: Tally(found).agreement(resamples) for name, found in named}
    return Report(
        Tally(blocks).agreement(resamples),
        apart,
        dict(sorted(tagged.items(), key=lambda item: -item[1].groups)),
        _disagreements(project, blocks, limit),
        left_out,
    )


def self_consistency(project: Project, *, resamples: int = RESAMPLES) -> dict[int, Interval]:
    """Pairs judged alike when a labeler ranked the same completions again, unannounced."""
    pairs: dict[int, dict[int, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))
    for item in judgements.repeated(project):
        both = _rank(item.first, item.first_flag), _rank(item.again, item.again_flag)
        pairs[item.labeler_id][item.ranking_id].append(both)
    found = {}
    for who, repeats in pairs.items():
        sums = [alike(*np.array(items, dtype=float).T) for items in repeats.values()]
        found[who] = share_interval(np.array(sums), resamples=resamples)
    return found


def against_calibration(project: Project, labeler_id: int, *, resamples: int = RESAMPLES) -> Calibration:
    """A labeler's orders against the author's; the author's own keys are left out."""
    groups: dict[int, list[KeyItem]] = defaultdict(list)
    for item in calibration.compared(project, labeler_id):
        groups[item.group_id].append(item)
    done = {group: items for group, items in groups.items() if items[0].ranking is not None}
    sums, differences = [], []
    for group, items in done.items():
        key = np.array([_rank(item.key, item.key_flag) for item in items])
        theirs = np.array([_rank(item.theirs, item.their_flag) for item in items])
        same, count = alike(key, theirs)
        sums.append((same, count))
        if count and same < count:
            differences.append(
                Difference(
                    group, items[0].prompt, float(same / count),
                    {item.completion_id: item.key for item in items},
                    {item.completion_id: item.theirs for item in items},
                )
            )  # fmt: skip
    differences.sort(key=lambda item: item.agreement)
    agreed = share_interval(np.array(sums), resamples=resamples) if sums else NOTHING
    return Calibration(agreed, len(done), len(groups), differences)


def _rank(rank: int | None, flag: str | None = None) -> float:
    """Flagged completions are not judged, unranked ones are below all others."""
    return np.nan if flag else np.inf if rank is None else float(rank)


@dataclass(frozen=True)
class Block:
    """Groups that the same labelers ranked and that have as many completions.

    `groups` is (G,), `ranks` is (G, labelers, completions in the order of their ids), as `statistics` has them.
    """

    labelers: tuple[int, ...]
    groups: NDArray[np.int64]
    ranks: Ranks

    def only(self, places: list[int]) -> "Block":
        """The groups at these places."""
        return Block(self.labelers, self.groups[places], self.ranks[places])

    def couples(self, only: int | None = None) -> Iterator[tuple[Ranks, Ranks]]:
        """The rankings of every two labelers, or of one with each other one; each (G, completions)."""
        for one, two in combinations(range(len(self.labelers)), 2):
            if only in (None, self.labelers[one], self.labelers[two]):
                yield self.ranks[:, one], self.ranks[:, two]


Said = dict[int, dict[int, list[float]]]
"""Ranks in the order of completions, by group and labeler."""


def _said(project: Project, people_only: bool) -> tuple[Said, int]:
    """What the labelers said who are compared, and how many others there are."""
    groups: dict[int, dict[int, list[float]]] = defaultdict(dict)
    for group, labeler, rank, flag in judgements.shared(project, people_only=people_only):
        groups[group].setdefault(labeler, []).append(_rank(rank, flag))
    _checked(groups)
    counts = Counter(labeler for rankings in groups.values() for labeler in rankings)
    busiest = {labeler for labeler, _ in counts.most_common(MOST_LABELERS)}
    said = {group: {who: ranks for who, ranks in found.items() if who in busiest} for group, found in groups.items()}
    return said, len(counts) - len(busiest)


def _blocks(groups: Said, wanted: set[int] | None) -> Iterator[Block]:
    """The groups with at least two rankings that count; flagged ones and flagged completions are left out."""
    alike_: dict[tuple[tuple[int, ...], int], list[int]] = defaultdict(list)
    for group, rankings in groups.items():
        if len(rankings) > 1 and (wanted is None or group in wanted):
            alike_[tuple(rankings), len(next(iter(rankings.values())))].append(group)
    for (labelers, _), members in alike_.items():
        ranks = np.array([[groups[group][who] for who in labelers] for group in members])
        yield Block(labelers, np.array(members), ranks)


def _by_tag(blocks: list[Block], tags: Mapping[int, set[str]]) -> Iterator[tuple[str, list[Block]]]:
    """The tags of most groups with their groups, each group looked at once."""
    counts = Counter(name for block in blocks for group in block.groups.tolist() for name in tags.get(group, ()))
    places: dict[str, dict[int, list[int]]] = {
        name: defaultdict(list) for name, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MOST_TAGS]
    }
    for number, block in enumerate(blocks):
        for place, group in enumerate(block.groups.tolist()):
            for name in tags.get(group, set()) & places.keys():
                places[name][number].append(place)
    for name in sorted(places):
        yield name, [blocks[number].only(found) for number, found in places[name].items()]


def _checked(groups: Mapping[int, Mapping[int, list[float]]]) -> None:
    """Ranks are stored without holes: none is above the number of completions. Raises `ProjectError`."""
    for group, rankings in groups.items():
        if any(math.isfinite(rank) and rank > len(ranks) for ranks in rankings.values() for rank in ranks):
            raise ProjectError(
                f"A ranking of the completions {group} has a rank beyond their number: the project's file is damaged"
                " there. Restore it from a backup, or rank them again."
            )


class Tally:
    """What groups add up to, in bundles for the bootstrap; with `only`, comparisons with that labeler alone."""

    SAME, PAIRS, TAU, TAUS, W, WS = range(6)

    def __init__(self, blocks: list[Block], *, only: int | None = None) -> None:
        self.groups = sum(len(block.groups) for block in blocks)
        self.labelers = len({who for block in blocks if len(block.groups) for who in block.labelers})
        self.sums = np.zeros((min(self.groups, BUNDLES), 6))
        self.tables = Tables()
        taken = 0
        for block in blocks:
            if len(block.groups):
                bundles = (taken + np.arange(len(block.groups))) % len(self.sums)
                np.add.at(self.sums, bundles, self._columns(block, only))
                for table in [block.ranks] if only is None else [np.stack(both, 1) for both in block.couples(only)]:
                    self.tables.add(bundles, table)
                taken += len(block.groups)

    def _columns(self, block: Block, only: int | None) -> NDArray[np.float64]:
        """(G, 6): pairs alike, pairs; tau-b and W with how many there are."""
        columns = np.zeros((len(block.groups), 6))
        taus = []
        for one, two in block.couples(only):
            same, pairs = alike(one, two)
            columns[:, self.SAME] += same
            columns[:, self.PAIRS] += pairs
            taus.append(tau_b(one, two))
        columns[:, self.TAU : self.TAUS + 1] = _mean_and_whether(np.stack(taus))
        columns[:, self.W : self.WS + 1] = _mean_and_whether(kendall_w(block.ranks)[None])
        return columns

    def agreement(self, resamples: int) -> Agreement:
        def mean(first: int, least: float) -> Interval:
            sums = self.sums[:, first : first + 2]
            return widened(bootstrap_rows(sums, shares, resamples=resamples, n=_with_any(sums)), least)

        pairs = self.sums[:, self.SAME : self.SAME + 2]
        return Agreement(
            pairwise=share_interval(pairs, resamples=resamples, n=_with_any(pairs)),
            tau_b=mean(self.TAU, -1.0),
            w=mean(self.W, 0.0),
            alpha=self.tables.alpha(len(self.sums), resamples=resamples, n=self.groups),
            groups=self.groups,
            labelers=self.labelers,
        )


def _with_any(sums: NDArray[np.float64]) -> int:
    """In how many groups there is anything to count."""
    return int((sums[:, 1] > 0).sum())


def _mean_and_whether(found: NDArray[np.float64]) -> NDArray[np.float64]:
    """(k, G) with nan where there is none gives (G, 2): the mean of what is there, and 1 if there is any."""
    there = ~np.isnan(found)
    count = there.sum(axis=0)
    mean = np.where(there, found, 0.0).sum(axis=0) / np.maximum(count, 1)
    return np.stack([mean, (count > 0).astype(float)], axis=1)


def _disagreements(project: Project, blocks: list[Block], limit: int) -> list[Disagreement]:
    decided = judgements.adjudicated(project)
    found: list[tuple[bool, float, int, int]] = []
    for block in blocks:
        sums = [np.stack(alike(one, two)) for one, two in block.couples()]
        same, pairs = np.sum(sums, axis=0)
        for group, one, of in zip(block.groups.tolist(), same.tolist(), pairs.tolist(), strict=True):
            if of:
                found.append((group in decided, one / of, group, len(block.labelers)))
    found.sort()
    return [
        Disagreement(group, groups.prompt_text(project, group), labelers, agreed, adjudicated)
        for adjudicated, agreed, group, labelers in found[:limit]
    ]
