"""The card at the foot of the sidebar: the next step of the loop, or the way to the guided tour."""

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

from core.config.jobs import JobKind
from core.guidance import tour
from core.guidance.next_step import NextStep, next_step
from core.guidance.steps import Step
from core.jobs.follow import News
from core.records import ACTIVE
from core.store import Changes
from desktop.places import PageId, TabId
from desktop.session import Session
from desktop.shell.job_statuses import JobStatuses
from desktop.theme import theme
from desktop.theme.theme import SPACE
from desktop.widgets.basics import button, card, column, label, row

#: Changes after which the next step may be another.
TABLES = frozenset({"prompts", "completions", "completion_groups", "rankings", "jobs", "settings"})
#: Where each step is done.
TABS = {
    Step.GUIDELINES: TabId.INSTRUCTIONS,
    Step.PROMPTS: TabId.INSTRUCTIONS,
    Step.HOLD_OUT: TabId.INSTRUCTIONS,
    Step.GENERATE: TabId.RANK,
    Step.RANK: TabId.RANK,
    Step.TRAIN_REWARD: TabId.REWARD,
    Step.TUNE: TabId.TUNE,
    Step.COMPARE: TabId.COMPARE,
}
#: Pages that are named where the tab alone would not say enough.
PAGES = {Step.PROMPTS: PageId.PROMPTS, Step.HOLD_OUT: PageId.PROMPTS}
#: Training, which the machine's next step waits for, and the step that it is seen at.
TRAINING = {JobKind.TRAIN_REWARD: Step.TRAIN_REWARD, JobKind.TRAIN_POLICY: Step.TUNE}


class NextCard(QWidget):
    """Asks the store a few indexed questions after each change; buttons lead to the tab where the step is done."""

    touring = Signal()
    """Somebody wants to be led round."""
    returning = Signal()
    """Somebody looks for where the tour is."""

    def __init__(self, session: Session, *, guided: bool = False) -> None:
        """`guided`: offer the tour until somebody took it or said no."""
        super().__init__()
        self.session, self.guided = session, guided
        self._step = Step.GUIDELINES
        self._statuses = JobStatuses()
        self.above = label("", "small")
        self.title = label("", "", wrap=True)
        self.title.setStyleSheet("font-weight: 600")
        self.text = label("", "small", wrap=True)
        self.main = button("", self._act)
        self.end = button("", self._end, role="link")
        lines = column(self.above, self.title, self.text, self.main, row(None, self.end), spacing=SPACE - 2)
        frame = card(lines)
        lines.setContentsMargins(SPACE + 4, SPACE + 2, SPACE + 4, SPACE + 2)
        self.setLayout(column(frame))
        self.setAccessibleName("Next step")
        theme.notifier.changed.connect(self._fit)
        session.changed.connect(self._changed)
        session.news.connect(self._news)
        self.refresh()

    def refresh(self) -> None:
        place = tour.place(self.session.project)
        if place is not None:
            self._show_stop(place)
        elif self.guided and not tour.ended(self.session.project):
            self._show(
                "New here?",
                "Take the tour",
                "Once round the loop, with real jobs. You can leave it and come back.",
                "Begin the tour",
            )
            self._button("Not now")
        else:
            self._show_next(next_step(self.session.project))

    def _show_next(self, step: NextStep) -> None:
        self._step = step.step
        kinds = {step.job, *TRAINING} if step.job else ()
        busy = [job for job in self.session.jobs() if job.kind in kinds and job.status in ACTIVE]
        if busy:
            first = busy[-1]
            if first.kind != step.job:
                self._step = TRAINING[JobKind(first.kind)]
            stands = "It is paused." if first.status == "paused" else "The bar at the foot says how far it is."
            self._show("At work", first.name, self.session.waits(first) or stands, f"{TABS[self._step].label} →")
        else:
            self._show("Next", step.title, step.why, f"{PAGES.get(step.step, TABS[step.step]).label} →")
        self._button("")

    def _show_stop(self, place: tour.Place) -> None:
        self._show(
            "The tour goes on", place.stop.title, f"Stop {place.number + 1} of {place.count}.", "Show me where",
        )  # fmt: skip
        self._button("")

    def _show(self, above: str, title: str, text: str, action: str) -> None:
        for shown, words in ((self.above, above), (self.title, title), (self.text, text)):
            shown.setText(words)
        self._fit()
        self.main.setText(action)

    def _fit(self) -> None:
        """Give each text the height that it takes at this width: a layout in a sidebar squeezes wrapped lines."""
        width = self.width() - 2 * (SPACE + 4) - 2
        for shown in (self.above, self.title, self.text):
            shown.setMinimumHeight(0)  # else it counts, and the text never takes less
            shown.setMinimumHeight(shown.heightForWidth(width) if shown.wordWrap() else 0)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _button(self, end: str) -> None:
        self.end.setText(end)
        self.end.setVisible(bool(end))

    def _act(self) -> None:
        if tour.place(self.session.project) is not None:
            self.returning.emit()
        elif self.end.isVisible():
            self.touring.emit()
        else:
            self._open()

    def _open(self) -> None:
        """Show where the step is done."""
        navigator = self.session.navigator
        if self._step == Step.HOLD_OUT:
            navigator.hold_prompts_out()
        elif self._step == Step.PROMPTS:
            navigator.open_page(TabId.INSTRUCTIONS, PageId.PROMPTS)
        elif self._step == Step.GENERATE:
            navigator.open_page(TabId.RANK, PageId.GENERATE)
        else:
            navigator.open_tab(TABS[self._step])

    def _end(self) -> None:
        self.session.announce(tour.end(self.session.project), self)
        self.refresh()

    def _changed(self, changes: Changes, origin: object | None) -> None:
        if origin is not self and changes.tables & TABLES:
            self.refresh()

    def _news(self, news: News) -> None:
        changed = self._statuses.changed(news)
        if news.tables or changed or any(job.status != "running" or job.done == 0 for job in news.jobs):
            self.refresh()
