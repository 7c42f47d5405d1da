"""Settings of a run that a person changes while it goes (`core.config.algorithms.LIVE`).

Asked for here; `core.store.setting_changes` keeps what was asked and from which step it was in force.
"""

from core.config.algorithms import LIVE
from core.config.options import documented, flag_name
from core.config.training import ALGORITHMS, TrainPolicyConfig, TrainPolicyJob
from core.errors import BadInput
from core.jobs import queue
from core.store import Changes, Project, changed, setting_changes


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
    with project.write():
        job = queue.get(project, job_id)
        if not isinstance(job, TrainPolicyJob) or job.status == "done":
            raise BadInput(f"Job {job_id} is not a run of a policy that goes on: nothing can be changed in it.")
        kind = ALGORITHMS.get(job.config.algorithm)
        if kind is None or name not in kind.live:
            raise BadInput(f"{flag_name(name)} has no effect on {kind.title if kind else job.config.algorithm}.")
        if name == "kl_coef" and value == 0 and (kind.config.NEEDS_KL or job.config.kl_target):
            raise BadInput(f"{flag_name(name)} must stay above 0 in this run.")
        setting_changes.add(project, job_id, name, value)
    return changed("Change setting", "controls", ids=(job_id,))
