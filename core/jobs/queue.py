"""Jobs as rows: enqueue, ask for pause or stop, claim, record. No torch, no processes.

A job's status is written by the worker, its `wanted` by everybody else; so nobody ever races.
"""

import json
from pathlib import Path
from typing import Any

from core.config import job_configs
from core.errors import BadInput
from core.records import ACTIVE, RESUMABLE, Job, Wanted
from core.store import Changes, Project, changed, now

RUN_KINDS = ("train-reward", "train-policy")


def job_from(row: dict[str, Any]) -> Job:
    """A `jobs` row as a record. The second line of its stage is what it does right now."""
    names = Job.__dataclass_fields__
    values = {name: row[name] for name in names if name in row}
    stage, _, doing = row["stage"].partition("\n")
    own = {"stage": stage, "doing": doing, "config": json.loads(row["config"]), "result": json.loads(row["result"])}
    return Job(**values | own)


def enqueue(project: Project, kind: str, config: dict[str, Any], *, name: str = "") -> Job:
    """Queue a job. `config` is as `configs.stored` gives it: it is checked here and never changes again."""
    job_configs.job_config(kind, config)
    if kind == "train-policy":
        job_configs.algorithm_config(config)
    with project.write():
        cursor = project.db.conn.execute(
            "insert into jobs (kind, name, config, created_at) values (?, ?, ?, ?)",
            (kind, name or job_configs.JOBS[kind].title, json.dumps(config), now()),
        )
    return get(project, int(cursor.lastrowid or 0))


def get(project: Project, job_id: int) -> Job:
    row = project.one("select * from jobs where id = ?", job_id)
    if row is None:
        raise BadInput(f"There is no job {job_id}: `jobs` lists the ones there are.")
    return job_from(row)


def listed(project: Project, *, kind: str | None = None, status: str | None = None) -> list[Job]:
    """Jobs, newest first."""
    rows = project.rows(
        "select * from jobs where (? is null or kind = ?) and (? is null or status = ?) order by id desc",
        kind,
        kind,
        status,
        status,
    )
    return [job_from(row) for row in rows]


def newest_run(project: Project, kind: str) -> Job | None:
    """The newest run of `kind` that has something to use: its adapter is on disk."""
    for job in listed(project, kind=kind):
        if job.result.get("adapter"):
            return job
    return None


def run_of(project: Project, job_id: int, kind: str) -> Job:
    """The run `job_id`, or the newest one for 0. Raises `BadInput` when there is none to use."""
    what = "reward model" if kind == "train-reward" else "tuned policy"
    if not job_id:
        job = newest_run(project, kind)
        if job is None:
            raise BadInput(f"There is no {what} yet: train one first.")
        return job
    job = get(project, job_id)
    if job.kind != kind or not job.result.get("adapter"):
        raise BadInput(f"Job {job_id} has no {what} to use: choose another run.")
    return job


def adapter_of(project: Project, job: Job, checkpoint: str = "last") -> Path:
    """The folder of a run's adapter: the last one, or the `best` one where the run kept one."""
    best = project.folder / job.result.get("best", "")
    chosen = checkpoint == "best" and "best" in job.result and best.is_dir()
    return best if chosen else project.folder / job.result["adapter"]


def want(project: Project, job_id: int, wanted: Wanted) -> Changes:
    """Ask a job to run, pause or stop. A queued job that is stopped never starts."""
    with project.write():
        job = get(project, job_id)
        if job.status not in ACTIVE:
            raise BadInput(f"Job {job_id} is not running: it is {job.status}.")
        if job.status == "queued" and wanted == "stop":
            project.db.conn.execute(
                "update jobs set status = 'stopped', wanted = 'stop', finished_at = ? where id = ?", (now(), job_id)
            )
        else:
            project.db.conn.execute("update jobs set wanted = ? where id = ?", (wanted, job_id))
    return changed(f"{wanted.capitalize()} job", "jobs", ids=(job_id,))


def resume(project: Project, job_id: int) -> Changes:
    """Queue a stopped, failed or interrupted job again: it goes on from its last checkpoint."""
    with project.write():
        job = get(project, job_id)
        if job.status == "paused":
            return want(project, job_id, "run")
        if job.status not in RESUMABLE:
            raise BadInput(f"Job {job_id} cannot be resumed: it is {job.status}.")
        project.db.conn.execute(
            "update jobs set status = 'queued', wanted = 'run', error = null, report = null, started_at = null,"
            " finished_at = null where id = ?",
            (job_id,),
        )
    return changed("Resume job", "jobs", ids=(job_id,))


def mark_interrupted(project: Project) -> list[int]:
    """Jobs that claim to run although no worker does: call it only while holding the worker's lock."""
    with project.write():
        ids = [row["id"] for row in project.rows("select id from jobs where status in ('running', 'paused')")]
        project.db.conn.execute(
            "update jobs set status = 'interrupted', finished_at = ? where status in ('running', 'paused')", (now(),)
        )
    return ids


def log(project: Project, job_id: int) -> list[dict[str, Any]]:
    return project.rows("select at, text from job_log where job_id = ? order by id", job_id)


def metrics(project: Project, job_id: int, names: tuple[str, ...] = ()) -> dict[str, list[tuple[int, float]]]:
    """Each metric of a job as (step, value) in order of steps; all of them unless `names` chooses."""
    series: dict[str, list[tuple[int, float]]] = {}
    wanted = f" and name in ({', '.join('?' * len(names))})" if names else ""
    sql = f"select step, name, value from metrics where job_id = ?{wanted} order by step, id"
    for row in project.rows(sql, job_id, *names):
        series.setdefault(row["name"], []).append((row["step"], row["value"]))
    return series


def checkpoints(project: Project, job_id: int) -> list[dict[str, Any]]:
    """The checkpoints of a run that are kept, as `step` and whether it is the `best`."""
    return project.rows("select step, best from checkpoints where job_id = ? order by step", job_id)


def samples(project: Project, job_id: int, *, step: int | None = None) -> list[dict[str, Any]]:
    return project.rows(
        "select * from samples where job_id = ? and (? is null or step = ?) order by step, id", job_id, step, step
    )
