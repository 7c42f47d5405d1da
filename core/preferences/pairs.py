"""From rankings to pairs (prompt, chosen, rejected), by a query: nothing is stored twice.

N completions ranked without ties give N(N-1)/2 pairs, the preferred one first; tied completions give no
pair; a flagged prompt gives none, a flagged completion is in none. An unranked completion is below every
ranked one and has no order among the unranked.
"""

import math
from dataclasses import dataclass
from typing import Any

from core.records import Pair
from core.store import Project


@dataclass(frozen=True)
class Counts:
    """How many rankings there are and what became of them."""

    rankings: int
    ranked_prompts: int
    pairs: int
    ties: int
    flagged: int
    scripted: int


#: The order that counts as a whole, beside those by criterion.
OVERALL = "overall"


@dataclass(frozen=True)
class Judgement:
    """One labeler's order over a group's completions, overall or by one criterion.

    `ranks` has one number for each completion: 1 is best, equal is tied, infinity is unranked (below every rank, with
    no order among its like), nan is not judged (flagged). Without `ties` equal ranks were not compared.
    """

    labeler_id: int
    criterion: str
    ranks: tuple[float, ...]
    ties: bool = True


@dataclass(frozen=True)
class JudgedGroup:
    """The completions of one prompt with everybody's orders over them; at least one of them gives a pair."""

    group_id: int
    prompt_id: int
    prompt: str
    split: str
    completion_ids: tuple[int, ...]
    completions: tuple[str, ...]
    judgements: tuple[Judgement, ...]


@dataclass(frozen=True)
class Filter:
    """Which pairs: by labeler (0 is anybody), version of the guidelines (0 is any), tag, split, least distance of
    ranks, and the criterion whose order they follow from (empty is the overall one)."""

    labeler_id: int = 0
    version: int = 0
    tag: str = ""
    split: str = ""
    margin: int = 1
    criterion: str = ""
    search: str = ""

    @property
    def empty(self) -> bool:
        return self == Filter()

    def source(self, joins: str = "") -> tuple[str, list[Any]]:
        """The `from` and `where` of a query over the pairs `p` of prompts `q`, and its parameters."""
        wheres: list[tuple[str, Any]] = []
        if self.criterion:
            wheres.append(("p.criterion = ?", self.criterion))
        if self.labeler_id:
            wheres.append(("p.labeler_id = ?", self.labeler_id))
        if self.version:
            wheres.append(("p.guidelines_id = ?", self.version))
        if self.tag:
            wheres.append(("exists (select 1 from json_each(q.tags) where value = ?)", self.tag))
        if self.split:
            wheres.append(("q.split = ?", self.split))
        if self.margin > 1:
            wheres.append(("p.gap >= ?", self.margin))
        if self.search:
            wheres.append(("instr(lower(q.text), lower(?))", self.search))
        view = "criterion_pairs" if self.criterion else "pairs"
        conditions = " and ".join(condition for condition, _ in wheres) or "1"
        text = f"from {view} p join prompts q on q.id = p.prompt_id {joins} where {conditions}"
        return text, [value for _, value in wheres]


def listed(project: Project, chosen: Filter | None = None, *, limit: int = 0) -> list[Pair]:
    """Pairs in the order of their rankings; at most `limit` unless it is 0."""
    source, parameters = (chosen or Filter()).source(
        "join completions c on c.id = p.chosen_id join completions d on d.id = p.rejected_id"
    )
    rows = project.rows(
        "select p.prompt_id, q.text as prompt, p.chosen_id, c.text as chosen, p.rejected_id, d.text as rejected,"
        f" p.gap, p.labeler_id {source} order by p.ranking_id, p.chosen_id, p.rejected_id limit ?",
        *parameters,
        limit or -1,
    )
    return [Pair(**row) for row in rows]


def count(project: Project, chosen: Filter) -> int:
    """How many pairs pass the filter."""
    if chosen.empty:
        return counts(project).pairs
    source, parameters = chosen.source()
    return int(project.value(f"select count(*) {source}", *parameters))


def rules(project: Project, found: Counts | None = None) -> dict[str, int]:
    """What became of the rankings, by the rule that decided it; `found` is what `counts` gave, if that is known."""
    found = found or counts(project)
    one = project.value
    return {
        "pairs": found.pairs,
        "ties, which give no pair": found.ties,
        "flagged prompts, which give none": found.flagged,
        "flagged completions, left out": one(
            "select count(*) from counting_rankings r join ranking_items i on i.ranking_id = r.id"
            " where r.flag is null and i.flag is not null"
        ),
        "unranked completions, below the ranked": one(
            "select count(*) from counting_rankings r join ranking_items i on i.ranking_id = r.id"
            " where r.flag is null and i.flag is null and i.rank is null"
        ),
        "rankings overruled by adjudication": one(
            "select (select count(*) from current_rankings) - (select count(*) from counting_rankings)"
        ),
        "repeats, which only measure": one(
            "select count(*) from rankings where repeat_of is not null and retracted_at is null"
        ),
    }


