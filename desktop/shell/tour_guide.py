"""The guided tour in the window: at each stop a callout beside the control that it speaks of."""

from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractButton, QBoxLayout, QFrame, QWidget

from core.errors import KnownError
from core.guidance import tour
from core.guidance.steps import Step
from core.jobs.follow import News
from core.records import ACTIVE, Job
from core.store import Changes
from desktop import errors
from desktop.places import PageId, TabId
from desktop.session import Session
from desktop.shell.job_statuses import JobStatuses
from desktop.shell.pointer import Pointer
from desktop.shell.sidebar import Sidebar
from desktop.shell.tab_stack import TabStack
from desktop.theme import theme
from desktop.theme.theme import SPACE
from desktop.widgets.basics import button, column, label, row, set_role, show_one
from desktop.widgets.elided import OneLine

WIDTH = 300
#: Changes after which a stop may look otherwise.
TABLES = frozenset({"prompts", "completions", "completion_groups", "rankings", "jobs", "settings"})
#: Where each step is done, and on which page.
PLACES: dict[Step, tuple[TabId, PageId | None]] = {
    Step.GUIDELINES: (TabId.INSTRUCTIONS, PageId.GUIDELINES),
    Step.PROMPTS: (TabId.INSTRUCTIONS, PageId.PROMPTS),
    Step.GENERATE: (TabId.RANK, PageId.GENERATE),
    Step.RANK: (TabId.RANK, None),
    Step.TRAIN_REWARD: (TabId.REWARD, PageId.TRAIN),
    Step.TUNE: (TabId.TUNE, None),
    Step.COMPARE: (TabId.COMPARE, PageId.SIDE_BY_SIDE),
}
KEYS = "Esc: to the page.  Shift+F1: back here."


