"""All runs of the policy side by side: the settings in which they differ, and what came of them."""

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidgetItem, QVBoxLayout, QWidget

from core.config.titles import setting_title
from core.config.training import ALGORITHMS, TrainPolicyJob
from core.runs import naming, sweep
from desktop.runs.run_list import WORDS
from desktop.widgets.tables import table

#: What came of a run, as the columns after the settings.
RESULTS = ("Reward after", "KL", "Gold after", "Reward before", "Steps", "Stopped by")
#: Settings that say where a run came from rather than what it tried.
LEFT_OUT = ("algorithm", "reward_job")


class Cell(QTableWidgetItem):
    """Sorts numbers as numbers; what is missing comes first."""

    def __init__(self, value: Any) -> None:
        super().__init__(shown(value))
        self.value = value
        side = Qt.AlignmentFlag.AlignRight if is_number(value) else Qt.AlignmentFlag.AlignLeft
        self.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)

    def __lt__(self, other: QTableWidgetItem) -> bool:
        mine, theirs = self.value, other.value if isinstance(other, Cell) else None
        if is_number(mine) and is_number(theirs):
            return bool(mine < theirs)
        return (mine is not None, str(mine)) < (theirs is not None, str(theirs))


class RunsTable(QWidget):
    """Emits `chosen(job id)` when a row is selected. It is filled only while it is seen."""

    chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.table = table("All runs with the settings in which they differ", ())
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setAlternatingRowColors(True)
        # Room for the arrow of the sorted column, and the numbers under their heading.
        self.table.setStyleSheet("QHeaderView::section, QTableView::item { padding-right: 20px; }")
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.table.horizontalHeader().setStretchLastSection(True)
        self.table.currentCellChanged.connect(lambda row, *_: self._selected(row))
        self._jobs: list[TrainPolicyJob] = []
        self._current: int | None = None
        self._tags: Mapping[int, Sequence[str]] = {}
        self._rows: list[list[Any]] = []
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.table)

    def show_jobs(
        self, jobs: list[TrainPolicyJob], current: int | None = None, tags: Mapping[int, Sequence[str]] | None = None
    ) -> None:
        """`current` is the run that is drawn: its row is the selected one. `tags` are those of runs that have any."""
        self._jobs, self._current, self._tags = jobs, current, tags or {}
        if self.isVisible():
            self._fill()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._fill()

    def _fill(self) -> None:
        names = [name for name in sweep.differences(self._jobs) if name not in LEFT_OUT]
        words = {job.id: (naming.called(job), ", ".join(self._tags.get(job.id, ()))) for job in self._jobs}
        there = [any(each[place] for each in words.values()) for place in (0, 1)]
        own = [title for title, seen in zip(("Name", "Tags"), there, strict=True) if seen]
        titles = ["Run", *own, "Algorithm", "State", *(setting_title(name) for name in names), *RESULTS]
        rows: list[list[Any]] = [titles]
        for job in self._jobs:
            settings = sweep.settings(job)
            kind = ALGORITHMS.get(job.config.algorithm)
            said = [word for word, seen in zip(words[job.id], there, strict=True) if seen]
            row = [job.id, *said, kind.title if kind else "", WORDS[job.status] or "done"]
            rows.append(row + [settings.get(name) for name in names] + list(came_of(job)))
        if rows != self._rows:
            self._rows = rows
            with QSignalBlocker(self.table):
                self._write(titles, rows[1:])
        self._select()

    def _write(self, titles: list[str], rows: list[list[Any]]) -> None:
        self.table.setSortingEnabled(False)
        self.table.setColumnCount(len(titles))
        self.table.setHorizontalHeaderLabels(titles)
        self.table.setRowCount(len(rows))
        for number, values in enumerate(rows):
            for place, value in enumerate(values):
                self.table.setItem(number, place, Cell(value))
                head = self.table.horizontalHeaderItem(place)
                if head is not None and is_number(value):
                    head.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        header = self.table.horizontalHeader()
        if header.sortIndicatorSection() >= len(titles):
            header.setSortIndicator(0, Qt.SortOrder.DescendingOrder)
        self.table.setSortingEnabled(True)

    def _select(self) -> None:
        with QSignalBlocker(self.table):
            for number in range(self.table.rowCount()):
                item = self.table.item(number, 0)
                if isinstance(item, Cell) and item.value == self._current and number != self.table.currentRow():
                    self.table.selectRow(number)

    def _selected(self, row: int) -> None:
        item = self.table.item(row, 0) if row >= 0 else None
        if isinstance(item, Cell):
            self.chosen.emit(item.value)


def came_of(run: TrainPolicyJob) -> tuple[Any, ...]:
    """In the order of `RESULTS`."""
    found = run.result
    reason = found.stop_reason or None
    return found.reward_after, found.kl, found.gold_after, found.reward_before, found.steps, reason


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else "" if value is None else str(value)
