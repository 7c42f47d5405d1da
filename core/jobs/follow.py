"""What is new in a project since the last look: the window's charts and the CLI's progress live on it.

A follower reads rows newer than its cursors; when nothing was written, a look costs a pragma and one number.
"""

import time
from dataclasses import dataclass, field, replace
from typing import Any

from core.jobs import worker_process
from core.jobs.worker_process import Life
from core.records import Job
from core.store import Project, jobs, watched
from core.store.runs import job_log, job_metrics, job_samples

#: States of a job that a worker has in hand.
WORKING = ("running", "paused")
#: Seconds between two looks whether there is a worker.
WORKER_SECONDS = 2.0


@dataclass(frozen=True)
class News:
    """Rows that appeared since the last look, oldest first."""

    jobs: list[Job] = field(default_factory=list)
    doing: list[Job] = field(default_factory=list)
    """Jobs of which nothing is new but what they do right now."""
    gone: tuple[int, ...] = ()
    """Jobs that were removed."""
    metrics: list[dict[str, Any]] = field(default_factory=list)
    samples: list[dict[str, Any]] = field(default_factory=list)
    log: list[dict[str, Any]] = field(default_factory=list)
    tables: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.jobs or self.doing or self.gone or self.metrics or self.samples or self.log or self.tables)


class Follower:
    """Follows one project from now on. Use it from the thread that opened the project."""

    #: What is read row by row.
    TABLES = {"metrics": job_metrics, "samples": job_samples, "job_log": job_log}

    def __init__(self, project: Project) -> None:
        self.project = project
        self._data_version = -1
        self._cursors = {name: table.newest(project) for name, table in self.TABLES.items()}
        self._states = watched.states(project)
        self._jobs_version = 0
        self._written: dict[int, Job] = {}
        self._shown: dict[int, Job] = {}
        self._looked_for_worker = 0.0
        self.worker = Life.WORKS
        """What was seen of the worker last, while a job is in its hands."""

    def poll(self) -> News:
        version, news = watched.data_version(self.project), self._look_at_jobs()
        if version == self._data_version:
            return news
        self._data_version = version
        rows = {name: self._rows(name) for name in self.TABLES}
        before, self._states = self._states, watched.states(self.project)
        tables = frozenset(table for table, state in self._states.items() if state != before[table])
        return replace(news, metrics=rows["metrics"], samples=rows["samples"], log=rows["job_log"], tables=tables)

    def touch(self) -> None:
        """Look at everything next time: this connection itself changed something."""
        self._data_version = -1

    def _rows(self, name: str) -> list[dict[str, Any]]:
        rows = self.TABLES[name].after(self.project, self._cursors[name])
        if rows:
            self._cursors[name] = rows[-1]["id"]
        return rows

    def _look_at_jobs(self) -> News:
        """Jobs that are not as they were shown last; one that runs without a worker shows as interrupted."""
        changed, shown = self._read_jobs(), self._written
        working = any(job.status in WORKING for job in shown.values())
        if not changed and not working:
            return News()
        if working:
            shown = {number: worker_process.seen(job, self._look_for_worker()) for number, job in shown.items()}
        before, self._shown = self._shown, shown
        differ = [job for job in shown.values() if before.get(job.id) != job]
        doing = [job for job in differ if job.id in before and replace(before[job.id], doing=job.doing) == job]
        return News([job for job in differ if job not in doing], doing, tuple(before.keys() - shown.keys()))

    def _read_jobs(self) -> bool:
        """Read the rows that were changed by whomever, and only those. Returns whether there were any."""
        newest = jobs.newest_version(self.project)
        if newest == self._jobs_version:
            return False
        fresh = {job.id: job for job in jobs.changed_since(self.project, self._jobs_version)}
        known, self._jobs_version = self._written | fresh, newest
        self._written = {number: known[number] for number in jobs.ids(self.project) if number in known}
        return True

    def _look_for_worker(self) -> Life:
        now = time.monotonic()
        if now - self._looked_for_worker >= WORKER_SECONDS:
            self._looked_for_worker = now
            self.worker = worker_process.life(self.project)
        return self.worker
