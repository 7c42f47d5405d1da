"""Training a reward model: what there is to learn from, the settings, the runs, and the learning drawn live."""

from dataclasses import asdict

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QStackedWidget, QWidget

from core.config.jobs import JobKind
from core.config.training import TrainRewardConfig, TrainRewardJob
from core.errors import KnownError
from core.guidance.next_step import ENOUGH, all_ranked, is_chance
from core.jobs.follow import News
from core.records import ACTIVE, RESUMABLE
from core.report import scores
from core.report.scores import Floats
from core.runs import early_stopping
from core.store import Project, jobs, pairs
from core.store.pairs import Counts
from core.store.runs import job_metrics
from desktop import errors
from desktop.actions import GO_TO
from desktop.background import with_project
from desktop.charts.chart import Chart
from desktop.charts.group import ChartBar, ChartGroup
from desktop.charts.markers import resume_marks
from desktop.charts.overlays import Overlay
from desktop.places import PageId, TabId
from desktop.reward import actions
from desktop.reward.report_plots import ScoreHistogram
from desktop.runs.run_list import RunList, runs_section
from desktop.runs.run_naming import RunNaming
from desktop.runs.run_removal import RunRemoval
from desktop.session import Session
from desktop.theme.theme import SPACE
from desktop.widgets.aside import Aside
from desktop.widgets.basics import (
    Number,
    card,
    column,
    label,
    row,
    rule,
    set_role,
    side_panel,
)
from desktop.widgets.bound import action_button
from desktop.widgets.config_form import ConfigForm
from desktop.widgets.empty import Empty

NOTHING_RANKED = "Nothing is ranked yet: put some completions in order in the Rank tab."
NO_PAIR = "What is ranked gives no pair: two completions of a prompt need different ranks, and no flag."
DRAWN = "The loss and the accuracy on held-out prompts are drawn here while it learns."


