"""What a job says, written as rows: each event is one transaction, and a checkpoint is on disk before it is said.

Checkpoints are written to a temporary folder and renamed, so that one that is there is whole.
"""

import json
import os
import shutil
import sqlite3
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from core.events import (
    Checkpoint,
    Completions,
    Event,
    Loaded,
    Metrics,
    Note,
    Priorities,
    Progress,
    Result,
    Rollback,
    Samples,
    Scores,
    Steered,
)
from core.jobs import presence, resumes
from core.store import Project, completions, now

KEEP_CHECKPOINTS = 2
#: Seconds between two looks at what is wanted of a job.
POLL = 0.2


def forget_after(project: Project, job_id: int, step: int) -> None:
    """Delete what a job said of later steps than `step`; call it within a transaction."""
    for table in ("metrics", "samples"):
        project.db.conn.execute(f"delete from {table} where job_id = ? and step > ?", (job_id, step))


def last_checkpoint(project: Project, job_id: int) -> tuple[int, Path | None]:
    """The newest checkpoint that is on disk, as (step, folder); (-1, None) if there is none."""
    for row in project.rows("select * from checkpoints where job_id = ? order by step desc", job_id):
        folder = project.folder / row["folder"]
        if folder.is_dir():
            return row["step"], folder
    return -1, None


