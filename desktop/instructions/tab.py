"""The Instructions tab: what labelers go by (the guidelines) and what people ask (the prompts)."""

from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QTabWidget, QWidget

from core.conversation import Conversation
from core.guidance.steps import Step
from core.jobs.follow import News
from core.store import Changes
from desktop.instructions.guidelines_editor import GuidelinesEditor
from desktop.instructions.prompts_page import PromptsPage
from desktop.places import PageId, TabId
from desktop.session import Session
from desktop.tab import HoldsOut, LooksAtConversation, TabWidget
from desktop.theme.theme import SPACE
from desktop.widgets.basics import column


class Tab(TabWidget, HoldsOut, LooksAtConversation):
    """Two pages: `guidelines` and `prompts`."""

    ID = TabId.INSTRUCTIONS
    pages: QTabWidget

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self.pages = QTabWidget(self)
        self.guidelines = GuidelinesEditor(session, self)
        self.prompts = PromptsPage(session, self)
        self.pages.addTab(self.guidelines, PageId.GUIDELINES.label)
        self.pages.addTab(self.prompts, PageId.PROMPTS.label)
        self.prompts.counted.connect(self._show_count)
        session.news.connect(self._on_news)
        layout = column(
            self.heading("What a good completion is, and what is asked. Labelers read it while they rank."),
            self.pages,
            spacing=SPACE + 4,
        )
        layout.setContentsMargins(3 * SPACE, 2 * SPACE, 3 * SPACE, 2 * SPACE)
        layout.setStretch(1, 1)
        self.setLayout(layout)
        self._show_count(self.prompts.total)

    def refresh(self, changes: Changes | None) -> None:
        """Read again what `changes` touched; what is being typed stays."""
        tables = changes.tables if changes else None
        if tables is None or "guidelines" in tables:
            self.guidelines.load()
        elif tables & {"assignments", "rankings"}:
            self.guidelines.show_older()
        if tables is None or "prompts" in tables:
            self.prompts.load()
        elif tables & {"completions", "completion_groups", "rankings"}:
            self.prompts.recount()

    def control_of(self, step: Step) -> QWidget | None:
        parts = {Step.GUIDELINES: self.guidelines.editors["criteria"], Step.PROMPTS: self.prompts.adding.new_text}
        return parts.get(step)

    def open_page(self, page: PageId) -> None:
        """Show the prompts or the guidelines, ready to be written."""
        self.show_page(page)
        if page == PageId.PROMPTS:
            self.prompts.adding.new_text.setFocus()

    def conversation(self) -> Conversation | None:
        """The prompt that is selected or typed."""
        return self.prompts.conversation() if self.page == PageId.PROMPTS else None

    def show_holding_out(self) -> None:
        """Show where prompts are held out."""
        self.pages.setCurrentWidget(self.prompts)
        self.prompts.split_button.setFocus()

    def closeEvent(self, event: QCloseEvent) -> None:
        self.guidelines.leave()
        self.prompts.leave()
        super().closeEvent(event)

    def _on_news(self, news: News) -> None:
        if self.isVisible() and news.tables:
            self.refresh(Changes(news.tables, "News"))

    def _show_count(self, count: int) -> None:
        self.pages.setTabText(1, f"{PageId.PROMPTS.label} ({count:,})")
