"""Removing a run from a list of runs, by its menu or the Delete key: asked once, and to be undone from the trash."""

from functools import partial

from PySide6.QtCore import QObject, QPoint, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu

from core.errors import BadInput
from core.humanize import size
from core.jobs import queue
from core.projects import trash
from core.projects.summary import size_of
from core.projects.trash import Deleted
from core.runs import dependents
from core.store import Project
from desktop import errors
from desktop.background import in_background, with_project
from desktop.runs.run_list import RunList
from desktop.widgets import message_boxes


class RunRemoval(QObject):
    """Of one list."""

    def __init__(self, runs: RunList) -> None:
        super().__init__(runs)
        self.runs, self.session = runs, runs.session
        self.action = QAction("Remove the run …", runs)
        self.action.setShortcut(QKeySequence.StandardKey.Delete)
        self.action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        self.action.triggered.connect(self.ask)
        runs.addAction(self.action)
        runs.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        runs.customContextMenuRequested.connect(self._show_menu)

    def _show_menu(self, place: QPoint) -> None:
        if self.runs.current is None:
            return
        menu = QMenu(self.runs)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addActions(self.runs.actions())
        menu.popup(self.runs.viewport().mapToGlobal(place))

    def ask(self) -> None:
        """Ask once, with what goes; a run that is in use is refused before."""
        run = self.runs.current
        if run is None:
            return

        def look(project: Project) -> tuple[str | None, int]:
            return dependents.why_kept(project, queue.get(project, run)), size_of(project.run_folder(run))

        with_project(self.runs, self.session.project, look, lambda found: self._answer(run, *found))

    def _answer(self, run: int, refusal: str | None, taken: int) -> None:
        if refusal is not None:
            errors.show(BadInput(refusal), self.runs)
            return
        more = (
            f"Its record, checkpoints and adapter ({size(taken)} on disk) go to Plumbline’s trash, from where it "
            "can be put back until it is deleted there for good."
        )
        message_boxes.ask(self.runs.window(), f"Remove run {run}?", more, "Remove", lambda: self.remove(run))

    def remove(self, run: int) -> None:
        """Move the run to the trash; the window offers to put it back."""

        def done(deleted: Deleted) -> None:
            self.session.poll()
            self.session.run_removed.emit(deleted)

        def failed(error: Exception) -> None:
            errors.show(error, self.runs.window())

        in_background(self.runs, partial(trash.delete_run, self.session.project, run), done, failed)
