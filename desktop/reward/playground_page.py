"""The scoring playground: a prompt, completions, and what a reward model thinks of them, down to the token. It may go
on as a conversation of several turns, each answered by one of the completions."""

import re
from functools import partial
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLineEdit, QSizePolicy, QStackedWidget, QWidget

from core.config.jobs import JobKind
from core.config.scoring import ScoreConfig, ScoreFileConfig, ScoreFileJob, ScoreJob, SuggestConfig, SuggestJob
from core.conversation import Conversation
from core.errors import KnownError
from core.guidance import tour
from core.jobs.follow import News
from core.records import ACTIVE, Job
from core.store import Changes, assignments
from desktop import errors
from desktop.actions import GO_TO_PAGE
from desktop.conversation.bubbles import ConversationView
from desktop.conversation.left_behind import LeftBehind
from desktop.conversation.talk_bar import TalkBar
from desktop.places import PageId
from desktop.reward import actions
from desktop.reward.example import example
from desktop.reward.run_choice import RunChoice
from desktop.reward.scores_view import ScoresView
from desktop.reward.scoring_talk import ScoringTalk
from desktop.session import Session
from desktop.theme.theme import SPACE
from desktop.widgets import file_dialogs
from desktop.widgets.basics import card, column, label, row, rule, scrolled, set_role
from desktop.widgets.bound import action_button, bind
from desktop.widgets.drafts import Draft
from desktop.widgets.empty import Empty
from desktop.widgets.growing import keep_height
from desktop.widgets.strangers import Editing
from desktop.widgets.unwritten import NotWritten

