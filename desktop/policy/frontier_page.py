"""The frontier of all runs: pick a checkpoint by what it reaches at which KL, and go on with it."""

from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QComboBox, QSizePolicy, QSpinBox, QStackedWidget, QWidget

from core.config.frontier import MeasureFrontierConfig, MeasureFrontierJob, PolicyState
from core.config.jobs import ExportModelConfig, JobKind
from core.config.training import TrainPolicyJob
from core.errors import KnownError
from core.jobs.follow import News
from core.records import ACTIVE, Job
from core.report import frontier
from core.report.frontier import Axis, Frontier, Point
from core.runs import pinned_prompts
from core.store import Project, prompts
from desktop import errors
from desktop.background import with_project
from desktop.policy import actions, export_menu
from desktop.policy.frontier_plot import EMPTY, SHORT, FrontierPlot, told
from desktop.session import Session
from desktop.theme.theme import SPACE
from desktop.widgets.aside import Aside
from desktop.widgets.basics import column, label, row, scrolled, turn_only_with_focus
from desktop.widgets.bound import action_button, bind
from desktop.widgets.growing import keep_width

#: How wide what stands beside the plot is.
BESIDE = 256
NO_RUN = "Once a run has ended, its reward on held-out prompts and its KL stand here as a point, beside the other runs."
MEASURES = f"“{actions.FRONTIER_MEASURE.label}” lets the reference and each kept checkpoint answer them."
PICK = "Click a point, or walk with the arrow keys, to go on with that checkpoint."
GONE = "This checkpoint is not kept: a run keeps its last ones and its best."