class TourGuide(QFrame):
    """Lies over the page of a project, or at its foot. Nothing it says takes the keys from what somebody does, until it
    is asked to."""

    docking = Signal(bool)
    """It is to have a place in the page, or lies over it again."""

    def __init__(self, session: Session, page: QWidget, sidebar: Sidebar, tab_stack: TabStack) -> None:
        super().__init__(page)
        self.session, self.sidebar, self.tab_stack = session, sidebar, tab_stack
        self.setAccessibleName("Tour")
        self._widest = self.maximumWidth()
        self.above, self.keys_above = label("", "small"), OneLine(KEYS)
        self.keys_above.setProperty("role", "small")
        self.title = label("", "heading", wrap=True)
        self.text = label("", wrap=True)
        self.lacks = label("", "warning", wrap=True)
        self.main = button("", self._act, role="primary")
        self.skip = button("Skip", self._go_on, role="link")
        self.end = button("End the tour", self.stop, role="link")
        self.keys = label(KEYS, "small", wrap=True)
        self._head = column(None, self.keys_above, self.above, self.title)
        said = column(self._head, self.text, self.lacks, spacing=SPACE - 2)
        self._does = column(self.main, row(self.skip, None, self.end, spacing=2 * SPACE), self.keys, spacing=SPACE - 2)
        self._lines = column(said, self._does, spacing=SPACE - 2)
        self.setLayout(self._lines)
        self.hide()
        self.pointer = Pointer(page, self)
        self.pointer.docking.connect(self._turn)
        theme.notifier.changed.connect(self._fit)
        self._turn(False)
        self._statuses = JobStatuses()
        tab_stack.currentChanged.connect(lambda _: self.refresh())
        session.changed.connect(self._changed)
        session.news.connect(self._news)

    def _turn(self, docked: bool) -> None:
        """Lie over the page, or stand at its foot as a bar, as low as can be: what stands below each other over the
        page stands side by side there, with the buttons at the right."""
        down, side = QBoxLayout.Direction.TopToBottom, QBoxLayout.Direction.LeftToRight
        back = QBoxLayout.Direction.RightToLeft
        self._lines.setDirection(side if docked else down)
        self._lines.setStretch(0, int(docked))
        self._lines.setSpacing(3 * SPACE if docked else SPACE - 2)
        self._does.setDirection(back if docked else down)
        self._head.setDirection(back if docked else down)
        self._head.setSpacing(3 * SPACE if docked else SPACE - 2)
        self.title.setWordWrap(not docked)
        beside = (3 if docked else 2) * SPACE
        self._lines.setContentsMargins(beside, SPACE + 4, beside, SPACE + 4)
        show_one((self.keys, self.keys_above), self.keys_above if docked else self.keys)
        set_role(self, "foot" if docked else "callout")
        self._fit()
        self.docking.emit(docked)

    def _fit(self) -> None:
        if self.pointer.docked:
            self.setMinimumWidth(0)
            self.setMaximumWidth(self._widest)
        else:
            self.setFixedWidth(theme.widened(WIDTH))

    @property
    def on(self) -> bool:
        return tour.place(self.session.project) is not None

    def begin(self) -> None:
        """Start the tour, from its first stop."""
        self.session.announce(tour.begin(self.session.project), self, undoable=False)
        self._lead()

    def stop(self) -> None:
        self.session.announce(tour.end(self.session.project), self, undoable=False)
        self.refresh()

    def take_keys(self) -> None:
        """Let the keys come here."""
        self.refresh()
        if self.isVisible():
            (self.main if self.main.isEnabled() else self.skip).setFocus()

    def refresh(self) -> None:
        place = tour.place(self.session.project)
        if place is None:
            self.pointer.point_at(None)
            return
        waiting = self._waits_for(place)
        text = f"{place.stop.text} {place.ranked} of {place.stop.rankings} done." if place.stop.rankings else ""
        text = text or place.stop.text
        if place.passed:
            text = "Done." + ("" if place.last else " Look at it as long as you like.")
        elif waiting is not None:
            stands = f"It is {'paused' if waiting.status == 'paused' else 'at work'}."
            text = f"{text} {self.session.waits(waiting) or stands}"
        self.above.setText(f"Tour, stop {place.number + 1} of {place.count}")
        self.title.setText(place.stop.title)
        self.text.setText(text)
        self.lacks.setText(place.lacks)
        self.lacks.setVisible(bool(place.lacks))
        self._show_buttons(place, waiting)
        self.setAccessibleDescription(f"{place.stop.title}. {text} {place.lacks}".strip())
        self.pointer.point_at(self._control(place.stop.step) or self.sidebar.button(PLACES[place.stop.step][0]))

    def _show_buttons(self, place: tour.Place, waiting: Job | None) -> None:
        step = place.stop.step
        over = place.passed or not place.asks
        self.main.setEnabled(True)
        if over:
            self.main.setText("Finish" if place.last else "Go on")
        elif not self._is_there(place):
            tab, page = PLACES[step]
            self.main.setText(f"Show {tab.label if page is None else page.label}")
        elif place.lacks:
            self.main.setText("Finish" if place.last else "Leave it out")
        elif place.stop.job and waiting is None:
            self.main.setText("Start it")
        else:  # it is done beside the tour
            self.main.setText("Finish" if place.last else "Go on")
            self.main.setEnabled(False)
        self.skip.setVisible(not over and not place.lacks)

    def _act(self) -> None:
        place = tour.place(self.session.project)
        if place is None:
            return
        if place.passed or not place.asks:
            self._go_on()
        elif not self._is_there(place):
            self._lead()
        elif place.lacks:
            self._go_on()
        else:
            self._start(place.stop)

    def _start(self, stop: tour.Stop) -> None:
        """In the demo with settings small enough to wait for; elsewhere as the form says, by its own button."""
        assert stop.job is not None
        control = self._control(stop.step)
        if tour.is_demo(self.session.project):
            try:
                self.session.start(stop.job, *tour.job_of(stop))
            except KnownError as error:
                errors.show(error, self, partial(self._start, stop))
                return
            self.session.navigator.show_newest_run(PLACES[stop.step][0])
        elif isinstance(control, QAbstractButton):
            control.click()
        self.refresh()
        if not self.main.isEnabled():  # a second press is not to leave out what was just begun
            self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
            self.setFocus()

    def _go_on(self) -> None:
        self.session.announce(tour.go_on(self.session.project), self, undoable=False)
        self._lead()

    def _lead(self) -> None:
        """To where the stop is done, with the keys where they are needed: there for what is done by keys, else here."""
        place = tour.place(self.session.project)
        if place is not None:
            tab, page = PLACES[place.stop.step]
            if page is None:
                self.session.navigator.open_tab(tab)
            else:
                self.session.navigator.open_page(tab, page)
        self.refresh()
        if place is not None and self.main.isEnabled():
            self.main.setFocus()
        elif place is not None:
            self._to_page()

    def _is_there(self, place: tour.Place) -> bool:
        """Is what the stop speaks of seen? Where something is lacking for it, its tab is enough."""
        step = place.stop.step
        return self.tab_stack.shown == PLACES[step][0] if place.lacks else self._control(step) is not None

    def _control(self, step: Step) -> QWidget | None:
        """What a stop speaks of, while its tab is shown."""
        tab = PLACES[step][0]
        if self.tab_stack.shown != tab or tab not in self.tab_stack.tabs:
            return None
        found = self.tab_stack.tabs[tab].control_of(step)
        return found if found is not None and found.isVisible() else None

    def _waits_for(self, place: tour.Place) -> Job | None:
        """The job that the stop asks for, while it is not over."""
        mine = [job for job in self.session.jobs() if job.kind == place.stop.job]
        return next((job for job in mine if job.status in ACTIVE), None)

    def _to_page(self) -> None:
        target = self.pointer.target
        if target is not None:
            (target.focusProxy() or target).setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self._to_page()
        else:
            super().keyPressEvent(event)

    def _changed(self, changes: Changes, origin: object | None) -> None:
        if origin is not self and changes.tables & TABLES:
            self.refresh()

    def _news(self, news: News) -> None:
        changed = self._statuses.changed(news)
        if news.tables or changed:
            self.refresh()
