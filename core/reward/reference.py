"""The reference's own completions: the scale on which rewards are given."""

from core.models import chat
from core.models.load import Base
from core.reward.examples import Example
from core.store import Project

#: Groups of completions that the scale is measured on.
GROUPS = 32
#: A completion `c` that the base itself wrote in this project.
WRITTEN_HERE = "c.policy_job is null and json_extract(c.sampling, '$.imported') is null"


def reference_examples(project: Project, base: Base, longest: int, groups: int = GROUPS) -> list[Example]:
    """Completions that the base wrote here, from groups spread over the project; without orders."""
    rows = project.rows(
        "select p.id as prompt_id, p.text as prompt, g.id as group_id, c.id, c.text from completions c"
        " join completion_groups g on g.id = c.group_id join prompts p on p.id = g.prompt_id"
        f" where {WRITTEN_HERE} and g.id in (select group_id from completions c where {WRITTEN_HERE}"
        "  group by group_id order by group_id * 7919 % 10007 limit ?) order by g.id, c.id",
        groups,
    )
    found: dict[int, Example] = {}
    for row in rows:
        answer = chat.completion_ids(base, row["text"])
        if len(answer) >= longest:
            continue
        earlier = found.get(row["group_id"])
        prompt = chat.fit(chat.prompt_ids(base, row["prompt"]), answer, longest)
        if earlier is None:
            found[row["group_id"]] = Example(row["prompt_id"], prompt, (answer,), (row["id"],), ())
        else:
            shorter = min(earlier.prompt, prompt, key=len)
            found[row["group_id"]] = Example(
                row["prompt_id"], shorter, (*earlier.answers, answer), (*earlier.completion_ids, row["id"]), ()
            )
    return list(found.values())
