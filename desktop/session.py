"""What a tab is given: the open project, operations announced to everybody, jobs, and news of the worker.

An operation is a function of `core.store` that the caller has run; `do` tells the other tabs what it
changed. News comes from polling the project on the window's own thread, which costs microseconds.
"""

import subprocess
import time
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar, overload

from PySide6.QtCore import QObject, QTimer, Signal

from core.config.jobs import JobKind, config_values
from core.jobs import launch, lock, queue, resumes, worker_process
from core.jobs.follow import Follower
from core.jobs.worker_process import Life
from core.machine.reading import Reader
from core.records import ACTIVE, Job
from core.runs import preflight, wishes
from core.store import Changes, Project, changed
from core.store.packed_rankings import PACK
from core.store.undo import Direction, History, Replayed
from core.trust import gate
from desktop import user_settings
from desktop.navigator import Navigator, Nowhere

AnyJob = TypeVar("AnyJob", bound=Job)
POLL_MILLISECONDS = 200
TICK_MILLISECONDS = 1000


#: Runs the second while the window says the first, then gives what it returned to the third.
Beside = Callable[[str, Callable[[], Replayed], Callable[[Replayed], object]], object]


def at_once(text: str, work: Callable[[], Replayed], done: Callable[[Replayed], object]) -> None:
    """There is no window that could go on meanwhile."""
    done(work())


