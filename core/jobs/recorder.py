"""What a job says, written as rows: each event is one transaction, and a checkpoint is on disk before it is said.

Checkpoints are written to a temporary folder and renamed, so that one that is there was written whole.
"""

import shutil
import time
from pathlib import Path
from typing import Any

from core.config.training import RunResult
from core.conversation import same_words
from core.events import (
    ArenaAnswers,
    Checkpoint,
    Completions,
    Event,
    JudgedGroup,
    JudgedPair,
    Later,
    Loaded,
    Metrics,
    Note,
    Priorities,
    Progress,
    Result,
    Rollback,
    Samples,
    Scores,
    SettingInForce,
    SettingRefused,
)
from core.jobs import checkpoint_files, presence, resumes
from core.jobs.pace import Pace
from core.records import JobStatus
from core.store import Project, arenas, completions, jobs, judged, prompts
from core.store.runs import checkpoints, job_log, job_metrics, job_samples, scores, setting_changes

#: Checkpoints that are kept at least: where the newest is damaged, a run goes on from the one before.
FEWEST_KEPT = 2
#: Seconds between two looks at what is wanted of a job.
POLL = 0.2
#: What is told of a prompt that was edited while it was answered.
REWORDED = (
    "Prompt {} was changed while it was being answered. What was written answers its old words, and is left out: "
    "generate again for it."
)
OUT_OF_THE_ARENA = "A policy was taken out of the arena while it was answering: its answers are left out."
DELETED = "Prompt {} was deleted while it was being answered: what was written for it is left out."
NO_VOTE = "A policy was taken out of the arena while its answers were judged: that vote is left out."
REJUDGE = "The completions {} were changed while they were judged: their order is left out. Let them be judged again."


def forget_after(project: Project, job_id: int, step: int) -> None:
    """Delete what a job said of later steps than `step`; call it within a transaction."""
    job_metrics.forget_after(project, job_id, step)
    job_samples.forget_after(project, job_id, step)
    resumes.forget_after(project, job_id, step)


def set_back(project: Project, job_id: int, step: int) -> None:
    """Let the checkpoint of `step` be the newest: its adapter counts, the best one is that by then, and what came
    later is forgotten. Call it within a transaction."""
    forget_after(project, job_id, step)
    checkpoints.forget_after(project, job_id, step)
    best = checkpoints.best_step(project, job_id)
    if best is None:
        jobs.forget_best(project, job_id)
    else:
        place = checkpoints.folder_of(project, job_id, best).relative_to(project.folder).as_posix()
        jobs.merge_result(project, job_id, RunResult(best=place, best_step=best))
    _, folder = last_checkpoint(project, job_id)
    if folder is not None:
        jobs.set_adapter(project, job_id, folder.relative_to(project.folder).as_posix())


def last_checkpoint(project: Project, job_id: int) -> tuple[int, Path | None]:
    """The newest checkpoint, as (step, folder); (-1, None) if none was written.

    Raises `CheckpointOutOfReach` if it is not there: nobody begins anew because of that.
    """
    step, folder = next(iter(checkpoints.written(project, job_id)), (-1, None))
    if folder is not None and not folder.is_dir():
        raise checkpoint_files.out_of_sight(folder)
    return step, folder


