"""The left of the window: the project's name, the tabs, and what comes next."""

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QFrame, QToolButton

from core import demo
from desktop.session import Session
from desktop.shell.next_card import NextCard
from desktop.shell.tabs import TABS
from desktop.theme import theme
from desktop.theme.icons import icon
from desktop.theme.theme import SPACE
from desktop.widgets.basics import column, label

WIDTH = 208


class Sidebar(QFrame):
    """Emits `chosen(number of a tab)`."""

    chosen = Signal(int)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setProperty("role", "sidebar")
        name = label(session.project.name, "heading", wrap=True)
        name.setToolTip(str(session.project.folder))
        self.buttons = QButtonGroup(self)
        tabs = column(spacing=4)
        for number, kind in enumerate(TABS):
            tool = QToolButton()
            tool.setProperty("role", "tab")
            tool.setText("  " + kind.title)
            tool.setToolTip(f"{kind.tip} (Ctrl+{number + 1})")
            tool.setAccessibleName(kind.title)
            tool.setCheckable(True)
            tool.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            tool.setIconSize(QSize(20, 20))
            tool.setSizePolicy(tool.sizePolicy().Policy.Expanding, tool.sizePolicy().Policy.Fixed)
            self.buttons.addButton(tool, number)
            tabs.addWidget(tool)
        self.buttons.idClicked.connect(self.chosen)
        self.next = NextCard(session, guided=session.project.name == demo.NAME)
        layout = column(name, tabs, None, self.next, spacing=3 * SPACE)
        layout.setContentsMargins(SPACE + 4, 2 * SPACE, SPACE + 4, 2 * SPACE)
        self.setLayout(layout)
        self._paint()
        theme.notifier.changed.connect(self._paint)

    def mark(self, number: int) -> None:
        """Show which tab is open."""
        button = self.buttons.button(number)
        if self.window().focusWidget() in self.buttons.buttons():  # two marked tabs would be one too many
            button.setFocus()
        button.setChecked(True)

    def _paint(self) -> None:
        self.setFixedWidth(theme.widened(WIDTH))
        for number, kind in enumerate(TABS):
            colours = theme.current()
            self.buttons.button(number).setIcon(icon(kind.icon, colours.text, checked=colours.accent))
