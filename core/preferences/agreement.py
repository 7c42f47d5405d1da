"""How far labelers agree: with each other, with the author's calibration set, and with themselves.

A unit is a group of completions. Intervals are bootstrapped over groups, because the pairs of one group are not
independent of each other.
"""

from collections import defaultdict
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from core.preferences.statistics import (
    NOTHING,
    Interval,
    Ranks,
    alike,
    alpha_of,
    bootstrap,
    coincidences,
    kendall_w,
    mean,
    ratio,
    tau_b,
)
from core.store import Project

RESAMPLES = 1000
#: With more groups than this, alpha is resampled from so many bundles of groups instead of from single ones.
BUNDLES = 500


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


Table = dict[int, dict[int, Ranks]]  # group -> labeler -> ranks of its completions, in the order of their ids


def overall(
    project: Project, *, tag: str = "", people_only: bool = False, resamples: int = RESAMPLES, seed: int = 0
) -> Agreement:
    """Over all groups (of prompts with `tag`, if given) that at least two labelers ranked."""
    return _agreement(_table(project, tag=tag, people_only=people_only), resamples=resamples, seed=seed)


def by_labeler(project: Project, *, people_only: bool = False, resamples: int = RESAMPLES) -> dict[int, Agreement]:
    """Each labeler against the others; only comparisons in which the labeler takes part count."""
    table = _table(project, people_only=people_only)
    people = sorted({who for rankings in table.values() for who in rankings})
    found = {}
    for who in people:
        mine = {group: rankings for group, rankings in table.items() if who in rankings}
        if mine:
            found[who] = _agreement(mine, resamples=resamples, only=who)
    return found


def by_tag(project: Project, *, people_only: bool = False, resamples: int = RESAMPLES) -> dict[str, Agreement]:
    """Agreement on the prompts of each tag, the tag with the most groups first."""
    tags = [
        row["tag"]
        for row in project.rows("select distinct t.value as tag from prompts, json_each(prompts.tags) t order by 1")
    ]
    table = _table(project, people_only=people_only)
    tagged = _tags(project)
    found = {}
    for tag in tags:
        part = {group: rankings for group, rankings in table.items() if tag in tagged[group]}
        if part:
            found[tag] = _agreement(part, resamples=resamples)
    return dict(sorted(found.items(), key=lambda item: -item[1].groups))


