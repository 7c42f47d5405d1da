"""The PPO tab: tune the policy against the reward, with reward and KL drawn live and every sample readable."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QStackedWidget, QTabWidget, QWidget

from core.configs import ALGORITHMS, TrainPolicyConfig
from core.errors import KnownError
from core.jobs import queue
from core.jobs.follow import News
from core.records import RESUMABLE, Job
from core.store import Changes
from desktop import errors
from desktop.forms import ConfigForm
from desktop.session import Session
from desktop.theme import SPACE
from desktop.widgets.chart import Chart
from desktop.widgets.parts import Empty, button, card, column, go, header, label, row, scrolled, set_role, side_panel
from desktop.widgets.run_list import RunList, runs_section
from desktop.widgets.samples import SamplesTable

KIND = "train-policy"
SMALL_CHARTS = (
    "objective/entropy",
    "policy/clipfrac_avg",
    "policy/approxkl_avg",
    "loss/value_avg",
    "val/explained_variance",
    "completions/mean_length",
    "completions/eos_rate",
    "objective/rlhf_reward",
    "time/step",
)


class Tab(QWidget):
    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.need = label("", "warning", wrap=True)
        algorithm = ALGORITHMS["ppo"]
        self.form = ConfigForm(
            TrainPolicyConfig,
            algorithm.config,
            values=self._suggested(),
            titles={
                "steps": "Maximum of steps",
                "reward_threshold": "Stop at reward",
                "kl_coef": "KL coefficient",
                "batch_size": "Completions a step",
                "completions": "Completions a prompt",
                "gold": "Gold reward",
            },
        )
        self.start_button = button("Start", self.start, role="primary")
        self.pause = button("Pause", lambda: self._act(self.session.pause))
        self.resume = button("Resume", lambda: self._act(self.session.resume))
        self.stop = button(
            "Stop", lambda: self._act(self.session.stop), tip="Stops after this step; Resume goes on later"
        )
        self.runs = RunList(session, KIND)
        self.runs.chosen.connect(self.show_run)
        self.reward = Chart(("objective/scores", "objective/gold"), heading="Reward", words=("learned", "gold"))
        self.kl = Chart(("objective/kl",), heading="KL to the reference")
        self.small = [Chart((name,), small=True) for name in SMALL_CHARTS]
        self.samples = SamplesTable(session.project)
        self.result = label("", "muted", wrap=True)
        self.result.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)

        self.stack = QStackedWidget()
        self.empty = Empty(
            "No run yet",
            "Start one: the reward and the KL to the reference are drawn here step by "
            "step, and every sample can be read below.",
            "Go to Reward model",
            lambda: go(self, "Reward model"),
        )
        self.stack.addWidget(self.empty)
        self.stack.addWidget(self._results())
        body = row(self._side(), self.stack, spacing=3 * SPACE)
        body.setStretch(1, 1)
        page = column(
            header(
                "PPO",
                "Needs a reward model. Gives a policy that is rewarded for what your labelers prefer, and kept "
                "near the reference by the price of KL.",
            ),
            body,
            spacing=2 * SPACE,
        )
        page.setContentsMargins(3 * SPACE, 3 * SPACE, 3 * SPACE, 2 * SPACE)
        page.setStretch(1, 1)
        self.setLayout(page)
        session.news.connect(self._news)
        self.refresh(None)

    def _suggested(self) -> dict[str, object]:
        """Where a script ranked, its gold reward is worth drawing beside the learned one."""
        row = self.session.project.one("select detail from labelers where kind = 'scripted' order by id desc limit 1")
        return {"gold": row["detail"]} if row else {}

    def _side(self) -> QWidget:
        controls = row(self.start_button, self.pause, self.resume, self.stop)
        return side_panel(column(self.need, self.form, controls, runs_section(self.runs), spacing=SPACE + 4))

    def _results(self) -> QWidget:
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(2 * SPACE)
        for number, chart in enumerate(self.small):
            grid.addWidget(chart, number // 3, number % 3)
        more = QWidget()
        more.setLayout(grid)
        tabs = QTabWidget()
        tabs.setAccessibleName("Samples and further charts of the run")
        tabs.setDocumentMode(True)
        tabs.tabBar().setDrawBase(False)
        tabs.addTab(self.samples, "Samples")
        tabs.addTab(scrolled(more), "More charts")
        charts = row(card(column(self.reward)), card(column(self.kl)), spacing=2 * SPACE)
        charts.setStretch(0, 1)
        charts.setStretch(1, 1)
        self.next = button(
            "Go on to Compare", lambda: go(self, "Compare"), role="link", tip="Read both policies side by side"
        )
        tabs.setCornerWidget(self.next)
        layout = column(charts, self.result, card(column(tabs)), spacing=SPACE + 4)
        layout.setStretch(0, 4)
        layout.setStretch(2, 5)
        page = QWidget()
        page.setLayout(layout)
        return page

    def refresh(self, changes: Changes | None) -> None:
        ready = queue.newest_run(self.session.project, "train-reward") is not None
        self.need.setVisible(not ready)
        self.empty.action.setVisible(not ready)
        self.need.setText("There is no reward model yet: train one first, or optimise a gold reward (More settings).")
        if changes is None:
            self.runs.refresh()
        self._show_state()

    def start(self) -> None:
        try:
            config = self.form.config(TrainPolicyConfig)
            self.session.start(KIND, config, self.form.config(ALGORITHMS[config.algorithm].config))
        except KnownError as error:
            errors.show(error, self)
            return
        self.runs.refresh(select_newest=True)
        self._show_state()

    def _act(self, ask: object) -> None:
        if self.runs.current is not None and callable(ask):
            try:
                ask(self.runs.current)
            except KnownError as error:
                errors.show(error, self)

    def _show_state(self) -> None:
        self.stack.setCurrentIndex(1 if self.runs.count() else 0)
        job = self.session.job(self.runs.current) if self.runs.current else None
        status = job.status if job else "done"
        self.pause.setVisible(status == "running")
        self.stop.setVisible(status in ("running", "paused", "queued"))
        self.resume.setVisible(status == "paused" or status in RESUMABLE)
        if job is not None:
            self._show_result(job)

    def _show_result(self, job: Job) -> None:
        set_role(self.result, "error" if job.error else "muted")
        found = job.result
        self.next.setVisible(job.status == "done" and bool(found.get("adapter")))
        text = job.error or ""
        if not text and found.get("reward_after") is not None and found.get("reward_before") is not None:
            text = (
                f"On held-out prompts the reward went from {found['reward_before']:+.2f} to "
                f"{found['reward_after']:+.2f} at a KL of {found['kl']:.1f} nats a completion."
            )
            if found.get("gold_after") is not None:
                text += f" Gold reward: {found['gold_before']:+.2f} to {found['gold_after']:+.2f}."
        if not job.error and found.get("stop_reason"):
            text += f" Stopped after {found['steps']} steps: {found['stop_reason']}."
        self.result.setText(text.strip())
        self.result.setVisible(bool(text))

    def show_run(self, job_id: int) -> None:
        """Draw a run from the beginning."""
        series = queue.metrics(self.session.project, job_id)
        for chart in (self.reward, self.kl, *self.small):
            chart.clear()
            for name in chart.names:
                for step, value in series.get(name, []):
                    chart.append(name, step, value)
            chart.draw()
        job = self.session.job(job_id)
        threshold = job.config.get("reward_threshold") if job else 0
        self.reward.set_level((threshold, f"Stops at a reward of {threshold:g}") if threshold else None)
        self.samples.show_run(job_id)
        self._show_state()

    def _news(self, news: News) -> None:
        for job in news.jobs:
            if job.kind == KIND:
                self.runs.refresh()
                if job.id == self.runs.current and job.status == "running" and job.stage == "Starting":
                    self.show_run(job.id)
                self._show_state()
            elif job.kind == "train-reward":
                self.refresh(Changes(frozenset(), ""))
        mine = [item for item in news.metrics if item["job_id"] == self.runs.current]
        for chart in (self.reward, self.kl, *self.small) if mine else ():
            for item in mine:
                chart.append(item["name"], item["step"], item["value"])
            chart.draw()
        self.samples.model.prepend([item for item in news.samples if item["job_id"] == self.runs.current])
