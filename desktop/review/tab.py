"""The Review tab: what the rankings give (pairs), whether labelers agree, what biases them, and who ranks what."""

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
from desktop.widgets.pages import LatePage, Pages

TOUCHED = frozenset(
    {"rankings", "labelers", "calibration", "assignments", "conflicts", "completion_groups", "guidelines"}
)


class Tab(QWidget):
    """Four pages; only the one that is seen computes."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.pages = Pages(self)
        self._pairs = self.pages.add("pairs", "Pairs", lambda: PairsPage(session, self))
        self._agreement = self.pages.add("agreement", "Agreement", self._make_agreement)
        self._bias = self.pages.add("bias", "Bias", lambda: BiasPage(session, self))
        self._labelers = self.pages.add("labelers", "Labelers", lambda: LabelersPage(session, self))
        self._all: dict[str, LatePage[PairsPage | AgreementPage | BiasPage | LabelersPage]] = {
            "pairs": self._pairs, "agreement": self._agreement, "bias": self._bias, "labelers": self._labelers,
        }  # fmt: skip
        self._stale = set(self._all)
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
        page.labelers_asked.connect(lambda: self.pages.open("labelers"))
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
