"""The prompts that a run of the policy learns from: those with which it began, whatever becomes of them later.

So a prompt may be held out while a run goes on: that run goes on with it, and whoever measures the run's policy leaves
the prompt out.
"""

import json
from contextlib import suppress

from core.store import Project, prompts

#: The file in a run's folder that pins its prompts.
PINNED = "prompts.json"


def trained_on(project: Project, job_id: int) -> frozenset[int]:
    """Ids of the run's training prompts; none where nobody kept them."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        kept = json.loads((project.run_folder(job_id) / PINNED).read_text(encoding="utf-8"))
        return frozenset(int(prompt["id"]) for prompt in kept["train"])
    return frozenset()


def held_out_since(project: Project, job_id: int) -> int:
    """How many of the run's training prompts are held out now."""
    return len(trained_on(project, job_id).intersection(prompts.ids(project, split="heldout")))