class Recorder:
    """Writes one job's events; each `record` is one transaction, which also reads what is wanted."""

    def __init__(self, project: Project, job_id: int) -> None:
        self.project = project
        self.job_id = job_id
        self.stage = "Starting"
        self.stage_began = time.monotonic()
        self.stage_start = 0
        self.done = 0
        self.held = 0.0

    def record(self, event: Event) -> Any:
        """Returns the job's wanted state."""
        if isinstance(event, Checkpoint):
            self._checkpoint(event)
        elif isinstance(event, Rollback):
            self._roll_back(event)
        else:
            with self.project.write():
                self._write(event)
        return self.project.value("select wanted from jobs where id = ?", self.job_id)

    def say(self, doing: str) -> None:
        """What the job does right now; while somebody else writes, that is not worth waiting for."""
        connection, patience = self.project.db.conn, self.project.value("pragma busy_timeout")
        connection.execute("pragma busy_timeout = 0")
        try:
            with suppress(sqlite3.OperationalError), self.project.write():
                connection.execute("update jobs set stage = ? where id = ?", (f"{self.stage}\n{doing}", self.job_id))
        finally:
            connection.execute(f"pragma busy_timeout = {patience}")

    def hold(self, seconds: float) -> Any:
        """Wait in the paused state until something else is wanted, at most so long; a pause does not count as work."""
        began = time.monotonic()
        self._status("paused")
        wanted = "pause"
        while wanted == "pause" and time.monotonic() < began + seconds:
            time.sleep(POLL)
            wanted = self.project.value("select wanted from jobs where id = ?", self.job_id)
        self.stage_began += time.monotonic() - began
        self.held += time.monotonic() - began
        if wanted != "pause":
            self._status("running")
            if wanted == "run" and self.held >= resumes.LONG_PAUSE:
                resumes.mark(self.project, self.job_id, self.done, self.held)
            self.held = 0.0
        return wanted

    def _status(self, status: str) -> None:
        """Running again, a job no longer says why it was held."""
        with self.project.write() as database:
            database.conn.execute(
                "update jobs set status = ?, error = case when ? = 'running' then null else error end where id = ?",
                (status, status, self.job_id),
            )

    def _write(self, event: Event) -> None:
        execute, many = self.project.db.conn.execute, self.project.db.conn.executemany
        match event:
            case Progress(done, total, stage):
                if stage != self.stage:
                    self.stage, self.stage_began, self.stage_start = stage, time.monotonic(), done
                self.done = done
                elapsed = time.monotonic() - self.stage_began
                pace = elapsed * done / max(done - self.stage_start, 1)
                execute(
                    "update jobs set stage = ?, done = ?, total = ?, seconds = ? where id = ?",
                    (stage, done, total, pace if done > self.stage_start else 0.0, self.job_id),
                )
            case Loaded():
                presence.tell(self.project, event)
            case Metrics(step, values):
                many(
                    "insert into metrics (job_id, step, name, value) values (?, ?, ?, ?)",
                    [(self.job_id, step, name, value) for name, value in values.items()],
                )
            case Samples(step, rows):
                many(
                    "insert into samples"
                    " (job_id, step, prompt_id, prompt, policy, completion, score, gold, kl, tokens, change)"
                    " values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    [
                        (
                            self.job_id,
                            step,
                            row.prompt_id,
                            row.prompt,
                            row.policy,
                            row.completion,
                            row.score,
                            row.gold,
                            row.kl,
                            row.tokens,
                            row.change,
                        )
                        for row in rows
                    ],
                )
            case Completions(prompt_id, rows, sampling):
                completions.add_group(self.project, prompt_id, rows, sampling=sampling, job_id=self.job_id)
            case Scores(scores):
                many(
                    "insert or replace into scores (job_id, part, model, criterion, completion_id, score, tokens)"
                    " select ?, ?, ?, ?, id, ?, ? from completions where id = ?",  # a prompt may be deleted meanwhile
                    [
                        (self.job_id, row.part, row.model, row.criterion, row.score, row.tokens, row.completion_id)
                        for row in scores
                    ],
                )
            case Priorities(doubts):
                execute("delete from priorities")
                many(
                    "insert into priorities (group_id, job_id, doubt)"
                    " select id, ?, ? from completion_groups where id = ?",
                    [(self.job_id, doubt, group_id) for group_id, doubt in doubts.items()],
                )
            case Result(values):
                kept = json.loads(self.project.value("select result from jobs where id = ?", self.job_id))
                execute("update jobs set result = ? where id = ?", (json.dumps(kept | values), self.job_id))
            case Steered(step, control):
                # What was put in force at this step or later before a resume must not overrule the newer wish.
                execute(
                    "delete from controls where job_id = ? and id < ? and step >= ?"
                    " and name = (select name from controls where id = ?)",
                    (self.job_id, control, step, control),
                )
                execute("update controls set step = ? where id = ?", (step, control))
            case Note(text):
                execute("insert into job_log (job_id, at, text) values (?, ?, ?)", (self.job_id, now(), text))

    def _checkpoint(self, event: Checkpoint) -> None:
        """Save beside, flush, rename, then say so in a row; older ones than the last two are removed."""
        runs = self.project.run_folder(self.job_id)
        final = runs / f"step-{event.step:06d}"
        partial = runs / f"step-{event.step:06d}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        try:
            event.save(partial)
            for path in partial.rglob("*"):
                if path.is_file():
                    with path.open("rb") as file:
                        os.fsync(file.fileno())
            shutil.rmtree(final, ignore_errors=True)
            partial.rename(final)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
        with self.project.write() as database:
            relative = final.relative_to(self.project.folder).as_posix()
            database.conn.execute("delete from checkpoints where job_id = ? and step = ?", (self.job_id, event.step))
            database.conn.execute(
                "insert into checkpoints (job_id, step, folder, best, created_at) values (?, ?, ?, ?, ?)",
                (self.job_id, event.step, relative, int(event.best), now()),
            )
            if event.best:
                others = "update checkpoints set best = 0 where job_id = ? and step != ?"
                database.conn.execute(others, (self.job_id, event.step))
                self._write(Result({"best": relative, "best_step": event.step}))
        self._write_result(final)
        rows = self.project.rows(
            "select * from checkpoints where job_id = ? and best = 0 order by step desc", self.job_id
        )
        for row in rows[KEEP_CHECKPOINTS:]:
            shutil.rmtree(self.project.folder / row["folder"], ignore_errors=True)
            with self.project.write() as database:
                database.conn.execute("delete from checkpoints where id = ?", (row["id"],))

    def _roll_back(self, event: Rollback) -> None:
        """Forget everything after the step, and have the job hold at its next `Progress`."""
        later = "select folder from checkpoints where job_id = ? and step > ?"
        gone = self.project.rows(later, self.job_id, event.step)
        with self.project.write() as database:
            forget_after(self.project, self.job_id, event.step)
            resumes.forget_after(self.project, self.job_id, event.step)
            for sql in ("checkpoints where job_id = ? and step > ?", "controls where job_id = ? and step >= ?"):
                database.conn.execute(f"delete from {sql}", (self.job_id, event.step))
            self._write(Note(event.text))
            if event.wait:
                wanted = "case wanted when 'stop' then 'stop' else 'pause' end"
                database.conn.execute(
                    f"update jobs set wanted = {wanted}, error = ? where id = ?", (event.text, self.job_id)
                )
            if self.project.value("select count(*) from checkpoints where job_id = ? and best", self.job_id) == 0:
                without = "update jobs set result = json_remove(result, '$.best', '$.best_step') where id = ?"
                database.conn.execute(without, (self.job_id,))
        _, folder = last_checkpoint(self.project, self.job_id)
        if folder is not None:
            self._write_result(folder)
        for row in gone:
            shutil.rmtree(self.project.folder / row["folder"], ignore_errors=True)

    def _write_result(self, folder: Path) -> None:
        """A checkpoint makes the run usable: its adapter is the newest one saved."""
        with self.project.write():
            self._write(Result({"adapter": folder.relative_to(self.project.folder).as_posix()}))
