"""The Review tab: what the rankings give (pairs), whether labelers agree, what biases them, and who ranks what."""

from typing import Any

from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QWidget

from core.jobs.follow import News
from core.store import Changes
from desktop.background import wait_for_all
from desktop.review.agreement_page import AgreementPage
from desktop.review.bias_page import BiasPage
from desktop.review.labelers_page import LabelersPage
from desktop.review.pairs_page import PairsPage
from desktop.session import Session
from desktop.theme.theme import SPACE
from desktop.widgets.basics import column, header
from desktop.widgets.late_pages import LatePages

TOUCHED = frozenset(
    {"rankings", "labelers", "calibration", "assignments", "conflicts", "completion_groups", "guidelines"}
)


class Tab(QWidget):
    """Four pages; only the one that is seen computes."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.pages = LatePages(self)
        self._pairs = self.pages.add("Pairs", lambda: PairsPage(session, self))
        self._agreement = self.pages.add("Agreement", self._make_agreement)
        self._bias = self.pages.add("Bias", lambda: BiasPage(session, self))
        self._labelers = self.pages.add("Labelers", lambda: LabelersPage(session, self))
        self._stale = {0, 1, 2, 3}
        self.pages.opened.connect(lambda _: self._show_page())
        session.news.connect(self._on_news)
        layout = column(
            header("Review", "Needs rankings. Shows the pairs that they give, and how far they can be trusted."),
            self.pages,
            spacing=SPACE + 4,
        )
        layout.setContentsMargins(3 * SPACE, 2 * SPACE, 3 * SPACE, 2 * SPACE)
        layout.setStretch(1, 1)
        self.setLayout(layout)
        self._show_page()

    @property
    def pairs(self) -> PairsPage:
        return self._pairs()

    @property
    def agreement(self) -> AgreementPage:
        return self._agreement()

    @property
    def bias(self) -> BiasPage:
        return self._bias()

    @property
    def labelers(self) -> LabelersPage:
        return self._labelers()

    def _make_agreement(self) -> AgreementPage:
        page = AgreementPage(self.session, self)
        page.labelers_asked.connect(lambda: self.pages.setCurrentWidget(self.labelers))
        return page

    def refresh(self, changes: Changes | None) -> None:
        if changes is None or changes.tables & TOUCHED:
            self._stale = {0, 1, 2, 3}
            self._show_page()

    def _show_page(self) -> None:
        place = self.pages.currentIndex()
        if place in self._stale and place in self.pages.made:
            self._stale.discard(place)
            page: Any = self.pages.made[place]
            page.refresh()

    def _on_news(self, news: News) -> None:
        if self.isVisible() and news.tables & TOUCHED:
            self.refresh(Changes(news.tables, "News"))

    def closeEvent(self, event: QCloseEvent) -> None:
        wait_for_all()
        super().closeEvent(event)
