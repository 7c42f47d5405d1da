"""The Review tab: what the rankings give (pairs), whether labelers agree, what biases them, and who ranks what."""

from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QWidget

from core.jobs.follow import News
from core.store import Changes
from desktop.background import wait_for_all
from desktop.places import PageId, TabId
from desktop.review.agreement_page import AgreementPage
from desktop.review.bias_page import BiasPage
from desktop.review.labelers_page import LabelersPage
from desktop.review.pairs_page import PairsPage
from desktop.session import Session
from desktop.tab import TabWidget
from desktop.theme.theme import SPACE
from desktop.widgets.basics import column
from desktop.widgets.pages import LatePage, Pages

TOUCHED = frozenset(
    {"rankings", "labelers", "calibration", "assignments", "conflicts", "completion_groups", "guidelines"}
)


class Tab(TabWidget):
    """Four pages; only the one that is seen computes."""

    ID = TabId.REVIEW
    pages: Pages

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self.pages = Pages(self)
        self._pairs = self.pages.add(PageId.PAIRS, PageId.PAIRS.label, lambda: PairsPage(session, self))
        self._agreement = self.pages.add(PageId.AGREEMENT, PageId.AGREEMENT.label, self._make_agreement)
        self._bias = self.pages.add(PageId.BIAS, PageId.BIAS.label, lambda: BiasPage(session, self))
        self._labelers = self.pages.add(PageId.LABELERS, PageId.LABELERS.label, lambda: LabelersPage(session, self))
        self._all: dict[str, LatePage[PairsPage | AgreementPage | BiasPage | LabelersPage]] = {
            PageId.PAIRS: self._pairs,
            PageId.AGREEMENT: self._agreement,
            PageId.BIAS: self._bias,
            PageId.LABELERS: self._labelers,
        }
        self._stale = set(self._all)
        self.pages.opened.connect(lambda _: self._show_page())
        session.news.connect(self._on_news)
        layout = column(
            self.heading("Needs rankings. Shows the pairs that they give, and how far they can be trusted."),
            self.pages,
            spacing=SPACE + 4,
        )
        layout.setContentsMargins(3 * SPACE, 2 * SPACE, 3 * SPACE, 2 * SPACE)
        layout.setStretch(1, 1)
        self.setLayout(layout)
        self._show_page()

    @property
    def pairs(self) -> PairsPage:
        return self._pairs.get()

    @property
    def agreement(self) -> AgreementPage:
        return self._agreement.get()

    @property
    def bias(self) -> BiasPage:
        return self._bias.get()

    @property
    def labelers(self) -> LabelersPage:
        return self._labelers.get()

    def _make_agreement(self) -> AgreementPage:
        page = AgreementPage(self.session, self)
        page.labelers_asked.connect(lambda: self.pages.open(PageId.LABELERS))
        return page

    def refresh(self, changes: Changes | None) -> None:
        if changes is None or changes.tables & TOUCHED:
            self._stale = set(self._all)
            self._show_page()

    def _show_page(self) -> None:
        name = self.pages.shown
        page = self._all[name].made
        if page is not None and name in self._stale:
            self._stale.discard(name)
            page.refresh()

    def _on_news(self, news: News) -> None:
        if self.isVisible() and news.tables & TOUCHED:
            self.refresh(Changes(news.tables, "News"))

    def closeEvent(self, event: QCloseEvent) -> None:
        wait_for_all()
        super().closeEvent(event)