SCALES = {
    "reference": "Rewards are in standard deviations of the base model's own completions; 0 is its average.",
    "ranked": "Rewards are in standard deviations of the ranked completions (the base wrote too few); 0 is their mean.",
    "": "These are the model's own numbers: the base has written too few completions here to put them on a scale.",
}
BETWEEN = "---"
#: The project's setting: the texts that are typed here.
DRAFT = "draft/try-it"
#: What of the page's height the conversation may take, at least so many pixels.
SHARE, LEAST = 0.24, 120
OF_ANOTHER = "What was scored answers another conversation, so it is not shown: score again what is written here."
ASK = "Write what is said next: that is what is answered."
NOTHING = "Nothing scored yet"
GETS = "each completion gets its reward here, and you see which of its words moved it."
WRITE = f"Write completions at the left, with a line {BETWEEN} between two of them, and press Score: {GETS}"
READY = f"Press Score at the left: {GETS}"


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
        self.prompt = Editing()
        self.prompt.setPlaceholderText("Prompt")
        self.prompt.setAccessibleName("Prompt of the texts to score")
        self.prompt.setTabChangesFocus(True)
        keep_height(self.prompt, 60)
        self.completion = Editing()
        self.completion.setPlaceholderText(f"Completions to score, with a line {BETWEEN} between two of them")
        self.completion.setAccessibleName(f"Completions to score, with a line {BETWEEN} between two of them")
        self.completion.setTabChangesFocus(True)
        self.completion.setMinimumHeight(80)
        self.completion.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)  # what there is
        self.score = action_button(actions.SCORE, self.start_scoring)
        self.score_file = action_button(actions.SCORE_FILE, self._choose_file)
        self.suggest = action_button(actions.SUGGEST, self.start_suggesting)
        self.usual = action_button(actions.USUAL_ORDER, self._usual_order)
        self.said = label("", "muted", wrap=True)
        self.view = ScoresView(self)
        self.scores, self.trace = self.view.scores, self.view.trace
        self.talk = ScoringTalk(session, self)
        self.talk.changed.connect(self._talk_changed)
        self.bubbles = ConversationView(self, on_turn=actions.TALK.turn)
        self.bubbles.turn_chosen.connect(self.talk.send_turn)
        self.bubbles.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)  # as wide as the column
        self.bar = TalkBar(actions.TALK, self, answers=False)
        self.bar.new_asked.connect(self.talk.begin_anew)
        self.bar.take_back_asked.connect(self._take_back)
        self.bar.rank_asked.connect(self._rank_these)
        self.bar.more_asked.connect(self._write_more)
        self.go_on_button = action_button(actions.GO_ON_FROM, self.go_on)

        inputs = column(
            self.runs, self.elsewhere, self.bubbles, self.bar, self.prompt, self.completion,
            row(self.score, self.score_file, None), self.said, rule(), row(self.suggest, self.usual, None),
            spacing=SPACE,
        )  # fmt: skip
        inputs.setStretchFactor(self.completion, 1)
        left = card(inputs)
        head = row(
            label("Rewards", "heading"), None, self.go_on_button, self.bar.rank_button, self.bar.more_button
        )  # fmt: skip
        self.nothing = Empty(NOTHING, WRITE, actions.EXAMPLE, self.fill_in)
        self.answers = QStackedWidget()
        for page in (self.nothing, self.view):
            self.answers.addWidget(page)
        right = card(column(head, self.answers, self.talk.to_rank, spacing=SPACE))
        self.empty = Empty(
            "No reward model yet",
            "Train one, or name one that was made elsewhere: then every text gets its reward here, token by token.",
            GO_TO_PAGE[PageId.TRAIN],
            self.train_asked.emit,
        )
        self.stack = QStackedWidget()
        self.stack.addWidget(self.empty)
        self.stack.addWidget(right)
        body = row(scrolled(left), self.stack, spacing=2 * SPACE)
        body.setStretch(0, 1)
        body.setStretch(1, 2)
        body.setContentsMargins(0, 2 * SPACE, 0, 0)
        self.setLayout(body)
        fields = {"prompt": self.prompt, "completions": self.completion, "system": self.bar.system}
        self._draft = Draft(session.project, DRAFT, fields, self)
        for told in (LeftBehind(self._draft, "texts to score"), NotWritten(self._draft.throttle)):
            inputs.insertWidget(inputs.indexOf(self.completion) + 1, told)
        self._example = example(session.project, BETWEEN)
        if tour.is_demo(session.project) and not self.talk.talk.messages:
            self.fill_in(kept=False)
        for field in (self.prompt, self.completion):
            field.textChanged.connect(self._show_next)
        self._show_talk()

    def fill_in(self, *, kept: bool = True) -> None:
        """A first prompt, ready to be scored, where nothing is typed; `kept` as if it had been."""
        if self._example is not None and self._is_blank:
            asked, answers = self._example
            for field, text in ((self.prompt, asked), (self.completion, f"\n{BETWEEN}\n".join(answers))):
                field.blockSignals(not kept)
                field.setPlainText(text)
                field.blockSignals(False)
            self.score.setFocus()

    @property
    def _is_blank(self) -> bool:
        return not (self.prompt.text().strip() or self.completion.text().strip())

    def _show_next(self) -> None:
        """What is to be done while nothing is scored."""
        self.nothing.text.setText(READY if self._typed_answers() else WRITE)
        new = self._example is not None and self._is_blank and not self.talk.talk.messages
        self.nothing.action.setVisible(new)

    def leave(self) -> None:
        """The project is about to close."""
        self._draft.leave()
        self.talk.leave()

    def refresh(self) -> None:
        self.runs.refresh()
        self.suggest.setEnabled(self.runs.count() > 0)
        self._enable()
        self.usual.setVisible(bool(assignments.priorities(self.session.project)))
        self.talk.look_again()

    def conversation(self) -> Conversation | None:
        """What is answered now, as far as it is typed."""
        prompt, said = self.prompt.text().strip(), self.talk.talk
        if prompt:
            return self.talk.asked(prompt, self.bar.system_text)
        return said.conversation if said.messages else None

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

    def _typed_answers(self) -> tuple[str, ...]:
        parts = re.split(rf"^{BETWEEN}[ \t]*$", self.completion.text(), flags=re.MULTILINE)
        return tuple(part.strip() for part in parts if part.strip())

    def start_scoring(self) -> None:
        lines = self._typed_answers()
        if not lines:
            self._say("Write a completion first.")
            return
        asked = self.talk.asked(self.prompt.text().strip(), self.bar.system_text)
        if not asked.is_plain and not asked.messages[-1].content:
            self._say(ASK)
            return
        values = {"prompt": asked.text} if asked.is_plain else {"conversation": asked.key}
        config = ScoreConfig(completions=lines, **values, **self._judge())  # type: ignore[arg-type]
        self._start(JobKind.SCORE, config, "Scoring …", lines)

    def go_on(self) -> None:
        """From the completion that is looked at: what is typed next is answered after it."""
        found, lines = self._found, self._lines
        if found is not None and 0 <= self.view.chosen < len(lines):
            self.talk.go_on(found, lines[self.view.chosen])
            self._clear_scored(found.config.asked.messages[-1].content, lines)
            self.prompt.setFocus()

    def _clear_scored(self, question: str, answers: tuple[str, ...]) -> None:
        """What was typed since it was scored stays."""
        if self.prompt.text().strip() == question.strip():
            self.prompt.clear()
        if self._typed_answers() == answers:
            self.completion.clear()

    def _take_back(self) -> None:
        """What was asked last can be mended, and its answers; what is typed already stays."""
        asked, answers = self.talk.take_back()
        for field, text in ((self.prompt, asked), (self.completion, f"\n{BETWEEN}\n".join(answers))):
            if not field.text().strip():
                field.setPlainText(text)

    def _rank_these(self) -> None:
        if self._found is not None:
            self.talk.send(self._found)

    def _write_more(self) -> None:
        if self._found is not None:
            self.talk.write_more(self._found)

    def _talk_changed(self) -> None:
        """What was scored before answers something else."""
        self._found = None
        self.view.clear()
        self._show_talk()

    def _show_talk(self) -> None:
        talk, found = self.talk.talk, self._found
        self.answers.setCurrentWidget(self.nothing if found is None else self.view)
        self._show_next()
        self.bubbles.setVisible(bool(talk.messages))
        self.bubbles.show_conversation(talk.conversation if talk.messages else None)
        self.bar.show_talk(talk)
        self.bar.show_answers(len(set(self._lines)) if found is not None else 0)
        self.go_on_button.setVisible(found is not None and self.talk.fits(found))
        self.prompt.setPlaceholderText("What is said next" if talk.messages else "Prompt")

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
        if isinstance(job, ScoreJob) and not self.talk.fits(job):
            self._say(OF_ANOTHER)
        elif isinstance(job, ScoreJob):
            self._found, self._lines = job, lines
            self._say(SCALES.get(job.result.scaled_by, SCALES["reference"]))
            self.view.show_scores(job.result, lines)
            self._show_talk()
        elif isinstance(job, ScoreFileJob):
            found = job.result
            long = f" {found.too_long} were too long." if found.too_long else ""
            self._say(f"{found.completions} completions scored: {found.out}.{long}")
        elif isinstance(job, SuggestJob):
            self.usual.show()
            self.session.announce(Changes(frozenset({"assignments"}), "Label next"), self, undoable=False)
            self._say(f"{job.result.groups} unranked prompts now come in the order of its doubt in the Rank tab.")

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.bubbles.set_highest(max(LEAST, round(SHARE * self.height())))
