"""A file in: first what it holds and every line that cannot be used and why, then the import, all of it or nothing."""

from pathlib import Path
from typing import Any, Literal

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QHeaderView,
    QLineEdit,
    QTableWidget,
    QTabWidget,
    QWidget,
)

from core import data
from core.data import Preview
from core.data.rows import Refused, Report
from core.errors import Stopped, known
from core.store import Project
from core.store.undo import bulk
from core.store.undo.bulk import Recorded
from core.texts import one_line
from desktop.background import in_background, with_project
from desktop.session import Session
from desktop.theme.theme import SPACE
from desktop.widgets import file_dialogs
from desktop.widgets.basics import button, column, label, row, set_role
from desktop.widgets.tables import fill, table

FILES = "Data (*.jsonl *.json *.ndjson *.jsonl.gz *.csv *.tsv *.parquet *.txt);;All files (*)"
TOUCHED = ("prompts", "rankings", "completion_groups", "labelers")
SHOWN = 50
REFUSED_SHOWN = 2000
COUNT_MILLISECONDS = 200


class Reading:
    """How far an import is, told by its thread, and whether it is to stop, told by the window's."""

    def __init__(self) -> None:
        self.count = 0
        self.stopped = False

    def __call__(self, count: int) -> None:
        self.count = count
        if self.stopped:
            raise Stopped("It was stopped: nothing of the file was imported.")


