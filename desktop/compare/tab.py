"""The Compare tab: the reference and the tuned policy answer the same prompts, side by side, with scores."""

from typing import Any

import numpy as np
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QComboBox, QFrame, QLabel, QLineEdit, QStackedWidget, QVBoxLayout, QWidget

from core.config.jobs import CompareConfig, CompareJob, CompareResult, JobKind
from core.config.training import TrainPolicyJob
from core.errors import KnownError
from core.jobs import queue
from core.jobs.follow import News
from core.preferences.statistics import share_interval
from core.records import ACTIVE, Job
from core.report.outcomes import FEW
from core.store import Changes
from core.store.runs import job_samples
from desktop import errors
from desktop.actions import GO_TO
from desktop.compare import actions
from desktop.places import TabId
from desktop.runs.run_list import describe
from desktop.session import Session
from desktop.tab import TabWidget
from desktop.theme.theme import SPACE
from desktop.widgets.basics import Number, column, label, row, scrolled
from desktop.widgets.bound import action_button, bind
from desktop.widgets.drafts import Draft
from desktop.widgets.empty import Empty

#: Cards put up: more are a button away. So many of them in one turn of the event loop: 40 at once take 120 ms.
PAGE, TURN = 40, 4
#: The project's setting: the prompt that is being typed.
DRAFT = "draft/compare"


