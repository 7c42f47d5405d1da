"""The arena's pages on the Compare tab: each is made when it is first opened, and read again when it is seen."""

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from core.jobs.follow import News
from core.store import Changes
from desktop.compare.arena.choice import ArenaChoice
from desktop.compare.arena.results_page import ResultsPage
from desktop.compare.arena.setup_page import SetupPage
from desktop.compare.arena.vote_page import VotePage
from desktop.places import PageId
from desktop.session import Session
from desktop.widgets.pages import LatePage, Pages

TOUCHED = frozenset(
    {"arenas", "arena_policies", "arena_prompts", "arena_answers", "arena_votes", "labelers", "prompts"}
)


class ArenaPages(QObject):
    def __init__(self, session: Session, pages: Pages, tab: QWidget) -> None:
        super().__init__(tab)
        self.session, self.pages, self.tab = session, pages, tab
        self.choice = ArenaChoice(session, self)
        self.choice.changed.connect(self._all_stale)
        self._setup = pages.add(PageId.ARENA, PageId.ARENA.label, self._make_setup)
        self._vote = pages.add(PageId.VOTE, PageId.VOTE.label, self._make_vote)
        self._results = pages.add(PageId.STANDINGS, PageId.STANDINGS.label, self._make_results)
        self._all: dict[str, LatePage[SetupPage | VotePage | ResultsPage]] = {
            PageId.ARENA: self._setup, PageId.VOTE: self._vote, PageId.STANDINGS: self._results,
        }  # fmt: skip
        self._stale = set(self._all)
        pages.opened.connect(self._opened)
        session.news.connect(self._on_news)

    @property
    def setup(self) -> SetupPage:
        return self._setup.get()

    @property
    def vote(self) -> VotePage:
        return self._vote.get()

    @property
    def results(self) -> ResultsPage:
        return self._results.get()

    def refresh(self, changes: Changes | None) -> None:
        if changes is None or changes.tables & TOUCHED:
            self._all_stale()

    def leave(self) -> None:
        """The project is about to close."""
        if (page := self._vote.made) is not None:
            page.leave()

    def _make_setup(self) -> SetupPage:
        page = SetupPage(self.session, self.choice, self.tab)
        page.leading.connect(self.pages.open)
        return page

    def _make_vote(self) -> VotePage:
        page = VotePage(self.session, self.choice, self.tab)
        page.leading.connect(self.pages.open)
        page.voted.connect(self._voted)
        return page

    def _make_results(self) -> ResultsPage:
        page = ResultsPage(self.session, self.choice, self.tab)
        page.leading.connect(self.pages.open)
        return page

    def _voted(self) -> None:
        """What is ahead is hidden again, and computed anew once somebody asks."""
        self._stale |= {PageId.ARENA, PageId.STANDINGS}
        if (page := self._results.made) is not None:
            page.hide_results()

    def _all_stale(self) -> None:
        self._stale = set(self._all)
        self._show_page()

    def _opened(self, name: str) -> None:
        if name == PageId.VOTE:
            self._stale.add(name)  # another labeler may be chosen by now
        self._show_page()

    def _show_page(self) -> None:
        name = self.pages.shown
        page = self._all[name].made if name in self._all else None
        if page is not None and name in self._stale:
            self._stale.discard(name)
            self.choice.read()
            page.refresh()

    def _on_news(self, news: News) -> None:
        if self.tab.isVisible() and news.tables & TOUCHED:
            self._all_stale()
