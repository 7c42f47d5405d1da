"""Answers that show how it is done: written by a person, or brought along by an import."""

from typing import NamedTuple

from core.conversation import Conversation
from core.records import Split
from core.store import Project, cells


class Written(NamedTuple):
    """An answer that no model of the project wrote; `messages` are the prompt's turns as they are stored."""

    completion_id: int
    group_id: int
    prompt_id: int
    prompt: str
    messages: str | None
    split: Split
    text: str
    by_hand: int
    """Did a person of this project write it, in Rank?"""

    @property
    def conversation(self) -> Conversation:
        return cells.conversation(self.prompt, self.messages, self.prompt_id)


#: What was sent to Rank from a comparison has a job, and is no import.
WRITTEN = """
    select c.id as completion_id, g.id as group_id, p.id as prompt_id, p.text as prompt, p.messages, p.split, c.text,
        c.written_by is not null as by_hand
    from completions c join completion_groups g on g.id = c.group_id join prompts p on p.id = g.prompt_id
    where (c.written_by is not null or (
        g.job_id is null and c.policy_job is null
        and iif(json_valid(c.sampling), json_extract(c.sampling, '$.imported'), null) is not null
    ))
    order by c.id
"""


#: Is the group `g` one imported answer, which is there to be learnt? There is nothing to rank it against.
ALONE = (
    "((select count(*) from completions o where o.group_id = g.id) = 1 and exists ("
    "select 1 from completions o where o.group_id = g.id and instr(o.sampling, '\"imported\"') > 0))"
)


def alone(project: Project) -> set[int]:
    """The groups of one imported answer."""
    return set(project.database.column("select g.id from completion_groups g where " + ALONE))


def written(project: Project) -> list[Written]:
    """All of them, in the order in which they came."""
    return project.database.records(Written, WRITTEN)
