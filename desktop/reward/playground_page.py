"""The scoring playground: a prompt, completions, and what a reward model thinks of them, down to the token."""

import re
from collections.abc import Sequence
from functools import partial
from html import escape
from itertools import pairwise
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QHeaderView, QLineEdit, QPlainTextEdit, QStackedWidget, QWidget

from core.config.jobs import JobKind, ScoreConfig, ScoreFileConfig, ScoreFileJob, ScoreJob, SuggestConfig, SuggestJob
from core.errors import KnownError
from core.jobs.follow import News
from core.records import ACTIVE, Job
from core.store import Changes, assignments
from core.texts import one_line, visible
from desktop import errors
from desktop.actions import GO_TO_PAGE
from desktop.places import PageId
from desktop.reward import actions
from desktop.reward.run_choice import RunChoice
from desktop.session import Session
from desktop.theme import theme
from desktop.theme.theme import SPACE
from desktop.widgets import file_dialogs
from desktop.widgets.basics import card, column, label, row, rule, set_role
from desktop.widgets.bound import action_button, bind
from desktop.widgets.drafts import Draft
from desktop.widgets.empty import Empty
from desktop.widgets.strangers import Reading
from desktop.widgets.tables import ROW, fill, table

SCALES = {
    "reference": "Rewards are in standard deviations of the base model's own completions; 0 is its average.",
    "ranked": "Rewards are in standard deviations of the ranked completions (the base wrote too few); 0 is their mean.",
    "": "These are the model's own numbers: the base has written too few completions here to put them on a scale.",
}
BETWEEN = "---"
#: The project's setting: the texts that are typed here.
DRAFT = "draft/try-it"
#: With more completions than this, each is held against the others together.
ONE_BY_ONE = 6
#: Tokens that are coloured, and letters of one.
PIECES, PIECE = 2_000, 60


