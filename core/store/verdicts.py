"""Verdicts on single completions that count: whether somebody said of one, by itself, that it is good or bad."""

from typing import NamedTuple

from core.records import Split
from core.store import Project


class Judged(NamedTuple):
    """A completion that a labeler judged by itself; `messages` are the prompt's turns as they are stored, and `good` is
    1 or 0."""

    completion_id: int
    prompt_id: int
    prompt: str
    messages: str | None
    split: Split
    text: str
    good: int
    ranking_id: int


def counting(project: Project) -> list[Judged]:
    """Those that count, without what is flagged; where several labelers judged one, each. Who adjudicates a prompt
    overrules the verdicts on those completions that they judge or flag: an order alone says of none that it is good."""
    return project.database.records(
        Judged,
        "select c.id as completion_id, p.id as prompt_id, p.text as prompt, p.messages, p.split, c.text,"
        " i.verdict = 'good' as good, r.id as ranking_id"
        " from current_rankings r join ranking_items i on i.ranking_id = r.id"
        " join completions c on c.id = i.completion_id join completion_groups g on g.id = c.group_id"
        " join prompts p on p.id = g.prompt_id"
        " where r.flag is null and i.flag is null and i.verdict is not null"
        " and (r.adjudicates = 1 or not exists ("
        "  select 1 from current_rankings a"
        "  left join ranking_items d on d.ranking_id = a.id and d.completion_id = i.completion_id"
        "  where a.group_id = r.group_id and a.adjudicates = 1"
        "  and coalesce(a.flag, d.flag, d.verdict) is not null"
        " )) order by r.id, c.id",
    )