class FrontierPage(QWidget):
    """Shows what was measured as a run is. It is read in the background, and only while it is seen."""

    picked = Signal(int)
    """The run whose checkpoint was picked."""
    export_asked = Signal(object, object)
    """A `PolicyState`, and an `ExportModelConfig` that lacks nothing but it and a folder."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.found = EMPTY
        self._run: int | None = None
        self._point: Point | None = None
        self._stale, self._asked = True, 0
        self.plot = FrontierPlot()
        self.plot.picked.connect(self.pick)
        self.axis = bind(actions.FRONTIER_AXIS, QComboBox())
        self.axis.setMinimumContentsLength(6)  # there is little room beside the plot
        self.axis.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        turn_only_with_focus(self.axis)
        self.axis.activated.connect(lambda _: self._show())
        self.about = label("", "small", wrap=True)
        self.legend = label("● best at its KL   ○ beaten at no more KL   ◆ best of n", "small", wrap=True)
        self.told = label(PICK, "", wrap=True)
        self.compare = action_button(actions.FRONTIER_COMPARE, self._compare)
        self.write = action_button(actions.FRONTIER_RANK, self._write)
        self.export = action_button(actions.FRONTIER_EXPORT, self._export)
        self.missing = label("", "small", wrap=True)
        self.answers = bind(actions.FRONTIER_ANSWERS, QSpinBox())
        self.answers.setRange(2, 1024)
        self.answers.setValue(MeasureFrontierConfig().answers)
        self.answers.lineEdit().setTextMargins(SPACE, 0, SPACE, 0)
        turn_only_with_focus(self.answers)
        self.answers.valueChanged.connect(lambda _: self._show_missing())
        self.measure = action_button(actions.FRONTIER_MEASURE, self.start)
        self.left_out = label("", "small", wrap=True)
        self.empty = label("", "muted", wrap=True)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._lay_out()
        session.news.connect(self._news)

    def _lay_out(self) -> None:
        self.stack = QStackedWidget()
        self.stack.addWidget(self.empty)
        self.drawn = QWidget()  # the plot may be taken out of it for a while
        self.drawn.setLayout(column(self.plot))
        self.stack.addWidget(self.drawn)
        self.stack.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
        self.by = QWidget()
        self.by.setLayout(row(label("Over the KL"), self.axis, None))
        act = column(
            self.told,
            row(self.compare, self.export, None, spacing=2 * SPACE),
            row(self.write, None),
            spacing=SPACE // 2,
        )
        self.up_to = QWidget()
        self.up_to.setLayout(row(label("Best of up to"), self.answers, None))
        again = column(self.missing, self.up_to, row(self.measure, None), spacing=SPACE // 2)
        inner = QWidget()
        inner.setLayout(column(self.by, act, again, self.left_out, None, spacing=SPACE + 4))
        side = scrolled(inner)
        keep_width(side, BESIDE)
        Aside(side)
        self.whole = self.plot.figure.button()
        about = row(self.about, self.whole, spacing=SPACE)
        about.setStretch(0, 1)
        left = column(about, self.stack, self.legend, spacing=SPACE // 2)
        left.setStretch(1, 1)
        whole = row(left, side, spacing=2 * SPACE)
        whole.setStretch(0, 1)
        whole.setContentsMargins(0, SPACE, 0, 0)
        self.setLayout(whole)

    def hasHeightForWidth(self) -> bool:
        """A text that wraps in it must not make the page below the charts higher than there is room."""
        return False

    def show_run(self, job_id: int | None) -> None:
        """What is measured as this run is; another point of what is shown is picked without reading anew."""
        if job_id != self._run and job_id not in {point.run for point in self.found.points}:
            self._run, self._point, self._stale = job_id, None, True
            self._look()

    def look_again(self) -> None:
        """Something was measured, or a run ended."""
        self._stale = True
        self._look()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._look()

    def _look(self) -> None:
        if not self._stale or not self.isVisible():
            return
        self._stale = False
        self._asked += 1
        number, run = self._asked, self.session.job(self._run, TrainPolicyJob)
        wanted = run.id if run is not None and run.result.adapter else 0

        def read(project: Project) -> tuple[Frontier, str]:
            try:
                with project.reading():
                    found = frontier.gather(project, wanted)
                    return found, _nothing(project, found.yardstick)
            except KnownError as error:
                return EMPTY, str(error)

        def show(read: tuple[Frontier, str]) -> None:
            if number == self._asked:
                self.found, why = read
                there = {point.state: point for point in self.found.points}
                self._point = there.get(self._point.state) if self._point else None
                self._fill_axes()
                self.answers.setValue(max(self.answers.value(), self.found.reference_answers))
                self._show(why)

        with_project(self, self.session.project, read, show)

    def _fill_axes(self) -> None:
        chosen = self.axis.currentData()
        self.axis.clear()
        for axis, words in SHORT.items():
            if self.found.has(axis):
                self.axis.addItem(words.capitalize(), axis)
        self.axis.setCurrentIndex(max(0, self.axis.findData(chosen)))

    @property
    def _axis(self) -> Axis:
        return self.axis.currentData() or "reward"

    def _show(self, why: str = "") -> None:
        """`why` nothing is drawn, where nothing is."""
        found, drawn = self.found, self.axis.count() > 0
        runs = [job for job in self.session.jobs(TrainPolicyJob) if job.result.adapter]
        self.empty.setText(why if runs else NO_RUN)
        self.stack.setCurrentWidget(self.drawn if drawn else self.empty)
        for each in (self.about, self.legend, self.by, self.whole):
            each.setVisible(drawn)
        prompts = f"{found.prompts:,} held-out {'prompt' if found.prompts == 1 else 'prompts'}"
        self.about.setText(f"By {found.reward}, on the {prompts} of run {found.yardstick}.")
        self.plot.show_found(found, self._axis, self._point.state if self._point else None)
        self._show_picked()
        self._show_missing()
        self.left_out.setText("\n".join([*found.left_out, *found.notes]))
        self.left_out.setVisible(bool(found.left_out or found.notes))

    def _show_picked(self) -> None:
        point = self._point
        self.told.setVisible(bool(self.found.points))
        kept = "" if point is None or point.kept else f" {GONE}"
        self.told.setText(PICK if point is None else told(point, self._axis) + kept)
        for each in (self.compare, self.write, self.export):
            each.setVisible(point is not None and point.kept)

    def _show_missing(self) -> None:
        found, job = self.found, self._at_work()
        draws = self.answers.value() if self.answers.value() > found.reference_answers else 0
        count = len(found.unmeasured)
        states = f"{count} kept {'checkpoint' if count == 1 else 'checkpoints'}" if count else ""
        answers = f"{draws} answers of the reference to each prompt, for the best of {draws}" if draws else ""
        what = " and ".join(filter(None, (states, answers)))
        text = f"Not measured yet: {what}." if what else "Every kept checkpoint is measured."
        self.missing.setText((self.session.waits(job) or "Measuring …") if job else text)
        shown = found is not EMPTY
        self.missing.setVisible(shown)
        self.measure.setVisible(shown)
        self.up_to.setVisible(shown)
        self.measure.setEnabled(bool(what) and job is None)

    def _at_work(self) -> Job | None:
        return next((job for job in self.session.jobs(MeasureFrontierJob) if job.status in ACTIVE), None)

    def pick(self, point: Point) -> None:
        """Go on with this checkpoint."""
        self._point = point
        self._show()
        self.picked.emit(point.run)

    def _compare(self) -> None:
        if self._point is not None:
            self.session.navigator.compare_with(self._point.run, str(self._point.step))

    def _write(self) -> None:
        if self._point is not None:
            self.session.navigator.write_with(self._point.run, str(self._point.step))

    def _export(self) -> None:
        if self._point is not None:
            chosen = partial(self._chosen, self._point.state)
            export_menu.ask_of_step(self.export, self._point.step, chosen)

    def _chosen(self, state: PolicyState, wanted: ExportModelConfig) -> None:
        self.export_asked.emit(state, wanted)

    def start(self) -> None:
        """Measure what is missing."""
        config = MeasureFrontierConfig(policy_job=self.found.yardstick, answers=self.answers.value())
        try:
            self.session.start(JobKind.MEASURE_FRONTIER, config)
        except KnownError as error:
            errors.show(error, self, self.start)
            return
        self._show_missing()

    def _news(self, news: News) -> None:
        if any(isinstance(job, TrainPolicyJob | MeasureFrontierJob) and job.status not in ACTIVE for job in news.jobs):
            self.look_again()
        elif any(isinstance(job, MeasureFrontierJob) for job in news.jobs):
            self._show_missing()


def _nothing(project: Project, run: int) -> str:
    """Why nothing is measured as this run is, and what to do."""
    held_out = prompts.count(project, "heldout")
    new = held_out - pinned_prompts.held_out_since(project, run)
    if not held_out:
        return f"No prompt is held out to be measured on: hold some out under Instructions, Prompts. Then {MEASURES}"
    if not new:
        return f"All prompts that are held out now were in the training of run {run}: hold out others. Then {MEASURES}"
    are, them = ("1 prompt is", "it") if new == 1 else (f"{new:,} prompts are", "them")
    return f"{are} held out, and nothing was measured on {them} yet: {MEASURES}"