class Recorder:
    """Writes one job's events; each `record` is one transaction, which also reads what is wanted."""

    def __init__(self, project: Project, job_id: int) -> None:
        self.project = project
        self.job_id = job_id
        self.stage, self.total, self.done = "Starting", 0, 0
        self.began = time.monotonic()
        """The stage, were there no pauses."""
        self.start = 0
        """What was done when it began."""
        self.pace = Pace(self.began)
        self.held = 0.0

    def record(self, event: Event) -> Any:
        """Returns the job's wanted state. Raises `ProjectMoved` if the project is not where it was."""
        self.project.check_place()
        if isinstance(event, Checkpoint):
            self._checkpoint(event)
        elif isinstance(event, Rollback):
            self._roll_back(event)
        else:
            with self.project.write():
                self._write(event)
        return jobs.wanted(self.project, self.job_id)

    def begin_phase(self, what: str) -> None:
        """What the job does from now on, or still does."""
        self.pace.begin(what, time.monotonic())

    def report_status(self, doing: str) -> None:
        """What the job does right now; while somebody else writes, that is not worth waiting for."""
        jobs.set_doing(self.project, self.job_id, doing)

    def hold(self, seconds: float) -> Any:
        """Wait in the paused state until something else is wanted, at most so long; a pause does not count as work."""
        began = time.monotonic()
        self._set_status("paused")
        wanted = "pause"
        while wanted == "pause" and time.monotonic() < began + seconds:
            time.sleep(POLL)
            self.project.check_place()
            wanted = jobs.wanted(self.project, self.job_id)
        waited = time.monotonic() - began
        self.began += waited
        self.pace.skip(waited)
        self.held += waited
        if wanted != "pause":
            self._set_status("running")
            if wanted == "run" and self.held >= resumes.LONG_PAUSE:
                resumes.mark(self.project, self.job_id, self.done, self.held)
            self.held = 0.0
        return wanted

    def _set_status(self, status: JobStatus) -> None:
        jobs.set_status(self.project, self.job_id, status)

    def _write(self, event: Event) -> None:
        project, job_id = self.project, self.job_id
        match event:
            case Progress():
                self._progress(event)
            case Later(seconds):
                jobs.set_later(project, job_id, seconds)
            case Loaded():
                presence.tell(project, event)
            case Metrics(step, values):
                job_metrics.add(project, job_id, step, values)
            case Samples(step, rows):
                job_samples.add(project, job_id, step, rows)
            case Completions(prompt_id, rows, sampling, asked):
                now = prompts.some(project, [prompt_id])
                if not now:
                    job_log.add(project, job_id, DELETED.format(prompt_id))
                elif asked and not same_words(asked, now[0].text):
                    job_log.add(project, job_id, REWORDED.format(prompt_id))
                else:
                    completions.add_group(project, prompt_id, rows, sampling=sampling, job_id=job_id)
            case ArenaAnswers(policy_id, answers):
                if arenas.has_policy(project, policy_id):
                    arenas.add_answers(project, policy_id, answers, job_id)
                else:
                    job_log.add(project, job_id, OUT_OF_THE_ARENA)
            case Scores(rows):
                scores.add(project, job_id, rows)
            case Priorities(doubts):
                scores.set_priorities(project, job_id, doubts)
            case JudgedGroup():
                if not judged.add_ranking(project, event):
                    job_log.add(project, job_id, REJUDGE.format(event.group_id))
            case JudgedPair():
                if not judged.add_vote(project, event):
                    job_log.add(project, job_id, NO_VOTE)
            case Result(result):
                jobs.merge_result(project, job_id, result)
            case SettingInForce(step, change):
                setting_changes.put_in_force(project, job_id, change, step)
            case SettingRefused(change):
                setting_changes.forget(project, job_id, change)
            case Note(text):
                job_log.add(project, job_id, text)

    def _progress(self, event: Progress) -> None:
        """With how long the rest of the stage takes at the pace of its last units. A stage that goes on counting where
        another ended goes on at its pace, too; one that begins further on has its own, and the other's time."""
        now = time.monotonic()
        goes_on = event.stage == self.stage or (event.done, event.total) == (self.done, self.total)
        if not goes_on or event.done < self.done:
            self.pace = Pace(now, event.done)
            if event.total != self.total or event.done <= self.done:
                self.began, self.start = now, event.done
        self.stage, self.done, self.total = event.stage, event.done, event.total
        self.pace.finish(event.done, now)
        rest = self.pace.rest(event.total - event.done)
        if rest is None:
            seconds = 0.0
        elif event.done < event.total:
            seconds = rest / (event.total - event.done) * event.done
        else:
            seconds = (now - self.began) * event.done / (event.done - self.start)
        jobs.set_progress(self.project, self.job_id, event.stage, event.done, event.total, seconds)

    def _checkpoint(self, event: Checkpoint) -> None:
        """Save beside, flush, rename, then say so in a row; older ones than it is to keep are removed. It makes the run
        usable: its adapter is the newest one saved."""
        self.begin_phase("Saving")
        self.project.make_run_folder(self.job_id)
        final = checkpoints.folder_of(self.project, self.job_id, event.step)
        checkpoint_files.save_whole(event, final)
        self.project.check_place()
        relative = final.relative_to(self.project.folder).as_posix()
        found = RunResult(adapter=relative)
        if event.best:
            found = RunResult(adapter=relative, best=relative, best_step=event.step)
        with self.project.write():
            checkpoints.add(self.project, self.job_id, event.step, best=event.best)
            jobs.merge_result(self.project, self.job_id, found)
        kept = max(event.keep, FEWEST_KEPT)
        for number, folder in checkpoints.older_than(self.project, self.job_id, kept) if event.keep else ():
            shutil.rmtree(folder, ignore_errors=True)
            checkpoints.forget(self.project, number)

    def _roll_back(self, event: Rollback) -> None:
        """Forget everything after the step, and have the job hold at its next `Progress`."""
        project, job_id = self.project, self.job_id
        gone = checkpoints.after(project, job_id, event.step)
        with project.write():
            set_back(project, job_id, event.step)
            setting_changes.forget_from(project, job_id, event.step)
            job_log.add(project, job_id, event.text)
            if event.wait:
                jobs.hold_for(project, job_id, event.text)
        for folder in gone:
            shutil.rmtree(folder, ignore_errors=True)
