"""How far labelers agree: with each other, with the author's calibration set, and with themselves.

A unit is a group of completions. Intervals are bootstrapped over groups, because the pairs of one group are not
independent of each other.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from core.preferences.statistics import (
    BUNDLES,
    NOTHING,
    Interval,
    Ranks,
    alike,
    alpha,
    alpha_of,
    bootstrap,
    coincidences,
    kendall_w,
    share,
    share_interval,
    tau_b,
    value_counts,
)
from core.store import Project

RESAMPLES = 1000


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
    then the groups on which labelers agree least, those that are not adjudicated first."""

    overall: Agreement
    labelers: dict[int, Agreement]
    tags: dict[str, Agreement]
    disagreements: list[Disagreement]


def measure(
    project: Project, *, tag: str = "", people_only: bool = False, by_tag: bool = True, limit: int = 100,
    resamples: int = RESAMPLES,
) -> Report:  # fmt: skip
    """Over all groups (of prompts with `tag`, if given) that at least two labelers ranked.

    What somebody ranked by the best and the worst only counts as an order with ties in the middle.
    """
    tags = _tags(project) if tag or by_tag else {}
    blocks = list(_blocks(project, people_only, {group for group in tags if tag in tags[group]} if tag else None))
    values = max((int(block.ranks[np.isfinite(block.ranks)].max(initial=1.0)) for block in blocks), default=1)
    everything, apart = Tally(blocks, values), {}
    for who in sorted({who for block in blocks for who in block.labelers}):
        apart[who] = Tally([block for block in blocks if who in block.labelers], values, only=who)
    names = sorted({name for found in tags.values() for name in found}) if by_tag else []
    tagged = {name: Tally([block.only(tags, name) for block in blocks], values) for name in names}
    kept = {name: tally.agreement(resamples) for name, tally in tagged.items() if tally.groups}
    return Report(
        everything.agreement(resamples),
        {who: tally.agreement(resamples) for who, tally in apart.items()},
        dict(sorted(kept.items(), key=lambda item: -item[1].groups)),
        _disagreements(project, blocks, limit),
    )


