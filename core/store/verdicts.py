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


def counting(project: Project) -> list[Judged]:
    """Those of rankings that count, without what is flagged; where several labelers judged one, each."""
    return project.database.records(
        Judged,
        "select c.id as completion_id, p.id as prompt_id, p.text as prompt, p.messages, p.split, c.text,"
        " i.verdict = 'good' as good from counting_rankings r join ranking_items i on i.ranking_id = r.id"
        " join completions c on c.id = i.completion_id join completion_groups g on g.id = c.group_id"
        " join prompts p on p.id = g.prompt_id"
        " where r.flag is null and i.flag is null and i.verdict is not null order by r.id, c.id",
    )
