"""The slim line above the cards: how far the labeler is, who that is, and what can be opened at the side."""

from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QLineEdit, QProgressBar, QSizePolicy, QToolButton, QWidget

from desktop.widgets.parts import button, column, label, row

PANELS = (
    ("generate", "Generate", "F2", "Write completions with the local model"),
    ("rules", "Guidelines", "F3", "Read the rules while ranking"),
    ("history", "History", "F4", "Earlier rankings, to look at or revise"),
)


class RankHeader(QWidget):
    """`toggled` names a side panel; `renamed` carries the name that the labeler typed."""

    toggled = Signal(str)
    renamed = Signal(str)
    helping = Signal()

    def __init__(self, labeler_name: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.count = label("", "heading")
        self.bar = QProgressBar(self)
        self.bar.setTextVisible(False)
        self.bar.setFixedWidth(160)
        self.doing = label("", "muted")
        self.labeler = QLineEdit(labeler_name, self)
        self.labeler.setFixedWidth(130)
        self.labeler.setToolTip("Your name. Rankings are kept apart by labeler.")
        self.labeler.setAccessibleName("Labeler")
        self.labeler.editingFinished.connect(lambda: self.renamed.emit(self.labeler.text().strip()))
        self.error = label("", "error", wrap=True)
        self.error.hide()
        self.toggles: dict[str, QToolButton] = {}
        line = row(self.count, self.bar, self.doing, None, label("Labeler", "muted"), self.labeler, spacing=10)
        for name, title, key, tip in PANELS:
            line.addWidget(self._toggle(name, title, f"{tip} ({key})"))
            shortcut = QShortcut(QKeySequence(key), parent)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(partial(self.toggled.emit, name))
        line.addWidget(button("?", self.helping.emit, tip="All keys (?)"))
        self.setLayout(column(line, self.error, spacing=4))
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def _toggle(self, name: str, title: str, tip: str) -> QToolButton:
        toggle = QToolButton(self)
        toggle.setText(title)
        toggle.setToolTip(tip)
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
