"""What labelers said of completions, row by row, for those who count with it."""

import json
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from core.records import Split
from core.store import Project

Order = dict[int, float]
"""Ranks by completion; infinity is unranked."""


class JudgedRanking(NamedTuple):
    """A ranking that counts and may give pairs."""

    id: int
    group_id: int
    labeler_id: int
    method: str
    prompt_id: int
    prompt: str
    messages: str | None
    split: Split
    strength: float | None


def rankings(project: Project) -> Iterator[JudgedRanking]:
    """Those that count and are not flagged as a whole, group by group, read as they are asked for."""
    rows = project.database.execute(
        "select r.id, r.group_id, r.labeler_id, r.method, g.prompt_id, q.text, q.messages, q.split, r.strength"
        " from counting_rankings r join completion_groups g on g.id = r.group_id join prompts q on q.id = g.prompt_id"
        " where r.flag is null order by r.group_id, r.id"
    )
    return map(JudgedRanking._make, rows)


def orders(project: Project, ranking_ids: Iterable[int]) -> dict[int, Order]:
    """The overall order of each of the rankings, over the completions that it did not flag."""
    found: dict[int, Order] = {}
    for ranking, completion, rank in project.database.execute(
        "select ranking_id, completion_id, coalesce(rank, 9e999) + 0.0 from ranking_items"
        " where ranking_id in (select value from json_each(?)) and flag is null",
        (json.dumps(list(ranking_ids)),),
    ):
        found.setdefault(ranking, {})[completion] = rank
    return found


def orders_by_criterion(project: Project, ranking_ids: Iterable[int]) -> dict[int, dict[str, Order]]:
    """Further orders of each of the rankings, by criterion, over the same completions."""
    found: dict[int, dict[str, Order]] = {}
    for ranking, criterion, completion, rank in project.database.execute(
        "select c.ranking_id, c.criterion, c.completion_id, coalesce(c.rank, 9e999) + 0.0 from criterion_ranks c"
        " where c.ranking_id in (select value from json_each(?)) and not exists (select 1 from ranking_items i"
        " where i.ranking_id = c.ranking_id and i.completion_id = c.completion_id and i.flag is not null)",
        (json.dumps(list(ranking_ids)),),
    ):
        found.setdefault(ranking, {}).setdefault(criterion, {})[completion] = rank
    return found


def answers(project: Project, group_ids: Iterable[int]) -> dict[int, dict[int, str]]:
    """What the completions of each of the groups say, by their ids."""
    found: dict[int, dict[int, str]] = {}
    for group, completion, text in project.database.execute(
        "select group_id, id, text from completions where group_id in (select value from json_each(?)) order by id",
        (json.dumps(list(group_ids)),),
    ):
        found.setdefault(group, {})[completion] = text
    return found


class Said(NamedTuple):
    """What one labeler said of one completion."""

    group_id: int
    labeler_id: int
    rank: int | None
    flag: str | None


def shared(project: Project, *, people_only: bool) -> Iterator[Said]:
    """Rankings without a flag of groups that several labelers ranked, in the order of groups, labelers, completions.
    Adjudicating ones are left out, and with `people_only` those by scripts. What came into a group after a ranking
    counts as flagged in it: it was not judged. Verdicts alone are no order, and stay out."""
    rows = project.database.execute(
        "with several as ("
        "  select group_id from rankings where retracted_at is null and repeat_of is null and flag is null"
        "  group by group_id having count(distinct labeler_id) > 1"
        ") select r.group_id, r.labeler_id, i.rank, iif(i.ranking_id is null, 'absent', i.flag)"
        " from current_rankings r join several s on s.group_id = r.group_id"
        " join labelers l on l.id = r.labeler_id"
        " join completions c on c.group_id = r.group_id"
        " left join ranking_items i on i.ranking_id = r.id and i.completion_id = c.id"
        " where r.flag is null and r.adjudicates = 0 and (l.kind = 'person' or not ?)"
        " and exists (select 1 from ranking_items o where o.ranking_id = r.id"
        "  and (o.rank is not null or o.flag is not null))"
        " order by r.group_id, r.labeler_id, c.id",
        (people_only,),
    )
    return map(Said._make, rows)


def adjudicated(project: Project) -> set[int]:
    """The groups that somebody decided."""
    return set(project.database.column("select group_id from current_rankings where adjudicates = 1"))


class Repeat(NamedTuple):
    """A completion in a ranking that repeats an earlier one, with both ranks."""

    labeler_id: int
    ranking_id: int
    first: int | None
    first_flag: str | None
    again: int | None
    again_flag: str | None


def repeated(project: Project) -> list[Repeat]:
    """All repeats that stand, in the order of rankings and completions."""
    return project.database.records(
        Repeat,
        "select r.labeler_id, r.id as ranking_id, f.rank as first, f.flag as first_flag, i.rank as again,"
        " i.flag as again_flag from rankings r join ranking_items i on i.ranking_id = r.id"
        " join ranking_items f on f.ranking_id = r.repeat_of and f.completion_id = i.completion_id"
        " where r.repeat_of is not null and r.retracted_at is null and r.flag is null order by r.id, i.completion_id",
    )


class Shown(NamedTuple):
    """The place (1 is the first) at which a completion was shown, and its rank."""

    ranking_id: int
    position: int
    rank: int | None


def positions(project: Project, labeler_id: int | None = None) -> Iterator[Shown]:
    """Completions whose places are known, of rankings that count, ranking by ranking; by one labeler, or all."""
    rows = project.database.execute(
        "select r.id, i.position, i.rank from current_rankings r join ranking_items i on i.ranking_id = r.id"
        " where r.flag is null and i.position is not null and (:labeler is null or r.labeler_id = :labeler)"
        " order by r.id",
        {"labeler": labeler_id},
    )
    return map(Shown._make, rows)


class Timed(NamedTuple):
    id: int
    labeler_id: int
    name: str
    seconds: float


def times(project: Project) -> list[Timed]:
    """How long each ranking that counts took, where that is known."""
    rows = project.database.execute(
        "select r.id, r.labeler_id, l.name, r.seconds from current_rankings r join labelers l on l.id = r.labeler_id"
        " where r.seconds > 0 order by r.id"
    )
    return list(map(Timed._make, rows))


def flags(project: Project) -> list[str]:
    """Every flag on a prompt, and every one on a completion of a prompt without one."""
    return project.database.column(
        "select r.flag from current_rankings r where r.flag is not null union all"
        " select i.flag from current_rankings r join ranking_items i on i.ranking_id = r.id"
        " where r.flag is null and i.flag is not null"
    )