class Tab(TabWidget):
    ID = TabId.COMPARE

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self._shown: int | None = None
        self._duels: list[tuple[str, dict[str, Any], dict[str, Any]]] = []
        self._up = self._wanted = 0
        self._turn = QTimer(self, singleShot=True, interval=0)
        self._turn.timeout.connect(self._put_up)
        self._busy: QLabel | None = None
        self.policy = QComboBox()
        bind(actions.POLICY, self.policy)
        self.policy.setMinimumWidth(220)
        self.policy.setPlaceholderText("No tuned policy yet")
        self.policy.activated.connect(lambda _: self.show_newest())
        self.prompt = QLineEdit()
        self.prompt.setPlaceholderText("Type a prompt and press Enter")
        bind(actions.PROMPT, self.prompt)
        self.prompt.returnPressed.connect(self.ask)
        self.ask_button = action_button(actions.ANSWER, self.ask)
        self.heldout = action_button(actions.HELD_OUT, self.compare_heldout)
        self.before = Number("reward of the reference")
        self.after = Number("reward of the tuned policy")
        self.gold = Number("gold reward, before → after")
        self.kl = Number("KL, nats a completion")
        self.wins = Number(
            "answers scored higher", "Equal scores count half. Beside it: where the share likely lies (95%)."
        )
        self.what = label("", "muted")
        self.back = action_button(actions.BACK, self.show_newest)
        self.numbers = QWidget()
        self.numbers.setLayout(row(self.before, self.after, self.wins, self.gold, self.kl, None, spacing=3 * SPACE))
        self.doubt = label("", "muted", wrap=True)
        self.list = QVBoxLayout()
        self.list.setSpacing(2 * SPACE)
        self.more = action_button(actions.SHOW_MORE, self._show_more)
        everything = column(self.list, row(self.more, None), None, spacing=2 * SPACE)
        everything.setContentsMargins(0, 0, SPACE, 0)
        inner = QWidget()
        inner.setLayout(everything)
        area = scrolled(inner)
        self.stack = QStackedWidget()
        self.empty = Empty(
            "Nothing to compare yet",
            "Once a policy is tuned, type any prompt to see what it changed, or let both answer the held-out prompts.",
            GO_TO[TabId.TUNE],
            lambda: session.navigator.open_tab(TabId.TUNE),
        )
        self.stack.addWidget(self.empty)
        results = QWidget()
        results.setLayout(column(row(self.what, self.back, None), self.numbers, self.doubt, area, spacing=SPACE + 4))
        self.stack.addWidget(results)
        top = column(
            row(label("Policy"), self.policy, None, self.heldout), row(self.prompt, self.ask_button), spacing=SPACE + 4
        )
        page = column(
            self.heading("Needs a tuned policy. Shows what it says beside what the reference says to the same prompt."),
            top,
            self.stack,
            spacing=2 * SPACE,
        )
        page.setContentsMargins(3 * SPACE, 2 * SPACE, 3 * SPACE, 2 * SPACE)
        page.setStretch(2, 1)
        self.setLayout(page)
        self._draft = Draft(session.project, DRAFT, {"prompt": self.prompt}, self)
        session.news.connect(self._news)
        self.refresh(None)

    def refresh(self, changes: Changes | None) -> None:
        kept = self.policy.currentData()
        self.policy.clear()
        for job in self.session.jobs(TrainPolicyJob):
            if job.result.adapter:
                self.policy.addItem(describe(job), job.id)
        self.policy.setCurrentIndex(max(0, self.policy.findData(kept)))
        ready = self.policy.count() > 0
        for widget in (self.policy, self.prompt, self.ask_button, self.heldout):
            widget.setEnabled(ready)
        self.empty.action.setVisible(not ready)
        self.empty.heading.setText("Not compared yet" if ready else "Nothing to compare yet")
        if changes is None or self.policy.currentData() != kept:
            self.show_newest()

    def show_newest(self) -> None:
        """What the chosen policy and the reference said last to the held-out prompts, or else to any."""
        jobs = [job for job in self.session.jobs(CompareJob) if policy_of(job) == self.policy.currentData()]
        busy = next((job for job in jobs if job.status in ACTIVE), None)
        done = sorted((job for job in jobs if job.status == "done"), key=lambda job: bool(job.config.prompts))
        if busy is not None:
            self._wait_for(busy)
        else:
            self.show_comparison(done[0] if done else None)

    def ask(self) -> None:
        if self.prompt.text().strip():
            self._start((self.prompt.text().strip(),), completions=1)

    def compare_heldout(self) -> None:
        self._start((), completions=1)

    def _start(self, prompts: tuple[str, ...], *, completions: int) -> None:
        policy = self.policy.currentData()
        try:
            run = queue.run_of(self.session.project, policy, TrainPolicyJob)
            config = CompareConfig(
                policy_job=policy,
                prompts=prompts,
                completions=completions,
                gold=run.config.gold,
                max_new_tokens=max(64, run.config.max_new_tokens) if prompts else run.config.max_new_tokens,
            )
            job = self.session.start(JobKind.COMPARE, config)
            assert isinstance(job, CompareJob)
            self._wait_for(job)
        except KnownError as error:
            errors.show(error, self)

    def _wait_for(self, job: CompareJob) -> None:
        self._shown = job.id
        self._clear()
        self.numbers.hide()
        self.doubt.hide()
        self.what.setText(said_of(job))
        self.back.hide()
        self._busy = label("", "muted")
        self.list.addWidget(self._busy)
        self._show_wait(job)
        self.stack.setCurrentIndex(1)

    def _show_wait(self, job: Job) -> None:
        if self._busy is not None:
            self._busy.setText(self.session.waits(job) or "Both are answering …")

    def _news(self, news: News) -> None:
        for job in news.jobs:
            if isinstance(job, TrainPolicyJob):
                self.refresh(Changes(frozenset(), ""))
            elif not isinstance(job, CompareJob):
                continue
            elif job.status in ACTIVE and job.id != self._shown:
                self.policy.setCurrentIndex(max(0, self.policy.findData(policy_of(job))))
                self._wait_for(job)
            elif job.id == self._shown and job.status not in ACTIVE:
                self.show_comparison(job)
        shown = self.session.job(self._shown) if self._shown is not None else None
        if news.jobs and shown is not None:
            self._show_wait(shown)

    def show_comparison(self, job: CompareJob | None) -> None:
        """A card for each prompt: reference on the left, tuned on the right, the higher score marked."""
        self._shown = job.id if job else None
        self._clear()
        if job is None:
            self.stack.setCurrentIndex(0)
            return
        self.stack.setCurrentIndex(1)
        self.what.setText(said_of(job))
        self.back.setVisible(bool(job.config.prompts))
        if job.error:
            self.list.addWidget(label(job.error, "error", wrap=True))
        elif job.status != "done":
            self.list.addWidget(label(f"The comparison was {job.status}: ask again, or resume it below.", "muted"))
        sides: dict[str, dict[str, list[dict[str, Any]]]] = {}
        for sample in job_samples.listed(self.session.project, job.id):
            sides.setdefault(sample["prompt"], {"reference": [], "tuned": []})[sample["policy"]].append(sample)
        self._duels = [
            (prompt, reference, tuned)
            for prompt, found in sides.items()
            for reference, tuned in zip(found["reference"], found["tuned"], strict=False)
        ]
        self._show_numbers(job.result)
        doubt = doubt_of(len(sides))
        self.doubt.setText(doubt)
        self.doubt.setVisible(bool(doubt))
        self._show_more()

    def _show_more(self) -> None:
        """Put up the next cards; a button stands for those after them."""
        self._wanted = min(self._wanted + PAGE, len(self._duels))
        left = len(self._duels) - self._wanted
        self.more.setVisible(left > 0)
        self.more.setText(f"Show {min(left, PAGE)} more of {left:,}")
        self._turn.start()

    def _put_up(self) -> None:
        """The next few of the cards that are wanted."""
        end = min(self._up + TURN, self._wanted)
        for duel in self._duels[self._up : end]:
            self.list.addWidget(Duel(*duel))
        self._up = end
        if self._up < self._wanted:
            self._turn.start()

    def closeEvent(self, event: QCloseEvent) -> None:
        self._turn.stop()
        self._draft.leave()
        super().closeEvent(event)

    def _show_numbers(self, found: CompareResult) -> None:
        self.numbers.setVisible(found != CompareResult())
        self.before.show_value(found.reward_before, "{:+.2f}")
        self.after.show_value(found.reward_after, "{:+.2f}")
        self.kl.show_value(found.kl, "{:.1f}")
        sums: dict[str, list[float]] = {}  # by prompt, because answers to one are not independent
        for prompt, reference, tuned in self._duels:
            a, b = reference["score"], tuned["score"]
            if a is not None and b is not None:
                of_prompt = sums.setdefault(prompt, [0.0, 0.0])
                of_prompt[0] += 0.5 if a == b else float(b > a)
                of_prompt[1] += 1
        if sums:
            table = np.array(list(sums.values()))
            likely, (won, scored) = share_interval(table), table.sum(0)
            self.wins.show_share(won, int(scored), (likely.low, likely.high))
        else:  # a project that was packed brings its comparison without the answers
            self.wins.show_value(found.win_rate, "{:.0%}")
        gold = found.gold_after
        self.gold.setVisible(gold is not None)
        if gold is not None:
            self.gold.value.setText(f"{found.gold_before:+.2f} → {gold:+.2f}")

    def _clear(self) -> None:
        self._turn.stop()
        self._duels, self._up, self._wanted, self._busy = [], 0, 0, None
        self.more.hide()
        while (item := self.list.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()


def policy_of(job: CompareJob) -> int:
    """The run whose policy a comparison is of."""
    return job.result.policy_job or job.config.policy_job


def said_of(job: CompareJob) -> str:
    """`Run 3 beside the reference, on 24 held-out prompts`."""
    count = job.result.prompts
    prompts = "what you typed" if job.config.prompts else f"{count} held-out prompts" if count else "held-out prompts"
    left_out = job.result.left_out
    but = f", without {left_out} that it trained on" if left_out else ""
    run = policy_of(job)  # 0 while it is not looked up yet
    return f"{f'Run {run}' if run else 'The newest run'} beside the reference, on {prompts}{but}"


def doubt_of(prompts: int) -> str:
    """Why the numbers might be others, where both sides answered so many prompts; the answers are always drawn."""
    few = f"{prompts} {'prompt is' if prompts == 1 else 'prompts are'} few, and the" if prompts < FEW else "The"
    return f"{few} answers are drawn with randomness: another draw may differ." if prompts else ""


class Duel(QFrame):
    """One prompt with both answers, the one with the higher reward marked."""

    def __init__(self, prompt: str, reference: dict[str, Any], tuned: dict[str, Any]) -> None:
        super().__init__()
        self.setProperty("role", "card")
        title = label(prompt, wrap=True)
        title.setStyleSheet("font-weight: 600;")
        a, b = reference["score"], tuned["score"]
        better = None if a is None or b is None or a == b else ("tuned" if b > a else "reference")
        columns = row(
            _side("Reference", reference, better == "reference"),
            _side("Tuned policy", tuned, better == "tuned"),
            spacing=4 * SPACE,
        )
        columns.setStretch(0, 1)
        columns.setStretch(1, 1)
        layout = column(title, columns)
        layout.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
        self.setLayout(layout)


def _side(name: str, sample: dict[str, Any], better: bool) -> QWidget:
    numbers = [
        f"{word} {sample[key]:+.2f}" for key, word in (("score", "reward"), ("gold", "gold")) if sample[key] is not None
    ]
    text = label(sample["completion"] or "(nothing)", wrap=True)
    text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    text.setAlignment(Qt.AlignmentFlag.AlignTop)
    head = row(
        label(name, "small"), None, label("higher reward" if better else "", "good"), label("  ".join(numbers), "small")
    )
    side = QWidget()
    layout = column(head, text)
    layout.setStretch(1, 1)
    side.setLayout(layout)
    return side
