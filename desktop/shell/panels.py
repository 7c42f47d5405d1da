"""What stands beside the window: all jobs with their logs, and what the machine does."""

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QDialog, QWidget

from desktop.session import Session
from desktop.shell.jobs_panel import JobsPanel
from desktop.workspace import Workspace


class Panels(QObject):
    """`jobs` goes with its project, `system` stays as long as the window."""

    def __init__(self, workspace: Workspace, window: QWidget) -> None:
        super().__init__(window)
        self.workspace, self.window = workspace, window
        self.jobs: JobsPanel | None = None
        self.system: QDialog | None = None
        workspace.leaving.connect(self._leave)

    def show_jobs(self) -> None:
        """All jobs with their logs."""
        if self.workspace.session is not None:
            if self.jobs is None:
                self.jobs = JobsPanel(self.workspace.session, self.window)
            self.jobs.show()
            self.jobs.activateWindow()

    def toggle_system(self) -> None:
        """Show or hide what the machine does; imported when first asked for, as a tab is."""
        if self.system is None:
            from desktop.shell.system_panel import SystemPanel

            self.system = SystemPanel(lambda: self.workspace.session, self.window)
        self.system.setVisible(not self.system.isVisible())

    def hide_system(self) -> None:
        if self.system is not None:
            self.system.hide()

    def _leave(self, session: Session) -> None:
        if self.jobs is not None:
            self.jobs.close()
            self.jobs.deleteLater()
            self.jobs = None
