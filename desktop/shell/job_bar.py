"""The bar at the foot of the window: what the worker does, how far it is, and pause, resume, stop."""

from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QProgressBar

from core.errors import KnownError
from core.jobs.follow import WORKING, News
from core.records import ACTIVE, RESUMABLE, Job
from desktop import errors
from desktop.errors import worded
from desktop.session import Session
from desktop.shell import actions
from desktop.theme.theme import SPACE
from desktop.widgets.basics import button, label, show_one
from desktop.widgets.bound import action_button
from desktop.widgets.dates import remaining
from desktop.widgets.elided import OneLine
from desktop.widgets.growing import keep_width
from desktop.widgets.strangers import tip


class JobBar(QFrame):
    """Follows the newest job that is active, or the last one that was stopped or ended badly until it is dismissed."""

    failed = Signal(object)
    """The job that just failed or was interrupted."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setProperty("role", "bar")
        self.session = session
        self.job: Job | None = None
        self.text = OneLine()
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        keep_width(self.progress, 120)
        self.progress.setAccessibleName("Progress of the running job")
        self.eta = label("", "muted")
        self.pause = action_button(actions.PAUSE, lambda: self._act(self.session.pause))
        self.resume = action_button(actions.RESUME, lambda: self._act(self.session.resume))
        self.stop = action_button(actions.STOP, lambda: self._act(self.session.stop))
        self.stop_now = action_button(actions.STOP_NOW, lambda: self._act(self.session.stop_now))
        self.dismiss = action_button(actions.DISMISS, lambda: self.show_job(None))
        hint = f"All jobs and logs ({actions.JOBS.keys[0]})"
        self.all = button("Jobs …", lambda: session.navigator.show_jobs(), role="link", tip=hint)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(2 * SPACE, SPACE, 2 * SPACE, SPACE)
        layout.setSpacing(SPACE + 4)
        layout.addWidget(self.text, 1)
        buttons = (self.pause, self.resume, self.stop, self.stop_now, self.dismiss, self.all)
        for widget in (self.eta, self.progress, *buttons):
            layout.addWidget(widget)
        session.news.connect(self._news)
        session.ticked.connect(lambda _: self._tick())
        active = [job for job in session.jobs() if job.status in ACTIVE]
        self.show_job(active[-1] if active else None)

    def _act(self, ask: object) -> None:
        if self.job is not None and callable(ask):
            try:
                ask(self.job.id)
            except KnownError as error:
                errors.show(error, self, partial(self._act, ask))

    def _news(self, news: News) -> None:
        if self.job is not None and self.job.id in news.gone:
            self.show_job(None)
        for job in news.doing:
            if self.job is not None and self.job.id == job.id:
                self.show_job(job)
        for job in news.jobs:
            bad = job.status in ("failed", "interrupted")
            worth_telling = job.status in ACTIVE or bad or (job.status == "stopped" and job.started_at)
            mine = self.job is not None and self.job.id == job.id
            if mine or job.status in ("running", "paused") or (job.status == "queued" and not self._busy()):
                self.show_job(job if worth_telling else None)
                if mine and bad:
                    self.failed.emit(job)
        if not self._busy():
            waiting = [job for job in self.session.jobs() if job.status in ACTIVE]
            if waiting:
                self.show_job(waiting[-1])

    def _busy(self) -> bool:
        return self.job is not None and self.job.status in ACTIVE

    def show_job(self, job: Job | None) -> None:
        self.job = job
        self.setVisible(job is not None)
        if job is None:
            return
        name = f"Job {job.id}, {job.name}"
        stage = job.stage or name
        words = {
            "queued": f"{name}: waiting for the worker",
            "paused": f"{stage}: paused at {job.done} of {job.total}",
            "failed": f"{name}: {worded(job.error)}" if job.error else f"{name} failed.",
            "interrupted": f"{name} was interrupted: its worker is gone. Resume goes on from the last checkpoint.",
        }
        if job.status == "stopped":
            words["stopped"] = f"{name} was stopped. {self.session.goes_on(job.id)}"
        if why := self.session.why_gone:
            words["interrupted"] = f"{name} was interrupted. {why} Resume goes on from the last checkpoint."
        doing = f" · {job.doing}" if job.doing else ""
        count = f": {job.done} of {job.total}" if job.total > 1 else "" if doing else " …"
        pausing = {"pause": " (pausing after this step)", "stop": " (stopping after this step)"}
        running = stage + count + (pausing.get(job.wanted, "") if job.status == "running" else "") + doing
        self.text.setText(words.get(job.status, running))
        text = self.text.whole
        self.text.setToolTip(tip(f"{name}: {text}" if job.status in ("running", "paused") else text))
        self.text.setWordWrap(job.status in RESUMABLE)
        active = job.status in ACTIVE
        self.progress.setVisible(active)
        self.progress.setRange(0, job.total if job.total > 1 else 0)
        self.progress.setValue(job.done)
        self._tick()
        resumable = job.status == "paused" or job.status in RESUMABLE
        goes_on = job.status == "running" and job.wanted != "stop"
        show_one((self.pause, self.resume), self.pause if goes_on else self.resume if resumable else None)
        self.stop.setVisible(active and not (job.status == "running" and job.wanted == "stop"))
        self.stop_now.setVisible(job.status in WORKING)
        self.dismiss.setVisible(not active)

    def _tick(self) -> None:
        left = self.session.left(self.job) if self.job is not None else None
        self.eta.setText("" if left is None else remaining(left))
