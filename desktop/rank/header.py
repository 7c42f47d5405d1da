"""The slim line above the cards: how far the labeler is, who that is, and what can be opened at the side."""

from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QLineEdit, QMenu, QProgressBar, QSizePolicy, QToolButton, QWidget

from desktop import user_settings
from desktop.actions import WHAT_IT_READS, Action
from desktop.places import PageId
from desktop.rank import actions
from desktop.widgets.aside import Aside
from desktop.widgets.basics import button, column, label, row
from desktop.widgets.bound import add_shortcuts, bind
from desktop.widgets.growing import keep_most_width
from desktop.widgets.strangers import on_button

#: Narrower than other tabs: at the window's least width they stand in one line with four-digit counts.
NARROW = 'QToolButton[role="tab"] { padding: 9px 7px; } QToolButton[role="tab"]:focus { padding: 8px 6px; }'
METHODS = {"order": "Put in order", "pairwise": "Two at a time", "best-worst": "Best and worst only"}


class RankHeader(QWidget):
    """`toggled` names a side panel; `renamed` carries the name that the labeler typed; `method` the way to rank;
    `viewed` tells that the cards are to be shown in another way, `by_criteria` whether to order by each criterion,
    `reading` that somebody asks what the model reads.
    """

    toggled = Signal(str)
    renamed = Signal(str)
    method = Signal(str)
    viewed = Signal()
    by_criteria = Signal(bool)
    reading = Signal()
    helping = Signal()

    def __init__(self, labeler_name: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setStyleSheet(NARROW)
        self.count = label("", "heading")
        self.count.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Preferred)
        self.bar = QProgressBar(self)
        self.bar.setTextVisible(False)
        self.bar.setMinimumWidth(24)
        self.bar.setMaximumWidth(160)
        self.bar.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.labeler = QLineEdit(labeler_name, self)
        keep_most_width(self.labeler, 112)
        bind(actions.LABELER, self.labeler)
        self.labeler.editingFinished.connect(lambda: self.renamed.emit(self.labeler.text().strip()))
        self.error = label("", "error", wrap=True)
        self.error.hide()
        self.toggles: dict[str, QToolButton] = {}
        named = label("Labeler", "muted")
        line = row(self.count, self.bar, None, named, self.labeler, spacing=6)
        for beside in (self.bar, named, self.labeler):
            Aside(beside)
        for name, panel in actions.PANELS.items():
            line.addWidget(self._toggle(name, panel))
            add_shortcuts(panel, parent, partial(self.toggled.emit, name))
        line.addWidget(self._view_button(parent))
        sheet = actions.ALL_KEYS
        line.addWidget(bind(sheet, button(sheet.title, self.helping.emit)))  # its key is the board's
        self.setLayout(column(line, self.error, spacing=4))
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def _view_button(self, parent: QWidget) -> QToolButton:
        """How to rank and how to see the cards, as a menu with its keys."""
        menu = QMenu(self)
        group = QActionGroup(self)
        self.methods: dict[str, QAction] = {}
        menu.addSection(f"Way to rank ({actions.NEXT_METHOD.keys[0]} changes it)")
        for name, title in METHODS.items():
            action = menu.addAction(title)
            action.setCheckable(True)
            action.setActionGroup(group)
            action.setChecked(user_settings.ranking_method() == name)
            action.triggered.connect(partial(self._choose_method, name))
            self.methods[name] = action
        self.criteria = menu.addAction(actions.BY_CRITERIA.title)
        self.criteria.setCheckable(True)
        self.criteria.toggled.connect(self.by_criteria)
        menu.addSection("Cards")
        self.views: dict[str, QAction] = {}
        for name, view in actions.VIEWS.items():
            action = _entry(menu, view)
            action.setChecked(user_settings.card_view(name))
            action.toggled.connect(partial(self._set_view, name))
            self.views[name] = action
        for size, step in ((actions.LARGER, 1), (actions.SMALLER, -1)):
            action = _entry(menu, size)
            action.triggered.connect(partial(self._set_size, step))
        menu.addSeparator()
        menu.addAction(f"{WHAT_IT_READS.label}\t{WHAT_IT_READS.keys[0]}").triggered.connect(lambda: self.reading.emit())
        add_shortcuts(actions.NEXT_METHOD, parent, self.next_method)
        for action in menu.actions():
            action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            parent.addAction(action)
        found = bind(actions.VIEW, QToolButton(self))
        found.setProperty("role", "tab")
        found.setMenu(menu)
        found.setStyleSheet("QToolButton::menu-indicator { image: none; }")
        found.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        return found

    def next_method(self) -> None:
        names = list(METHODS)
        following = names[(names.index(user_settings.ranking_method()) + 1) % len(names)]
        self.methods[following].setChecked(True)
        self._choose_method(following)

    def _choose_method(self, name: str, *_: object) -> None:
        user_settings.set_ranking_method(name)
        self.method.emit(name)

    def toggle_view(self, name: str) -> None:
        """Turn a way to see the cards on, or off."""
        self.views[name].toggle()

    def _set_view(self, name: str, on: bool) -> None:
        user_settings.set_card_view(name, on)
        self.viewed.emit()

    def _set_size(self, step: int, *_: object) -> None:
        user_settings.set_font_size(max(10, min(32, user_settings.font_size() + step)))
        self.viewed.emit()

    def show_criteria(self, names: dict[str, str], on: bool) -> None:
        """Offer to order by each criterion if the guidelines define several."""
        self.criteria.setVisible(len(names) > 1)
        self.criteria.blockSignals(True)
        self.criteria.setChecked(on)
        self.criteria.blockSignals(False)
        listed = ", ".join(names)
        title = actions.BY_CRITERIA.title
        self.criteria.setText(on_button(f"{title} ({listed})") if len(listed) < 60 else title)

    def _toggle(self, name: PageId, panel: Action) -> QToolButton:
        toggle = bind(panel, QToolButton(self))
        toggle.setProperty("role", "tab")
        toggle.setCheckable(True)
        toggle.clicked.connect(lambda: self.toggled.emit(name))
        self.toggles[name] = toggle
        return toggle

    def show_panel(self, name: str) -> None:
        """Which side panel is open; none for an empty name."""
        for other, toggle in self.toggles.items():
            toggle.setChecked(other == name)

    def show_counts(self, ranked: int, total: int) -> None:
        self.count.setText(f"{ranked:,} of {total:,} ranked")
        self.bar.setRange(0, max(1, total))
        self.bar.setValue(ranked)

    def show_error(self, sentence: str) -> None:
        """Why the labeler's name cannot be used; empty when it can."""
        self.error.setText(sentence)
        self.error.setVisible(bool(sentence))


def _entry(menu: QMenu, action: Action) -> QAction:
    found = menu.addAction(action.title)
    found.setCheckable(action.checkable)
    found.setShortcuts([QKeySequence(keys) for keys in action.keys])
    return found
