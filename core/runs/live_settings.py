"""Settings of a run that a person changes while it goes, as rows: asked for by anybody, applied by the run.

A row without a step waits for the next one; the run writes the step from which it is in force. A resumed run finds
there what was changed when, and changes it at the same steps again.
"""

from typing import Any

from core.config.algorithms import LIVE
from core.config.job_configs import ALGORITHMS, TrainPolicyConfig
from core.config.options import documented, flag_name
from core.errors import BadInput
from core.jobs import queue
from core.store import Changes, Project, changed, now


def ask(project: Project, job_id: int, name: str, value: float) -> Changes:
    """Change a setting of a run from its next step on. Raises `BadInput` if it cannot be changed, or not to that."""
    if name not in LIVE:
        raise BadInput(f"{flag_name(name)} cannot be changed while a run goes: only {', '.join(map(flag_name, LIVE))}.")
    item = next(item for item in documented(TrainPolicyConfig) if item.name == name)
    low, high = item.metadata["low"], item.metadata["high"]
    if name == "learning_rate" and not 0 < value <= high:
        raise BadInput(f"{flag_name(name)} must be above 0 and at most {high:g}, not {value:g}.")
    if not low <= value <= high:
        raise BadInput(f"{flag_name(name)} must lie between {low:g} and {high:g}, not {value:g}.")
    with project.write() as database:
        job = queue.get(project, job_id)
        if job.kind != "train-policy" or job.status == "done":
            raise BadInput(f"Job {job_id} is not a run of a policy that goes on: nothing can be changed in it.")
        kind = ALGORITHMS[job.config["algorithm"]]
        if name not in kind.live:
            raise BadInput(f"{flag_name(name)} has no effect on {kind.title}.")
        if name == "kl_coef" and value == 0 and (kind.config.NEEDS_KL or job.config["kl_target"]):
            raise BadInput(f"{flag_name(name)} must stay above 0 in this run.")
        database.conn.execute(
            "insert into controls (job_id, name, value, created_at) values (?, ?, ?, ?)", (job_id, name, value, now())
        )
    return changed("Change setting", "controls", ids=(job_id,))


def due(project: Project, job_id: int, step: int) -> list[dict[str, Any]]:
    """What is to be put in force before `step`: what waits, and what was put in force there before a resume."""
    return project.rows(
        "select * from controls where job_id = ? and (step is null or step = ?) order by id", job_id, step
    )


def changes(project: Project, job_id: int) -> list[dict[str, Any]]:
    """All changes of a run, oldest first."""
    return project.rows("select * from controls where job_id = ? order by id", job_id)
