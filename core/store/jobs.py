"""The queue of slow work, and what comes of it. Only here the JSON of a job's row becomes typed, and goes back."""

import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any, TypeVar

from core.config.jobs import JOBS, JobKind, kinds_of
from core.config.options import as_stored, changed_values
from core.config.training import ALGORITHMS, Resume, RunResult, TrainPolicyConfig
from core.errors import ProjectError
from core.records import Job, JobResult, JobStatus, Wanted
from core.store import Project, cells, now
from core.store.connection import without_waiting

AnyJob = TypeVar("AnyJob", bound=Job)
#: Columns that are not as the record has them.
READ = ("config", "result", "options")
#: What a job whose config or result cannot be read says: it stays in the list, and nothing can be made of it.
DAMAGED = "What was asked of job {0}, or what came of it, cannot be read: the project's file is damaged there."
#: More units than any job has, and no more than a bar of the window can show.
MOST = 2**31 - 1
NAMES = tuple(item.name for item in fields(Job) if item.name not in READ)


def job_from(row: dict[str, Any]) -> Job:
    """A `jobs` row as the record of its kind."""
    own = {name: row[name] for name in NAMES}
    own |= {name: min(max(own[name], 0), MOST) for name in ("done", "total")}
    if row["kind"] not in JOBS:
        return Job(**own, config=None)
    try:
        return _typed(row, own)
    except (ProjectError, TypeError, ValueError, AttributeError, LookupError, OverflowError):
        return Job(**own | {"error": own["error"] or DAMAGED.format(row["id"])}, config=None)


def _typed(row: dict[str, Any], own: dict[str, Any]) -> Job:
    spec, values = JOBS[row["kind"]], cells.read(row["config"], dict, f"What was asked of job {row['id']}")
    config = as_stored(spec.config, values)
    own = own | {"kind": JobKind(row["kind"])}
    if isinstance(config, TrainPolicyConfig) and config.algorithm in ALGORITHMS:
        own["options"] = as_stored(ALGORITHMS[config.algorithm].config, values.get("options", {}))
    return spec.record(
        **own,
        config=config,
        result=as_stored(spec.result, cells.read(row["result"], dict, f"What came of job {row['id']}")),
    )


def add(project: Project, kind: JobKind, name: str, config: dict[str, Any]) -> int:
    """Queue a job. Returns its number."""
    with project.write() as database:
        cursor = database.execute(
            "insert into jobs (kind, name, config, created_at) values (?, ?, ?, ?)",
            (kind, name, json.dumps(config), now()),
        )
    return int(cursor.lastrowid or 0)


def find(project: Project, job_id: int) -> Job | None:
    row = project.database.one("select * from jobs where id = ?", job_id)
    return None if row is None else job_from(row)


def was_there(project: Project, job_id: int) -> bool:
    """Was a job of this number ever made? None is given twice."""
    newest = project.database.value("select max(seq) from sqlite_sequence where name = 'jobs'")
    return 0 < job_id <= (newest or 0)


def listed(project: Project, record: type[AnyJob], status: JobStatus | None = None) -> list[AnyJob]:
    """Jobs that are `record`s, newest first."""
    rows = project.database.rows(
        "select * from jobs where (? or kind in (select value from json_each(?))) and (? is null or status = ?)"
        " order by id desc",
        record is Job, json.dumps(kinds_of(record)), status, status,
    )  # fmt: skip
    return [job for job in map(job_from, rows) if isinstance(job, record)]


def changed_since(project: Project, version: int) -> list[Job]:
    """Jobs that changed since `newest_version` gave this, by their numbers."""
    rows = project.database.rows("select * from jobs where version > ? order by version", version)
    return sorted(map(job_from, rows), key=lambda job: job.id)


def newest_version(project: Project) -> int:
    """It rises with every change of any job, and when one is removed."""
    return int(project.database.value("select newest from job_version"))


def ids(project: Project) -> list[int]:
    return project.database.column("select id from jobs order by id")


def count(project: Project) -> int:
    return int(project.database.value("select count(*) from jobs"))


def newest(project: Project) -> int:
    """The number of the job that was queued last; 0 is none."""
    return int(project.database.value("select coalesce(max(id), 0) from jobs"))


def begun(project: Project, kinds: Sequence[JobKind]) -> frozenset[int]:
    """Jobs of these kinds that were ever begun."""
    rows = project.database.rows(
        "select id from jobs where attempt > 0 and kind in (select value from json_each(?))", json.dumps(kinds)
    )
    return frozenset(row["id"] for row in rows)


def config_values(project: Project, job_id: int) -> dict[str, Any]:
    """A job's config as it was asked for, to be judged by today's bounds before it runs."""
    text = project.database.value("select config from jobs where id = ?", job_id)
    return dict(cells.read(text, dict, f"What was asked of job {job_id}"))


# --- what is asked of a job -------------------------------------------------------------------------------------


def wanted(project: Project, job_id: int) -> Any:
    return project.database.value("select wanted from jobs where id = ?", job_id)


def want(project: Project, job_id: int, wish: Wanted) -> None:
    with project.write() as database:
        database.execute("update jobs set wanted = ? where id = ?", (wish, job_id))


def stop_before_it_begins(project: Project, job_id: int) -> None:
    with project.write() as database:
        database.execute(
            "update jobs set status = 'stopped', wanted = 'stop', finished_at = ? where id = ?", (now(), job_id)
        )


