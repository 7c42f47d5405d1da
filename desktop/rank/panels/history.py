"""Earlier rankings of this labeler, of scripts and of judges, newest first; one can be opened and revised.

What a script or a judge ranked is marked as such, with the reward that it follows, or who judges.
"""

from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
    Signal,
    SignalInstance,
)
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from core.conversation import last_turn
from core.store import Project, ranking_history
from core.store.ranking_history import MadeRanking, Whose
from core.texts import Limits, beginning, one_line
from desktop.rank import actions
from desktop.runs.actions import INFLUENCED
from desktop.theme import theme
from desktop.widgets.basics import label
from desktop.widgets.bound import action_button, bind
from desktop.widgets.dates import local_time
from desktop.widgets.strangers import tip

NOWHERE = QModelIndex()
SHOWN = 300
#: What of the prompt stands in a tooltip, over who ranked.
PROMPT = Limits(1_200, 20)
SHOW: dict[Whose, str] = {
    "all": "Mine and by others than people", "person": "Mine", "scripted": "By scripts", "judge": "By judges",
}  # fmt: skip


def by(entry: MadeRanking) -> str:
    """Who ranked, when, whether a flag stands instead of an order, and whether people wrote some of the answers."""
    who = {"scripted": f"By a script ({entry.detail})", "judge": f"By a judge ({entry.detail})"}.get(
        entry.kind, "By you"
    )
    hand = f"✎ {entry.by_hand} by hand" if entry.by_hand else ""
    parts = who, local_time(entry.created_at), entry.flag and f"⚑ {entry.flag}", hand
    return " · ".join(part for part in parts if part)


class HistoryModel(QAbstractListModel):
    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.entries: list[MadeRanking] = []

    def show_entries(self, found: list[MadeRanking]) -> None:
        self.beginResetModel()
        self.entries = found
        self.endResetModel()

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = NOWHERE) -> int:
        return 0 if parent.isValid() else len(self.entries)

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        entry = self.entries[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return one_line(last_turn(entry.prompt) if entry.talk else entry.prompt)
        if role == Qt.ItemDataRole.UserRole:
            return one_line(by(entry))
        if role == Qt.ItemDataRole.ToolTipRole:
            return tip(f"{beginning(entry.prompt, PROMPT)}\n\n{by(entry)}")
        return None


class EntryDelegate(QStyledItemDelegate):
    """The prompt above, who and when below in muted ink; both elided, the tooltip has them whole."""

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        self.initStyleOption(option, index)
        option.text = ""
        widget = option.widget
        widget.style().drawControl(QStyle.ControlElement.CE_ItemViewItem, option, painter, widget)
        box: QRect = option.rect.adjusted(10, 6, -10, -6)
        half = box.height() // 2
        painter.save()
        ink = theme.current()
        for colour, data, top in (
            (ink.text, Qt.ItemDataRole.DisplayRole, box.top()),
            (ink.muted, Qt.ItemDataRole.UserRole, box.top() + half),
        ):
            painter.setPen(QColor(colour))
            text = option.fontMetrics.elidedText(str(index.data(data)), Qt.TextElideMode.ElideRight, box.width())
            line = QRect(box.left(), top, box.width(), half)
            painter.drawText(line, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)
        painter.restore()

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(100, 2 * option.fontMetrics.lineSpacing() + 18)


class RankingHistory(QWidget):
    """`opened` carries the id of the ranking to show, `calibrating` of the one to put into the calibration set,
    `asked` of the one of which somebody wants to know what it has influenced."""

    opened = Signal(int)
    calibrating = Signal(int)
    asked = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.kind = QComboBox(self)
        bind(actions.WHOSE, self.kind)
        for name, title in SHOW.items():
            self.kind.addItem(title, name)
        self.model = HistoryModel(self)
        self.view = QListView(self)
        self.view.setModel(self.model)
        self.view.setItemDelegate(EntryDelegate(self.view))
        self.view.setUniformItemSizes(True)
        self.view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.view.setAccessibleName("Earlier rankings")
        self.view.clicked.connect(self._open)
        self.view.activated.connect(self._open)
        self.empty = label("Nothing is ranked yet.", "muted")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.kind)
        layout.addWidget(self.empty)
        layout.addWidget(self.view, 1)
        self.calibrate = action_button(actions.CALIBRATE, lambda: self._tell(self.calibrating))
        self.influenced = action_button(INFLUENCED, lambda: self._tell(self.asked))
        layout.addWidget(self.calibrate)
        layout.addWidget(self.influenced)

    def load(self, project: Project, labeler_id: int) -> None:
        found = ranking_history.newest(project, labeler_id, self.kind.currentData(), SHOWN)
        self.model.show_entries(found)
        self.empty.setVisible(not found)
        self.view.setVisible(bool(found))
        self.calibrate.setVisible(bool(found))
        self.influenced.setVisible(bool(found))

    def _tell(self, signal: SignalInstance) -> None:
        index = self.view.currentIndex()
        if index.isValid():
            signal.emit(self.model.entries[index.row()].ranking_id)

    def _open(self, index: QModelIndex) -> None:
        self.opened.emit(self.model.entries[index.row()].ranking_id)
