"""Where a number came from: the samples of a step, the rankings of which a run kept the numbers, and one ranking.

Each is one query, answered in less than a tenth of a second in a project of 100,000 rankings.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from core.records import LabelerKind
from core.store import Project

Ranges = Sequence[tuple[int, int]]
"""First and last number of each range, in order."""

KEPT = "with kept as materialized (select value ->> 0 as first, value ->> 1 as last from json_each(:ranges)) select "
WITHIN = " from kept k cross join rankings r on r.id between k.first and k.last "
#: What of a ranking can be said in a line; `standing` is another one that counts in its place.
COLUMNS = (
    "r.id, r.group_id, g.prompt_id, substr(q.text, 1, 4000) as prompt, l.name as labeler, l.kind as kind,"
    " r.guidelines_id, coalesce(r.flag, '') as flag, r.created_at, coalesce(r.retracted_at, '') as"
    " retracted_at, coalesce((select max(n.id) from rankings n where n.group_id = r.group_id and n.id != r.id"
    " and n.retracted_at is null and n.repeat_of is null and ((n.labeler_id = r.labeler_id and n.id > r.id)"
    " or (n.adjudicates and not r.adjudicates))), 0) as standing"
)
JOINS = (
    " join labelers l on l.id = r.labeler_id join completion_groups g on g.id = r.group_id"
    " join prompts q on q.id = g.prompt_id"
)


@dataclass(frozen=True)
class SampleBehind:
    """An answer that a step learnt from, or that was measured there. `now` is what its prompt says by now: None where
    it was deleted since."""

    id: int
    prompt_id: int | None
    prompt: str
    policy: str
    completion: str
    score: float | None
    gold: float | None
    kl: float | None
    tokens: int
    change: float | None
    now: str | None

    @property
    def prompt_changed(self) -> bool:
        return self.now is not None and self.now != self.prompt


def samples(project: Project, job_id: int, step: int) -> list[SampleBehind]:
    """Those of a step of a run, in the order in which they were drawn."""
    return project.database.records(
        SampleBehind,
        "select s.id, s.prompt_id, s.prompt, s.policy, s.completion, s.score, s.gold, s.kl, s.tokens, s.change,"
        " q.text as now from samples s left join prompts q on q.id = s.prompt_id"
        " where s.job_id = ? and s.step = ? order by s.id",
        job_id, step,
    )  # fmt: skip


def values(project: Project, job_id: int, step: int) -> dict[str, float]:
    """The numbers of a step, by name."""
    rows = project.database.rows(
        "select name, value from metrics where job_id = ? and step = ? and value is not null order by id", job_id, step
    )
    return {row["name"]: row["value"] for row in rows}


@dataclass(frozen=True)
class Source:
    """Rankings of one labeler under one version of the guidelines, and how many of them were taken back since."""

    labeler_id: int
    labeler: str
    kind: LabelerKind
    guidelines_id: int
    rankings: int
    retracted: int


def sources(project: Project, kept: Ranges) -> list[Source]:
    """Who made those of these rankings that are still there, the busiest first."""
    return project.database.records(
        Source,
        "select c.labeler_id, l.name as labeler, l.kind as kind, c.guidelines_id, c.rankings,"
        " c.retracted from (" + KEPT + "r.labeler_id, r.guidelines_id, count(*) as rankings,"
        " count(r.retracted_at) as retracted" + WITHIN + "group by 1, 2) c join labelers l on l.id = c.labeler_id"
        " order by c.rankings desc, 1, 4",
        ranges=json.dumps(kept),
    )  # fmt: skip


def in_place_of(project: Project, others: Ranges) -> list[int]:
    """The rankings that do not count any more because one of these `others` stands in their place: a newer one of the
    same labeler, or an adjudication."""
    sql = KEPT + "distinct o.id" + WITHIN + (
        "cross join rankings o on o.group_id = r.group_id and o.id != r.id"
        " where r.retracted_at is null and r.repeat_of is null and o.retracted_at is null"
        " and ((o.labeler_id = r.labeler_id and o.id < r.id) or (r.adjudicates and not o.adjudicates))"
    )  # fmt: skip
    return project.database.column(sql, ranges=json.dumps(others))


@dataclass(frozen=True)
class RankingBehind:
    """`standing` is the ranking that counts in its place by now, 0 where it counts itself."""

    id: int
    group_id: int
    prompt_id: int
    prompt: str
    labeler: str
    kind: LabelerKind
    guidelines_id: int
    flag: str
    created_at: str
    retracted_at: str
    standing: int


def rankings(
    project: Project, kept: Ranges, *, labeler_id: int = 0, guidelines_id: int = 0, after: int = 0, limit: int = 50
) -> list[RankingBehind]:
    """Those of these rankings that are there, of one labeler and version or of all, by their numbers from the one
    `after`."""
    sql = KEPT + COLUMNS + WITHIN + JOINS + (
        " where k.last > :after and r.id > :after and :labeler in (0, r.labeler_id)"
        " and :version in (0, r.guidelines_id) order by k.first, r.id limit :limit"
    )  # fmt: skip
    return project.database.records(
        RankingBehind, sql, ranges=json.dumps(kept), after=after, labeler=labeler_id, version=guidelines_id,
        limit=limit,
    )  # fmt: skip


def rankings_of_prompt(project: Project, prompt_id: int) -> list[RankingBehind]:
    """All rankings of a prompt, oldest first, also those that count no more."""
    sql = (
        "select "
        + COLUMNS
        + " from completion_groups g cross join rankings r on r.group_id = g.id"
        + (
            " join labelers l on l.id = r.labeler_id join prompts q on q.id = g.prompt_id"
            " where g.prompt_id = ? order by r.id"
        )
    )
    return project.database.records(RankingBehind, sql, prompt_id)


def ranking(project: Project, ranking_id: int) -> RankingBehind | None:
    found = project.database.records(
        RankingBehind, "select " + COLUMNS + " from rankings r" + JOINS + " where r.id = ?", ranking_id
    )
    return found[0] if found else None


def was_ranking(project: Project, ranking_id: int) -> bool:
    """Was a ranking of this number ever made? None is given twice."""
    return 0 < ranking_id <= newest_ranking(project)


def newest_ranking(project: Project) -> int:
    """The largest number that a ranking ever had, 0 where there was none."""
    return int(project.database.value("select max(seq) from sqlite_sequence where name = 'rankings'") or 0)


@dataclass(frozen=True)
class Counted:
    """Rankings, and how many of them were taken back since."""

    rankings: int
    retracted: int


def counting_by(project: Project, moment: str) -> Counted:
    """Rankings made by then and not taken back by then: what a run can have learnt from that did not keep their
    numbers."""
    return project.database.records(
        Counted,
        "select count(*) as rankings, count(retracted_at) as retracted from rankings"
        " where created_at <= :moment and (retracted_at is null or retracted_at > :moment) and repeat_of is null",
        moment=moment,
    )[0]
