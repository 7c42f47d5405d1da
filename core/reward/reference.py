"""The reference's own completions: the scale on which rewards are given."""

from collections.abc import Collection

from core.models import chat
from core.models.load import Base
from core.reward.examples import Example
from core.store import Project, completions

#: Groups of completions that the scale is measured on.
GROUPS = 32


def reference_examples(
    project: Project, base: Base, longest: int, groups: int = GROUPS, *, but: Collection[int] = ()
) -> list[Example]:
    """Completions that the base wrote here, from groups spread over the project; without orders, and none to the
    prompts in `but`."""
    found: dict[int, Example] = {}
    for written in completions.groups_written_here(project, groups, but=but):
        answer = chat.judged_ids(base, written.text)
        if len(answer) >= longest:
            continue
        earlier = found.get(written.group_id)
        prompt = chat.beside(base, written.conversation, len(answer), longest, written.prompt_id)
        if earlier is None:
            found[written.group_id] = Example(written.prompt_id, prompt, (answer,), (written.id,), ())
        else:
            shorter = min(earlier.prompt, prompt, key=len)
            found[written.group_id] = Example(
                written.prompt_id, shorter, (*earlier.answers, answer), (*earlier.completion_ids, written.id), ()
            )
    return list(found.values())