def queue_again(project: Project, job_id: int) -> None:
    with project.write() as database:
        database.execute(
            "update jobs set status = 'queued', wanted = 'run', error = null, report = null, started_at = null,"
            " finished_at = null where id = ?",
            (job_id,),
        )


def hold_for(project: Project, job_id: int, error: str) -> None:
    """Something went wrong: let it pause, unless it is to stop anyway."""
    with project.write() as database:
        database.execute(
            "update jobs set wanted = case wanted when 'stop' then 'stop' else 'pause' end, error = ? where id = ?",
            (error, job_id),
        )


# --- how it goes ------------------------------------------------------------------------------------------------


def any_waiting(project: Project) -> bool:
    """Is there a job that is queued, or claims to run?"""
    return bool(
        project.database.value("select exists (select 1 from jobs where status in ('queued', 'running', 'paused'))")
    )


def put_to_rest(project: Project, reason: str) -> None:
    """Stop whatever waits or claims to run; it can be resumed."""
    with project.write() as database:
        database.execute(
            "update jobs set status = 'stopped', wanted = 'run', error = ?, finished_at = ?"
            " where status in ('queued', 'running', 'paused')",
            (reason, now()),
        )


def next_queued(project: Project, job_id: int | None = None) -> int | None:
    """The oldest job that is queued, or a certain one if it is."""
    found: int | None = project.database.value(
        "select id from jobs where status = 'queued' and id = coalesce(?, id) order by id limit 1", job_id
    )
    return found


def running(project: Project) -> Job | None:
    row = project.database.one("select * from jobs where status = 'running' order by id limit 1")
    return None if row is None else job_from(row)


def begin(project: Project, job_id: int) -> None:
    """A worker takes it."""
    with project.write() as database:
        database.execute(
            "update jobs set status = 'running', attempt = attempt + 1, started_at = ?, stage = 'Starting', doing = '',"
            " done = 0, total = 0, seconds = 0 where id = ?",
            (now(), job_id),
        )


def set_status(project: Project, job_id: int, status: JobStatus) -> None:
    """Running again, a job no longer says why it was held."""
    with project.write() as database:
        database.execute(
            "update jobs set status = ?, error = case when ? = 'running' then null else error end where id = ?",
            (status, status, job_id),
        )


def set_progress(project: Project, job_id: int, stage: str, done: int, total: int, seconds: float) -> None:
    """`seconds` is how long `done` units take at the pace that is expected of the rest, or took where there is no rest;
    0 while that is not known."""
    with project.write() as database:
        database.execute(
            "update jobs set stage = ?, doing = '', done = ?, total = ?, seconds = ? where id = ?",
            (stage, done, total, seconds, job_id),
        )


def set_doing(project: Project, job_id: int, doing: str) -> None:
    """While somebody else writes, that is not worth waiting for."""
    with without_waiting(project.database), project.write() as database:
        database.execute("update jobs set doing = ? where id = ?", (doing, job_id))


def set_later(project: Project, job_id: int, seconds: float) -> None:
    with project.write() as database:
        database.execute("update jobs set later_seconds = ? where id = ?", (seconds, job_id))


def end(
    project: Project, job_id: int, status: JobStatus, *, error: str | None = None, report: str | None = None
) -> None:
    with project.write() as database:
        database.execute(
            "update jobs set status = ?, error = ?, report = ?, finished_at = ? where id = ?",
            (status, error, report, now(), job_id),
        )


def interrupt_working(project: Project) -> list[int]:
    """Whatever claims to run was interrupted, or stopped if that was asked. Returns those jobs."""
    with project.write() as database:
        found = [
            row["id"] for row in project.database.rows("select id from jobs where status in ('running', 'paused')")
        ]
        database.execute(
            "update jobs set status = case wanted when 'stop' then 'stopped' else 'interrupted' end, finished_at = ?"
            " where status in ('running', 'paused')",
            (now(),),
        )
    return found


# --- what came of it --------------------------------------------------------------------------------------------


def merge_result(project: Project, job_id: int, found: JobResult) -> None:
    """Put what is known now over what was known before."""
    with project.write() as database:
        text = project.database.value("select result from jobs where id = ?", job_id)
        kept = cells.read(text, dict, f"What came of job {job_id}")
        whole = json.dumps(kept | changed_values(found))
        database.execute("update jobs set result = ? where id = ?", (whole, job_id))


def set_adapter(project: Project, job_id: int, folder: str) -> None:
    """The adapter that counts, whatever was said before; none if it is empty."""
    with project.write() as database:
        database.execute(
            "update jobs set result = case ? when '' then json_remove(result, '$.adapter')"
            " else json_set(result, '$.adapter', ?) end where id = ?",
            (folder, folder, job_id),
        )


def forget_best(project: Project, job_id: int) -> None:
    """None of its checkpoints is the best any more."""
    with project.write() as database:
        database.execute(
            "update jobs set result = json_remove(result, '$.best', '$.best_step') where id = ?", (job_id,)
        )


def resumes(project: Project, job_id: int) -> list[Resume]:
    """Where a run went on after it had stood still, in the order of the steps."""
    found = find(project, job_id)
    return list(found.result.resumed) if found is not None and isinstance(found.result, RunResult) else []


def keep_resumes(project: Project, job_id: int, found: Sequence[Resume]) -> None:
    with project.write() as database:
        database.execute(
            "update jobs set result = json_set(result, '$.resumed', json(?)) where id = ?",
            (json.dumps([asdict(each) for each in found]), job_id),
        )
