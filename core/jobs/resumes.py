"""Where a run went on after it had stood still: after a stop, a crash, or a pause that was long.

Kept in the run's result, so that its charts can mark the steps.
"""

import json
from dataclasses import asdict, dataclass

from core.humanize import duration
from core.jobs import queue
from core.store import Project, now

#: Seconds of a pause that is worth a mark.
LONG_PAUSE = 600.0
KEY = "resumed"


@dataclass(frozen=True)
class Resume:
    """It went on after `step`; `paused` is how many seconds it was paused, 0 after a stop or a crash."""

    step: int
    at: str
    paused: float = 0.0


def of(project: Project, job_id: int) -> list[Resume]:
    """In the order of the steps."""
    found = project.value(f"select json_extract(result, '$.{KEY}') from jobs where id = ?", job_id)
    return [Resume(**values) for values in json.loads(found or "[]")]


def mark(project: Project, job_id: int, step: int, paused: float = 0.0) -> None:
    """The run goes on after `step` now. Other jobs have no steps, and a run that begins anew resumes nothing."""
    job = queue.get(project, job_id)
    if job.kind in queue.RUN_KINDS and step > 0:
        earlier = [each for each in of(project, job_id) if each.step < step]
        why = f"a pause of {duration(paused)}" if paused else "it had ended"
        with project.write() as database:
            _keep(project, job_id, [*earlier, Resume(step, now(), paused)])
            database.conn.execute(
                "insert into job_log (job_id, at, text) values (?, ?, ?)",
                (job_id, now(), f"Resumed at step {step}, after {why}."),
            )


def forget_after(project: Project, job_id: int, step: int) -> None:
    """The run is back at `step`."""
    known = of(project, job_id)
    if kept := [each for each in known if each.step <= step]:
        _keep(project, job_id, kept)
    elif known:
        with project.write() as database:
            database.conn.execute(f"update jobs set result = json_remove(result, '$.{KEY}') where id = ?", (job_id,))


def _keep(project: Project, job_id: int, found: list[Resume]) -> None:
    with project.write() as database:
        database.conn.execute(
            f"update jobs set result = json_set(result, '$.{KEY}', json(?)) where id = ?",
            (json.dumps([asdict(each) for each in found]), job_id),
        )
