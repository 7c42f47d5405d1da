"""`python -m tests.attacks.stop_everything FOLDER NAME ...`: stop jobs of each kind within a step, and resume them.

As `kill_everything` does it, but by the door that people use, "Stop now", and always in the middle of a step that
others came before. Prints a JSON object for each: what is told of it, and what is lost.
"""

import json
import os
import sys
import time
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from core import worker
from core.config.jobs import CompareConfig, JobKind
from core.config.scoring import SuggestConfig
from core.config.verifying import VerifyConfig
from core.events import Event, NewCompletion, Progress
from core.jobs import queue, resumes, worker_process
from core.jobs.recorder import Recorder
from core.store import Project, completions, open_project, prompts
from tests.attacks.kill_everything import (
    JOBS,
    SMALL,
    Killer,
    again,
    child,
    differences,
    ended,
    job,
    prepare_seeds,
    state,
)


def unranked(project: Project) -> None:
    """Groups that nobody ranked."""
    for prompt in prompts.listed(project, limit=3):
        completions.add_group(project, prompt.id, tuple(NewCompletion(text, 1, True, 0) for text in ("one", "two")))


#: With at least one step that others come before.
OPERATIONS = JOBS | {
    JobKind.COMPARE: job(CompareConfig(policy_job=5, reward_job=4, prompts=tuple("abcdefgh"), **SMALL), trained=True),
    JobKind.SUGGEST: job(SuggestConfig(reward_job=4), trained=True, before=unranked),
    JobKind.VERIFY: job(VerifyConfig(5, 3), trained=True),
}
#: How long a worker may take to come so far.
SECONDS = 600.0


def work_until(ready: Path, place: Path) -> None:
    """A worker that says when it is in the middle of a step, and stays there."""
    record, begun = Recorder.record, False

    def slow(self: Recorder, event: Event) -> Any:
        nonlocal begun
        if begun:
            ready.touch()
            time.sleep(SECONDS)
        wanted = record(self, event)
        begun = isinstance(event, Progress) and 0 < event.done < event.total
        return wanted

    Recorder.record = slow  # type: ignore[method-assign]
    worker.serve(place / "project", idle=1)


def stopped(killer: Killer, name: str) -> dict[str, str]:
    """What is told of the job once it is stopped."""
    operation = OPERATIONS[name]
    expected, _ = killer.once(name, operation)
    place = killer.place(operation)
    ready = place.parent / "ready"
    process = child(place, partial(work_until, ready))
    end = time.monotonic() + SECONDS
    while not ready.exists():
        assert time.monotonic() < end, place.with_suffix(".log").read_text()[-1500:]
        time.sleep(0.02)
    with closing(open_project(place / "project")) as project:
        newest = queue.listed(project)[0]
        worker_process.stop_now(project, newest.id)
        assert ended(process) == -9, "it does not wait for the step"
        found = queue.get(project, newest.id)
        assert (found.status, found.done > 0) == ("stopped", True), found
        told = resumes.goes_on(project, newest.id)
    assert ended(child(place, partial(again, operation))) == 0, place.with_suffix(".log").read_text()[-1500:]
    after = state(place)
    return {"told": told, "lost": differences(expected, after)}


def main() -> None:
    os.environ |= {"PLUMBLINE_DTYPE": "float32", "PLUMBLINE_DEVICE": "cpu", "HF_HUB_OFFLINE": "1"}
    killer = Killer(Path(sys.argv[1]), 0)
    prepare_seeds(True)
    for name in sys.argv[2:]:
        print(json.dumps({"kind": name} | stopped(killer, name)), flush=True)


if __name__ == "__main__":
    main()