class ImportDialog(QDialog):
    """`imported` carries the `Changes`. `what` is "prompts" or "rankings"."""

    imported = Signal(object)

    def __init__(self, session: Session, parent: QWidget, *, what: str) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(f"Import {what}")
        self.resize(880, 600)
        self.session = session
        self.owner = parent
        self.what = what
        self.path = Path()
        self.about = label("", "heading", wrap=True)
        self.hazards = label("", "warning", wrap=True)
        self.note = label("", "muted", wrap=True)
        third = "Answers, best first" if what == "rankings" else "Tags"
        self.rows = _lines("What the file holds", ("Line", "Prompt", third))
        self.refused = _lines("Refused lines", ("Line", "Why it cannot be used"))
        self.reading: Reading | None = None
        self._clock = QTimer(self, interval=COUNT_MILLISECONDS)
        self._clock.timeout.connect(self._count)
        self.tabs = QTabWidget(self)
        self.tabs.setDocumentMode(True)
        self.tabs.addTab(self.rows, "What it holds")
        self.tabs.addTab(self.refused, "Refused")
        self.said = label("", "muted", wrap=True)
        self.go = button("Import", self.run_import, role="primary")
        self.go.setEnabled(False)
        self.split = QComboBox(self)
        self.split.setAccessibleName("Use for")
        for title, value in (("Use as the file says", ""), ("Training", "train"), ("Held-out", "heldout")):
            self.split.addItem(title, value)
        self.split.setVisible(what == "prompts")
        self.labeler = QLineEdit("imported", self)
        self.labeler.setAccessibleName("Whose rankings they are")
        self.labeler.setToolTip("Whose rankings they are, where the file does not say.")
        self.labeler.setMaximumWidth(160)
        whose = label("Labeler", "muted")
        for widget in (whose, self.labeler):
            widget.setVisible(what == "rankings")
        self.found: list[Refused] = []
        self.dropped = False
        """Something that may be an answer or a verdict is left out, and whoever imports was told."""
        self.copy = button("Copy the report", self.copy_report, role="link", tip="Every refused line, and why")
        self.copy.hide()
        self.halt = button("Stop", self._stop, tip="Import nothing of it")
        self.halt.hide()
        self.other = button("Other file …", self.choose)
        self.shut = button("Close", self.reject)
        foot = row(self.split, whose, self.labeler, self.copy, None, self.other, self.shut, self.halt, self.go)
        layout = column(self.about, self.hazards, self.note, self.tabs, self.said, foot, spacing=SPACE + 4)
        layout.setStretch(3, 1)
        layout.setContentsMargins(3 * SPACE, 2 * SPACE, 3 * SPACE, 2 * SPACE)
        self.setLayout(layout)
        self.hazards.hide()
        self.note.hide()

    def choose(self) -> None:
        """Ask for the file, then show what is in it."""
        file_dialogs.ask_open(self.owner, f"Import {self.what}", self.look, FILES)

    def look(self, path: Path) -> None:
        """Read the file beside the window and show what an import would do."""
        self.path = path
        self.about.setText(f"Reading {path.name} …")
        self.go.setEnabled(False)
        self._say("", "muted")
        if not self.isVisible():
            self.open()
        in_background(self, lambda: data.preview(path, SHOWN), self._show, self._failed)

    def _show(self, found: Preview) -> None:
        kind = "prompts" if self.what == "prompts" else found.what
        self.about.setText(f"{self.path.name}: {found.total:,} {kind}, read as {found.format}")
        left_out = self._left_out(found)
        self.dropped = bool(left_out)
        self.hazards.setText("\n".join([*filter(None, [left_out]), *found.hazards]))
        self.hazards.setVisible(bool(self.hazards.text()))
        self.go.setText(
            "Import" if not left_out else "Import the prompts alone" if kind == "prompts" else "Leave it out"
        )
        self.note.setText(found.note if self.what == "rankings" else "")
        self.note.setVisible(bool(self.note.text()))
        fill(self.rows, [(str(item.line), item.prompt, self._rest(item)) for item in found.rows])
        fill(self.refused, [(str(item.line), item.reason) for item in found.refused[:REFUSED_SHOWN]])
        self.tabs.setTabText(1, f"Refused ({len(found.refused):,})")
        self.found = found.refused
        self.copy.setVisible(bool(found.refused))
        usable = found.total > 0 and (self.what == "prompts" or found.what != "prompts")
        self.go.setEnabled(usable)
        if not usable:
            what = "prompts" if self.what == "prompts" else "rankings, only prompts" if found.total else "rankings"
            self._say(f"There are no {what} in it that could be used.", "warning")

    def _left_out(self, found: Preview) -> str:
        """What is asked before the file may be imported, as a sentence with the ways out; empty if there is nothing."""
        if self.what == "prompts" and found.what != "prompts":
            return "It holds answers, too, which stay out here: Import in Review takes them in."
        if not found.held:
            return ""
        return f"{found.question} The command `import` has --map for that."

    def copy_report(self) -> None:
        """Put every refused line on the clipboard; the table shows the first of them."""
        QGuiApplication.clipboard().setText("\n".join(f"line {item.line}: {item.reason}" for item in self.found))
        self._say(f"{len(self.found):,} lines are on the clipboard.", "muted")

    def _rest(self, item: data.Row) -> str:
        if self.what == "prompts":
            return ", ".join(item.tags)
        answers = sorted(item.answers, key=lambda answer: (answer.rank is None, answer.rank or 0))
        return "   |   ".join(
            f"{'–' if answer.rank is None else answer.rank}. {one_line(answer.text, 60)}" for answer in answers
        )

    def run_import(self) -> None:
        """Import beside the window, in one transaction."""
        path, folder, split, labeler = (
            self.path,
            self.session.project.folder,
            self.split.currentData() or None,
            self.labeler.text().strip() or "imported",
        )
        self.go.setEnabled(False)
        what, reading = self.what, Reading()
        held: Literal["ask", "drop"] = "drop" if self.dropped else "ask"
        self._follow(reading)

        def read(project: Project) -> Report:
            if what == "prompts":
                return data.import_prompts(project, path, split=split, tell=reading, held=held)
            return data.import_preferences(project, path, labeler, tell=reading, held=held)

        def work(project: Project) -> tuple[Report, Recorded]:
            return bulk.record(project, f"Import {what}", TOUCHED, lambda: read(project))

        with_project(self, folder, work, lambda found: self._done(*found), self._failed)

    def _follow(self, reading: "Reading") -> None:
        """Count along until the import has ended."""
        self.reading = reading
        self._show_work()
        self._count()
        self._clock.start()

    def _count(self) -> None:
        if self.reading is not None:
            self._say(f"Importing … {self.reading.count:,} lines", "muted")

    def _stop(self) -> None:
        if self.reading is not None:
            self.reading.stopped = True

    def _end(self) -> None:
        self._clock.stop()
        self.reading = None
        self._show_work()

    def _show_work(self) -> None:
        self.halt.setVisible(self.reading is not None)
        for other in (self.shut, self.other):
            other.setEnabled(self.reading is None)

    def reject(self) -> None:
        """Stay while it imports: nobody else can write to the project meanwhile, so a ranking would have to wait."""
        if self.reading is None:
            super().reject()
        else:
            self.halt.setFocus()

    def _done(self, report: Report, changes: Recorded) -> None:
        self._end()
        parts = [f"{report.added:,} {report.what} imported"]
        if report.known:
            parts.append(f"{report.known:,} were there already")
        if report.refused:
            parts.append(f"{len(report.refused):,} lines could not be used (see Refused)")
        if report.unranked:
            parts.append(f"{report.unranked:,} of them not ranked by anybody, which wait in Rank")
        said = [", ".join(parts) + ".", *report.notes]
        self._say("\n".join(said), "warning" if report.refused or report.notes else "good")
        self.imported.emit(changes)

    def _failed(self, error: Any) -> None:
        self._end()
        if isinstance(error, Stopped):
            self.go.setEnabled(True)
            self._say(str(error), "muted")
            return
        self.about.setText(self.path.name)
        self._say(str(known(error) or f"The file cannot be read: {error}"), "error")

    def _say(self, sentence: str, role: str) -> None:
        self.said.setText(sentence)
        set_role(self.said, role)


def _lines(name: str, columns: tuple[str, ...]) -> QTableWidget:
    """A table whose first column is the line in the file."""
    found = table(name, columns)
    found.setColumnWidth(0, 70)
    for place in range(1, len(columns)):
        found.horizontalHeader().setSectionResizeMode(place, QHeaderView.ResizeMode.Stretch)
    return found
