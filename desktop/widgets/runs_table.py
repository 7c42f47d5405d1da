"""All runs of the policy side by side: the settings in which they differ, and what came of them."""

from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QVBoxLayout, QWidget

from core.configs import ALGORITHMS
from core.jobs import sweep
from core.records import Job
from desktop.forms import title_of

#: What came of a run, as the columns after the settings.
RESULTS = {
    "reward_before": "Reward before", "reward_after": "Reward after", "gold_after": "Gold after", "kl": "KL",
    "steps": "Steps", "stop_reason": "Stopped by",
}  # fmt: skip
#: Settings that say where a run came from rather than what it tried.
LEFT_OUT = ("algorithm", "reward_job")


class Cell(QTableWidgetItem):
    """Sorts numbers as numbers; what is missing comes last."""

    def __init__(self, value: Any) -> None:
        super().__init__(f"{value:.4g}" if isinstance(value, float) else "" if value is None else str(value))
        self.value = value
        number = isinstance(value, int | float) and not isinstance(value, bool)
        side = Qt.AlignmentFlag.AlignRight if number else Qt.AlignmentFlag.AlignLeft
        self.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)

    def __lt__(self, other: QTableWidgetItem) -> bool:
        mine, theirs = self.value, getattr(other, "value", None)
        if isinstance(mine, int | float) and isinstance(theirs, int | float):
            return mine < theirs
        return str(mine) < str(theirs) if mine is not None and theirs is not None else theirs is None


class RunsTable(QWidget):
    """Emits `chosen(job id)` when a row is selected by a person."""

    chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.table = QTableWidget()
        self.table.setAccessibleName("All runs with the settings in which they differ")
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setAlternatingRowColors(True)
        self.table.setShowGrid(False)
        self.table.setTabKeyNavigation(False)
        self.table.verticalHeader().hide()
        self.table.horizontalHeader().setHighlightSections(False)
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.table.horizontalHeader().setStretchLastSection(True)
        self.table.currentCellChanged.connect(lambda row, *_: self._selected(row))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.table)

    def show_jobs(self, jobs: list[Job]) -> None:
        names = [name for name in sweep.differences(jobs) if name not in LEFT_OUT]
        titles = ["Run", "Algorithm", "State", *map(title_of, names), *RESULTS.values()]
        self.table.blockSignals(True)
        self.table.setSortingEnabled(False)
        self.table.clear()
        self.table.setColumnCount(len(titles))
        self.table.setHorizontalHeaderLabels(titles)
        self.table.setRowCount(len(jobs))
        for row, job in enumerate(jobs):
            chosen = sweep.settings(job)
            algorithm = ALGORITHMS.get(chosen.get("algorithm", ""))
            values = [job.id, algorithm.title if algorithm else "", job.status]
            values += [chosen.get(name) for name in names] + [job.result.get(name) for name in RESULTS]
            for place, value in enumerate(values):
                self.table.setItem(row, place, Cell(value))
        self.table.setSortingEnabled(True)
        self.table.blockSignals(False)

    def _selected(self, row: int) -> None:
        if row >= 0 and (item := self.table.item(row, 0)) is not None:
            self.chosen.emit(int(item.text()))
