"""Rankings and pairs out to a file, in the format of another program, with what that format cannot carry."""

from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QDialog, QWidget

from core import data
from core.data.rows import ExportReport
from core.errors import known
from desktop.background import with_project
from desktop.session import Session
from desktop.theme.theme import SPACE
from desktop.widgets import file_dialogs
from desktop.widgets.basics import button, column, label, row, set_role

#: Title and file name of each format, and what it is for.
FORMATS = {
    "plumbline": ("Plumbline", "rankings.jsonl", "Everything: ties, partial orders, flags, comments, labelers."),
    "trl": ("TRL preference", "pairs.jsonl", "Pairs with an explicit prompt. Name it .parquet for Parquet."),
    "trl-conversational": (
        "TRL, conversational", "pairs.jsonl", "Pairs as chat messages. Name it .parquet for Parquet."
    ),
    "kto": (
        "TRL unpaired preference", "verdicts.jsonl", "An answer a row, good or bad. Name it .parquet for Parquet."
    ),
    "hh": ("Anthropic HH", "pairs.jsonl.gz", "Pairs as two dialogues."),
    "llama-factory": ("LLaMA-Factory ranking", "pairs.json", "Pairs with instruction and input."),
    "argilla": ("Argilla records", "records.json", "Rankings with ties, one response for each labeler."),
    "label-studio": ("Label Studio tasks", "tasks.json", "Rankings as results of the Ranker."),
    "csv": ("CSV table", "rankings.csv", "One row for each completion with its rank."),
}  # fmt: skip


class ExportDialog(QDialog):
    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Export")
        self.setMinimumWidth(520)
        self.session = session
        self.format = QComboBox(self)
        self.format.setAccessibleName("Format")
        for name in data.EXPORTERS:
            self.format.addItem(FORMATS.get(name, (name, "", ""))[0], name)
        self.format.currentIndexChanged.connect(lambda: self._describe())
        self.about = label("", "muted", wrap=True)
        self.said = label("", "muted", wrap=True)
        self.write_button = button("Choose a file …", self._choose_file, role="primary")
        layout = column(
            label("Rankings and pairs for another program", "heading"),
            self.format,
            self.about,
            label("Everything is written, whatever the filter of the page shows.", "muted", wrap=True),
            self.said,
            row(None, button("Close", self.reject), self.write_button),
            spacing=SPACE + 4,
        )
        layout.setContentsMargins(3 * SPACE, 2 * SPACE, 3 * SPACE, 2 * SPACE)
        self.setLayout(layout)
        self._describe()

    def choose(self) -> None:
        self.open()

    def _describe(self) -> None:
        self.about.setText(FORMATS.get(self.format.currentData(), ("", "", ""))[2])

    def _choose_file(self) -> None:
        suggested = FORMATS.get(self.format.currentData(), ("", "export", ""))[1]
        file_dialogs.ask_save(self, "Export to", suggested, self.write)

    def write(self, path: Path) -> None:
        """Write the file in the background, then say what it holds and what was lost."""
        name = self.format.currentData()
        self.write_button.setEnabled(False)
        self._say("Writing …", "muted")
        with_project(
            self,
            self.session.project,
            lambda project: data.export(project, path, name),
            lambda report: self._done(path, report),
            self._failed,
        )

    def _done(self, path: Path, report: ExportReport) -> None:
        self.write_button.setEnabled(True)
        lost = ", ".join(f"{count:,} {what}" for what, count in report.lost.items() if count)
        rest = f" The format cannot carry: {lost}." if lost else " Nothing was lost."
        said = f"{report.written:,} {report.what} are in {path.name}.{rest} {report.note}".rstrip()
        self._say(said, "warning" if lost else "good")

    def _failed(self, error: Any) -> None:
        self.write_button.setEnabled(True)
        self._say(str(known(error) or error), "error")

    def _say(self, sentence: str, role: str) -> None:
        self.said.setText(sentence)
        set_role(self.said, role)
        self.adjustSize()
