"""Jobs as tests want them: queued from a config, and brought where a worker would have brought them."""

from typing import Any

from core.config.jobs import JOBS, config_values
from core.config.training import ALGORITHMS, TrainPolicyConfig
from core.jobs import queue
from core.records import Job
from core.store import Project


def add_job(project: Project, config: Any, options: Any = None, *, name: str = "", **columns: Any) -> Job:
    """Queue the job that a config is of; `columns` as `set_job` takes them."""
    kind = next(kind for kind, spec in JOBS.items() if spec.config is type(config))
    if isinstance(config, TrainPolicyConfig):
        options = options or ALGORITHMS[config.algorithm].config()
    job = queue.enqueue(project, kind, config_values(config, options), name=name)
    return set_job(project, job.id, **columns) if columns else job


def set_job(project: Project, job_id: int, **columns: Any) -> Job:
    """Write columns of a job's row, whatever the queue would say to it."""
    sets = ", ".join(f"{name} = ?" for name in columns)
    with project.write() as database:
        database.conn.execute(f"update jobs set {sets} where id = ?", (*columns.values(), job_id))
    return queue.get(project, job_id)
