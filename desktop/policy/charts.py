"""The charts of a run of the policy, fed row by row: reward, KL and how many end large, everything else on a page."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QTimer
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QGridLayout, QWidget

from core.config.algorithms import LearnsFrom
from core.config.metrics import METRICS, further
from core.config.titles import setting_title
from core.config.training import ALGORITHMS, TrainPolicyConfig, TrainPolicyJob
from core.guidance.run_advice import Advice, advice, gold_peak
from core.runs import origins
from core.store import Project, jobs
from core.store.runs import checkpoints, job_metrics, setting_changes
from desktop.background import with_project
from desktop.charts.chart import Chart
from desktop.charts.group import ChartBar, ChartGroup
from desktop.charts.markers import Line, resume_marks
from desktop.charts.overlays import Overlay
from desktop.theme import theme
from desktop.theme.theme import SPACE
from desktop.widgets.basics import card, column

#: As many columns as have room for a title and a value.
COLUMNS, NARROWEST = 3, 196
Series = dict[str, list[tuple[int, float]]]
#: Advice looks at the beginning of a run and at so many of its last steps.
BEGINNING, LATELY = 10, 1000
KEPT = "Checkpoint of step {}"
BEST = "Checkpoint of step {}, the best one: its mean reward after KL was the highest"
PEAK = "Here the gold reward was highest: past it the policy exploits what the reward model overrates."


class MoreCharts(QWidget):
    """Small charts of what a run has numbers for; each is made when it is first needed, one at a time."""

    def __init__(self, group: ChartGroup) -> None:
        super().__init__()
        self.charts: dict[str, Chart] = {}
        self._group = group
        self._run = 0
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, SPACE, 0, 0)
        self._grid.setSpacing(2 * SPACE)
        self._columns = COLUMNS
        self._grid.setRowStretch(len(METRICS), 1)
        self._series: Series = {}
        self._elsewhere: tuple[str, ...] = ()
        self._made: tuple[str, Chart] | None = None
        """A chart that is made and shows nothing yet."""
        self._over: list[Overlay] = []
        self._marks: list[Line] = []
        self._warnings: dict[str, str] = {}
        self._timer = QTimer(self, singleShot=True, interval=0)
        self._timer.timeout.connect(self._make_next)
        theme.notifier.changed.connect(self._fit)

    def leave_out(self, names: tuple[str, ...]) -> None:
        """These numbers of the run that is shown next have a large chart."""
        self._elsewhere = names

    def show_series(self, run: int, series: Series) -> None:
        """Draw a run from the beginning."""
        self._run, self._series = run, series
        for chart in self.charts.values():
            fill(chart, run, series)
        self._arrange()

    def append(self, rows: Iterable[dict[str, Any]]) -> None:
        """Draw new rows; the series themselves are kept by the caller."""
        changed = set()
        for row in rows:
            if chart := self.charts.get(row["name"]):
                chart.append(row["name"], row["step"], row["value"])
                changed.add(chart)
        for chart in changed:
            chart.draw()
        if any(row["name"] not in self.charts for row in rows):
            self._arrange()

    def decorate(
        self, over: list[Overlay], marks: list[Line],
        warnings: dict[str, str],
    ) -> None:  # fmt: skip
        """Other runs to lay over, steps to mark, and warnings by metric."""
        self._over, self._marks, self._warnings = over, marks, warnings
        for name in self.charts:
            self._decorate(name)

    def _decorate(self, name: str) -> None:
        chart = self.charts[name]
        chart.overlay(self._over)
        chart.set_marks(self._marks)
        chart.warn(self._warnings.get(name, ""))

    def _shown(self) -> list[str]:
        return further([name for name, points in self._series.items() if points and name not in self._elsewhere])

    def _arrange(self) -> None:
        shown = self._shown()
        for name, chart in self.charts.items():
            chart.setVisible(name in shown)
        for place in range(COLUMNS):
            self._grid.setColumnStretch(place, int(place < self._columns))
        for place, name in enumerate(name for name in shown if name in self.charts):
            if self.charts[name].parent() is self:  # else it has the whole window now
                self._grid.addWidget(self.charts[name], *divmod(place, self._columns))
        self._grid.activate()  # a new chart is never seen out of its place
        if self.isVisible() and any(name not in self.charts for name in shown):
            self._timer.start()

    def _make_next(self) -> None:
        name = next((name for name in self._shown() if name not in self.charts), None)
        if name is None:
            return
        if self._made is None or self._made[0] != name:
            if self._made is not None:  # for a run that is not shown any more
                self._made[1].deleteLater()
            chart = Chart((name,), small=True, wheel=False)
            chart.setParent(self)  # else it would be shown as a window of its own
            self._made = name, chart
            self._timer.start()  # what it shows comes in a turn of its own: a click in between need not wait for both
            return
        self.charts[name] = chart = self._made[1]
        self._made = None
        fill(chart, self._run, self._series)
        self._group.add(chart)
        self._decorate(name)
        self._arrange()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._arrange()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """As many columns as there is room for."""
        columns = min(COLUMNS, max(1, self.width() // theme.widened(NARROWEST)))
        if columns != self._columns:
            self._columns = columns
            self._arrange()


def fill(chart: Chart, run: int, series: Series) -> None:
    """Draw a run in a chart from the beginning."""
    chart.run = run
    chart.clear()
    for name in chart.names:
        chart.extend(name, series.get(name, []))
    chart.draw()


class PolicyCharts:
    """All charts of one run; `reward`, `kl` and `ended` are in cards, `more` is a page, `bar` goes with all of them."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.reward = Chart(("objective/scores", "objective/gold"), heading="Reward", words=("learned", "gold"))
        self.loss = Chart(("loss", "eval/loss"), heading="Loss of answers", words=("learnt", "held out"))
        self.loss.hide()
        self.kl = Chart(("objective/kl",), heading="KL to the reference")
        self.perplexity = Chart(("eval/perplexity",), heading="Perplexity of held-out answers")
        self.perplexity.hide()
        self.ended = Chart(("completions/eos_rate",))
        self._ends = card(column(self.ended), SPACE + 4)
        self._ends.hide()
        self.group = ChartGroup(offers_behind=True)
        self.group.add(*self.every)
        self.bar = ChartBar(self.group)
        self.more = MoreCharts(self.group)
        self.series: Series = {}
        self.job: TrainPolicyJob | None = None
        self.advice: list[Advice] = []
        self._asked = 0
        self._waiting: list[dict[str, Any]] | None = None
        self._over: list[Overlay] = []

    @property
    def large(self) -> tuple[Chart, Chart]:
        return (self.reward, self.kl)

    @property
    def every(self) -> tuple[Chart, ...]:
        return (self.reward, self.loss, self.kl, self.perplexity, self.ended)

    def cards(self) -> list[QWidget]:
        return [
            card(column(self.reward, self.loss), SPACE + 4), card(column(self.kl, self.perplexity), SPACE + 4),
            self._ends,
        ]  # fmt: skip

    def _arrange(self, job: TrainPolicyJob) -> None:
        """What learns answers shows its loss and perplexity where reward and KL of others stand; what is to learn to
        end shows beside them how many do; KL says what it is measured to."""
        kind = ALGORITHMS.get(job.config.algorithm)
        learns_answers = kind is not None and kind.learns_from is LearnsFrom.ANSWERS
        self.loss.setVisible(learns_answers)
        self.perplexity.setVisible(learns_answers)
        self.reward.setVisible(not learns_answers)
        self.kl.setVisible(not learns_answers)
        ends = not learns_answers and job.config.minds_the_end
        self._ends.setVisible(ends)
        self.more.leave_out(self.ended.names if ends else ())
        self.kl.heading.setText(f"KL to {origins.measured_to(job.config)}")

    def show_run(self, job: TrainPolicyJob, over: dict[int, int], shown: Callable[[], None]) -> None:
        """Draw a run from the beginning, with other runs laid over it, then call `shown`. `over` gives each of them the
        number of its colour.

        It is read in the background: a long run has a hundred thousand numbers. What comes meanwhile waits.
        """
        self._asked += 1
        number, self._waiting = self._asked, []

        def read(project: Project) -> tuple[int, Series, list[Overlay]]:
            with project.reading():
                newest = job_metrics.newest_row(project, job.id)
                overlays = [Overlay(run, colour, job_metrics.series(project, run)) for run, colour in over.items()]
                return newest, job_metrics.series(project, job.id), overlays

        def draw(found: tuple[int, Series, list[Overlay]]) -> None:
            if number == self._asked:
                self._draw(job, *found)
                shown()

        with_project(self.more, self.project, read, draw)

    def _draw(self, job: TrainPolicyJob, newest: int, series: Series, over: list[Overlay]) -> None:
        if self.job is None or self.job.id != job.id:
            self.group.follow()
        self.job, self.series, self._over = job, series, over
        waiting, self._waiting = self._waiting or [], None
        self._arrange(job)
        for chart in self.every:
            chart.overlay(over)
            fill(chart, job.id, series)
        self.more.show_series(job.id, series)
        self.bar.show_over(over, "gold" if any("objective/gold" in run.series for run in over) else "")
        self._show_levels(job.config)
        self.append([row for row in waiting if row["id"] > newest])

    def _show_levels(self, config: TrainPolicyConfig) -> None:
        threshold, target, ceiling = config.reward_threshold, config.kl_target, config.kl_ceiling
        self.reward.set_levels([Line(threshold, f"Stops at a reward of {threshold:g}", "stop")] if threshold else [])
        levels = [
            Line(target, f"The coefficient is steered to {target:g} nats", "target", fits=True),
            Line(ceiling, f"Stops above {ceiling:g} nats", "ceiling"),
        ]
        self.kl.set_levels([level for level in levels if level.place])

    def begin_anew(self) -> None:
        """Forget the run's points, and draw those that are appended from now on."""
        self._asked += 1
        self._waiting, self.series = None, {}
        self.group.follow()
        run = self.job.id if self.job is not None else 0
        for chart in self.every:
            fill(chart, run, self.series)
        self.more.show_series(run, self.series)
        self._look()

    def append(self, rows: list[dict[str, Any]]) -> None:
        """Draw what the run has said since it was drawn from the beginning."""
        if self._waiting is not None:
            self._waiting += rows
            return
        for row in rows:
            if row["value"] is not None:
                self.series.setdefault(row["name"], []).append((row["step"], row["value"]))
        for chart in self.every:
            for row in rows:
                chart.append(row["name"], row["step"], row["value"])
            chart.draw()
        self.more.append(rows)
        self._look()

    def _look(self) -> None:
        """What is to be said about the curves as they are now, and which steps are marked."""
        if self.job is None:
            return
        lately = {
            name: points[:BEGINNING] + points[max(BEGINNING, len(points) - LATELY) :]
            for name, points in self.series.items()
        }
        self.advice = advice(lately, self.job.config)
        warnings: dict[str, str] = {}
        for said in self.advice:
            warnings[said.metric] = f"{warnings[said.metric]}\n\n{said.text}" if said.metric in warnings else said.text
        marks = self._marks(self.job)
        peak = gold_peak(lately)
        self.reward.set_marks(marks if peak is None else [*marks, Line(peak, PEAK, "gold peak", kind="mark")])
        self.kl.set_marks(marks)
        self.loss.set_marks(marks)
        for chart in self.every:
            chart.warn(warnings.get(chart.names[0], ""))
        wordless = [replace(mark, word="") for mark in marks]  # there is no room for words in the small ones
        self.ended.set_marks(wordless)
        self.more.decorate(self._over, wordless, warnings)

    def _marks(self, job: TrainPolicyJob) -> list[Line]:
        """The steps from which a setting was another, at which it was resumed, and of which a checkpoint was kept."""
        changes = [
            Line(
                row["step"] + 1,
                f"{setting_title(row['name'])} {row['value']:g} from step {row['step'] + 1}",
                kind="mark",
            )
            for row in setting_changes.listed(self.project, job.id)
            if row["step"] is not None
        ]
        rows = {row["step"]: bool(row["best"]) for row in checkpoints.listed(self.project, job.id)}
        if not any(rows.values()) and job.result.best_step:
            rows[job.result.best_step] = True  # a project that was packed brings its checkpoints without their rows
        kept = [
            Line(step, (BEST if best else KEPT).format(step), "best" if best else "", kind="tick")
            for step, best in rows.items()
        ]
        return changes + resume_marks(jobs.resumes(self.project, job.id)) + kept
