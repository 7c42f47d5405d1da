"""The name, the tags and the note of a run in a list of runs, by its menu or F2."""

from functools import partial

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QFormLayout, QLineEdit, QPlainTextEdit, QWidget

from core.errors import KnownError
from core.records import Job
from core.runs import naming
from core.store.runs import run_labels
from core.store.runs.run_labels import RunLabel
from desktop.errors import worded
from desktop.runs.run_list import RunList
from desktop.theme.theme import SPACE
from desktop.widgets.basics import column, label, without_icons


class RunNaming(QObject):
    """Of one list."""

    def __init__(self, runs: RunList) -> None:
        super().__init__(runs)
        self.runs, self.session = runs, runs.session
        self.action = QAction("Name, tags and note …", runs)
        self.action.setShortcut(QKeySequence("F2"))
        self.action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        self.action.triggered.connect(self.ask)
        runs.addAction(self.action)

    def ask(self) -> None:
        run = self.session.job(self.runs.current)
        if run is None:
            return
        noted = run_labels.listed(self.session.project).get(run.id, RunLabel())
        dialog = NamingDialog(run, noted, self.runs.window())
        dialog.save = partial(self._save, run.id)
        dialog.open()

    def _save(self, run: int, name: str, tags: str, note: str) -> None:
        naming.name_run(self.session.project, run, name=name, tags=tuple(tags.split(",")), note=note)
        self.session.look_again()


class NamingDialog(QDialog):
    """`save` takes what was typed; what it raises as a `KnownError` is said, and nothing is lost."""

    def __init__(self, run: Job, noted: RunLabel, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(f"Run {run.id}")
        self.setMinimumWidth(480)
        self.save = lambda name, tags, note: None
        self.name, self.tags = QLineEdit(naming.called(run)), QLineEdit(", ".join(noted.tags))
        self.note = QPlainTextEdit(noted.note)
        self.note.setTabChangesFocus(True)
        form = QFormLayout()
        form.setVerticalSpacing(SPACE + 4)
        for title, field in (("Name", self.name), ("Tags", self.tags), ("Note", self.note)):
            field.setAccessibleName(title)
            form.addRow(title, field)
        self.tags.setPlaceholderText("separated by commas")
        self.error = label("", "error", wrap=True)
        self.error.hide()
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Save | QDialogButtonBox.StandardButton.Cancel)
        without_icons(buttons)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = column(label(f"Run {run.id}", "heading"), form, self.error, buttons, spacing=2 * SPACE)
        layout.setContentsMargins(3 * SPACE, 3 * SPACE, 3 * SPACE, 2 * SPACE)
        self.setLayout(layout)

    def accept(self) -> None:
        try:
            self.save(self.name.text(), self.tags.text(), self.note.toPlainText())
        except KnownError as error:
            self.error.setText(worded(str(error)))
            self.error.show()
            return
        super().accept()
