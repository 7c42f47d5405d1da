"""The table of live samples: newest first, rows fetched when they are painted, the chosen one in full below."""

from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QSplitter, QTableView, QTextBrowser, QVBoxLayout, QWidget

from core.store import Project
from desktop import theme
from desktop.theme import SPACE

Index = QModelIndex | QPersistentModelIndex
COLUMNS = ("step", "prompt", "completion", "score", "change", "gold", "kl")
TITLES = {
    "step": "Step", "prompt": "Prompt", "completion": "Completion", "score": "Reward", "change": "Change",
    "gold": "Gold", "kl": "KL",
}  # fmt: skip
TIPS = {
    "score": "What the completion is rewarded with",
    "change": "How much higher it scores than the reference's answer to the same prompt",
    "gold": "What the gold reward says of it",
    "kl": "Nats that its tokens differ from the reference, summed",
}


class SamplesModel(QAbstractTableModel):
    """Holds the ids of a run's samples; a row is read from the project when it is asked for."""

    def __init__(self, project: Project, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.project = project
        self._ids: list[int] = []
        self._rows: dict[int, dict[str, Any]] = {}

    def show_run(self, job_id: int | None) -> None:
        self.beginResetModel()
        found = self.project.rows("select id from samples where job_id = ? order by id desc", job_id) if job_id else []
        self._ids = [row["id"] for row in found]
        self._rows = {}
        self.endResetModel()

    def prepend(self, rows: list[dict[str, Any]]) -> None:
        """Put new rows, given oldest first, on top; those that are there already are left out."""
        newest = self._ids[0] if self._ids else 0
        rows = [row for row in rows if row["id"] > newest]
        if rows:
            self.beginInsertRows(QModelIndex(), 0, len(rows) - 1)
            self._ids[:0] = [row["id"] for row in reversed(rows)]
            self._rows |= {row["id"]: row for row in rows}
            self.endInsertRows()

    def row(self, number: int) -> dict[str, Any]:
        row_id = self._ids[number]
        if row_id not in self._rows:
            self._rows[row_id] = self.project.one("select * from samples where id = ?", row_id) or {}
        return self._rows[row_id]

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._ids)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(COLUMNS[section])
        if role == Qt.ItemDataRole.ToolTipRole:
            return TIPS.get(COLUMNS[section])
        return TITLES[COLUMNS[section]] if role == Qt.ItemDataRole.DisplayRole else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        name = COLUMNS[index.column()]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(name)
        if role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.ForegroundRole):
            return None
        row = self.row(index.row())
        value = row.get(name)
        if role == Qt.ItemDataRole.ForegroundRole:
            if name != "change" or value is None:
                return None
            colours = theme.current()
            return QColor(colours.good if value > 0 else colours.danger if value < 0 else colours.muted)
        if role == Qt.ItemDataRole.ToolTipRole:
            return str(value) if name in ("prompt", "completion") else None
        if name == "step":
            return str(value) if row.get("policy") == "policy" else str(row.get("policy"))
        if isinstance(value, float):
            return f"{value:+.2f}"
        return "" if value is None else str(value).replace("\n", " ")


def _alignment(name: str) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignLeft if name in ("prompt", "completion") else Qt.AlignmentFlag.AlignRight
    return side | Qt.AlignmentFlag.AlignVCenter


class SamplesTable(QWidget):
    """A run's samples with the text of the selected one."""

    def __init__(self, project: Project) -> None:
        super().__init__()
        self.model = SamplesModel(project, self)
        self.view = QTableView()
        self.view.setModel(self.model)
        self.view.setAccessibleName("Samples of the run, newest first")
        self.view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.view.setShowGrid(False)
        self.view.setAlternatingRowColors(True)
        self.view.setWordWrap(False)
        self.view.verticalHeader().hide()
        self.view.verticalHeader().setDefaultSectionSize(30)
        self.view.setTabKeyNavigation(False)
        sizes = self.view.horizontalHeader()
        sizes.setHighlightSections(False)
        sizes.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        for number, (name, width) in enumerate(zip(COLUMNS, (88, 0, 0, 70, 74, 70, 70), strict=True)):
            if name in ("prompt", "completion"):
                sizes.setSectionResizeMode(number, QHeaderView.ResizeMode.Stretch)
            else:
                sizes.resizeSection(number, width)
        self.text = QTextBrowser()
        self.text.setAccessibleName("The selected sample in full")
        self.text.setPlaceholderText("Select a sample to read it in full.")
        split = QSplitter(Qt.Orientation.Vertical)
        split.addWidget(self.view)
        split.addWidget(self.text)
        split.setStretchFactor(0, 3)
        split.setStretchFactor(1, 1)
        split.setSizes([300, 90])
        self.text.setMinimumHeight(88)
        split.setHandleWidth(SPACE)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(split)
        self.view.selectionModel().currentRowChanged.connect(self._selected)

    def show_run(self, job_id: int | None) -> None:
        """List a run's samples and read the newest one; None empties the table."""
        self.model.show_run(job_id)
        self.text.clear()
        if self.model.rowCount():
            self.view.selectRow(0)

    def _selected(self, index: QModelIndex) -> None:
        if index.isValid():
            self.text.setPlainText(in_full(self.model.project, self.model.row(index.row())))


def in_full(project: Project, row: dict[str, Any]) -> str:
    """A sample's texts: the prompt, the completion, and what the reference answered to the same prompt."""
    text = f"{row['prompt']}\n\n{row['completion']}"
    if row.get("policy") != "policy" or row.get("prompt_id") is None:
        return text
    reference = project.one(
        "select completion, score from samples"
        " where job_id = ? and prompt_id = ? and policy = 'reference' and step > 0",
        row["job_id"], row["prompt_id"],
    )  # fmt: skip
    if reference is None:
        return text
    score = "" if reference["score"] is None else f" ({reference['score']:+.2f})"
    return f"{text}\n\nThe reference answered{score}:\n{reference['completion']}"
