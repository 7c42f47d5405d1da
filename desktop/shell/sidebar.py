"""The left of the window: the project's name, the tabs, and what comes next.

In a labeling pack that is what its labeler needs: ranking, the guidelines, and sending it back.
"""

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QFrame, QToolButton

from core import demo
from core.store import arenas
from core.store.packed_rankings import PACK
from core.texts import one_line
from desktop.places import INFO, TABS, TabId
from desktop.policy.in_use import algorithm_in_use
from desktop.session import Session
from desktop.shell.actions import OPEN_TAB
from desktop.shell.next_card import NextCard
from desktop.shell.pack_card import PackCard
from desktop.theme import theme
from desktop.theme.icons import icon
from desktop.theme.theme import SPACE
from desktop.widgets.basics import column, label
from desktop.widgets.strangers import on_button, tip

WIDTH = 208
#: Letters of the project's name.
LONGEST = 120


class Sidebar(QFrame):
    """Emits `chosen(id of a tab)`, `reading` where the guidelines are asked for, `touring` where the tour is, and
    `returning` where one that goes on is looked for."""

    chosen = Signal(str)
    reading = Signal()
    touring = Signal()
    returning = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setProperty("role", "sidebar")
        name = label(one_line(session.project.name, LONGEST), "heading", wrap=True)
        name.setToolTip(tip(str(session.project.folder)))
        self.buttons = QButtonGroup(self)
        tabs = column(spacing=4)
        for number, info in enumerate(TABS):
            tool = _tool(OPEN_TAB[info.id].hint)
            tool.setCheckable(True)
            self.buttons.addButton(tool, number)
            self.show_note(info.id, "")
            tabs.addWidget(tool)
        packed = bool(session.project.setting(PACK))
        self.guidelines = _tool("What a good answer is")
        self.guidelines.setText("  Guidelines")
        self.guidelines.clicked.connect(lambda: self.reading.emit())
        self.guidelines.setVisible(packed)
        tabs.addWidget(self.guidelines)
        for info in TABS if packed else ():
            votes = info.id == TabId.COMPARE and bool(arenas.listed(session.project))
            self.button(info.id).setVisible(info.id == TabId.RANK or votes)
        self.buttons.idClicked.connect(lambda number: self.chosen.emit(TABS[number].id))
        self.session = session
        self.show_algorithm()
        guided = session.project.name == demo.NAME
        self.next = PackCard(session) if packed else NextCard(session, guided=guided)
        if isinstance(self.next, NextCard):
            self.next.touring.connect(self.touring)
            self.next.returning.connect(self.returning)
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
        self.guidelines.setIcon(icon(INFO[TabId.INSTRUCTIONS].icon, theme.current().text))


def _tool(tip: str) -> QToolButton:
    found = QToolButton()
    found.setProperty("role", "tab")
    found.setToolTip(tip)
    found.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    found.setIconSize(QSize(20, 20))
    found.setSizePolicy(found.sizePolicy().Policy.Expanding, found.sizePolicy().Policy.Fixed)
    return found