class Session(QObject):
    """One open project in one window."""

    changed = Signal(object, object)
    """(`Changes`, the object that made them or None): an operation was done in this window."""
    news = Signal(object)
    """`core.jobs.follow.News`: rows that the worker or another program wrote."""
    ticked = Signal(object)
    """The running job, once a second: what is said of its time is another now, though nothing happened."""
    run_removed = Signal(object)
    """`core.projects.trash.Deleted`: a run that was moved to the trash."""
    moved = Signal(object)
    """The error that says so: the project is no longer where it was opened, so that nothing more is saved."""
    replayed = Signal(object, object)
    """(The `Step` that was undone or redone, its `Changes`), after `changed`."""

    def __init__(
        self,
        project: Project,
        parent: QObject | None = None,
        beside: Beside = at_once,
        history: History | None = None,
    ) -> None:
        """What takes long is replayed `beside` the window; steps are added to the window's `history`."""
        super().__init__(parent)
        self.project = project
        self.navigator: Navigator = Nowhere()
        self.reader = Reader()
        """Says what the project's model reads of a conversation; asked beside the window."""
        self.history = history or History()
        self.history.open(project)
        self._beside = beside
        packed_for = project.setting(PACK)
        self._packed_for = packed_for if isinstance(packed_for, str) else ""
        self._named = self._in_settings = user_settings.labeler_name()
        """Who works in this window: whoever takes over in another one does so there."""
        self.rested = gate.arrive(project, anew=True)
        """Jobs that waited in a project that is not trusted were stopped as it was opened."""
        self._jobs: dict[int, Job] = {job.id: job for job in queue.listed(project)}
        self._moved: dict[int, float] = {}
        self._follower = Follower(project)
        self._timer = QTimer(self, interval=POLL_MILLISECONDS)
        self._timer.timeout.connect(self.poll)
        self._timer.start()
        self._clock = QTimer(self, interval=TICK_MILLISECONDS)
        self._clock.timeout.connect(self._tick)
        self._clock.start()
        self._has_moved = False
        self._worker: subprocess.Popen[bytes] | None = None
        if any(job.status == "queued" for job in self._jobs.values()) and gate.is_trusted(project):
            self._ensure_worker()

    @property
    def labeler_name(self) -> str:
        """Who ranks here: in a labeling pack the one that it is for. A name that is set is the next window's, too."""
        return self._packed_for or self._named or user_settings.labeler_name()

    @labeler_name.setter
    def labeler_name(self, name: str) -> None:
        if not self._packed_for:
            self._named = self._in_settings = name
            user_settings.set_labeler_name(name)

    def take_over_name(self) -> None:
        """Somebody may have been named in the settings of this window."""
        if (name := user_settings.labeler_name()) != self._in_settings:
            self._named = self._in_settings = name

    def announce(self, changes: Changes, origin: object | None = None, *, undoable: bool = True) -> Changes:
        """Tell of an operation that was just done; `undo` takes it back, unless whoever did it has ways of its own."""
        if undoable:
            self.history.mark(changes)
        else:
            self.history.forget()
        return self._announce(changes, origin)

    def replay(self, direction: Direction) -> None:
        """Take back what was done last, or do again what was undone last; what takes long goes on beside the window.

        Raises `KnownError` if there is nothing, or if others built on it.
        """
        step, work = self.history.next(direction), self.history.work(direction)
        if step is None or not step.is_long:
            self._settle(direction, work())
            return
        text = f"Taking back “{step.label}” …" if direction == "undo" else f"Doing “{step.label}” again …"
        self._beside(text, work, partial(self._settle, direction))

    def _settle(self, direction: Direction, done: Replayed) -> None:
        changes = self._announce(self.history.settle(direction, done), None)
        self.replayed.emit(done.step, changes)

    def _announce(self, changes: Changes, origin: object | None) -> Changes:
        self._follower.touch()
        if changes.tables:
            self.changed.emit(changes, origin)
        return changes

    def start(self, kind: JobKind, config: Any, options: Any = None, *, taken: object = None) -> Job:
        """Queue a job and see to it that a worker runs; `taken` are settings of the project that the person took over.
        Raises `KnownError` for what could only fail, and `AskFirst` where somebody must be asked."""
        config = wishes.from_here(config)
        preflight.check(self.project, config)
        wishes.choose(self.project, config, taken)
        job = queue.enqueue(self.project, kind, config_values(config, options))
        self.wake()
        return job

    def pause(self, job_id: int) -> None:
        queue.want(self.project, job_id, "pause")
        self._follower.touch()

    def resume(self, job_id: int) -> None:
        """Let a paused job run on, or queue a stopped, failed or interrupted one again. Raises as `start` does."""
        job = queue.get(self.project, job_id)
        if job.status in ("running", "paused") and not lock.held(self.project.folder):
            queue.mark_interrupted(self.project)
        if queue.get(self.project, job_id).status in ("running", "paused"):
            queue.want(self.project, job_id, "run")
        else:
            wishes.check(self.project, job.config)
            queue.resume(self.project, job_id)
        self.wake()

    def stop(self, job_id: int) -> None:
        queue.want(self.project, job_id, "stop")
        self._follower.touch()

    def stop_now(self, job_id: int) -> None:
        """Stop a job without waiting for its step: its worker is killed. Raises `KnownError` if that cannot be done."""
        worker_process.stop_now(self.project, job_id)
        self.look_again()

    def goes_on(self, job_id: int) -> str:
        """What Resume does with a job that was stopped, in a sentence."""
        return resumes.goes_on(self.project, job_id)

    def wake(self) -> None:
        """See to it that a worker looks at the queue now."""
        self._ensure_worker()
        self.look_again()

    def _ensure_worker(self) -> None:
        self.project.check_place()
        self._worker = launch.ensure_worker(self.project.folder) or self._worker

    @property
    def worker_is_suspended(self) -> bool:
        return self._follower.worker is Life.SUSPENDED

    @property
    def why_gone(self) -> str:
        """A sentence about how the worker ended, where this window started it and saw its end; else empty."""
        return worker_process.how_it_ended(self._worker)

    def look_again(self) -> None:
        """Look for news now, also of what was written with this window's own connection."""
        self._follower.touch()
        self.poll()

    @overload
    def job(self, job_id: int | None) -> Job | None: ...
    @overload
    def job(self, job_id: int | None, record: type[AnyJob]) -> AnyJob | None: ...
    def job(self, job_id: int | None, record: type[Any] = Job) -> Any:
        """A job as last seen, if there is one of that number and it is a `record`."""
        found = self._jobs.get(job_id) if job_id else None
        return found if isinstance(found, record) else None

    @overload
    def jobs(self) -> list[Job]: ...
    @overload
    def jobs(self, record: type[AnyJob]) -> list[AnyJob]: ...
    def jobs(self, record: type[Any] = Job) -> list[Any]:
        """Jobs that are `record`s as last seen, newest first."""
        return [job for _, job in sorted(self._jobs.items(), reverse=True) if isinstance(job, record)]

    @property
    def active(self) -> list[Job]:
        """Jobs that are not over: the one that the worker has, then those behind it."""
        active = [job for job in self.jobs()[::-1] if job.status in ACTIVE]
        return sorted(active, key=lambda job: job.status == "queued")

    def waits(self, job: Job) -> str:
        """`Waits for job 4, Tune policy.` of a queued job that others are before; else empty."""
        if job.status != "queued":
            return ""
        first = next((each for each in self._jobs.values() if each.status in ("running", "paused")), None)
        first = first or next((each for each in self.jobs()[::-1] if each.status == "queued"), None)
        if first is None or first.id == job.id:
            return ""
        return f"Waits for job {first.id}, {first.name}{', which is paused' if first.status == 'paused' else ''}."

    def left(self, job: Job) -> float | None:
        """Seconds until a running job's end: between two steps the estimate goes on with the clock."""
        now = time.monotonic()
        return job.eta_after(now - self._moved.get(job.id, now)) if job.status == "running" else None

    def _tick(self) -> None:
        running = next((job for job in self._jobs.values() if job.status == "running"), None)
        if running is not None:
            self.ticked.emit(running)

    def poll(self) -> None:
        """Look for news now."""
        if self.project.has_moved != self._has_moved:
            self._has_moved = not self._has_moved
            if self._has_moved:
                self.moved.emit(self.project.moved())
        news = self._follower.poll()
        for job in news.jobs:
            if progress_of(job) != progress_of(self._jobs.get(job.id)):
                self._moved[job.id] = time.monotonic()
        self._jobs |= {job.id: job for job in [*news.jobs, *news.doing]}
        for gone in news.gone:
            self._jobs.pop(gone, None)
        if news:
            self.news.emit(news)
        if news.gone:
            self.changed.emit(changed("Remove run", "jobs"), None)

    def rest(self) -> None:
        """Look for no more news: it is about to close."""
        self._timer.stop()
        self._clock.stop()

    def close(self) -> None:
        """A worker that has nothing to do goes, too: it holds a model in memory."""
        self.rest()
        self.reader.close()
        self.history.close()
        lock.dismiss(self.project.folder)
        self.project.close()


def progress_of(job: Job | None) -> tuple[Any, ...]:
    """What the estimate of a job's end is made from."""
    return () if job is None else (job.status, job.stage, job.done, job.seconds)
