"""A prompt of the project with some of its completions, to see at once what scoring them looks like."""

from itertools import chain

from core.errors import ProjectError
from core.store import Project, completions, prompts

#: Completions of it, and prompts that are looked at.
MOST, LOOKED_AT = 3, 50


def example(project: Project, between: str) -> tuple[str, tuple[str, ...]] | None:
    """Rather of a prompt that is held out. None where no prompt in plain words has two completions; such a one holds no
    line `between`, which parts them where they are typed. Nor is there one where a prompt is damaged, of which other
    pages tell."""
    try:
        return _first(project, between)
    except ProjectError:
        return None


def _first(project: Project, between: str) -> tuple[str, tuple[str, ...]] | None:
    held_out = prompts.listed(project, split="heldout", limit=LOOKED_AT)
    for prompt in held_out + prompts.listed(project, limit=LOOKED_AT):
        if not prompt.conversation.is_plain:
            continue
        written = chain.from_iterable(completions.texts_by_group(project, prompt.id, by_hand=False).values())
        found = [text.strip() for text in dict.fromkeys(written) if text.strip() and between not in text]
        if len(found) > 1:
            return prompt.text, tuple(found[:MOST])
    return None
