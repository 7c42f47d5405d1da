"""What is new in a project since the last look: the window's charts and the CLI's progress live on it.

A follower reads rows newer than its cursor; when nothing was committed by others, a look costs one pragma.
"""

import time
from dataclasses import dataclass, field, replace
from typing import Any

from core.jobs import lock
from core.jobs.queue import job_from
from core.records import Job
from core.store import Project

#: States of a job that a worker has in hand.
WORKING = ("running", "paused")


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

    #: Tables whose newest row and count of edits are watched, so that a change made elsewhere is seen.
    WATCHED = ("completion_groups", "rankings", "prompts", "guidelines")

    def __init__(self, project: Project) -> None:
        self.project = project
        self._version = -1
        self._cursors = {table: self._newest(table) for table in ("metrics", "samples", "job_log")}
        self._states = {table: self._state(table) for table in self.WATCHED}
        self._jobs: dict[int, Job] = {}
        self._looked_for_worker = 0.0
        self._alive = True

    def poll(self) -> News:
        version = self.project.value("pragma data_version")
        jobs = self._look_at_jobs() if version != self._version or self._any_active() else News()
        if version == self._version:
            return jobs
        self._version = version
        news = {table: self._rows(table) for table in ("metrics", "samples", "job_log")}
        tables = frozenset(table for table in self.WATCHED if self._moved(table))
        return replace(jobs, metrics=news["metrics"], samples=news["samples"], log=news["job_log"], tables=tables)

    def touch(self) -> None:
        """Look at everything next time: this connection itself changed something."""
        self._version = -1

    def _newest(self, table: str) -> int:
        return int(self.project.value(f"select coalesce(max(id), 0) from {table}"))

    def _rows(self, table: str) -> list[dict[str, Any]]:
        rows = self.project.rows(f"select * from {table} where id > ? order by id", self._cursors[table])
        if rows:
            self._cursors[table] = rows[-1]["id"]
        return rows

    def _moved(self, table: str) -> bool:
        before, self._states[table] = self._states[table], self._state(table)
        return self._states[table] != before

    def _state(self, table: str) -> tuple[int, int]:
        return self._newest(table), self.project.edits(table)

    def _any_active(self) -> bool:
        return any(job.status in ("queued", "running", "paused") for job in self._jobs.values())

    def _look_at_jobs(self) -> News:
        """Jobs whose row differs from the last look; one that runs without a worker shows as interrupted."""
        fresh = [job_from(row) for row in self.project.rows("select * from jobs order by id")]
        if any(job.status in WORKING for job in fresh) and not self._worker_alive():
            fresh = [replace(job, status="interrupted") if job.status in WORKING else job for job in fresh]
        before, self._jobs = self._jobs, {job.id: job for job in fresh}
        differ = [job for job in fresh if before.get(job.id) != job]
        doing = [job for job in differ if job.id in before and replace(before[job.id], doing=job.doing) == job]
        return News([job for job in differ if job not in doing], doing, tuple(before.keys() - self._jobs.keys()))

    def _worker_alive(self) -> bool:
        """Asked at most once in 2 s."""
        now = time.monotonic()
        if now - self._looked_for_worker < 2.0:
            return self._alive
        self._looked_for_worker = now
        self._alive = lock.held(self.project.folder)
        return self._alive