class TrainingPage(QWidget):
    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self._counted = 0
        self._scores_asked = 0
        self.pairs = Number("pairs", "Every two completions that were given different ranks")
        self.prompts = Number("prompts", "Prompts whose completions were ranked")
        self.ties = Number("ties", "Tied completions give no pair")
        self.flagged = Number("flagged", "Flagged prompts give no pair")
        self.origin = label("", "warning", wrap=True)
        self.advice = label("", "muted", wrap=True)
        self.form = ConfigForm(TrainRewardConfig, actions=actions.SETTINGS, more=actions.MORE)
        self.train = action_button(actions.TRAIN, self.start)
        self.runs = RunList(session, TrainRewardJob, overlays=True)
        self.runs.chosen.connect(self.show_run)
        self.naming, self.removal = RunNaming(self.runs), RunRemoval(self.runs)
        self.runs.ticked.connect(self._lay_over)
        words = ("training", "held-out")
        self.loss = Chart(("loss", "eval_loss"), heading="Loss", level=(0.6931, "Chance"), words=words, small=True)
        self.accuracy = Chart(
            ("accuracy", "eval_accuracy"), heading="Accuracy", level=(0.5, "Chance"), words=words, small=True
        )
        self.margin = Chart(("margin", "eval_margin"), heading="Margin", words=words, small=True)
        for chart in self.charts:
            chart.heading.setProperty("role", "subheading")
        self.histogram = ScoreHistogram(small=True)
        self.group = ChartGroup()
        self.group.add(*self.charts)
        self.bar = ChartBar(self.group)
        Aside(self.bar)
        self.result = label("", "muted", wrap=True)
        self.result.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.next = action_button(actions.GO_ON, lambda: session.navigator.open_tab(TabId.TUNE))
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(2 * SPACE)
        for number, item in enumerate((self.loss, self.accuracy, self.margin, self.histogram)):
            grid.addWidget(card(column(item), SPACE + 4), *divmod(number, 2))
        for place in (0, 1):
            grid.setRowStretch(place, 1)
            grid.setColumnStretch(place, 1)
        foot = row(self.result, self.next, spacing=2 * SPACE)
        foot.setStretch(0, 1)
        whole = column(self.bar, grid, foot)
        whole.setStretch(1, 1)
        charts = QWidget()
        charts.setLayout(whole)
        self.stack = QStackedWidget()
        self._all_ranked = False
        self.empty = Empty(
            "No reward model yet", f"Rank some prompts, then train. {DRAWN}", GO_TO[TabId.RANK], self._lead
        )
        self.stack.addWidget(self.empty)
        self.stack.addWidget(charts)
        body = row(self._side(), self.stack, spacing=3 * SPACE)
        body.setContentsMargins(0, 2 * SPACE, 0, 0)
        body.setStretch(1, 1)
        self.setLayout(body)
        if runs := session.jobs(TrainRewardJob):
            self.form.show_values(asdict(runs[0].config))  # who goes on, goes on with the newest run's settings

    @property
    def charts(self) -> tuple[Chart, ...]:
        return (self.loss, self.accuracy, self.margin)

    def _side(self) -> QWidget:
        numbers = row(self.pairs, self.prompts, self.ties, self.flagged, spacing=SPACE)
        side = column(
            numbers, self.origin, self.advice, rule(), self.form, self.train, runs_section(self.runs),
            spacing=SPACE + 4,
        )  # fmt: skip
        self.origin.hide()
        self.advice.hide()
        return side_panel(side)

    def count(self) -> None:
        """Count the pairs beside the window: with many rankings that takes a second."""
        self._counted += 1
        number = self._counted

        def counted(found: tuple[Counts, bool]) -> None:
            if number == self._counted:
                self._show_counts(*found)

        with_project(self, self.session.project, lambda project: (pairs.counts(project), all_ranked(project)), counted)

    def _show_counts(self, counts: Counts, ranked: bool) -> None:
        self.pairs.show_value(counts.pairs)
        self.prompts.show_value(counts.ranked_prompts)
        self.ties.show_value(counts.ties)
        self.flagged.show_value(counts.flagged)
        by = (
            (counts.scripted, "by a script that follows a gold reward, not by people"),
            (counts.judged, "by a judge, not by people"),
        )
        said = [
            f"{'All' if count == counts.rankings else f'{count} of {counts.rankings}'} rankings were made {whom}."
            for count, whom in by
            if count
        ]
        self.origin.setText(" ".join(said))
        self.origin.setVisible(bool(said))
        missing = ENOUGH - counts.ranked_prompts
        if not counts.pairs:
            self.advice.setText(NO_PAIR if counts.rankings else NOTHING_RANKED)
        elif missing > 0:
            more = f"{missing} more ranked {'prompt' if missing == 1 else 'prompts'}"
            later = f"It can be trained now, and better with {more}."
            self.advice.setText(later if ranked else f"{more} until a reward model is worth training.")
        self.advice.setVisible(missing > 0)
        self.train.setEnabled(counts.pairs > 0)
        self._all_ranked = ranked and counts.pairs > 0
        self.empty.text.setText(f"{self._next(counts, missing)}. {DRAWN}")
        self.empty.action.setText("Add prompts" if self._all_ranked else GO_TO[TabId.RANK].title)
        self.empty.action.setVisible(missing > 0)

    def _next(self, counts: Counts, missing: int) -> str:
        """What is to be done while no reward model is trained, with so many ranked prompts missing to a good one."""
        if not counts.pairs:
            return "Rank some prompts, then train"
        if missing > 0 and not self._all_ranked:
            return "Rank more prompts, or train already with the button at the left"
        return "Train it now with the button at the left" + (", or add prompts" if missing > 0 else "")

    def _lead(self) -> None:
        """To what makes it better: prompts to add where all are ranked, or else prompts to rank."""
        if self._all_ranked:
            self.session.navigator.open_page(TabId.INSTRUCTIONS, PageId.PROMPTS)
        else:
            self.session.navigator.open_tab(TabId.RANK)

    def show_runs(self) -> None:
        self.runs.refresh()
        self._show_stack()

    def _show_stack(self) -> None:
        self.stack.setCurrentIndex(1 if self.runs.count() else 0)

    def start(self) -> None:
        try:
            self.session.start(JobKind.TRAIN_REWARD, self.form.config(TrainRewardConfig))
        except KnownError as error:
            errors.show(error, self, self.start)
            return
        self.show_newest()

    def show_newest(self) -> None:
        """Show the run that was begun last."""
        self.runs.refresh(select_newest=True)
        self._show_stack()

    def show_run(self, job_id: int) -> None:
        """Draw a run from the beginning."""
        self.group.follow()
        marks = resume_marks(jobs.resumes(self.session.project, job_id))
        for chart in self.charts:
            chart.run = job_id
            chart.clear()
            for name, points in job_metrics.series(self.session.project, job_id, chart.names).items():
                chart.extend(name, points)
            chart.set_marks(marks)
            chart.draw()
        self._show_result(job_id)
        self._show_scores(job_id)
        self._lay_over()

    def _lay_over(self) -> None:
        """Draw the ticked runs over the shown one."""
        names = tuple(name for chart in self.charts for name in chart.names)
        over = [
            Overlay(run, self.runs.colour_number(run), job_metrics.series(self.session.project, run, names))
            for run in self.runs.overlaid
        ]
        for chart in self.charts:
            chart.overlay(over)
        self.bar.show_over(over, "held-out")

    def _show_scores(self, job_id: int) -> None:
        """The scores of the held-out completions as they are now; only the newest question is answered."""
        job = self.session.job(job_id, TrainRewardJob)
        if job is None:
            return
        self._scores_asked += 1
        number = self._scores_asked

        def read(project: Project) -> tuple[Floats, Floats, bool]:
            return *scores.sides(project, job), scores.awaited(project, job)

        def show(found: tuple[Floats, Floats, bool]) -> None:
            if number == self._scores_asked:
                self.histogram.show_scores(*found)

        with_project(self, self.session.project, read, show)

    def _show_result(self, job_id: int) -> None:
        job = self.session.job(job_id, TrainRewardJob)
        if job is None:
            return
        self.next.setVisible(job.status == "done")
        if job.error:
            self.result.setText(job.error)
            set_role(self.result, "error")
            return
        set_role(self.result, "muted")
        self.result.setText(self.session.waits(job) or said_of(job))

    def on_news(self, news: News) -> None:
        for job in news.jobs:
            if isinstance(job, TrainRewardJob):
                self.show_runs()
                if job.id == self.runs.current:
                    if job.status == "running" and job.attempt > 1 and not news.metrics:
                        self.show_run(job.id)
                    if job.status not in ACTIVE:
                        self._show_scores(job.id)
        if news.jobs and self.runs.current is not None:
            self._show_result(self.runs.current)  # who is before it may be another now
        mine = [item for item in news.metrics if item["job_id"] == self.runs.current]
        for chart in self.charts if mine else ():
            for item in mine:
                chart.append(item["name"], item["step"], item["value"])
            chart.draw()
        if any(item["name"] == "eval_loss" for item in mine) and self.runs.current is not None:
            self._show_scores(self.runs.current)
        if "rankings" in news.tables:
            self.count()


def said_of(job: TrainRewardJob) -> str:
    """What came of a run, in a sentence."""
    found, stopped = job.result, early_stopping.sentence(job)
    if job.status in RESUMABLE:
        return f"{stopped.capitalize()}: Resume in the list of jobs (Ctrl+J) goes on from there." if stopped else ""
    if found.accuracy is None:
        return "" if job.status != "done" else "Trained without held-out prompts, so its accuracy is unknown."
    ensemble = f" (the first of {len(found.members)} members)" if len(found.members) > 1 else ""
    return (
        f"Orders {found.accuracy:.0%} of {found.heldout_pairs} held-out pairs as the labelers did "
        f"(chance is 50%){ensemble}, after learning from {found.pairs} pairs in {found.seconds or 0:.0f} s."
        + (f" Training {stopped}." if stopped else "")
    ) + (" That cannot be told from chance: rank more before a policy is tuned." if is_chance(job) else "")
