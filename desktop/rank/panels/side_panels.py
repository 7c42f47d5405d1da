"""What can be open beside the cards: generation, the guidelines, the history, the session; one at a time."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QStackedWidget, QWidget

from core.labeling.clock import LabelingClock
from desktop.places import PageId
from desktop.rank import actions
from desktop.rank.panels.generate import GeneratePanel
from desktop.rank.panels.guidelines import RulesPanel
from desktop.rank.panels.history import RankingHistory
from desktop.rank.panels.session import SessionPanel
from desktop.session import Session
from desktop.widgets.aside import Aside
from desktop.widgets.basics import column, label, row
from desktop.widgets.bound import action_button
from desktop.widgets.growing import keep_width

WIDTH = 300


class SidePanels(QFrame):
    """`name` is the open panel or empty. A panel reads the project when it is opened and when told to."""

    closing = Signal()

    def __init__(self, session: Session, clock: LabelingClock, parent: QWidget) -> None:
        super().__init__(parent)
        self.session = session
        self.name = ""
        self.labeler_id = 0
        self.generate = GeneratePanel(session, self)
        self.rules = RulesPanel(self)
        self.history = RankingHistory(self)
        self.history.kind.currentIndexChanged.connect(lambda: self.load())
        self.clock = SessionPanel(clock, self)
        self.panels: dict[str, QWidget] = {
            PageId.GENERATE: self.generate,
            PageId.RULES: self.rules,
            PageId.HISTORY: self.history,
            PageId.SESSION: self.clock,
        }
        self.title = label("", "heading")
        self.stack = QStackedWidget()
        for panel in self.panels.values():
            self.stack.addWidget(panel)
        self.setLayout(column(row(self.title, None, action_button(actions.CLOSE_PANEL, self.closing.emit)), self.stack))
        keep_width(self, WIDTH)
        Aside(self, on_demand=True)
        self.hide()

    def open_panel(self, name: str) -> None:
        """Show a panel, or nothing for an empty name."""
        self.name = name
        self.setVisible(bool(name))
        if name:
            self.title.setText(actions.PANELS[PageId(name)].title)
            self.stack.setCurrentWidget(self.panels[name])
            self.load()

    def load(self) -> None:
        """Read again what the open panel shows."""
        if self.name == "generate":
            self.generate.refresh()
        elif self.name == "rules":
            self.rules.load(self.session.project)
        elif self.name == "history":
            self.history.load(self.session.project, self.labeler_id)
