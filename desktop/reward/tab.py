"""The Reward model tab: train one on the pairs, read how far it can be trusted, and ask it about any text."""

from typing import TypeVar

from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QWidget

from core.config.training import TrainRewardJob
from core.conversation import Conversation
from core.guidance.steps import Step
from core.jobs.follow import News
from core.store import Changes
from desktop.background import wait_for_all
from desktop.places import PageId, TabId
from desktop.reward.playground_page import PlaygroundPage
from desktop.reward.report_page import ReportPage
from desktop.reward.training_page import TrainingPage
from desktop.session import Session
from desktop.tab import LooksAtConversation, ShowsRuns, TabWidget
from desktop.theme.theme import SPACE
from desktop.widgets.basics import column
from desktop.widgets.pages import Pages

Later = TypeVar("Later", ReportPage, PlaygroundPage)


class Tab(TabWidget, ShowsRuns, LooksAtConversation):
    """Three pages; the report is measured when it is looked at."""

    ID = TabId.REWARD
    pages: Pages

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self.pages = Pages(self)
        self.training = self.pages.add(PageId.TRAIN, PageId.TRAIN.label, lambda: TrainingPage(session, self)).get()
        self._report = self.pages.add(
            PageId.REPORT, PageId.REPORT.label, lambda: self._asking(ReportPage(session, self))
        )
        self._playground = self.pages.add(
            PageId.TRY_IT, PageId.TRY_IT.label, lambda: self._asking(PlaygroundPage(session, self))
        )
        self.pages.opened.connect(lambda _: self._show_page())
        layout = column(
            self.heading("Needs rankings. Gives a model that scores any completion as your labelers would."),
            self.pages,
            spacing=SPACE + 4,
        )
        layout.setContentsMargins(3 * SPACE, 2 * SPACE, 3 * SPACE, 2 * SPACE)
        layout.setStretch(1, 1)
        self.setLayout(layout)
        session.news.connect(self._on_news)
        self.refresh(None)

    @property
    def report(self) -> ReportPage:
        return self._report.get()

    @property
    def playground(self) -> PlaygroundPage:
        return self._playground.get()

    def _asking(self, page: Later) -> Later:
        page.train_asked.connect(lambda: self.pages.open(PageId.TRAIN))
        return page

    def control_of(self, step: Step) -> QWidget | None:
        return self.training.train if step == Step.TRAIN_REWARD else None

    def refresh(self, changes: Changes | None) -> None:
        self.training.count()
        runs = changes is None or "jobs" in changes.tables
        if runs or (changes is not None and "rankings" in changes.tables):
            self._forget_report()  # it follows later labels
        if runs:
            self.training.show_runs()
        self._show_page()

    def show_newest_run(self) -> None:
        self.pages.open(PageId.TRAIN)
        self.training.show_newest()

    def conversation(self) -> Conversation | None:
        """The one whose answers are scored."""
        made = self._playground.made
        return made.conversation() if made is not None and self.pages.shown == PageId.TRY_IT else None

    def _forget_report(self) -> None:
        if self._report.made is not None:
            self._report.made.report = None

    def _show_page(self) -> None:
        if self.pages.shown == PageId.REPORT:
            self.report.refresh()
        elif self.pages.shown == PageId.TRY_IT:
            self.playground.refresh()

    def _on_news(self, news: News) -> None:
        self.training.on_news(news)
        if self._playground.made is not None:
            self._playground.made.on_news(news)
        if "rankings" in news.tables or any(
            isinstance(job, TrainRewardJob) and job.status == "done" for job in news.jobs
        ):
            self._forget_report()
            self._show_page()

    def closeEvent(self, event: QCloseEvent) -> None:
        wait_for_all()
        if self._playground.made is not None:
            self._playground.made.leave()
        super().closeEvent(event)
