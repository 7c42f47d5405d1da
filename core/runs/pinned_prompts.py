"""The prompts that a run's policy learnt from: those with which it began, whatever becomes of them later, and those of
the runs that it began from.

So a prompt may be held out while a run goes on: that run goes on with it, and whoever measures the run's policy leaves
the prompt out.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from core.errors import BadInput
from core.runs import origins
from core.store import Project, prompts
from core.store.files import plain

#: The file in a run's folder that pins its prompts.
PINNED = "prompts.json"
#: Where a prompt's number stands in it, and where those that were held out begin: within a text quotes are escaped.
NUMBER = re.compile(rb'\{"id": (\d{1,18})[,}]')
HELD_OUT = b'], "heldout": ['
#: What the file calls the numbers of prompts that the run's start had learnt from.
BEFORE = "before"
#: Bytes that are looked at together, that a match may take, and numbers that are kept; how often is looked.
CHUNK, LONGEST, MOST = 1 << 20, 32, 2_000_000
MOST_CHUNKS = 4096


def trained_on(project: Project, job_id: int) -> frozenset[int]:
    """Ids of the training prompts of the run, and of those that it began from; none where nobody kept them.

    The files are looked through and never held as a whole: the window asks, of whatever came with a project.
    """
    found = set[int]()
    for number in origins.line(project, job_id):
        with suppress(OSError, BadInput):
            found.update(islice(_numbers(project.run_file(number, PINNED)), MOST))
    return frozenset(found)


def _numbers(path: Path) -> Iterator[int]:
    with plain.opened(path) as file:
        rest = b""
        for chunk in islice(iter(lambda: file.read(CHUNK), b""), MOST_CHUNKS):
            text, marker, _ = (rest + chunk).partition(HELD_OUT)
            yield from (int(found[1]) for found in NUMBER.finditer(text))
            if marker:
                return
            rest = text[-LONGEST:]


def held_out_since(project: Project, job_id: int) -> int:
    """How many of the run's training prompts are held out now."""
    return len(trained_on(project, job_id).intersection(prompts.ids(project, split="heldout")))
