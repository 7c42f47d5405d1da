"""The Tune tab: tune the policy against the reward, with reward and KL drawn live and every sample readable."""

import re
from dataclasses import replace
from functools import partial

from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QFileDialog, QStackedWidget, QTabWidget, QWidget

from core.config.algorithms import LearnsFrom
from core.config.frontier import PolicyState
from core.config.jobs import ExportModelConfig, ExportModelJob, GenerateJob, JobKind
from core.config.training import ALGORITHMS, TrainPolicyJob, TrainRewardJob
from core.errors import KnownError
from core.guidance.steps import Step
from core.jobs import queue
from core.jobs.follow import WORKING, News
from core.labeling import gold
from core.records import ACTIVE, RESUMABLE, Job
from core.runs import sweep
from core.runs.trail_pages import Place
from core.store import Changes
from desktop import errors
from desktop.actions import GO_TO
from desktop.background import with_project
from desktop.places import PageId, TabId
from desktop.policy import actions, export_menu
from desktop.policy.charts import PolicyCharts
from desktop.policy.form import PolicyForm
from desktop.policy.frontier_page import FrontierPage
from desktop.policy.held_out_note import HeldOutNote
from desktop.policy.live_controls import LiveControls
from desktop.policy.replay import Replay
from desktop.policy.rounds_line import RoundsLine
from desktop.policy.run_result import RunResult
from desktop.policy.runs_table import RunsTable
from desktop.policy.samples import SamplesTable
from desktop.policy.slider_page import SliderPage
from desktop.policy.sweep_dialog import SweepDialog
from desktop.runs.run_list import RunList, runs_section
from desktop.runs.run_naming import RunNaming
from desktop.runs.run_removal import RunRemoval
from desktop.runs.trail_dialog import show_trail
from desktop.session import Session
from desktop.tab import Replays, ShowsRuns, TabWidget
from desktop.theme.theme import SPACE
from desktop.widgets import file_dialogs
from desktop.widgets.aside import Aside
from desktop.widgets.basics import (
    SIDE,
    column,
    label,
    row,
    scrolled,
    set_role,
    show_one,
    side_panel,
)
from desktop.widgets.bound import action_button
from desktop.widgets.empty import Empty
from desktop.widgets.flowing import Flowing
from desktop.widgets.folding_card import FoldingCard
from desktop.widgets.growing import keep_width
from desktop.widgets.short_text import ShortText

PREFERRED = "Gives a policy that writes what your labelers prefer, and stays near the reference."
DRAWN = "the reward and the KL to the reference are drawn here step by step, and every sample can be read below."
#: In one line, what an algorithm needs and gives.
ABOUT = {
    LearnsFrom.ROLLOUTS: f"Needs a reward model. {PREFERRED}",
    LearnsFrom.RANKINGS: f"Needs rankings. {PREFERRED}",
    LearnsFrom.VERDICTS: "Needs answers called good or bad. Gives a policy that answers like the good ones.",
    LearnsFrom.ANSWERS: "Needs answers that people wrote or ranked best. Gives a policy that answers like them.",
}
WITHOUT_A_MODEL = "Needs no reward model: rules or a gold reward are the whole reward. Stays near the reference."


