"""The table of prompts: the model holds ids only, a row is fetched when it is painted, so that 100,000 open at once."""

from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from core.store import Project, prompts
from core.store.prompts import Line
from core.texts import one_line
from desktop.widgets.columns import keep_columns
from desktop.widgets.strangers import tip
from desktop.widgets.tables import plain

Index = QModelIndex | QPersistentModelIndex
NOWHERE = QModelIndex()
BLOCK = 128
KEPT_BLOCKS = 64
SPLIT_TITLES = {"train": "Training", "heldout": "Held-out"}


def _state(line: Line) -> str:
    return "Ranked" if line.rankings else "Answered" if line.completions else "New"


@dataclass(frozen=True)
class Column:
    title: str
    tip: str
    width: int


COLUMNS = (
    Column("Prompt", "What people ask.", 0),
    Column("Use", "Training prompts teach; held-out prompts only test.", 86),
    Column("Tags", "Your own words to find prompts by.", 104),
    Column("State", "Does it have completions, and were they ranked?", 96),
)


class PromptModel(QAbstractTableModel):
    """Rows of `project`'s prompts that match a search text and a split."""

    def __init__(self, project: Project, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.project = project
        self.ids: list[int] = []
        self._blocks: dict[int, list[Line]] = {}

    def load(self, search: str = "", split: str = "all") -> None:
        self.beginResetModel()
        self.ids = prompts.ids(self.project, split=split, search=search)
        self._blocks.clear()
        self.endResetModel()

    def forget(self) -> None:
        """Fetch again what is painted: the prompts are the same, what is counted for them is not."""
        self._blocks.clear()
        if self.ids:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self.ids) - 1, len(COLUMNS) - 1))

    def row(self, index: int) -> Line | None:
        """None when the prompt has gone since the ids were read."""
        block = index // BLOCK
        if block not in self._blocks:
            if len(self._blocks) >= KEPT_BLOCKS:
                self._blocks.pop(next(iter(self._blocks)))
            self._blocks[block] = prompts.lines(self.project, self.ids[block * BLOCK : (block + 1) * BLOCK])
        wanted = self.ids[index]
        return next((row for row in self._blocks[block] if row.id == wanted), None)

    def rowCount(self, parent: Index = NOWHERE) -> int:
        return 0 if parent.isValid() else len(self.ids)

    def columnCount(self, parent: Index = NOWHERE) -> int:
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.ToolTipRole:
            return COLUMNS[section].tip
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        return COLUMNS[section].title if role == Qt.ItemDataRole.DisplayRole else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return None
        row = self.row(index.row())
        if row is None:
            return None
        if role == Qt.ItemDataRole.ToolTipRole:
            counts = f"Groups of completions: {row.completions}\nRankings: {row.rankings}"
            return tip((row.text, row.split, ", ".join(row.tags), counts)[index.column()])
        shown = (row.text, SPLIT_TITLES[row.split], ", ".join(row.tags), _state(row))
        return one_line(shown[index.column()])


class PromptTable(QTableView):
    """Rows of one height, the prompt's column takes what is left."""

    def __init__(self, model: PromptModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setModel(model)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        plain(self, "Prompts")
        self.setAlternatingRowColors(True)
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        keep_columns(self, {index: column.width for index, column in enumerate(COLUMNS) if index})

    def selected_ids(self) -> tuple[int, ...]:
        model = self.model()
        assert isinstance(model, PromptModel)
        # By ranges: with all of 100,000 rows selected, Qt's own list of indexes takes seconds.
        chosen = self.selectionModel().selection()
        parts = [chosen.at(index) for index in range(chosen.size())]
        rows = {row for part in parts for row in range(part.top(), part.bottom() + 1)}
        return tuple(sorted(model.ids[row] for row in rows))