def counts(project: Project) -> Counts:
    """Counted from the sizes of the ranks, without listing the pairs: n completions of which s_1, s_2 ... share
    a rank (or are unranked) give (n^2 - s_1^2 - s_2^2 ...) / 2 pairs."""
    ranked = project.one(
        "with sizes as ("
        "  select c.id, c.group_id, c.method, i.rank, count(*) as s from counting_rankings c"
        "  join ranking_items i on i.ranking_id = c.id where c.flag is null and i.flag is null"
        "  group by c.id, i.rank"
        "), sums as ("
        "  select group_id, (sum(s) * sum(s) - sum(s * s)) / 2 as pairs,"
        "   sum(case when rank is not null and method != 'best-worst' then s * (s - 1) / 2 else 0 end) as ties"
        "  from sizes group by id"
        ") select coalesce(sum(pairs), 0) as pairs, coalesce(sum(ties), 0) as ties,"
        " count(distinct case when pairs then g.prompt_id end) as prompts"
        " from sums join completion_groups g on g.id = sums.group_id"
    )
    assert ranked is not None
    people = project.one(
        "select count(*) as rankings, coalesce(sum(flag is not null), 0) as flagged,"
        " coalesce(sum(labeler_id in (select id from labelers where kind = 'scripted')), 0) as scripted"
        " from current_rankings"
    )
    assert people is not None
    return Counts(
        rankings=people["rankings"],
        ranked_prompts=ranked["prompts"],
        pairs=ranked["pairs"],
        ties=ranked["ties"],
        flagged=people["flagged"],
        scripted=people["scripted"],
    )


def judged_groups(project: Project, *, criteria: bool = True) -> list[JudgedGroup]:
    """Every group that yields at least one pair, whole, as the reward model's loss wants it."""
    judged = _orders(project, "select i.ranking_id, '' as criterion, i.completion_id, i.rank from ranking_items i")
    if criteria:
        judged |= _orders(project, "select ranking_id, criterion, completion_id, rank from criterion_ranks")
    flagged = {
        (row["ranking_id"], row["completion_id"])
        for row in project.rows("select ranking_id, completion_id from ranking_items where flag is not null")
    }
    rankings = project.rows(
        "select r.id, r.group_id, r.labeler_id, r.method, g.prompt_id, q.text as prompt, q.split"
        " from counting_rankings r join completion_groups g on g.id = r.group_id join prompts q on q.id = g.prompt_id"
        " where r.flag is null order by r.group_id, r.id"
    )
    texts: dict[int, dict[int, str]] = {}
    for row in project.rows(
        "select id, group_id, text from completions where group_id in (select group_id from counting_rankings)"
        " order by id"
    ):
        texts.setdefault(row["group_id"], {})[row["id"]] = row["text"]
    by_ranking: dict[int, list[tuple[str, dict[int, int | None]]]] = {}
    for (ranking_id, criterion), ranks in judged.items():
        by_ranking.setdefault(ranking_id, []).append((criterion or OVERALL, ranks))
    groups: dict[int, tuple[dict[str, Any], list[Judgement]]] = {}
    for row in rankings:
        known = texts[row["group_id"]]
        _, judgements = groups.setdefault(row["group_id"], (row, []))
        for criterion, ranks in by_ranking.get(row["id"], []):
            kept = {key: rank for key, rank in ranks.items() if (row["id"], key) not in flagged}
            numbers = tuple(_number(kept[key]) if key in kept else math.nan for key in known)
            if gives_pairs(numbers):
                ties = row["method"] != "best-worst"
                judgements.append(Judgement(row["labeler_id"], criterion, numbers, ties))
    return [
        JudgedGroup(
            group_id, row["prompt_id"], row["prompt"], row["split"],
            tuple(texts[group_id]), tuple(texts[group_id].values()), tuple(judgements),
        )
        for group_id, (row, judgements) in groups.items()
        if any(judgement.criterion == OVERALL for judgement in judgements)
    ]  # fmt: skip


def _orders(project: Project, select: str) -> dict[tuple[int, str], dict[int, int | None]]:
    """Ranks by completion, for each ranking and criterion (empty is overall)."""
    found: dict[tuple[int, str], dict[int, int | None]] = {}
    for row in project.rows(select):
        found.setdefault((row["ranking_id"], row["criterion"]), {})[row["completion_id"]] = row["rank"]
    return found


def _number(rank: int | None) -> float:
    return math.inf if rank is None else float(rank)


def gives_pairs(ranks: tuple[float, ...]) -> bool:
    """Are two of the judged completions in different places?"""
    return len({rank for rank in ranks if rank == rank}) > 1


def contradictions(project: Project) -> int:
    """Pairs that different labelers put in opposite orders."""
    return int(
        project.value(
            "select count(*) from (select distinct a.chosen_id, a.rejected_id from pairs a join pairs b"
            " on b.group_id = a.group_id and b.chosen_id = a.rejected_id and b.rejected_id = a.chosen_id"
            " where a.chosen_id < a.rejected_id and a.group_id in ("
            "  select group_id from current_rankings group by group_id having count(*) > 1))"
        )
    )