class Tab(TabWidget, ShowsRuns, Replays):
    ID = TabId.TUNE
    pages: QTabWidget

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self.need = label("", "warning", wrap=True)
        self.form = PolicyForm(self._suggested())
        self.form.changed.connect(self._show_algorithm)
        self.start_button = action_button(actions.START, self.start)
        self.sweep = action_button(actions.SWEEP, self.ask_sweep)
        self.pause = action_button(actions.PAUSE, lambda: self._act(self.session.pause))
        self.resume = action_button(actions.RESUME, lambda: self._act(self.session.resume))
        self.stop = action_button(actions.STOP, lambda: self._act(self.session.stop))
        self.stop_now = action_button(actions.STOP_NOW, lambda: self._act(self.session.stop_now))
        self.stop_now.hide()
        self.runs = RunList(session, TrainPolicyJob, overlays=True)
        self.runs.chosen.connect(self.show_run)
        self.naming, self.removal = RunNaming(self.runs), RunRemoval(self.runs)
        self.runs.ticked.connect(self._show_current)
        self.charts = PolicyCharts(session.project)
        self.charts.group.behind_asked.connect(self.show_behind)
        self.live = LiveControls(session)
        self.rounds = RoundsLine(session)
        self.samples = SamplesTable(session.project)
        self.slider = SliderPage(session)
        self.replay_line = Replay(session.project, self.charts, self.samples, self._show_again)
        self.replay_button = action_button(actions.REPLAY, self.replay)
        self.table = RunsTable()
        self.table.chosen.connect(self.runs.select)
        self.frontier = FrontierPage(session)
        self.frontier.picked.connect(self.runs.select)
        self.frontier.export_asked.connect(self._export_checkpoint)
        self.advice = ShortText("warning")
        self.result = RunResult(session)
        self.stack = QStackedWidget()
        self.empty = Empty(
            "No run yet",
            f"Start one: {DRAWN}",
            GO_TO[TabId.REWARD],
            lambda: session.navigator.open_tab(TabId.REWARD),
        )
        self.stack.addWidget(self.empty)
        self.stack.addWidget(self._results())
        body = row(self._side(), self.stack, spacing=3 * SPACE)
        body.setStretch(1, 1)
        page = column(
            self.heading(ABOUT[LearnsFrom.ROLLOUTS], self.rounds, self.replay_button), body, spacing=2 * SPACE
        )
        page.setContentsMargins(3 * SPACE, 2 * SPACE, 3 * SPACE, 2 * SPACE)
        page.setStretch(1, 1)
        self.setLayout(page)
        session.news.connect(self._news)
        self.refresh(None)
        if runs := session.jobs(TrainPolicyJob):
            # Who goes on, goes on with the newest run's settings, against the newest reward model.
            self.form.show_run(runs[0].config, runs[0].options)
            self.form.shared.show_values({"reward_job": 0})
        self._show_algorithm()

    def _show_algorithm(self) -> None:
        """Another one is chosen: it stands beside the tab's name, and may need no reward model; nor may what it is
        rewarded by."""
        kind = ALGORITHMS[self.form.name]
        self.show_note(kind.title)
        alone = self.form.without_a_model and not kind.offline
        self.about.setText(WITHOUT_A_MODEL if alone else ABOUT[kind.learns_from])
        self._show_need()

    def _suggested(self) -> dict[str, object]:
        """Where a script ranked, its gold reward is worth drawing beside the learned one. Answers are as long as those
        that were written to be ranked: the reward model knows no longer ones."""
        name = gold.suggested(self.session.project)
        written = next((job for job in self.session.jobs(GenerateJob) if job.status == "done"), None)
        length = {"max_new_tokens": written.config.max_new_tokens} if written else {}
        return length | ({"gold": name} if name else {})

    def _side(self) -> QWidget:
        """Settings scroll; what starts and stops a run is always in sight."""
        settings = side_panel(column(self.need, self.form, None, spacing=SPACE + 4))
        act = Flowing(
            self.start_button, self.sweep, self.pause, self.resume, self.stop, self.stop_now, spacing=SPACE - 2
        )
        side = column(settings, act, runs_section(self.runs), spacing=SPACE + 4)
        side.setStretch(0, 5)
        side.setStretch(2, 2)
        panel = QWidget()
        panel.setLayout(side)
        Aside(panel)
        keep_width(panel, SIDE)
        return panel

    def _results(self) -> QWidget:
        self.pages = QTabWidget()
        self.pages.setAccessibleName("Samples, slider, further charts, all runs, and their frontier")
        self.pages.setDocumentMode(True)
        self.pages.tabBar().setDrawBase(False)
        for place, widget in (
            (PageId.SAMPLES, self.samples),
            (PageId.SLIDER, self.slider),
            (PageId.MORE_CHARTS, scrolled(self.charts.more)),
            (PageId.RUNS, self.table),
            (PageId.FRONTIER, self.frontier),
        ):
            self.pages.addTab(widget, place.label)
        cards = row(*self.charts.cards(), spacing=2 * SPACE)
        for number, share in enumerate((5, 5, 4)):
            cards.setStretch(number, share)
        charts = column(self.charts.bar, cards, spacing=SPACE // 2)
        charts.setStretch(1, 1)
        self.next = action_button(actions.GO_ON, lambda: self.session.navigator.open_tab(TabId.COMPARE))
        self.next_round = action_button(actions.RANK_OWN, self.begin_round)
        self.begin = action_button(actions.BEGIN_FROM, self.begin_from)
        self.export = action_button(actions.EXPORT, self.ask_export)
        self.take_over = action_button(actions.TAKE_OVER, self.use_settings)
        self.exported = label("", "small", wrap=True)
        self.exported.hide()
        self.held_out = HeldOutNote(self.session)
        links = row(self.next, self.next_round, self.begin, self.export, None, spacing=2 * SPACE)
        self.outcome = QWidget()
        self.outcome.setLayout(
            column(self.result, self.result.warning, self.held_out, self.exported, links, spacing=SPACE // 2)
        )
        for beside_it in (self.live, self.charts.bar, self.outcome, self.take_over):
            Aside(beside_it)
        self.folding = FoldingCard(self.pages, self.take_over, "runs")
        charts.addWidget(self.outcome)
        layout = column(self.live, self.replay_line, self.advice, charts, self.folding, spacing=SPACE - 2)
        layout.setStretch(3, 1)
        layout.setStretch(4, 1)
        page = QWidget()
        page.setLayout(layout)
        return scrolled(page)  # rather than cut, where a window is low

    def refresh(self, changes: Changes | None) -> None:
        self._show_need()
        self.rounds.refresh()
        if changes is None or "jobs" in changes.tables:
            self.runs.refresh()
        if changes is None or "prompts" in changes.tables:
            self.held_out.show_run(self.runs.current)
        self._show_state()

    def _show_need(self) -> None:
        missing = self.form.asks_our_model and queue.newest_run(self.session.project, TrainRewardJob) is None
        self.need.setVisible(missing)
        self.need.setText(
            "There is no reward model yet: train one first, or optimise rules alone or a gold reward (More settings)."
        )
        self.empty.action.setVisible(missing)
        first = "Train a reward model first, then start a run here" if missing else "Start one"
        self.empty.text.setText(f"{first}: {DRAWN}")

    def show_behind(self, step: int) -> None:
        """Where the numbers of a step of the run that is shown came from."""
        if self.charts.job is not None:
            show_trail(self.session, Place("step", self.charts.job.id, step), self)

    def control_of(self, step: Step) -> QWidget | None:
        return self.start_button if step == Step.TUNE else None

    def start(self) -> None:
        try:
            self.session.start(JobKind.TRAIN_POLICY, *self.form.run(), taken=self.form.taken)
        except KnownError as error:
            errors.show(error, self, self.start)
            return
        self.show_newest_run()

    @property
    def replays(self) -> bool:
        return self.replay_line.on

    def replay(self) -> None:
        """Show the chosen run once more from its first step, or stop where that goes on."""
        job = self.session.job(self.runs.current, TrainPolicyJob)
        if self.replays:
            self.replay_line.stop()
        elif job is not None and job.status not in ACTIVE and self.charts.series:
            self.pages.setCurrentWidget(self.samples)
            self.replay_line.start(job)
            self._show_state()

    def closeEvent(self, event: QCloseEvent) -> None:
        self.replay_line.rest()
        super().closeEvent(event)

    def _show_again(self) -> None:
        """The replay is over: the run is shown as it is."""
        self.outcome.show()
        if self.runs.current is not None:
            self.show_run(self.runs.current)

    def show_newest_run(self) -> None:
        self.runs.refresh(select_newest=True)
        self._show_state()

    def use_settings(self) -> None:
        """Put the settings of the run that is shown into the form."""
        job = self.session.job(self.runs.current, TrainPolicyJob)
        if job is not None:
            self.form.show_run(job.config, job.options)

    def ask_sweep(self) -> None:
        try:
            config, options = self.form.run()
        except KnownError as error:
            errors.show(error, self)
            return
        dialog = SweepDialog(config, options, self)
        dialog.accepted.connect(lambda: self.start_sweep(config, options, dialog.axes))
        dialog.open()

    def start_sweep(self, config: object, options: object, axes: dict[str, list[str]]) -> None:
        """In the background: two hundred rows take a while to be on disk."""
        again = partial(self.start_sweep, config, options, axes)
        taken = self.form.taken
        with_project(
            self, self.session.project, lambda project: sweep.enqueue(project, config, options, axes, taken=taken),
            self._swept, lambda error: errors.show(error, self, again),
        )  # fmt: skip

    def _swept(self, jobs: list[Job]) -> None:
        self.session.wake()
        self.runs.refresh(select_newest=True)
        self.pages.setCurrentWidget(self.table)
        self._show_state()

    def begin_round(self) -> None:
        """Show the Rank tab with this run's policy chosen to write."""
        if self.runs.current is not None:
            self.session.navigator.write_with(self.runs.current)

    def begin_from(self) -> None:
        """Let the form begin where this run ended."""
        if self.runs.current is not None:
            self.form.shared.show_values({"start_from": str(self.runs.current)})

    def ask_export(self) -> None:
        """Ask as what, of which checkpoint, and for a new folder; and write the model there."""
        job = self.session.job(self.runs.current, TrainPolicyJob)
        if job is not None:
            export_menu.ask(self.export, job.result, self._ask_folder)

    def _export_checkpoint(self, state: PolicyState, wanted: ExportModelConfig) -> None:
        """One that was picked on the frontier, whose run is the one that is shown by now."""
        self.runs.select(state.run)
        self._ask_folder(wanted, f" step {state.step}")

    def _ask_folder(self, wanted: ExportModelConfig, which: str = "") -> None:
        name = re.sub(r'[<>:"/\\|?*]', "", f"{self.session.project.name} run {self.runs.current}{which}")
        dialog = file_dialogs.ask_save(
            self, "Write the model to a new folder", name, lambda out: self.start_export(str(out), wanted)
        )
        dialog.setLabelText(QFileDialog.DialogLabel.FileName, "New folder:")
        dialog.setLabelText(QFileDialog.DialogLabel.Accept, "Write")

    def start_export(self, out: str, wanted: ExportModelConfig) -> None:
        if self.runs.current is None:
            return
        try:
            config = replace(wanted, policy_job=self.runs.current, out=out)
            waits = self.session.waits(self.session.start(JobKind.EXPORT_MODEL, config))
        except KnownError as error:
            errors.show(error, self, partial(self.start_export, out, wanted))
            return
        self._say_exported(f"The model of run {self.runs.current} will be written to {out}. {waits}".strip(), "small")

    def _say_exported(self, text: str, role: str) -> None:
        self.exported.setText(text)
        set_role(self.exported, role)
        self.exported.show()

    def _act(self, ask: object) -> None:
        if self.runs.current is not None and callable(ask):
            try:
                ask(self.runs.current)
            except KnownError as error:
                errors.show(error, self, partial(self._act, ask))

    def _show_state(self) -> None:
        self.stack.setCurrentIndex(1 if self.runs.count() else 0)
        self.table.show_jobs(self.session.jobs(TrainPolicyJob), self.runs.current, self.runs.tags)
        job = self.session.job(self.runs.current, TrainPolicyJob)
        status = job.status if job else "done"
        active = status in ("running", "paused", "queued")
        self.replay_button.setVisible(job is not None and not active)
        wanted = job.wanted if job else "run"
        resumable = status == "paused" or status in RESUMABLE
        show_one((self.pause, self.resume), self.pause if status == "running" else self.resume if resumable else None)
        self.stop.setVisible(active)
        self.stop.setEnabled(wanted != "stop")
        self.stop_now.setVisible(status in WORKING)
        if self.replays:
            self.outcome.hide()  # how it ended is not told before
        if job is not None:
            self.live.show_job(job)
            self._show_result(job)

    def _show_result(self, job: TrainPolicyJob) -> None:
        usable = job.status == "done" and bool(job.result.adapter)
        self.next.setVisible(usable)
        self.next_round.setVisible(usable)
        self.begin.setVisible(usable)
        self.export.setVisible(usable)
        self.result.show_job(job)

    def show_run(self, job_id: int) -> None:
        """Draw a run from the beginning."""
        self.replay_line.stop()
        self.exported.hide()
        self.held_out.show_run(job_id)
        self.samples.show_run(job_id)
        self.frontier.show_run(job_id)
        self.slider.show_run(job_id)
        self._show_current()
        self._show_state()

    def _show_current(self) -> None:
        """Draw the run that is chosen, and the ticked ones over it."""
        job = self.session.job(self.runs.current, TrainPolicyJob)
        if job is None:
            return
        over = {run: self.runs.colour_number(run) for run in self.runs.overlaid}
        self.charts.show_run(job, over, self._show_advice)

    def _show_advice(self) -> None:
        said = [advice.text for advice in self.charts.advice]
        more = f" And {len(said) - 1} more: see the charts with a ⚠." if len(said) > 1 else ""
        self.advice.setVisible(bool(said))
        if said:
            self.advice.say(re.split(r"[:.] ", said[0])[0] + ".", said[0] + more)

    def _news(self, news: News) -> None:
        self.rounds.on_news(news)
        for job in news.jobs:
            if isinstance(job, TrainPolicyJob):
                self.runs.refresh()
                begins = job.status == "running" and job.stage == "Starting"
                if job.id == self.runs.current and (begins or (job.status == "paused" and job.error)):
                    self.show_run(job.id)
                self._show_state()
            elif isinstance(job, ExportModelJob) and job.status == "done":
                found = job.result
                self._say_exported(f"Wrote run {found.policy_job} to {found.folder}. {found.lacks}".strip(), "small")
            elif isinstance(job, ExportModelJob) and job.status == "failed":
                self._say_exported(errors.worded(job.error or "The model could not be written."), "error")
            elif isinstance(job, TrainRewardJob):
                self._show_need()
        shown = self.session.job(self.runs.current, TrainPolicyJob)
        if news.jobs and shown is not None and shown.status == "queued":
            self._show_result(shown)  # who is before it may be another now
        mine = [item for item in news.metrics if item["job_id"] == self.runs.current]
        if (mine or (shown is not None and shown.status in ACTIVE)) and self.replays:
            self.replay_line.stop()  # what it shows goes on by itself now
        elif mine:
            self.charts.append(mine)
            self._show_advice()
        if written := [item for item in news.samples if item["job_id"] == self.runs.current]:
            self.samples.prepend(written)
