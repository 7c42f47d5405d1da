"""What a file holds, before it is imported: its first rows, and every line that cannot be used, and why."""

from typing import Literal

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHeaderView, QTableWidget, QTabWidget, QWidget

from core import data
from core.data import Preview
from core.data.rows import Refused
from core.texts import one_line
from desktop.widgets.tables import fill, table

What = Literal["prompts", "rankings"]

REFUSED_SHOWN = 2000


class PreviewTables(QTabWidget):
    def __init__(self, what: What, parent: QWidget) -> None:
        super().__init__(parent)
        self.what = what
        self.found: list[Refused] = []
        third = "Answers, best first" if what == "rankings" else "Tags"
        self.rows = _lines("What the file holds", ("Line", "Prompt", third))
        self.refused = _lines("Refused lines", ("Line", "Why it cannot be used"))
        self.setDocumentMode(True)
        self.tabBar().setDrawBase(False)
        self.addTab(self.rows, "What it holds")
        self.addTab(self.refused, "Refused")

    def show_preview(self, found: Preview | None) -> None:
        """None where it cannot be read at all."""
        self.found = found.refused if found is not None else []
        rows = found.rows if found is not None else []
        fill(self.rows, [(str(item.line), item.prompt, self._rest(item)) for item in rows])
        fill(self.refused, [(str(item.line), item.reason) for item in self.found[:REFUSED_SHOWN]])
        self.setTabText(1, f"Refused ({len(self.found):,})")

    def copy_report(self) -> int:
        """Put every refused line on the clipboard; the table shows the first of them. Returns how many."""
        QGuiApplication.clipboard().setText("\n".join(f"line {item.line}: {item.reason}" for item in self.found))
        return len(self.found)

    def _rest(self, item: data.Row) -> str:
        if self.what == "prompts":
            return ", ".join(item.tags)
        answers = sorted(item.answers, key=lambda answer: (answer.rank is None, answer.rank or 0))
        return "   |   ".join(
            f"{'–' if answer.rank is None else answer.rank}. {one_line(answer.text, 60)}" for answer in answers
        )


def _lines(name: str, columns: tuple[str, ...]) -> QTableWidget:
    """A table whose first column is the line in the file."""
    found = table(name, columns)
    found.setColumnWidth(0, 70)
    for place in range(1, len(columns)):
        found.horizontalHeader().setSectionResizeMode(place, QHeaderView.ResizeMode.Stretch)
    return found
