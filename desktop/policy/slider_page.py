"""The page *Slider*: one prompt at each step of the run that is shown. What the run keeps is seen at once; any other
prompt is answered by a job at each checkpoint that is kept."""

from functools import partial

from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QApplication, QComboBox, QLineEdit, QSizePolicy, QStackedWidget, QTabBar, QWidget

from core.config.jobs import JobKind
from core.config.slider import SlideConfig, SlideJob
from core.config.training import TrainPolicyJob
from core.errors import KnownError
from core.jobs.follow import News
from core.records import ACTIVE
from core.runs import slides
from core.runs.slides import Series
from core.texts import one_line
from desktop import errors
from desktop.policy import actions
from desktop.policy.slide_player import SlidePlayer
from desktop.policy.slide_show import SlideShow, present
from desktop.session import Session
from desktop.theme.theme import SPACE
from desktop.widgets.basics import column, label, row, set_role
from desktop.widgets.bound import action_button, bind
from desktop.widgets.empty import Empty
from desktop.widgets.figure import Figure
from desktop.widgets.strangers import tip

NOTHING = "Nothing to slide through yet"
ASK = (
    "Let the policy answer the held-out prompts as it was at each checkpoint that the run keeps, or type a prompt of "
    "your own below: then you see the answer change from step to step."
)
LATER = "The run has to save a checkpoint first: then its policy can be asked, and is asked again at each that is kept."
FEW = "So few steps? Start a run with more Checkpoints kept (More settings): each of them can be asked."
BY_ITSELF = "The run kept few answers to this prompt: “Answer it” asks each kept checkpoint."
#: With fewer steps than this, that is said.
MANY = 5
#: Letters of a prompt in the list.
LINE = 110