def self_consistency(project: Project, *, resamples: int = RESAMPLES) -> dict[int, Interval]:
    """Pairs judged alike when a labeler ranked the same completions again, unannounced."""
    rows = project.rows(
        "select r.labeler_id, r.id, i.completion_id, i.rank as again, f.rank as first from rankings r"
        " join ranking_items i on i.ranking_id = r.id"
        " join ranking_items f on f.ranking_id = r.repeat_of and f.completion_id = i.completion_id"
        " where r.repeat_of is not null and r.retracted_at is null and r.flag is null order by r.id, i.completion_id"
    )
    pairs: dict[int, dict[int, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        pairs[row["labeler_id"]][row["id"]].append((_rank(row["first"]), _rank(row["again"])))
    found = {}
    for who, repeats in pairs.items():
        shares = [alike(*np.array(items, dtype=float).T) for items in repeats.values()]
        found[who] = _ratio(shares, resamples)
    return found


def against_calibration(project: Project, labeler_id: int, *, resamples: int = RESAMPLES) -> Calibration:
    """A labeler's orders against the author's; the author's own keys are left out."""
    rows = project.rows(
        "select c.group_id, p.text as prompt, k.completion_id, k.rank as key, i.rank as theirs, r.id as ranking"
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
    shares, differences = [], []
    for group, items in done.items():
        key = np.array([_rank(item["key"]) for item in items])
        theirs = np.array([_rank(item["theirs"]) for item in items])
        same, count = alike(key, theirs)
        shares.append((same, count))
        if count and same < count:
            differences.append(
                Difference(
                    group, items[0]["prompt"], same / count,
                    {item["completion_id"]: item["key"] for item in items},
                    {item["completion_id"]: item["theirs"] for item in items},
                )
            )  # fmt: skip
    differences.sort(key=lambda item: item.agreement)
    return Calibration(_ratio(shares, resamples), len(done), len(groups), differences)


def disagreements(project: Project, *, limit: int = 100, people_only: bool = False) -> list[Disagreement]:
    """Groups that at least two labelers ranked, those first on which they agree least."""
    table = _table(project, people_only=people_only)
    decided = {
        row["group_id"]
        for row in project.rows("select group_id from rankings where adjudicates = 1 and retracted_at is null")
    }
    found = []
    for group, rankings in table.items():
        same, count = _group_alike(rankings)
        if count:
            found.append((group in decided, same / count, group, len(rankings)))
    found.sort()
    return [
        Disagreement(
            group,
            project.value(
                "select p.text from prompts p join completion_groups g on g.prompt_id = p.id where g.id = ?", group
            ),
            labelers,
            share,
            adjudicated,
        )
        for adjudicated, share, group, labelers in found[:limit]
    ]


def _rank(value: int | None) -> float:
    return np.nan if value is None else float(value)


def _tags(project: Project) -> dict[int, set[str]]:
    found: dict[int, set[str]] = defaultdict(set)
    for row in project.rows(
        "select g.id, t.value as tag from completion_groups g join prompts p on p.id = g.prompt_id, json_each(p.tags) t"
    ):
        found[row["id"]].add(row["tag"])
    return found


def _table(project: Project, *, tag: str = "", people_only: bool = False) -> Table:
    """The groups with at least two rankings that count; flagged ones and flagged completions are left out."""
    rows = project.db.conn.execute(
        "with several as ("
        "  select group_id from rankings where retracted_at is null and repeat_of is null and flag is null"
        "  group by group_id having count(distinct labeler_id) > 1"
        ") select r.group_id, r.labeler_id, i.completion_id, case when i.flag is null then i.rank end"
        " from current_rankings r join several s on s.group_id = r.group_id"
        " join labelers l on l.id = r.labeler_id"
        " join ranking_items i on i.ranking_id = r.id"
        " where r.flag is null and r.adjudicates = 0 and (l.kind = 'person' or not ?)"
        " order by r.group_id, r.labeler_id, i.completion_id",
        (int(people_only),),
    )
    found: dict[int, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for group, labeler, _, rank in rows:
        found[group][labeler].append(_rank(rank))
    wanted = {group for group, tags in _tags(project).items() if tag in tags} if tag else None
    return {
        group: {who: np.array(ranks) for who, ranks in rankings.items()}
        for group, rankings in found.items()
        if len(rankings) > 1 and (wanted is None or group in wanted)
    }


def _couples(rankings: dict[int, Ranks], only: int | None) -> list[tuple[Ranks, Ranks]]:
    return [
        (rankings[one], rankings[two]) for one, two in combinations(sorted(rankings), 2) if only in (None, one, two)
    ]


def _group_alike(rankings: dict[int, Ranks], only: int | None = None) -> tuple[float, int]:
    shares = [alike(one, two) for one, two in _couples(rankings, only)]
    return sum(same for same, _ in shares), sum(count for _, count in shares)


def _ratio(shares: list[tuple[float, int]], resamples: int, seed: int = 0) -> Interval:
    if not shares:
        return NOTHING
    top, bottom = np.array(shares, dtype=float).T
    return ratio(top, bottom, resamples=resamples, seed=seed)


def _agreement(table: Table, *, resamples: int, seed: int = 0, only: int | None = None) -> Agreement:
    shares, taus, concordances = [], [], []
    for rankings in table.values():
        shares.append(_group_alike(rankings, only))
        group_taus = [value for one, two in _couples(rankings, only) if (value := tau_b(one, two)) is not None]
        if group_taus:
            taus.append(float(np.mean(group_taus)))
        value = kendall_w(np.stack(list(rankings.values())))
        if value is not None:
            concordances.append(value)
    return Agreement(
        pairwise=_ratio(shares, resamples, seed),
        tau_b=mean(taus, resamples=resamples, seed=seed),
        w=mean(concordances, resamples=resamples, seed=seed),
        alpha=_alpha(table, resamples, seed, only),
        groups=len(table),
        labelers=len({who for rankings in table.values() for who in rankings}),
    )


def _alpha(table: Table, resamples: int, seed: int, only: int | None) -> Interval:
    """Ordinal alpha: a unit is a completion, its values are its ranks; resampled by group."""
    groups = list(table.values())
    if not groups:
        return NOTHING
    highest = max((float(np.nanmax(ranks)) for item in groups for ranks in item.values() if not np.isnan(ranks).all()),
                  default=0.0)  # fmt: skip
    values = np.arange(1.0, highest + 1)
    count = min(len(groups), BUNDLES)
    matrices = np.zeros((count, len(values), len(values)))
    for place, rankings in enumerate(groups):
        couples = (
            [np.stack(couple) for couple in _couples(rankings, only)] if only else [np.stack(list(rankings.values()))]
        )
        for block in couples:
            matrices[place % count] += coincidences(block, values)

    def statistic(places: np.ndarray) -> float | None:
        return alpha_of(matrices[places].sum(axis=0))

    found = bootstrap(count, statistic, resamples=resamples, seed=seed)
    return Interval(found.value, found.low, found.high, len(groups))
