"""The Reward model tab: from pairs to a model that scores any text, with its learning drawn live."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit, QPlainTextEdit, QStackedWidget, QWidget

from core.configs import ScoreConfig, TrainRewardConfig
from core.errors import KnownError
from core.jobs import queue
from core.jobs.follow import News
from core.preferences import pairs
from core.records import ACTIVE, Job
from core.store import Changes
from desktop import errors
from desktop.forms import ConfigForm
from desktop.session import Session
from desktop.theme import SPACE
from desktop.widgets.chart import Chart
from desktop.widgets.parts import (
    Empty,
    Number,
    button,
    card,
    column,
    go,
    header,
    label,
    row,
    rule,
    set_role,
    side_panel,
)
from desktop.widgets.run_list import RunList, runs_section

KIND = "train-reward"
ENOUGH = 20


class Tab(QWidget):
    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self._scoring: int | None = None
        self._lines: tuple[str, ...] = ()
        self.pairs = Number("pairs", "Every two completions that were given different ranks")
        self.prompts = Number("ranked prompts")
        self.ties = Number("ties", "Tied completions give no pair")
        self.flagged = Number("flagged", "Flagged prompts give no pair")
        self.origin = label("", "warning", wrap=True)
        self.advice = label("", "muted", wrap=True)
        self.form = ConfigForm(TrainRewardConfig, titles={"batch_prompts": "Rankings a step"})
        self.train = button("Train reward model", self.start, role="primary")
        self.runs = RunList(session, KIND)
        self.runs.chosen.connect(self.show_run)
        self.loss = Chart(
            ("loss", "eval_loss"), heading="Loss", level=(0.6931, "Chance"), words=("training", "held-out")
        )
        self.accuracy = Chart(
            ("accuracy", "eval_accuracy"), heading="Accuracy", level=(0.5, "Chance"), words=("training", "held-out")
        )
        self.result = label("", "muted", wrap=True)
        self.result.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)

        charts = QWidget()
        pair = row(card(column(self.loss)), card(column(self.accuracy)), spacing=2 * SPACE)
        pair.setStretch(0, 1)
        pair.setStretch(1, 1)
        self.next = button("Go on to PPO", lambda: go(self, "PPO"), tip="Tune the policy against this reward model")
        foot = row(self.result, self.next, spacing=2 * SPACE)
        foot.setStretch(0, 1)
        whole = column(pair, foot)
        whole.setStretch(0, 1)
        charts.setLayout(whole)
        self.stack = QStackedWidget()
        self.empty = Empty(
            "No reward model yet",
            "Rank some prompts, then train: the loss and the accuracy on "
            "held-out prompts are drawn here while it learns.",
            "Go to Rank",
            lambda: go(self, "Rank"),
        )
        self.stack.addWidget(self.empty)
        self.stack.addWidget(charts)

        right = column(self.stack, self._score_box(), spacing=2 * SPACE)
        right.setStretch(0, 1)
        body = row(self._side(), right, spacing=3 * SPACE)
        body.setStretch(1, 1)
        page = column(
            header("Reward model", "Needs rankings. Gives a model that scores any completion as your labelers would."),
            body,
            spacing=2 * SPACE,
        )
        page.setContentsMargins(3 * SPACE, 3 * SPACE, 3 * SPACE, 2 * SPACE)
        page.setStretch(1, 1)
        self.setLayout(page)
        session.news.connect(self._news)
        self.refresh(None)

    def _side(self) -> QWidget:
        numbers = row(self.pairs, self.prompts, self.ties, self.flagged, spacing=2 * SPACE)
        side = column(
            numbers,
            self.origin,
            self.advice,
            rule(),
            self.form,
            self.train,
            runs_section(self.runs),
            spacing=SPACE + 4,
        )
        return side_panel(side)

    def _score_box(self) -> QWidget:
        self.prompt = QLineEdit()
        self.prompt.setPlaceholderText("Prompt")
        self.prompt.setAccessibleName("Prompt of the text to score")
        self.completion = QPlainTextEdit()
        self.completion.setPlaceholderText("Completion to score; one on each line to compare several")
        self.completion.setAccessibleName("Completions to score, one on each line")
        self.completion.setTabChangesFocus(True)
        self.completion.setFixedHeight(84)
        self.score = button("Score", self.start_scoring)
        self.scores = label(
            "In standard deviations of the base model's own completions; 0 is its average.", "muted", wrap=True
        )
        self.scores.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        foot = row(self.scores, self.score, spacing=2 * SPACE)
        foot.setStretch(0, 1)
        return card(column(label("Score a text", "heading"), self.prompt, self.completion, foot))

    def refresh(self, changes: Changes | None) -> None:
        counts = pairs.counts(self.session.project)
        self.pairs.show_value(counts.pairs)
        self.prompts.show_value(counts.ranked_prompts)
        self.ties.show_value(counts.ties)
        self.flagged.show_value(counts.flagged)
        scripted = counts.scripted
        self.origin.setVisible(bool(scripted))
        if scripted:
            who = "All" if scripted == counts.rankings else f"{scripted} of {counts.rankings}"
            self.origin.setText(f"{who} rankings were made by a script that follows a gold reward, not by people.")
        missing = ENOUGH - counts.ranked_prompts
        if not counts.pairs:
            self.advice.setText("Nothing is ranked yet: put some completions in order in the Rank tab.")
        elif missing > 0:
            self.advice.setText(f"{missing} more ranked prompts until a reward model is worth training.")
        self.advice.setVisible(missing > 0)
        self.train.setEnabled(counts.pairs > 0)
        self.empty.action.setVisible(missing > 0)
        if changes is None:
            self.runs.refresh()
            self._show_stack()

    def _show_stack(self) -> None:
        self.stack.setCurrentIndex(1 if self.runs.count() else 0)
        self.score.setEnabled(queue.newest_run(self.session.project, KIND) is not None)

    def start(self) -> None:
        try:
            self.session.start(KIND, self.form.config(TrainRewardConfig))
        except KnownError as error:
            errors.show(error, self)
            return
        self.runs.refresh(select_newest=True)
        self._show_stack()

    def start_scoring(self) -> None:
        lines = tuple(line.strip() for line in self.completion.toPlainText().splitlines() if line.strip())
        if not lines:
            self.scores.setText("Write a completion first.")
            return
        chosen = self.session.job(self.runs.current) if self.runs.current else None
        reward_job = chosen.id if chosen is not None and chosen.result.get("adapter") else 0
        try:
            self._scoring = self.session.start("score", ScoreConfig(self.prompt.text(), lines, reward_job)).id
        except KnownError as error:
            errors.show(error, self)
            return
        self._lines = lines
        self.scores.setText("Scoring …")

    def show_run(self, job_id: int) -> None:
        """Draw a run from the beginning."""
        for chart in (self.loss, self.accuracy):
            chart.clear()
            for name, points in queue.metrics(self.session.project, job_id, chart.names).items():
                for step, value in points:
                    chart.append(name, step, value)
            chart.draw()
        self._show_result(job_id)

    def _show_result(self, job_id: int) -> None:
        job = self.session.job(job_id)
        if job is None:
            return
        self.next.setVisible(job.status == "done")
        if job.error:
            self.result.setText(job.error)
            set_role(self.result, "error")
            return
        set_role(self.result, "muted")
        found = job.result
        if found.get("accuracy") is None:
            self.result.setText(
                "" if job.status != "done" else "Trained without held-out prompts, so its accuracy is unknown."
            )
            return
        self.result.setText(
            f"Orders {found['accuracy']:.0%} of {found['heldout_pairs']} held-out pairs as the labelers did "
            f"(chance is 50%), after learning from {found['pairs']} pairs in {found['seconds']:.0f} s."
        )

    def _news(self, news: News) -> None:
        for job in news.jobs:
            if job.kind == KIND:
                self.runs.refresh()
                self._show_stack()
                if job.id == self.runs.current:
                    if job.status == "running" and job.attempt > 1 and not news.metrics:
                        self.show_run(job.id)
                    self._show_result(job.id)
            if job.id == self._scoring and job.status not in ACTIVE:
                self._show_scores(job)
        mine = [item for item in news.metrics if item["job_id"] == self.runs.current]
        for chart in (self.loss, self.accuracy) if mine else ():
            for item in mine:
                chart.append(item["name"], item["step"], item["value"])
            chart.draw()
        if "rankings" in news.tables:
            self.refresh(Changes(frozenset({"rankings"}), ""))

    def _show_scores(self, job: Job) -> None:
        """Scores beside the texts that were asked for; a job that was cut short may still be resumed."""
        scores = job.result.get("scores", [])
        if job.status in ("done", "failed"):
            self._scoring = None
        if job.error or not scores:
            self.scores.setText(job.error or f"Scoring was {job.status}: press Score to ask again.")
            return
        best = max(scores)
        shown = [
            f"{value:+.2f}{'  ← best' if len(scores) > 1 and value == best else ''}   {line[:80]}"
            for value, line in zip(scores, self._lines, strict=False)
        ]
        self.scores.setText("\n".join(shown))
