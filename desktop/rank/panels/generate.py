"""Ask the local model for completions, and watch them come."""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QProgressBar, QScrollArea, QWidget

from core.config.jobs import WRITING, GenerateConfig, GenerateJob, JobKind
from core.errors import KnownError
from core.humanize import duration
from core.jobs import queue
from core.records import ACTIVE, RESUMABLE, Job
from core.store import Project, completions, prompts
from core.trust.wish import AskFirst
from desktop import errors
from desktop.rank import actions
from desktop.rank.panels.writer_choice import WriterChoice
from desktop.session import Session
from desktop.theme.theme import SPACE
from desktop.widgets.basics import column, label, row, set_role
from desktop.widgets.bound import action_button
from desktop.widgets.config_form import ConfigForm
from desktop.widgets.dates import remaining

NO_PROMPT = "There is no prompt to answer yet: add some under Instructions, Prompts."


class GeneratePanel(QWidget):
    """`started` tells that a job was queued."""

    started = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self._job_id = 0
        self._behind = ""
        session.ticked.connect(self._tick)
        self.writer = WriterChoice(session, self)
        self.writer.refused.connect(self._refused)
        self.form = ConfigForm(GenerateConfig, leave_out=actions.LEFT_OUT, actions=actions.GENERATION)
        self.about = label("", "muted", wrap=True)
        self.generate = action_button(actions.GENERATE, self.start)
        self.stop = action_button(actions.STOP, self._stop)
        self.resume = action_button(actions.RESUME, self._resume)
        self.bar = QProgressBar(self)
        self.bar.setTextVisible(False)
        self.state = label("", "muted", wrap=True)
        page = QWidget()
        page.setLayout(
            column(
                self.about,
                self.writer,
                self.form,
                row(self.generate, self.stop, self.resume, None),
                self.bar,
                self.state,
                None,
                spacing=SPACE + 2,
            )
        )
        scroll = QScrollArea(self)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(page)
        self.setLayout(column(scroll))
        self.show_job(None)

    def refresh(self) -> None:
        """Read again which policies there are, how many prompts wait, and how the last job stands."""
        project = self.session.project
        self.writer.refresh()
        total = prompts.count(project)
        left = total - len(completions.answered_prompts(project, None))
        noun = "prompt" if total == 1 else "prompts"
        state = f"{left:,} still without an answer" if left else "all have answers"
        self.about.setText(f"{total:,} {noun}, {state} by the base model." if total else NO_PROMPT)
        self.generate.setEnabled(total > 0)
        self.show_job(at_work(project))

    def choose(self, policy_job: int, checkpoint: str = "last") -> None:
        """Let the policy of a run write next."""
        self.refresh()
        self.writer.choose(policy_job, checkpoint)

    def start(self) -> None:
        try:
            values = self.form.values() | self.writer.values()
            self.session.start(JobKind.GENERATE, GenerateConfig(**values))
        except KnownError as error:
            self._refused(error, self.start)
            return
        self.writer.remember()
        self.show_job(at_work(self.session.project))
        self.started.emit()

    def show_job(self, job: Job | None) -> None:
        """How generation stands: waiting, running with its pace, done, stopped or failed."""
        active = job is not None and job.status in ACTIVE
        self._job_id = job.id if job else 0
        self.generate.setText("Add to the queue" if active else "Generate")
        set_role(self.generate, "" if active else "primary")
        self.stop.setVisible(active)
        self.resume.setVisible(job is not None and job.status in RESUMABLE)
        self.bar.setVisible(active)
        if job is None:
            self._say("", "muted")
            return
        self.bar.setRange(0, job.total)
        self.bar.setValue(job.done)
        behind = len(queue.listed(self.session.project, GenerateJob, status="queued")) - (job.status == "queued")
        self._behind = f" {behind:,} more in the queue." if active and behind else ""
        said = self.session.waits(job) or sentence(job, self.session.left(job))
        self._say(said + self._behind, "error" if job.status == "failed" else "muted")

    def _tick(self, job: Job) -> None:
        """The time that is left goes on."""
        if job.id == self._job_id:
            self._say(sentence(job, self.session.left(job)) + self._behind, "muted")

    def _say(self, text: str, role: str) -> None:
        self.state.setText(text)
        self.state.setVisible(bool(text))
        set_role(self.state, role)

    def _stop(self) -> None:
        self._ask(self.session.stop)

    def _resume(self) -> None:
        self._ask(self.session.resume)

    def _ask(self, wish: Callable[[int], None]) -> None:
        try:
            wish(self._job_id)
        except KnownError as error:
            self._refused(error, partial(self._ask, wish))

    def _refused(self, error: KnownError, again: Callable[[], object]) -> None:
        if isinstance(error, AskFirst):
            errors.show(error, self, again)
        else:
            self._say(str(error), "error")


def at_work(project: Project) -> Job | None:
    """The generation that runs or is next to run, else the last one."""
    found = queue.listed(project, GenerateJob)
    return next((job for job in reversed(found) if job.status in ACTIVE), next(iter(found), None))


def sentence(job: Job, left: float | None) -> str:
    """A generation job's state in one line, with the seconds that are left."""
    if job.status == "queued":
        return "Waiting for the worker to start …"
    if job.status in ("running", "paused"):
        if job.stage != WRITING:
            count = f": {job.done:,} of {job.total:,}" if job.total > 1 else " …"
            return f"{job.stage or 'Loading the model'}{count}"
        rest = "" if left is None else f", {remaining(left)}"
        return f"{job.done:,} of {job.total:,} prompts answered{rest}. You can rank meanwhile."
    if job.status == "done":
        return f"Done: {job.done:,} prompts answered in {duration(job.seconds)}."
    if job.status == "failed":
        return job.error or "Generation failed."
    return f"{job.status.capitalize()} after {job.done:,} of {job.total:,} prompts; what is written stays."
