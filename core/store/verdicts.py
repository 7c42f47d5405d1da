"""What counts of what people say of an answer by itself (good, bad or flagged): whoever learns, writes or counts that
asks here."""

from typing import NamedTuple

from core.records import Split
from core.store import Project


class Judged(NamedTuple):
    """A completion that a labeler judged by itself; `messages` are the prompt's turns as they are stored, and `good` is
    1 or 0. `overruled` tells those whose ranking does not count beside."""

    completion_id: int
    prompt_id: int
    prompt: str
    messages: str | None
    split: Split
    text: str
    good: int
    ranking_id: int
    overruled: int


FLAGGED = """
    select i.completion_id from counting_rankings r join ranking_items i on i.ranking_id = r.id where i.flag is not null
    union select c.id from counting_rankings r join completions c on c.group_id = r.group_id where r.flag is not null
"""
COUNT = (
    """
    from current_rankings r join ranking_items i on i.ranking_id = r.id
    join completions c on c.id = i.completion_id join completion_groups g on g.id = c.group_id
    join prompts p on p.id = g.prompt_id
    where i.verdict is not null and r.flag is null and i.flag is null and c.id not in ("""
    + FLAGGED
    + """)
    and (r.adjudicates = 1 or not exists (
        select 1 from current_rankings a
        left join ranking_items d on d.ranking_id = a.id and d.completion_id = i.completion_id
        where a.group_id = r.group_id and a.adjudicates = 1 and coalesce(a.flag, d.flag, d.verdict) is not null
    ))
"""
)
COUNTING = (
    """
    select c.id as completion_id, p.id as prompt_id, p.text as prompt, p.messages, p.split, c.text,
        i.verdict = 'good' as good, r.id as ranking_id, r.id not in (select id from counting_rankings) as overruled
"""
    + COUNT
    + " order by r.id, c.id"
)
EVER_DOUBTED = """
    select i.completion_id from ranking_items i join rankings r on r.id = i.ranking_id
    where i.verdict = 'bad' or i.flag is not null or r.flag is not null
"""


def counting(project: Project) -> list[Judged]:
    """The verdicts that count; where several labelers judged one completion, each. What anybody flagged has none, by
    whomever. Who adjudicates a prompt overrules the verdicts on those completions that they judge or flag: an order
    alone says of none that it is good."""
    return project.database.records(Judged, COUNTING)


def count(project: Project) -> int:
    return int(project.database.value("select count(*)" + COUNT))


def flagged(project: Project) -> set[int]:
    """Completions that anybody flagged whose ranking counts, by themselves or with their prompt: they are neither good
    nor bad."""
    return set(project.database.column(FLAGGED))


def ever_doubted(project: Project) -> set[int]:
    """Completions that were ever called bad or flagged, whatever became of the ranking that says so."""
    return set(project.database.column(EVER_DOUBTED))
