"""The rankings that count: the newest of each labeler for each group, and instead of them all an adjudicating one."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from core.conversation import Conversation
from core.records import Labeler, Split, Verdict
from core.store import Project, cells
from core.store.demonstrations import ALONE
from core.store.groups import RANKABLE


class RankedAnswer(NamedTuple):
    completion_id: int
    text: str
    rank: int | None
    flag: str | None
    written_by: str
    verdict: Verdict | None


@dataclass(frozen=True)
class CountingRanking:
    """A ranking with all that it says; `answers` are in the order of their ids, `criteria` by completion."""

    id: int
    group_id: int
    guidelines_id: int
    created_at: str
    prompt: str
    tags: tuple[str, ...]
    split: Split
    flag: str | None
    comment: str
    labeler: Labeler
    method: str
    seconds: float | None
    answers: tuple[RankedAnswer, ...]
    criteria: dict[str, dict[int, int | None]]
    conversation: Conversation
    strength: float | None


class Made(NamedTuple):
    """A ranking that counts: whose it is, and when it was made (UTC, ISO 8601)."""

    id: int
    labeler_id: int
    created_at: str


OLDEST_FIRST = """
    select r.id, i.completion_id, c.text, i.rank, i.flag, coalesce(w.name, ''), i.verdict, r.group_id, r.guidelines_id,
        r.created_at, q.text, q.tags, q.split, r.flag, r.comment, r.labeler_id, l.name, l.kind, l.detail, r.method,
        r.seconds, q.messages, r.strength
    from counting_rankings r join completion_groups g on g.id = r.group_id join prompts q on q.id = g.prompt_id
    join labelers l on l.id = r.labeler_id join ranking_items i on i.ranking_id = r.id
    join completions c on c.id = i.completion_id left join labelers w on w.id = c.written_by
"""
IN_ORDER = {False: OLDEST_FIRST + "order by r.id, i.completion_id",
            True: OLDEST_FIRST + "order by r.group_id, r.id, i.completion_id"}  # fmt: skip


def made(project: Project) -> list[Made]:
    """All of them, oldest first, without what they say."""
    sql = "select id, labeler_id, created_at from counting_rankings order by id"
    return list(map(Made._make, project.database.execute(sql)))


def listed(project: Project, *, by_group: bool = False, overruled: bool = False) -> Iterator[CountingRanking]:
    """All of them, read as they are asked for, oldest first, or those of one group together; also those that an
    adjudication overruled, of which verdicts may still count."""
    criteria: dict[int, dict[str, dict[int, int | None]]] = {}
    for ranking, criterion, completion, rank in project.database.execute(
        "select ranking_id, criterion, completion_id, rank from criterion_ranks order by ranking_id, criterion"
    ):
        criteria.setdefault(ranking, {}).setdefault(criterion, {})[completion] = rank
    sql = IN_ORDER[by_group].replace("counting_rankings", "current_rankings") if overruled else IN_ORDER[by_group]
    found = project.database.execute(sql)
    for ranking, rows in groupby(found, key=lambda values: int(values[0])):
        items = list(rows)
        (group, version, created, prompt, tags, split, flag, comment, who, name, kind, detail, method, seconds,
         messages, strength) = items[0][7:]  # fmt: skip
        yield CountingRanking(
            id=ranking, group_id=group, guidelines_id=version, created_at=created, prompt=prompt,
            tags=cells.tags(tags, f"of ranking {ranking}"), split=split, flag=flag, comment=comment,
            labeler=Labeler(who, name, kind, detail), method=method, seconds=seconds,
            answers=tuple(RankedAnswer(*item[1:7]) for item in items), criteria=criteria.get(ranking, {}),
            conversation=cells.conversation(prompt, messages, f"of ranking {ranking}"), strength=strength,
        )  # fmt: skip


# --- how many there are of what not every format can carry -------------------------------------------------------


def unranked_completions(project: Project) -> int:
    """Of prompts and completions without a flag."""
    return int(project.database.value(
        "select count(*) from counting_rankings r join ranking_items i on i.ranking_id = r.id"
        " where r.flag is null and i.flag is null and i.rank is null and (i.verdict is null"
        " or exists (select 1 from ranking_items o where o.ranking_id = r.id and o.rank is not null))"
    ))  # fmt: skip


def flagged_prompts(project: Project) -> int:
    return int(project.database.value("select count(*) from counting_rankings where flag is not null"))


def flagged_completions(project: Project) -> int:
    """Of flagged prompts too."""
    return int(project.database.value(
        "select count(*) from counting_rankings r join ranking_items i on i.ranking_id = r.id where i.flag is not null"
    ))  # fmt: skip


def flagged_completions_alone(project: Project) -> int:
    """Of prompts without a flag."""
    return int(project.database.value(
        "select count(*) from counting_rankings r join ranking_items i on i.ranking_id = r.id"
        " where r.flag is null and i.flag is not null"
    ))  # fmt: skip


def comments(project: Project) -> int:
    return int(project.database.value("select count(*) from counting_rankings where comment != ''"))


def labelers(project: Project) -> int:
    return int(project.database.value("select count(distinct labeler_id) from counting_rankings"))


def orders_by_criterion(project: Project) -> int:
    return int(project.database.value(
        "select count(*) from (select distinct c.ranking_id, c.criterion from criterion_ranks c"
        " join counting_rankings r on r.id = c.ranking_id)"
    ))  # fmt: skip


def other_methods(project: Project) -> int:
    """Those whose order was not placed by hand."""
    return int(project.database.value("select count(*) from counting_rankings where method != 'order'"))


def strengths(project: Project) -> int:
    """Those that say how much better the better answer is."""
    return int(project.database.value("select count(*) from counting_rankings where strength is not null"))


def by_hand(project: Project) -> int:
    """Answers that people wrote, among those that the rankings judge."""
    return int(project.database.value(
        "select count(*) from completions c where c.written_by is not null and exists ("
        "select 1 from ranking_items i join counting_rankings r on r.id = i.ranking_id where i.completion_id = c.id)"
    ))  # fmt: skip


def ordered(project: Project) -> int:
    """Those that put a completion in a place."""
    return int(project.database.value(
        "select count(*) from counting_rankings r where exists ("
        "select 1 from ranking_items i where i.ranking_id = r.id and i.rank is not null)"
    ))  # fmt: skip


def overruled(project: Project) -> int:
    """Rankings that would count but for an adjudication."""
    return int(project.database.value(
        "select (select count(*) from current_rankings) - (select count(*) from counting_rankings)"
    ))  # fmt: skip


def repeats(project: Project) -> int:
    """Rankings that only measure their labeler."""
    return int(project.database.value(
        "select count(*) from rankings where repeat_of is not null and retracted_at is null"
    ))  # fmt: skip


def not_ranked(project: Project) -> int:
    """Groups that can be ranked and have no ranking that counts."""
    return int(project.database.value(
        "select count(*) from completion_groups g where not exists ("
        "select 1 from counting_rankings r where r.group_id = g.id) and " + RANKABLE
    ))  # fmt: skip


def demonstrations(project: Project) -> int:
    """Imported answers that are there to be learnt alone."""
    return int(project.database.value("select count(*) from completion_groups g where " + ALONE))
