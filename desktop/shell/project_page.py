"""What the window shows of an open project: the sidebar, the tabs and the worker's bar; it leads round."""

from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from core.config.jobs import JobKind
from core.jobs.follow import News
from desktop.conversation.reading import show_reading
from desktop.places import TABS, PageId, TabId
from desktop.session import Session
from desktop.shell.job_bar import JobBar
from desktop.shell.presenter_line import PresenterLine
from desktop.shell.sidebar import Sidebar
from desktop.shell.tab_stack import TabStack
from desktop.shell.tour_guide import TourGuide
from desktop.tab import Compares, HoldsOut, LooksAtConversation, Ranks, ShowsRuns, TabWidget
from desktop.widgets.basics import column, row


class ProjectPage(QWidget):
    """The `Navigator` of its session."""

    guide_asked = Signal()
    jobs_asked = Signal()
    sending_back = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        session.navigator = self
        self.sidebar = Sidebar(session)
        self.sidebar.chosen.connect(lambda tab: self.open_tab(TabId(tab)))
        self.sidebar.reading.connect(partial(self.open_page, TabId.RANK, PageId.RULES))
        self.tab_stack = TabStack(session)
        self.job_bar = JobBar(session)
        self.line = PresenterLine()
        self.line.hide()
        self.calm = False
        self._right = column(self.tab_stack, self.job_bar, self.line, spacing=0)
        self._right.setStretch(0, 1)
        both = row(self.sidebar, self._right, spacing=0)
        both.setStretch(1, 1)
        self.setLayout(both)
        self.tour = TourGuide(session, self, self.sidebar, self.tab_stack)
        self.tour.docking.connect(self._dock_tour)
        self.sidebar.touring.connect(self.tour.begin)
        self.sidebar.returning.connect(self.tour.take_keys)
        self.tab_stack.noted.connect(lambda tab, text: self.sidebar.show_note(TabId(tab), text))
        session.changed.connect(self.tab_stack.changed)
        session.news.connect(self._news)

    def _news(self, news: News) -> None:
        if news.tables:
            self.tab_stack.hidden_are_stale()
        if TabId.TUNE not in self.tab_stack.tabs and any(job.kind == JobKind.TRAIN_POLICY for job in news.jobs):
            self.sidebar.show_algorithm()  # begun elsewhere, while no form here says another

    def _dock_tour(self, docked: bool) -> None:
        """Below the tab, which is smaller then, or over it."""
        if docked:
            self._right.insertWidget(1, self.tour)
        else:
            self._right.removeWidget(self.tour)

    @property
    def shown(self) -> TabId:
        return self.tab_stack.shown

    @property
    def tab(self) -> TabWidget | None:
        """The tab that is shown; None if it could not be made."""
        return self.tab_stack.tabs.get(self.shown)

    @property
    def page(self) -> PageId | None:
        """The page of the tab that is shown."""
        return self.tab.page if self.tab is not None else None

    @property
    def places(self) -> list[tuple[TabId, PageId | None]]:
        """Every page that is offered, in the order of the loop."""
        offered = [info for info in TABS if not self.sidebar.button(info.id).isHidden()]
        return [(info.id, page) for info in offered for page in info.pages or (None,)]

    def open_tab(self, tab: TabId) -> TabWidget:
        """Show a tab, and return it."""
        self.sidebar.mark(tab)
        return self.tab_stack.open(tab)

    def open_page(self, tab: TabId, page: PageId) -> None:
        self.open_tab(tab).open_page(page)

    def hold_prompts_out(self) -> None:
        if isinstance(found := self.open_tab(TabId.INSTRUCTIONS), HoldsOut):
            found.show_holding_out()

    def show_newest_run(self, tab: TabId) -> None:
        if isinstance(found := self.open_tab(tab), ShowsRuns):
            found.show_newest_run()

    def write_with(self, policy_job: int, checkpoint: str = "last") -> None:
        if isinstance(found := self.open_tab(TabId.RANK), Ranks):
            found.write_with(policy_job, checkpoint)

    def compare_with(self, policy_job: int, checkpoint: str) -> None:
        if isinstance(found := self.open_tab(TabId.COMPARE), Compares):
            found.compare_with(policy_job, checkpoint)

    def adjudicate(self, group_id: int) -> None:
        if isinstance(found := self.open_tab(TabId.RANK), Ranks):
            found.adjudicate(group_id)

    def rank(self, group_id: int) -> None:
        if isinstance(found := self.open_tab(TabId.RANK), Ranks):
            found.rank(group_id)

    def send_back(self) -> None:
        self.sending_back.emit()

    def show_guide(self) -> None:
        self.guide_asked.emit()

    def show_jobs(self) -> None:
        self.jobs_asked.emit()

    def show_reading(self) -> bool:
        """Show what the model reads of what is asked on the tab; False where nothing is."""
        found = self.tab.conversation() if isinstance(self.tab, LooksAtConversation) else None
        if found is not None and self.tab is not None:
            show_reading(self.tab.session, found, self.tab)
        return found is not None

    def set_calm(self, on: bool) -> None:
        """Show nothing but the tab."""
        self.calm = on
        self.sidebar.setVisible(not on)
        self.job_bar.setMaximumHeight(0 if on else 16777215)

    def end(self) -> None:
        """The project closes."""
        self.tab_stack.end()
        self.deleteLater()
