"""The left of the window: the project's name, the tabs, and what comes next."""

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QFrame, QToolButton

from core import demo
from core.texts import one_line
from desktop.places import TABS, TabId
from desktop.policy.in_use import algorithm_in_use
from desktop.session import Session
from desktop.shell.actions import OPEN_TAB
from desktop.shell.next_card import NextCard
from desktop.theme import theme
from desktop.theme.icons import icon
from desktop.theme.theme import SPACE
from desktop.widgets.basics import column, label
from desktop.widgets.strangers import on_button, tip

WIDTH = 208
#: Letters of the project's name.
LONGEST = 120


class Sidebar(QFrame):
    """Emits `chosen(id of a tab)`."""

    chosen = Signal(str)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setProperty("role", "sidebar")
        name = label(one_line(session.project.name, LONGEST), "heading", wrap=True)
        name.setToolTip(tip(str(session.project.folder)))
        self.buttons = QButtonGroup(self)
        tabs = column(spacing=4)
        for number, info in enumerate(TABS):
            tool = QToolButton()
            tool.setProperty("role", "tab")
            tool.setToolTip(OPEN_TAB[info.id].hint)
            tool.setCheckable(True)
            tool.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            tool.setIconSize(QSize(20, 20))
            tool.setSizePolicy(tool.sizePolicy().Policy.Expanding, tool.sizePolicy().Policy.Fixed)
            self.buttons.addButton(tool, number)
            self.show_note(info.id, "")
            tabs.addWidget(tool)
        self.buttons.idClicked.connect(lambda number: self.chosen.emit(TABS[number].id))
        self.session = session
        self.show_algorithm()
        self.next = NextCard(session, guided=session.project.name == demo.NAME)
        layout = column(name, tabs, None, self.next, spacing=3 * SPACE)
        layout.setContentsMargins(SPACE + 4, 2 * SPACE, SPACE + 4, 2 * SPACE)
        self.setLayout(layout)
        self._paint()
        theme.notifier.changed.connect(self._paint)

    def button(self, tab: TabId) -> QAbstractButton:
        return self.buttons.button([info.id for info in TABS].index(tab))

    def show_note(self, tab: TabId, note: str) -> None:
        """Say beside a tab's name what it works with."""
        button = self.button(tab)
        button.setText(f"  {tab.label} · {on_button(note, LONGEST)}" if note else f"  {tab.label}")
        button.setAccessibleName(f"{tab.label}, {note}" if note else tab.label)

    def show_algorithm(self) -> None:
        """Say beside Tune which algorithm the newest run has."""
        self.show_note(TabId.TUNE, algorithm_in_use(self.session))

    def mark(self, tab: TabId) -> None:
        """Show which tab is open."""
        button = self.button(tab)
        if self.window().focusWidget() in self.buttons.buttons():  # two marked tabs would be one too many
            button.setFocus()
        button.setChecked(True)

    def _paint(self) -> None:
        self.setFixedWidth(theme.widened(WIDTH))
        for info in TABS:
            colours = theme.current()
            self.button(info.id).setIcon(icon(info.icon, colours.text, checked=colours.accent))
