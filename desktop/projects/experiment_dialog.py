"""The report of the experiment: written beside the window as one page, then opened in the browser if that is wanted."""

from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QDialog, QWidget

from core.errors import known
from core.humanize import size
from core.report import experiment, page
from core.store import Project
from desktop.background import with_project
from desktop.session import Session
from desktop.theme.theme import SPACE
from desktop.widgets import file_dialogs
from desktop.widgets.basics import button, column, label, row, set_role


def choose(session: Session, parent: QWidget) -> None:
    """Ask where to write the report, then write it there."""
    file_dialogs.ask_save(
        parent, "Report of the experiment", f"{session.project.folder.name}-report.html",
        lambda path: ExperimentDialog(session, parent).write(path), "Web page (*.html)", "html",
    )  # fmt: skip


class ExperimentDialog(QDialog):
    """Writes the report and says what is going on."""

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Report of the experiment")
        self.setMinimumWidth(520)
        self.session = session
        self.path = Path()
        self.said = label("", "muted", wrap=True)
        self.open_button = button(
            "Open in the browser", self.open_page, role="primary", tip="Show the page in this machine's web browser."
        )
        self.close_button = button("Close", self.reject)
        layout = column(
            label("The whole experiment on one page", "heading"),
            label(
                "What came of it in plain words first, then answers before and after, runs, reward model, rankings and "
                "guidelines. It needs no network and no script: send it as it is. Prompts, answers and the labelers' "
                "names are in it.",
                wrap=True,
            ),
            self.said,
            row(None, self.close_button, self.open_button),
            spacing=SPACE + 4,
        )
        layout.setContentsMargins(3 * SPACE, 2 * SPACE, 3 * SPACE, 2 * SPACE)
        self.setLayout(layout)

    def write(self, path: Path) -> None:
        """Gather and write beside the window, then say what was written, or what went wrong."""
        self.path = path
        self.open_button.setEnabled(False)
        self._say("Writing …", "muted")
        self.open()

        def work(project: Project) -> int:
            return page.write(experiment.gather(project), path).stat().st_size

        with_project(self, self.session.project, work, self._done, self._failed)

    def open_page(self) -> None:
        """Hand the page to the system; where it has no browser, say where the page is."""
        if QDesktopServices.openUrl(QUrl.fromLocalFile(str(self.path))):
            self.accept()
        else:
            self._say(f"No browser could be started: open {self.path} yourself.", "error")

    def _done(self, count: int) -> None:
        self._say(f"{self.path.name} is written ({size(count)}).", "good")
        self.open_button.setEnabled(True)
        self.open_button.setFocus()

    def _failed(self, error: Any) -> None:
        self._say(str(known(error) or f"The report could not be written: {error}."), "error")
        self.close_button.setFocus()

    def _say(self, sentence: str, role: str) -> None:
        self.said.setText(sentence)
        set_role(self.said, role)
        self.adjustSize()
