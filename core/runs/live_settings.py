"""Settings of a run that a person changes while it goes (`core.config.algorithms.LIVE`).

Asked for here; `core.store.runs.setting_changes` keeps what was asked and from which step it was in force.
"""

from core.config.algorithms import LIVE
from core.config.options import documented, flag_name
from core.config.training import ALGORITHMS, TrainPolicyConfig, TrainPolicyJob
from core.errors import BadInput
from core.jobs import queue
from core.store import Changes, Project
from core.store.runs import setting_changes


def ask(project: Project, job_id: int, name: str, value: float) -> Changes:
    """Change a setting of a run from its next step on. Raises `BadInput` if it cannot be changed, or not to that."""
    if text := _never(name, value):
        raise BadInput(text)
    with project.write():
        job = queue.get(project, job_id)
        if not isinstance(job, TrainPolicyJob) or job.status == "done":
            raise BadInput(f"Job {job_id} is not a run of a policy that goes on: nothing can be changed in it.")
        if text := fault(job.config, name, value):
            raise BadInput(text)
        setting_changes.add(project, job_id, name, value)
    return project.changed("Change setting", "controls", ids=(job_id,))


def fault(config: TrainPolicyConfig, name: str, value: float) -> str:
    """Why a setting of this run cannot be changed to that; empty if it can. The run asks it too, of each row: a
    project's file may have been written by anybody."""
    if text := _never(name, value):
        return text
    kind = ALGORITHMS.get(config.algorithm)
    if kind is None or name not in kind.live:
        return f"{flag_name(name)} has no effect on {kind.title if kind else config.algorithm}."
    if name == "kl_coef" and value == 0 and (kind.config.NEEDS_KL or config.kl_target):
        return f"{flag_name(name)} must stay above 0 in this run."
    return ""


def _never(name: str, value: float) -> str:
    """Why no run takes it."""
    if name not in LIVE:
        return f"{flag_name(name)} cannot be changed while a run goes: only {', '.join(map(flag_name, LIVE))}."
    item = next(item for item in documented(TrainPolicyConfig) if item.name == name)
    low, high = max(0.0, item.metadata["low"]), item.metadata["high"]
    if name == "learning_rate" and not 0 < value <= high:
        return f"{flag_name(name)} must be above 0 and at most {high:g}, not {value:g}."
    if not low <= value <= high:
        return f"{flag_name(name)} must lie between {low:g} and {high:g}, not {value:g}."
    return ""
