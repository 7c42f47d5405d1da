"""The table of live samples: newest first, rows fetched when they are painted, the chosen one in full below."""

from typing import Any

from PySide6.QtCore import QAbstractTableModel, QEvent, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHeaderView,
    QSizePolicy,
    QSplitter,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from core.store import Project
from core.store.runs import job_samples
from core.texts import one_line
from desktop.theme import theme
from desktop.theme.theme import SPACE
from desktop.widgets.basics import column, label, row
from desktop.widgets.growing import keep_least_height, keep_rows
from desktop.widgets.strangers import Label, Reading, tip
from desktop.widgets.tables import ROW

Index = QModelIndex | QPersistentModelIndex
COLUMNS = ("step", "prompt", "completion", "score", "change", "gold", "kl")
TITLES = {
    "step": "Step", "prompt": "Prompt", "completion": "Completion", "score": "Reward", "change": "Change",
    "gold": "Gold", "kl": "KL",
}  # fmt: skip
#: Widths of the columns with numbers; what is left goes to the texts, this share of it to the prompt.
WIDTHS = {"step": 92, "score": 72, "change": 74, "gold": 70, "kl": 66}
PROMPTS_SHARE = 0.3
#: Columns about which a run may have nothing to say; they are then left out.
SOMETIMES = ("change", "gold")
NARROWEST = 110
#: With less room for the texts, what the chosen sample's rewards say anyway is left out.
SHORT_OF_ROOM = 210
#: Of a longer prompt the rest is scrolled to.
PROMPT_LINES = 1
#: What an answer to compare with is called, by who wrote it.
ANSWERS = {"reference": "Answer of the reference", "start": "Answer before the first step"}
TIPS = {
    "score": "What the completion is rewarded with",
    "change": "How much higher it scores than the answer to the same prompt before",
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
        self.show_ids(job_samples.ids(self.project, job_id) if job_id else [])

    def show_ids(self, ids: list[int]) -> None:
        self.beginResetModel()
        self._ids = ids
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
            self._rows[row_id] = job_samples.find(self.project, row_id) or {}
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
            return tip(str(value)) if name in ("prompt", "completion") else None
        if name == "step":
            return str(value) if row.get("policy") == "policy" else one_line(str(row.get("policy")))
        if isinstance(value, float):
            return f"{value:.2f}" if name == "kl" else f"{value:+.2f}"
        return "" if value is None else one_line(str(value))


def _alignment(name: str) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignLeft if name in ("prompt", "completion") else Qt.AlignmentFlag.AlignRight
    return side | Qt.AlignmentFlag.AlignVCenter


class SamplesTable(QWidget):
    """A run's samples with the text of the selected one."""

    def __init__(self, project: Project) -> None:
        super().__init__()
        self.model = SamplesModel(project, self)
        self._said: set[str] = set()
        self.view = QTableView()
        self.view.setModel(self.model)
        self.view.setAccessibleName("Samples of the run, newest first")
        self.view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.view.setShowGrid(False)
        self.view.setAlternatingRowColors(True)
        self.view.setWordWrap(False)
        self.view.verticalHeader().hide()
        keep_rows(self.view, ROW)
        self.view.setTabKeyNavigation(False)
        sizes = self.view.horizontalHeader()
        sizes.setHighlightSections(False)
        sizes.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        for number, name in enumerate(COLUMNS):
            sizes.resizeSection(number, WIDTHS.get(name, 0))
        self.view.viewport().installEventFilter(self)
        theme.notifier.changed.connect(self._fit)
        self.texts = SampleTexts()
        split = QSplitter(Qt.Orientation.Vertical)
        split.addWidget(self.view)
        split.addWidget(self.texts)
        split.setStretchFactor(0, 3)
        split.setStretchFactor(1, 1)
        split.setSizes([300, 90])
        keep_least_height(self.texts, 104)
        split.setHandleWidth(SPACE)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(split)
        self.view.selectionModel().currentRowChanged.connect(self._selected)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self._fit()
        return False

    def _fit(self) -> None:
        """Share out what the numbers leave between prompt and completion."""
        sizes = self.view.horizontalHeader()
        numbers = [name for name in WIDTHS if name not in SOMETIMES or name in self._said]
        widths = {name: theme.widened(width) for name, width in WIDTHS.items()}
        left = self.view.viewport().width() - sum(widths[name] for name in numbers)
        if left < theme.widened(SHORT_OF_ROOM):
            numbers = [name for name in numbers if name not in SOMETIMES]
            left = max(self.view.viewport().width() - sum(widths[name] for name in numbers), 0)
        for name, width in widths.items():
            sizes.resizeSection(COLUMNS.index(name), width)
        for name in SOMETIMES:
            self.view.setColumnHidden(COLUMNS.index(name), name not in numbers)
        prompt = int(left * PROMPTS_SHARE)
        if prompt < theme.widened(NARROWEST):  # three words say nothing; the chosen sample's prompt is read below
            prompt = 0
        self.view.setColumnHidden(COLUMNS.index("prompt"), not prompt)
        sizes.resizeSection(COLUMNS.index("prompt"), prompt)
        sizes.resizeSection(COLUMNS.index("completion"), left - prompt)

    def prepend(self, rows: list[dict[str, Any]]) -> None:
        """Put new rows, given oldest first, on top."""
        followed = self.view.currentIndex().row() <= 0
        self.model.prepend(rows)
        if followed and self.model.rowCount():
            self.view.selectRow(0)  # who reads the newest goes on with the newest
        self._said |= {name for name in SOMETIMES if any(row.get(name) is not None for row in rows)}
        self._fit()

    def show_run(self, job_id: int | None) -> None:
        """List a run's samples and read the newest one; None empties the table."""
        self.model.show_run(job_id)
        known = job_samples.known(self.model.project, job_id) if job_id else {}
        self._said = {name for name in SOMETIMES if known.get(name)}
        self._fit()
        self.texts.clear()
        if self.model.rowCount():
            self.view.selectRow(0)

    def show_none(self) -> None:
        """An empty table, which samples may be put into."""
        self.model.show_ids([])
        self.texts.clear()

    def _selected(self, index: QModelIndex) -> None:
        if index.isValid():
            sample = self.model.row(index.row())
            self.texts.show_sample(sample, answer_of_reference(self.model.project, sample))


class SampleTexts(QWidget):
    """The selected sample in full: the prompt, and under it the answer beside that of the reference."""

    def __init__(self) -> None:
        super().__init__()
        self.heads: list[Label] = []
        self.boxes: list[Reading] = []
        self.panes: list[QWidget] = []
        for name in ("Prompt", "Completion", "Answer of the reference"):
            head, box, pane = label(name, "small"), Reading(), QWidget()
            box.setAccessibleName(name)
            pane.setLayout(column(head, box, spacing=2))
            self.heads.append(head)
            self.boxes.append(box)
            self.panes.append(pane)
        for head in self.heads:
            head.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)  # both sides are as wide
        self.heads[0].hide()
        self.boxes[0].setFrameShape(QFrame.Shape.NoFrame)
        self.boxes[0].setStyleSheet(
            "QTextEdit { background: transparent; border: none; padding: 0; font-weight: 600; }"
        )
        self.boxes[0].document().setDocumentMargin(0)
        theme.notifier.changed.connect(self._fit)
        self._fit()
        self.boxes[1].setPlaceholderText("Select a sample to read it in full.")
        sides = row(*self.panes[1:], spacing=SPACE)
        for place in range(2):
            sides.setStretch(place, 1)
        whole = column(self.panes[0], sides, spacing=2)
        whole.setStretch(1, 1)
        self.setLayout(whole)
        self.clear()

    def _fit(self) -> None:
        self.boxes[0].setFixedHeight(PROMPT_LINES * self.boxes[0].fontMetrics().lineSpacing() + 6)

    def clear(self) -> None:
        self._show("", "Completion", "", "", "")

    def show_sample(self, sample: dict[str, Any], reference: dict[str, Any] | None) -> None:
        """`reference` is its answer to the same prompt, None where there is none to show."""
        mine = named(ANSWERS.get(sample["policy"], "Completion"), sample["score"])
        theirs = named(ANSWERS[reference["policy"]], reference["score"]) if reference else ""
        self._show(sample["prompt"], mine, sample["completion"], theirs, reference["completion"] if reference else "")

    def _show(self, prompt: str, mine: str, completion: str, theirs: str, answer: str) -> None:
        for head, box, name, text in zip(
            self.heads, self.boxes, ("Prompt", mine, theirs), (prompt, completion, answer), strict=True
        ):
            head.setText(name)
            box.show_text(text)
        self.panes[0].setVisible(bool(prompt))
        self.panes[2].setVisible(bool(theirs))


def named(name: str, score: float | None) -> str:
    return name if score is None else f"{name} · reward {score:+.2f}"


def answer_of_reference(project: Project, sample: dict[str, Any]) -> dict[str, Any] | None:
    """What was answered to a sample's prompt in the same run before it learned: by the reference while it did, or by
    the policy in the same test."""
    if sample.get("policy") not in ("policy", "tuned") or sample.get("prompt_id") is None:
        return None
    job, prompt = sample["job_id"], sample["prompt_id"]
    if sample["policy"] == "policy":
        return job_samples.answer_while_learning(project, job, prompt)
    return job_samples.answer_when_measured(project, job, prompt, sample["id"])
