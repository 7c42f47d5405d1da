"""The Reward model tab: train one on the pairs, read how far it can be trusted, and ask it about any text."""

from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QTabWidget, QWidget

from core.jobs.follow import News
from core.store import Changes
from desktop.background import wait_for_all
from desktop.session import Session
from desktop.theme import SPACE
from desktop.widgets.parts import column, header
from desktop.widgets.playground import PlaygroundPage
from desktop.widgets.reward_report import ReportPage
from desktop.widgets.reward_training import TrainingPage
from desktop.widgets.run_choice import KIND


class Tab(QWidget):
    """Three pages; the report is measured when it is looked at."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.training = TrainingPage(session, self)
        self.report = ReportPage(session, self)
        self.playground = PlaygroundPage(session, self)
        self.pages = QTabWidget(self)
        for title, page in (("Train", self.training), ("Report", self.report), ("Try it", self.playground)):
            self.pages.addTab(page, title)
        self.pages.currentChanged.connect(lambda _: self._show_page())
        for page in (self.report, self.playground):
            page.train_asked.connect(lambda: self.pages.setCurrentWidget(self.training))
        layout = column(
            header("Reward model", "Needs rankings. Gives a model that scores any completion as your labelers would."),
            self.pages,
            spacing=SPACE + 4,
        )
        layout.setContentsMargins(3 * SPACE, 2 * SPACE, 3 * SPACE, 2 * SPACE)
        layout.setStretch(1, 1)
        self.setLayout(layout)
        session.news.connect(self._on_news)
        self.refresh(None)

    def refresh(self, changes: Changes | None) -> None:
        self.training.count()
        runs = changes is None or "jobs" in changes.tables
        if runs or (changes is not None and "rankings" in changes.tables):
            self.report.report = None  # it follows later labels
        if runs:
            self.training.show_runs()
        self._show_page()

    def show_newest_run(self) -> None:
        self.pages.setCurrentWidget(self.training)
        self.training.show_newest()

    def _show_page(self) -> None:
        page = self.pages.currentWidget()
        if page is self.report:
            self.report.refresh()
        elif page is self.playground:
            self.playground.refresh()

    def _on_news(self, news: News) -> None:
        self.training.on_news(news)
        self.playground.on_news(news)
        if "rankings" in news.tables or any(job.kind == KIND and job.status == "done" for job in news.jobs):
            self.report.report = None
            self._show_page()

    def closeEvent(self, event: QCloseEvent) -> None:
        wait_for_all()
        super().closeEvent(event)