def self_consistency(project: Project, *, resamples: int = RESAMPLES) -> dict[int, Interval]:
    """Pairs judged alike when a labeler ranked the same completions again, unannounced."""
    rows = project.rows(
        "select r.labeler_id, r.id, i.rank as again, f.rank as first, i.flag as again_flag, f.flag as first_flag"
        " from rankings r"
        " join ranking_items i on i.ranking_id = r.id"
        " join ranking_items f on f.ranking_id = r.repeat_of and f.completion_id = i.completion_id"
        " where r.repeat_of is not null and r.retracted_at is null and r.flag is null order by r.id, i.completion_id"
    )
    pairs: dict[int, dict[int, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        both = _rank(row["first"], row["first_flag"]), _rank(row["again"], row["again_flag"])
        pairs[row["labeler_id"]][row["id"]].append(both)
    found = {}
    for who, repeats in pairs.items():
        sums = [alike(*np.array(items, dtype=float).T) for items in repeats.values()]
        found[who] = bootstrap(np.array(sums), share, resamples=resamples)
    return found


def against_calibration(project: Project, labeler_id: int, *, resamples: int = RESAMPLES) -> Calibration:
    """A labeler's orders against the author's; the author's own keys are left out."""
    rows = project.rows(
        "select c.group_id, p.text as prompt, k.completion_id, k.rank as key, i.rank as theirs, r.id as ranking,"
        " k.flag as key_flag, i.flag as their_flag"
        " from calibration c join rankings a on a.id = c.ranking_id"
        " join completion_groups g on g.id = c.group_id join prompts p on p.id = g.prompt_id"
        " join ranking_items k on k.ranking_id = c.ranking_id"
        " left join current_rankings r on r.group_id = c.group_id and r.labeler_id = ? and r.flag is null"
        " left join ranking_items i on i.ranking_id = r.id and i.completion_id = k.completion_id"
        " where a.labeler_id != ? order by c.group_id, k.completion_id",
        labeler_id,
        labeler_id,
    )
    groups: dict[int, list[dict]] = defaultdict(list)
    for row in rows:
        groups[row["group_id"]].append(row)
    done = {group: items for group, items in groups.items() if items[0]["ranking"] is not None}
    sums, differences = [], []
    for group, items in done.items():
        key = np.array([_rank(item["key"], item["key_flag"]) for item in items])
        theirs = np.array([_rank(item["theirs"], item["their_flag"]) for item in items])
        same, count = alike(key, theirs)
        sums.append((same, count))
        if count and same < count:
            differences.append(
                Difference(
                    group, items[0]["prompt"], float(same / count),
                    {item["completion_id"]: item["key"] for item in items},
                    {item["completion_id"]: item["theirs"] for item in items},
                )
            )  # fmt: skip
    differences.sort(key=lambda item: item.agreement)
    agreed = bootstrap(np.array(sums), share, resamples=resamples) if sums else NOTHING
    return Calibration(agreed, len(done), len(groups), differences)


def _rank(rank: int | None, flag: str | None = None) -> float:
    """Flagged completions are not judged, unranked ones are below all others."""
    return np.nan if flag else np.inf if rank is None else float(rank)


def _tags(project: Project) -> dict[int, set[str]]:
    found: dict[int, set[str]] = defaultdict(set)
    for row in project.rows(
        "select g.id, t.value as tag from completion_groups g join prompts p on p.id = g.prompt_id, json_each(p.tags) t"
    ):
        found[row["id"]].add(row["tag"])
    return found


@dataclass(frozen=True)
class Block:
    """Groups that the same labelers ranked and that have as many completions.

    `groups` is (G,), `ranks` is (G, labelers, completions in the order of their ids), as `statistics` has them.
    """

    labelers: tuple[int, ...]
    groups: NDArray[np.int64]
    ranks: Ranks

    def only(self, tags: dict[int, set[str]], name: str) -> "Block":
        """The groups whose prompts have this tag."""
        kept = np.array([name in tags[int(group)] for group in self.groups], dtype=bool)
        return Block(self.labelers, self.groups[kept], self.ranks[kept])

    def couples(self, only: int | None = None) -> Iterator[tuple[Ranks, Ranks]]:
        """The rankings of every two labelers, or of one with each other one; each (G, completions)."""
        for one, two in combinations(range(len(self.labelers)), 2):
            if only in (None, self.labelers[one], self.labelers[two]):
                yield self.ranks[:, one], self.ranks[:, two]


def _blocks(project: Project, people_only: bool, wanted: set[int] | None) -> Iterator[Block]:
    """The groups with at least two rankings that count; flagged ones and flagged completions are left out."""
    rows = project.db.conn.execute(
        "with several as ("
        "  select group_id from rankings where retracted_at is null and repeat_of is null and flag is null"
        "  group by group_id having count(distinct labeler_id) > 1"
        ") select r.group_id, r.labeler_id, i.rank, i.flag"
        " from current_rankings r join several s on s.group_id = r.group_id"
        " join labelers l on l.id = r.labeler_id"
        " join ranking_items i on i.ranking_id = r.id"
        " where r.flag is null and r.adjudicates = 0 and (l.kind = 'person' or not ?)"
        " order by r.group_id, r.labeler_id, i.completion_id",
        (int(people_only),),
    )
    groups: dict[int, dict[int, list[float]]] = defaultdict(dict)
    for group, labeler, rank, flag in rows:
        groups[group].setdefault(labeler, []).append(_rank(rank, flag))
    alike_: dict[tuple[tuple[int, ...], int], list[int]] = defaultdict(list)
    for group, rankings in groups.items():
        if len(rankings) > 1 and (wanted is None or group in wanted):
            alike_[tuple(rankings), len(next(iter(rankings.values())))].append(group)
    for (labelers, _), members in alike_.items():
        ranks = np.array([[groups[group][who] for who in labelers] for group in members])
        yield Block(labelers, np.array(members), ranks)


class Tally:
    """What groups add up to, in bundles for the bootstrap; with `only`, comparisons with that labeler alone."""

    SAME, PAIRS, TAU, TAUS, W, WS = range(6)

    def __init__(self, blocks: list[Block], values: int, *, only: int | None = None) -> None:
        self.groups = sum(len(block.groups) for block in blocks)
        self.labelers = len({who for block in blocks if len(block.groups) for who in block.labelers})
        self.values = values
        self.sums = np.zeros((min(self.groups, BUNDLES), 6 + values * values))
        self.counts: list[NDArray[np.float64]] = []
        taken = 0
        for block in blocks:
            if len(block.groups):
                places = (taken + np.arange(len(block.groups))) % len(self.sums)
                np.add.at(self.sums, places, self._columns(block, only))
                taken += len(block.groups)

    def _columns(self, block: Block, only: int | None) -> NDArray[np.float64]:
        """(G, 6 + values squared): pairs alike, pairs; tau-b and W with how many there are; coincidences."""
        columns = np.zeros((len(block.groups), 6 + self.values**2))
        taus = []
        for one, two in block.couples(only):
            same, pairs = alike(one, two)
            columns[:, self.SAME] += same
            columns[:, self.PAIRS] += pairs
            taus.append(tau_b(one, two))
        columns[:, self.TAU : self.TAUS + 1] = _mean_and_whether(np.stack(taus))
        columns[:, self.W : self.WS + 1] = _mean_and_whether(kendall_w(block.ranks)[None])
        tables = [block.ranks] if only is None else [np.stack(couple, axis=1) for couple in block.couples(only)]
        for table in tables:
            counts = value_counts(table, self.values)
            columns[:, 6:] += coincidences(counts).reshape(len(columns), -1)
            self.counts.append(counts.reshape(-1, self.values))
        return columns

    def agreement(self, resamples: int) -> Agreement:
        def interval(first: int) -> Interval:
            return bootstrap(self.sums[:, first : first + 2], share, resamples=resamples, n=self.groups)

        def ordinal(sums: NDArray[np.float64]) -> float | None:
            return alpha_of(sums.reshape(self.values, self.values))

        spread = bootstrap(self.sums[:, 6:], ordinal, resamples=resamples, n=self.groups)
        value = alpha(np.concatenate(self.counts)) if self.counts else None
        return Agreement(
            pairwise=share_interval(self.sums[:, self.SAME : self.SAME + 2], resamples=resamples, n=self.groups),
            tau_b=interval(self.TAU),
            w=interval(self.W),
            alpha=Interval(value, spread.low, spread.high, self.groups),
            groups=self.groups,
            labelers=self.labelers,
        )


def _mean_and_whether(found: NDArray[np.float64]) -> NDArray[np.float64]:
    """(k, G) with nan where there is none gives (G, 2): the mean of what is there, and 1 if there is any."""
    there = ~np.isnan(found)
    count = there.sum(axis=0)
    mean = np.where(there, found, 0.0).sum(axis=0) / np.maximum(count, 1)
    return np.stack([mean, (count > 0).astype(float)], axis=1)


def _disagreements(project: Project, blocks: list[Block], limit: int) -> list[Disagreement]:
    decided = {
        row["group_id"]
        for row in project.rows("select group_id from rankings where adjudicates = 1 and retracted_at is null")
    }
    found: list[tuple[bool, float, int, int]] = []
    for block in blocks:
        sums = [np.stack(alike(one, two)) for one, two in block.couples()]
        same, pairs = np.sum(sums, axis=0)
        for group, one, of in zip(block.groups.tolist(), same.tolist(), pairs.tolist(), strict=True):
            if of:
                found.append((group in decided, one / of, group, len(block.labelers)))
    found.sort()
    sql = "select p.text from prompts p join completion_groups g on g.prompt_id = p.id where g.id = ?"
    return [
        Disagreement(group, project.value(sql, group), labelers, agreed, adjudicated)
        for adjudicated, agreed, group, labelers in found[:limit]
    ]