class SliderPage(QWidget):
    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self._run: int | None = None
        self._known: list[Series] = []
        self._stale = False
        self._asked = 0
        """The job that was begun here last."""
        self.show_dialog: SlideShow | None = None
        self.choice = bind(actions.SLIDE_PROMPT, QComboBox())
        self.choice.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.choice.setMinimumContentsLength(8)  # else it would never be narrower than its longest prompt
        self.choice.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.choice.activated.connect(lambda _: self._show_series())
        self.present = action_button(actions.PRESENT, self.present_slides)
        self.player = SlidePlayer()
        self.typed = bind(actions.SLIDE_TEXT, QLineEdit())
        self.typed.setPlaceholderText("A prompt of your own, else the one that is shown")
        self.typed.returnPressed.connect(self.write_typed)
        self.write = action_button(actions.SLIDE_WRITE, self.write_typed)
        self.held_out = action_button(actions.SLIDE_HELD_OUT, self.write_held_out)
        self.said = label("", "small", wrap=True)
        self.empty = Empty(NOTHING, ASK)
        self.stack = QStackedWidget()
        self.stack.addWidget(self.empty)
        self.stack.addWidget(self.player)
        head = row(self.choice, self.player.view.colour, self.present, spacing=SPACE)
        head.setStretch(0, 1)
        ask = row(self.typed, self.write, self.held_out, spacing=SPACE)
        ask.setStretch(0, 1)
        body = column(head, self.stack, ask, self.said, spacing=SPACE - 2)
        body.setStretch(1, 1)
        self.setLayout(body)
        Figure(self.player, own=self.present_slides)
        session.news.connect(self._news)

    def hasHeightForWidth(self) -> bool:
        """A text that wraps in it must not make the page below the charts higher than there is room."""
        return False

    @property
    def series(self) -> Series | None:
        """The prompt that is shown."""
        place = self.choice.currentIndex()
        return self._known[place] if 0 <= place < len(self._known) else None

    def show_run(self, run: int | None) -> None:
        """Read a run's answers, at the latest when they are seen."""
        self._run, self._asked = run, 0
        self.choice.clear()
        self._known = []
        self.player.stop()
        self._look()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._stale:
            self._read()
        if not event.spontaneous() and not isinstance(QApplication.focusWidget(), QTabBar):
            self._take_focus()

    def _take_focus(self) -> None:
        """A click on the page's tab leaves the focus where it was, and Space would press what is there."""
        places = (self.player.slider, self.typed)
        next((each for each in places if each.isVisible() and each.isEnabled()), self).setFocus()

    def _look(self) -> None:
        self._stale = True
        if self.isVisible():
            self._read()

    def _read(self, rather: int = 0) -> None:
        """What there is now; the prompt stays the one that is shown, unless the job `rather` wrote another."""
        self._stale = False
        job = self.session.job(self._run, TrainPolicyJob)
        before = self.series
        self._known = slides.series_of(self.session.project, job) if job else []
        self.choice.clear()
        for each in self._known:
            self.choice.addItem(f"{one_line(each.prompt, LINE)}   ({each.steps} steps)")
        place = next((n for n, each in enumerate(self._known) if rather and each.job_id == rather), None)
        if place is None and before is not None:
            place = next((n for n, each in enumerate(self._known) if each.prompt == before.prompt), 0)
        self.choice.setCurrentIndex(min(place or 0, len(self._known) - 1))
        usable = job is not None and bool(job.result.adapter)
        for widget in (self.typed, self.write, self.held_out):
            widget.setEnabled(usable)
        self.choice.setVisible(bool(self._known))
        self.player.view.colour.setVisible(bool(self._known))
        self.present.setVisible(bool(self._known))
        self.stack.setCurrentIndex(int(bool(self._known)))
        self.empty.text.setText(ASK if usable else LATER)
        self._show_series(keep=rather == 0)

    def _show_series(self, *, keep: bool = False) -> None:
        job, series = self.session.job(self._run, TrainPolicyJob), self.series
        if job is None or series is None:
            self.player.show_slides((), "")
            return
        self.choice.setToolTip(tip(series.prompt))
        found = slides.slides_of(self.session.project, job, series)
        at = self.player.slider.value() if keep else 0
        self.player.show_slides(found, self._lacks(series), at)
        if not self._asked:
            self._say("" if len(found) >= MANY else BY_ITSELF if series.job_id == job.id else FEW)

    def _lacks(self, series: Series) -> str:
        job = self.session.job(series.job_id, SlideJob)
        return job.result.lacks if job else ""

    def write_typed(self) -> None:
        """Let the prompt that is typed be answered, or else the one that is shown."""
        text, series = self.typed.text().strip(), self.series
        if self._run is None:
            return
        if not text and series is not None and series.prompt_id is not None:
            self._start(SlideConfig(policy_job=self._run, prompt_ids=(series.prompt_id,)))
        elif text:
            self._start(SlideConfig(policy_job=self._run, prompts=(text,)))
        else:
            self._say("Type a prompt first.")
            self.typed.setFocus()

    def write_held_out(self) -> None:
        if self._run is not None:
            self._start(SlideConfig(policy_job=self._run))

    def _start(self, config: SlideConfig) -> None:
        try:
            job = self.session.start(JobKind.SLIDE, config)
        except KnownError as error:
            errors.show(error, self, partial(self._start, config))
            return
        self._asked = job.id
        self.typed.clear()
        self._say_busy()

    def _say_busy(self) -> None:
        job = self.session.job(self._asked, SlideJob)
        if job is not None and job.status in ACTIVE:
            count = f"{job.done} of {job.total} answers" if job.total > 1 else ""
            self._say(self.session.waits(job) or f"Answering at each checkpoint … {count}".rstrip())

    def _say(self, text: str, role: str = "small") -> None:
        self.said.setText(text)
        self.said.setVisible(bool(text))
        set_role(self.said, role)

    def _news(self, news: News) -> None:
        for job in news.jobs:
            if job.id == self._asked and job.status not in ACTIVE:
                self._ended(job)
        if self._asked:
            self._say_busy()
        mine = {self._run, *(series.job_id for series in self._known)}
        if any(sample["job_id"] in mine for sample in news.samples) or any(job.id == self._run for job in news.jobs):
            self._look()

    def _ended(self, job: object) -> None:
        assert isinstance(job, SlideJob)
        self._asked = 0
        self._say(errors.worded(job.error) if job.error else "", "error" if job.error else "small")
        if self.isVisible():
            self._read(job.id)
        else:
            self._stale = True

    def present_slides(self) -> None:
        """On the whole screen."""
        if self.series is not None and self._run is not None:
            lacks = self._lacks(self.series)
            self.show_dialog = present(self, self.series.prompt, self._run, self.player, lacks)
