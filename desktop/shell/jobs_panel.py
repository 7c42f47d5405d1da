"""All jobs of the project with what they logged: what waits, what runs, what failed and why."""

from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QHeaderView,
    QPlainTextEdit,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from core.config.training import TrainPolicyJob, TrainRewardJob
from core.errors import KnownError
from core.humanize import duration
from core.jobs.follow import WORKING, News
from core.records import ACTIVE, RESUMABLE, Job
from core.runs import early_stopping
from core.store.runs import job_log
from core.texts import Limits, one_line, shown
from desktop import errors
from desktop.session import Session
from desktop.shell import actions
from desktop.theme.theme import SPACE
from desktop.widgets.basics import button, column, label, row, show_one
from desktop.widgets.dates import local_time, remaining
from desktop.widgets.empty import Empty

COLUMNS = ("Job", "What", "State", "Progress", "Begun", "Took")
PROGRESS, TOOK = 3, 5
UNKNOWN = "–"
#: What is shown of one line of a log, and of all of it.
LINE, LETTERS = Limits(4_000, 100), 50_000
#: Why a cell may be empty.
WHY = {PROGRESS: "It has counted nothing.", TOOK: "It did not run, or nobody saw it end."}


class JobsPanel(QDialog):
    """Stays open beside the window and follows what happens; each job can be paused, resumed and stopped here."""

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Jobs")
        self.resize(880, 600)
        self.session = session
        self.table = QTableWidget(0, len(COLUMNS))
        self.table.setAccessibleName("Jobs")
        self.table.setHorizontalHeaderLabels(COLUMNS)
        self.table.verticalHeader().hide()
        self.table.setShowGrid(False)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.table.horizontalHeader().setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        self.table.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.table.currentCellChanged.connect(lambda *_: self._show_log())
        self.log = QPlainTextEdit()
        self.log.setReadOnly(True)
        self.log.setAccessibleName("What the job logged")
        self.log.setTabChangesFocus(True)
        self.pause = button("Pause", lambda: self._act(self.session.pause), default=False)
        self.resume = button("Resume", lambda: self._act(self.session.resume), default=False)
        self.stop = button("Stop", lambda: self._act(self.session.stop), default=False)
        self.stop_now = button(
            actions.STOP_NOW.label, lambda: self._act(self.session.stop_now), default=False, tip=actions.STOP_NOW.tip
        )
        self.copy = button(
            "Copy the log", lambda: QGuiApplication.clipboard().setText(self.log.toPlainText()), default=False
        )
        close = button("Close", self.close, default=False)
        self.empty = Empty("No jobs yet", "Writing completions, training and tuning are jobs: they are listed here.")
        acts = row(self.pause, self.resume, self.stop, self.stop_now, None, self.copy, close)
        layout = column(label("Jobs", "heading"), self.empty, self.table, self.log, acts, spacing=SPACE + 4)
        layout.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
        layout.setStretch(1, 1)
        layout.setStretch(2, 3)
        layout.setStretch(3, 2)
        self.setLayout(layout)
        session.news.connect(self._news)
        session.ticked.connect(self._tick)
        self.refresh()

    @property
    def current(self) -> Job | None:
        """The chosen job."""
        item = self.table.item(self.table.currentRow(), 0)
        return self.session.job(item.data(Qt.ItemDataRole.UserRole)) if item else None

    def refresh(self) -> None:
        """Write all rows anew, newest first; the choice stays."""
        jobs, chosen = self.session.jobs(), self.current
        self.table.blockSignals(True)
        self.table.setRowCount(len(jobs))
        for line, job in enumerate(jobs):
            for place, text in enumerate(_cells(job, self.session.left(job))):
                item = QTableWidgetItem(one_line(text) or UNKNOWN)
                item.setData(Qt.ItemDataRole.UserRole, job.id)
                item.setToolTip("" if text else WHY[place])
                self.table.setItem(line, place, item)
        numbers = [job.id for job in jobs]
        if jobs:
            self.table.setCurrentCell(numbers.index(chosen.id) if chosen and chosen.id in numbers else 0, 0)
        self.table.blockSignals(False)
        self.empty.setVisible(not jobs)
        for widget in (self.table, self.log, self.copy):
            widget.setVisible(bool(jobs))
        self._show_log()

    def _show_log(self) -> None:
        job = self.current
        status = job.status if job else "done"
        resumable = status == "paused" or status in RESUMABLE
        show_one((self.pause, self.resume), self.pause if status == "running" else self.resume if resumable else None)
        asked = job is not None and status == "running" and job.wanted == "stop"
        self.stop.setVisible(status in ACTIVE and not asked)
        self.stop_now.setVisible(status in WORKING)
        if job is None:
            return
        lines = [f"{local_time(line['at'])}  {line['text']}" for line in job_log.lines(self.session.project, job.id)]
        if job.error:
            lines.append(errors.worded(job.error))
        if job.report:
            lines.append(job.report)
        text = "\n".join(last(lines)) or (
            "It has logged nothing yet." if job.status in ACTIVE else "It logged nothing."
        )
        if text != self.log.toPlainText():
            self.log.setPlainText(text)
            self.log.verticalScrollBar().setValue(self.log.verticalScrollBar().maximum())

    def _tick(self, job: Job) -> None:
        """The running job's time goes on; nothing else is written anew."""
        cells = _cells(job, self.session.left(job))
        for line in range(self.table.rowCount()):
            for place in (PROGRESS, TOOK):
                item = self.table.item(line, place)
                if item is not None and item.data(Qt.ItemDataRole.UserRole) == job.id:
                    item.setText(cells[place] or UNKNOWN)

    def _act(self, ask: object) -> None:
        if (job := self.current) is not None and callable(ask):
            try:
                ask(job.id)
            except KnownError as error:
                errors.show(error, self, partial(self._act, ask))

    def _news(self, news: News) -> None:
        if news.jobs or news.gone:
            self.refresh()
        elif news.log:
            self._show_log()


def last(lines: list[str]) -> list[str]:
    """The last of many lines, each of them cut where it is very long."""
    kept: list[str] = []
    room = LETTERS
    for line in reversed(lines):
        kept.append(shown(line, limits=LINE))
        room -= len(kept[-1])
        if room < 0:
            break
    return kept[::-1]


def _cells(job: Job, left: float | None) -> tuple[str, ...]:
    done, total = counted(job)
    count = f"{done:,} of {total:,}" if total > 1 else ""
    rest = f", {remaining(left)}" if left is not None else ""
    took = "" if job.took is None else duration(job.took)
    state = "stopping" if job.status == "running" and job.wanted == "stop" else job.status
    return (str(job.id), job.name, state, count + rest, local_time(job.created_at), took)


def counted(job: Job) -> tuple[int, int]:
    """Units done and in all. An older run ended by saying 1 of 1: its result knows the steps."""
    if isinstance(job, TrainRewardJob) and (found := early_stopping.steps(job)) is not None:
        return found
    if job.status != "done" or job.total > 1:
        return job.done, job.total
    if isinstance(job, TrainPolicyJob):
        steps = job.result.steps or 0
        return steps, max(steps, job.config.steps)
    steps = sum(model.steps for model in job.result.models) if isinstance(job, TrainRewardJob) else 0
    return steps, steps
