"""A file in: first what it holds and every line that cannot be used and why, then the import, all of it or nothing."""

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QDialog, QHBoxLayout, QWidget

from core import data
from core.data import Inspection, Preview, ReadOptions
from core.data.demonstrations import import_demonstrations
from core.data.hub import Part
from core.data.rows import Report
from core.errors import Stopped, known
from core.store import Project
from core.store.undo.bulk import Recorded
from desktop.background import in_background
from desktop.instructions.columns_panel import ColumnsPanel
from desktop.instructions.hub_dialog import HubDialog
from desktop.instructions.import_preview import PreviewTables, What
from desktop.instructions.import_terms import ImportTerms
from desktop.instructions.import_verdict import Verdict
from desktop.instructions.import_work import ImportWork, Reading, outcome
from desktop.session import Session
from desktop.theme.theme import SPACE
from desktop.widgets import file_dialogs
from desktop.widgets.basics import button, column, label, row, set_role

FILES = "Data (*.jsonl *.json *.ndjson *.jsonl.gz *.csv *.tsv *.parquet *.txt);;All files (*)"
SHOWN = 50
#: After the last change of the columns the file is read anew.
SETTLE_MILLISECONDS = 150


class ImportDialog(QDialog):
    """`imported` carries the `Changes`."""

    imported = Signal(object)

    def __init__(self, session: Session, parent: QWidget, *, what: What) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(f"Import {what}")
        self.resize(920, 640)
        self.session = session
        self.owner = parent
        self.what = what
        self.path = Path()
        self.options = ReadOptions()
        self.dropped = False
        """Something that may be an answer or a verdict is left out, and whoever imports was told."""
        self._verdict: Verdict | None = None
        self._is_new = True
        """Nobody said yet how the file is to be read."""
        self._looking: Reading | None = None
        self._again = QTimer(self, singleShot=True, interval=SETTLE_MILLISECONDS)
        self._again.timeout.connect(self._look)
        self.work = ImportWork(self)
        self.work.counted.connect(lambda count: self._say(f"Importing … {count:,} lines", "muted"))
        self.work.done.connect(self._done)
        self.work.failed.connect(self._failed)
        self.about = label("", "heading", wrap=True)
        self.hazards = label("", "warning", wrap=True)
        self.note = label("", "muted", wrap=True)
        self.said = label("", "muted", wrap=True)
        self.columns = ColumnsPanel(self)
        self.columns.changed.connect(self._read_otherwise)
        self.tabs = PreviewTables(what, self)
        self.rows, self.refused = self.tabs.rows, self.tabs.refused
        top = row(self.about, self._columns_button(), spacing=2 * SPACE)
        top.setStretch(0, 1)
        parts = (top, self.hazards, self.note, self.columns, self.tabs, self.said, self._foot())
        layout = column(*parts, spacing=SPACE + 4)
        layout.setStretch(4, 1)
        layout.setContentsMargins(3 * SPACE, 2 * SPACE, 3 * SPACE, 2 * SPACE)
        self.setLayout(layout)
        for hidden in (self.hazards, self.note, self.columns):
            hidden.hide()

    @property
    def is_reading(self) -> bool:
        """Is what is shown about to be another?"""
        return self._looking is not None or self._again.isActive()

    def _columns_button(self) -> QWidget:
        tip = "Say which column of the file is what"
        self.mapping = button("Columns …", self._toggle_columns, tip=tip, default=False)
        self.mapping.setCheckable(True)
        self.mapping.setEnabled(False)
        return self.mapping

    def _foot(self) -> QHBoxLayout:
        self.go = button("Import", self.run_import, role="primary")
        self.go.setDefault(True)
        self.go.setEnabled(False)
        self.terms = ImportTerms(self.what, self)
        self.labeler = self.terms.labeler
        self.terms.answers.toggled.connect(lambda _: self._show_left_out())
        self.copy = button("Copy the report", self.copy_report, role="link", tip="Every refused line, and why")
        self.copy.hide()
        self.halt = button("Stop", self.work.stop, tip="Import nothing of it")
        self.halt.hide()
        self.other = button("Other file …", self.choose)
        self.hub = button("From a hub …", self.choose_from_hub)
        self.shut = button("Close", self.reject)
        return row(self.terms, self.copy, None, self.hub, self.other, self.shut, self.halt, self.go)

    def choose(self) -> None:
        """Ask for the file, then show what is in it."""
        file_dialogs.ask_open(self.owner, f"Import {self.what}", self.look, FILES)

    def choose_from_hub(self) -> None:
        """Ask for a data set of a hub, bring it here, then show what is in it."""
        dialog = HubDialog(self if self.isVisible() else self.owner)
        dialog.fetched.connect(self._look_at_part)
        if not self.isVisible():
            dialog.rejected.connect(self.deleteLater)
        dialog.open()

    def _look_at_part(self, path: Path, options: ReadOptions, part: Part) -> None:
        self.look(path, options, heldout=part.use == "heldout")

    def look(self, path: Path, options: ReadOptions = data.AS_IT_IS, *, heldout: bool = False) -> None:
        """Read the file beside the window and show what an import would do. Where nobody chose otherwise, a test is
        `heldout`."""
        self.terms.guess("heldout" if heldout else None)
        self.path, self.options, self._is_new = path, options, True
        self.columns.forget_file()
        if not self.isVisible():
            self.open()
        self._look()

    def _look(self) -> None:
        self._again.stop()
        self.about.setText(f"Reading {self.options.name(self.path)} …")
        self.go.setEnabled(False)
        self._say("", "muted")
        if self._looking is not None:
            self._looking.stopped = True
        reading = self._looking = Reading("")
        path, options = self.path, self.options

        def done(found: Inspection) -> None:
            if reading is self._looking:
                self._looking = None
                self._show(found)

        def failed(error: Any) -> None:
            if reading is self._looking:
                self._looking = None
                self._failed(error)

        in_background(self, lambda: data.inspect(path, SHOWN, options, reading), done, failed)

    def _read_otherwise(self) -> None:
        """By the columns, and in the encoding, that are chosen now. Until then nobody imports what is shown."""
        self.go.setEnabled(False)
        if not self.columns.is_wanting:
            self.options = replace(self.options, columns=self.columns.columns, encoding=self.columns.encoding)
            self._again.start()

    def _show(self, found: Inspection) -> None:
        self.options = found.options
        self.columns.show_file(found)
        self.mapping.setEnabled(True)
        leads = self._is_new and not found.is_understood and bool(found.rows)
        self._is_new = False
        if leads or found.encoding:
            self._open_columns()
        useless = found.preview is None or not Verdict(self.what, found.preview).is_usable
        if leads and useless and self.columns.take_guess():
            return  # it is read by the guess, which is said
        self.tabs.show_preview(found.preview)
        self.copy.setVisible(bool(self.tabs.found))
        if found.preview is None:
            self._show_fault(found)
        else:
            self._show_preview(found.preview)

    def _show_fault(self, found: Inspection) -> None:
        self.about.setText(self.options.name(self.path))
        self.hazards.hide()
        self.note.hide()
        self._say(str(found.fault), "error")

    def _show_preview(self, preview: Preview) -> None:
        verdict = Verdict(self.what, preview)
        how = f"read as {preview.format}" if self.options.columns is None else "read by the columns below"
        self.about.setText(f"{self.options.name(self.path)}: {preview.total:,} {verdict.kind}, {how}")
        self.dropped = bool(verdict.left_out)
        self.note.setText(preview.note if self.what == "rankings" else "")
        self.note.setVisible(bool(self.note.text()))
        self._verdict = verdict
        self._show_left_out()
        self.go.setEnabled(verdict.is_usable and not self.columns.is_wanting)
        if verdict.lack:
            way = " Say under Columns which column is what." if self.columns.has_columns else ""
            self._say(f"{verdict.lack}{way}", "warning")

    def _show_left_out(self) -> None:
        """What stays out of the import; with the answers that are to be learnt nothing does."""
        if self._verdict is None:
            return
        whole = self.terms.answers.isChecked()
        left_out = "" if whole else self._verdict.left_out
        found = [*self.columns.guesses, left_out, *self._verdict.preview.hazards]
        self.hazards.setText("\n".join(filter(None, found)))
        self.hazards.setVisible(bool(self.hazards.text()))
        self.go.setText("Import" if whole else self._verdict.button)

    def _toggle_columns(self) -> None:
        if self.mapping.isChecked():
            self._open_columns()
            self.columns.focus_first()
        else:
            self.columns.hide()

    def _open_columns(self) -> None:
        self.mapping.setChecked(True)
        self.columns.show()
        room = self.screen().availableGeometry().height() - 80
        self.resize(self.width(), max(self.height(), min(room, 760)))

    def copy_report(self) -> None:
        self._say(f"{self.tabs.copy_report():,} lines are on the clipboard.", "muted")

    def run_import(self) -> None:
        """Import beside the window, in one transaction."""
        path, options, what = self.path, self.options, self.what
        split, labeler = self.terms.split, self.terms.whose
        held: Literal["ask", "drop"] = "drop" if self.dropped else "ask"

        learnt = self.terms.answers.isChecked()

        def read(project: Project, tell: Reading) -> Report:
            if learnt:
                return import_demonstrations(project, path, split=split, tell=tell, options=options)
            if what == "prompts":
                return data.import_prompts(project, path, split=split, tell=tell, options=options, held=held)
            return data.import_preferences(project, path, labeler, split=split, tell=tell, options=options, held=held)

        self.go.setEnabled(False)
        self.work.start(self.session.project, f"Import {'demonstrations' if learnt else what}", read)
        self._show_work()

    def _show_work(self) -> None:
        self.halt.setVisible(self.work.is_on)
        for other in (self.shut, self.other, self.hub, self.mapping, self.columns, self.terms):
            other.setEnabled(not self.work.is_on)

    def reject(self) -> None:
        """Stay while it imports: nobody else can write to the project meanwhile, so a ranking would have to wait."""
        if self.work.is_on:
            self.halt.setFocus()
            return
        if self._looking is not None:
            self._looking.stopped = True
        super().reject()

    def _done(self, report: Report, changes: Recorded) -> None:
        self._show_work()
        self._say(outcome(report), "warning" if report.refused or report.notes else "good")
        self.imported.emit(changes)

    def _failed(self, error: Any) -> None:
        self._show_work()
        if isinstance(error, Stopped):
            self.go.setEnabled(True)
            self._say(str(error), "muted")
            return
        self.about.setText(self.options.name(self.path))
        self._say(str(known(error) or f"The file cannot be read: {error}"), "error")

    def _say(self, sentence: str, role: str) -> None:
        self.said.setText(sentence)
        set_role(self.said, role)