class PlaygroundPage(QWidget):
    """`train_asked` is for the page on which a reward model is trained."""

    train_asked = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self._jobs: dict[int, tuple[str, ...]] = {}
        self._asked = (0, "")
        """The job that was begun last, and what is said while it runs."""
        self._busy = ""
        self._found: ScoreJob | None = None
        self._lines: tuple[str, ...] = ()
        self.runs = bind(actions.RUN, RunChoice(session, self))
        self.elsewhere = QLineEdit()
        self.elsewhere.setPlaceholderText("or a folder, or hub:owner/name")
        bind(actions.ELSEWHERE, self.elsewhere)
        self.elsewhere.textChanged.connect(lambda _: self._enable())
        self.prompt = QPlainTextEdit()
        self.prompt.setPlaceholderText("Prompt")
        self.prompt.setAccessibleName("Prompt of the texts to score")
        self.prompt.setTabChangesFocus(True)
        self.prompt.setFixedHeight(76)
        self.completion = QPlainTextEdit()
        self.completion.setPlaceholderText(f"Completions to score, with a line {BETWEEN} between two of them")
        self.completion.setAccessibleName(f"Completions to score, with a line {BETWEEN} between two of them")
        self.completion.setTabChangesFocus(True)
        self.score = action_button(actions.SCORE, self.start_scoring)
        self.score_file = action_button(actions.SCORE_FILE, self._choose_file)
        self.suggest = action_button(actions.SUGGEST, self.start_suggesting)
        self.usual = action_button(actions.USUAL_ORDER, self._usual_order)
        self.said = label(SCALES["reference"], "muted", wrap=True)
        self.scores = table("Rewards", ("Completion", "Reward", "Percentile", "Beats the others"))
        header = self.scores.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.scores.currentCellChanged.connect(lambda *_: self._show_trace())
        self._fit(0)
        self.trace = Reading()
        self.trace.setAccessibleName("Where the reward moves in the completion")
        self.trace.setTabChangesFocus(True)
        self.trace.setPlaceholderText("Score a completion: it is shown here, with what each of its tokens does.")
        self.legend = label(
            "What each token does to the reward, if the text ended there: blue raises it, orange lowers it.",
            "small", wrap=True,
        )  # fmt: skip

        left = card(
            column(
                self.runs, self.elsewhere, self.prompt, self.completion, row(self.score, self.score_file, None),
                self.said, rule(), row(self.suggest, self.usual, None), spacing=SPACE + 4,
            )
        )  # fmt: skip
        right = card(
            column(
                label("Rewards", "heading"), self.scores, label("Where the reward moves", "heading"), self.trace,
                self.legend, spacing=SPACE,
            )
        )  # fmt: skip
        self.empty = Empty(
            "No reward model yet",
            "Train one, or name one that was made elsewhere: then every text gets its reward here, token by token.",
            GO_TO_PAGE[PageId.TRAIN],
            self.train_asked.emit,
        )
        self.stack = QStackedWidget()
        self.stack.addWidget(self.empty)
        self.stack.addWidget(right)
        body = row(left, self.stack, spacing=2 * SPACE)
        body.setStretch(0, 1)
        body.setStretch(1, 2)
        body.setContentsMargins(0, 2 * SPACE, 0, 0)
        self.setLayout(body)
        theme.notifier.changed.connect(self._show_trace)
        self._draft = Draft(session.project, DRAFT, {"prompt": self.prompt, "completions": self.completion}, self)

    def leave(self) -> None:
        """The project is about to close."""
        self._draft.leave()

    def refresh(self) -> None:
        self.runs.refresh()
        self.suggest.setEnabled(self.runs.count() > 0)
        self._enable()
        self.usual.setVisible(bool(assignments.priorities(self.session.project)))

    def _enable(self) -> None:
        usable = self.runs.count() > 0 or bool(self.elsewhere.text().strip())
        self.score.setEnabled(usable)
        self.score_file.setEnabled(usable)
        self.stack.setCurrentIndex(1 if usable else 0)

    def _judge(self) -> dict[str, int | str]:
        """The reward model that is asked."""
        elsewhere = self.elsewhere.text().strip()
        if elsewhere:
            return {"reward_job": 0, "reward_model": elsewhere}
        job = self.runs.job
        return {"reward_job": job.id if job else 0, "reward_model": ""}

    def start_scoring(self) -> None:
        parts = re.split(rf"^{BETWEEN}[ \t]*$", self.completion.toPlainText(), flags=re.MULTILINE)
        lines = tuple(part.strip() for part in parts if part.strip())
        if not lines:
            self._say("Write a completion first.")
            return
        config = ScoreConfig(prompt=self.prompt.toPlainText().strip(), completions=lines, **self._judge())  # type: ignore[arg-type]
        self._start(JobKind.SCORE, config, "Scoring …", lines)

    def _choose_file(self) -> None:
        file_dialogs.ask_open(self, "File to score", self._choose_target)

    def _choose_target(self, source: Path) -> None:
        file_dialogs.ask_save(
            self, "Write the scores to", f"{source.stem}-scored.jsonl",
            lambda target: self.start_file(str(source), str(target)), "JSON lines (*.jsonl)", "jsonl",
        )  # fmt: skip

    def start_file(self, source: str, target: str) -> None:
        config = ScoreFileConfig(path=source, out=target, **self._judge())  # type: ignore[arg-type]
        self._start(JobKind.SCORE_FILE, config, "Scoring the file …", ())

    def start_suggesting(self) -> None:
        job = self.runs.job
        config = SuggestConfig(reward_job=job.id if job else 0)
        self._start(JobKind.SUGGEST, config, "Asking the reward model what it is unsure of …", ())

    def _usual_order(self) -> None:
        self.session.announce(assignments.forget_priorities(self.session.project), self)
        self.usual.hide()
        self._say("Prompts are ranked in the usual order again.")

    def _start(self, kind: JobKind, config: object, words: str, lines: tuple[str, ...]) -> None:
        try:
            job = self.session.start(kind, config)
        except KnownError as error:
            errors.show(error, self, partial(self._start, kind, config, words, lines))
            return
        self._jobs[job.id], self._asked = lines, (job.id, words)
        self._say_busy()

    def _say_busy(self) -> None:
        """What the job that was begun last does, or waits for."""
        number, words = self._asked
        job = self.session.job(number)
        self._busy = (self.session.waits(job) if job is not None else "") or words
        self._say(self._busy)

    def _say(self, text: str, role: str = "muted") -> None:
        self.said.setText(text)
        set_role(self.said, role)

    def on_news(self, news: News) -> None:
        if news.jobs and self._busy and self.said.whole == self._busy:
            self._say_busy()
        for job in news.jobs:
            if job.id in self._jobs and job.status not in ACTIVE:
                self._ended(job)

    def _ended(self, job: Job) -> None:
        """A job that was cut short may still be resumed."""
        lines = self._jobs[job.id] if job.status == "interrupted" else self._jobs.pop(job.id)
        if job.status != "done":
            self._say(job.error or f"It was {job.status}: press the button to ask again.", "error")
            return
        if isinstance(job, ScoreJob):
            self._found, self._lines = job, lines
            self._say(SCALES.get(job.result.scaled_by, SCALES["reference"]))
            self._show_scores()
        elif isinstance(job, ScoreFileJob):
            found = job.result
            long = f" {found.too_long} were too long." if found.too_long else ""
            self._say(f"{found.completions} completions scored: {found.out}.{long}")
        elif isinstance(job, SuggestJob):
            self.usual.show()
            self.session.announce(Changes(frozenset({"assignments"}), "Label next"), self, undoable=False)
            self._say(f"{job.result.groups} unranked prompts now come in the order of its doubt in the Rank tab.")

    def _show_scores(self) -> None:
        assert self._found is not None
        result = self._found.result
        scores, wins, columns = result.scores, result.wins, result.columns
        places = result.percentiles or (None,) * len(scores)
        spread = result.spread or (None,) * len(scores)
        few = 1 < len(scores) <= ONE_BY_ONE
        beats = tuple(f"Beats {n}" for n in range(1, len(scores) + 1)) if few else ("Beats the others",)
        names = ("Completion", "Reward", "Percentile", *beats, *columns)
        self.scores.setColumnCount(len(names))
        self.scores.setHorizontalHeaderLabels(names)
        best = max(scores)
        rows = []
        for number, text in enumerate(self._lines):
            others = [value for other, value in enumerate(wins[number]) if other != number]
            each = ["–" if other == number else f"{value:.0%}" for other, value in enumerate(wins[number])]
            mean = "–" if not others else f"{sum(others) / len(others):.0%}"
            unsure = "" if spread[number] is None else f" ± {spread[number]:.2f}"
            mark = " ★" if len(scores) > 1 and scores[number] == best else ""
            rows.append(
                (
                    f"{number + 1}   {text}",
                    f"{scores[number]:+.2f}{unsure}{mark}",
                    "–" if places[number] is None else f"{places[number]:.0%}",
                    *(each if few else [mean]),
                    *(f"{values[number]:+.2f}" for values in columns.values()),
                )
            )
        fill(self.scores, rows)
        self._fit(len(rows))
        self.scores.setCurrentCell(scores.index(best), 0)
        self._show_trace()

    def _fit(self, rows: int) -> None:
        """The table is as high as its rows, and scrolls beyond six."""
        self.scores.setFixedHeight(ROW * min(max(rows, 2), ONE_BY_ONE) + ROW + SPACE)

    def _show_trace(self) -> None:
        """The chosen completion, each token on the colour of what it does to the reward."""
        place = self.scores.currentRow()
        traces = self._found.result.traces if self._found else ()
        self.legend.setVisible(bool(traces))
        if not 0 <= place < len(traces):
            self.trace.setHtml("")
            return
        pieces, rewards = traces[place].pieces[:PIECES], traces[place].rewards[: PIECES + 1]
        steps = [after - before for before, after in pairwise(rewards)]
        strongest = max(map(abs, steps), default=0) or 1.0
        up, down = theme.current().series[:2]
        words = []
        for piece, step in zip(pieces, steps, strict=True):
            colour = QColor(up if step > 0 else down)
            colour.setAlphaF(min(1.0, abs(step) / strongest) * 0.55)
            # In per cent: Qt takes an alpha of 1 for opaque, not for 1 of 255.
            rgba = f"rgba({colour.red()}, {colour.green()}, {colour.blue()}, {round(100 * colour.alphaF())}%)"
            shown = escape(visible(piece[:PIECE])).replace("\n", "⏎<br>")
            words.append(f'<span style="background-color: {rgba}; white-space: pre-wrap">{shown}</span>')
        start, end = rewards[0], traces[place].rewards[-1]
        count = len(traces[place].pieces)
        cut = f" The first {PIECES:,} of {count:,} tokens are shown." if count > PIECES else ""
        self.trace.setHtml(
            f'<p style="line-height: 150%">{"".join(words)}</p><p style="color: {theme.current().muted}">'
            f"Empty: {start:+.2f}. Whole: {end:+.2f}. Largest step: {_largest(pieces, steps)}.{cut}</p>"
        )
        self.trace.setAlignment(Qt.AlignmentFlag.AlignLeft)


def _largest(pieces: Sequence[str], steps: list[float]) -> str:
    if not steps:
        return "none"
    place = max(range(len(steps)), key=lambda n: abs(steps[n]))
    return f"{steps[place]:+.2f} at “{escape(one_line(pieces[place], 40))}”"
