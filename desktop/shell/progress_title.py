"""How far the running job is, told where the window is not looked at: in its title, in the dock, by a notification."""

from PySide6.QtWidgets import QWidget

from core.jobs.follow import News
from core.records import Job
from core.texts import one_line
from desktop.session import Session
from desktop.shell.notifications import Notices
from desktop.workspace import Workspace

#: Letters of the project's name in the title.
LONGEST = 120


class ProgressTitle(Notices):
    """The window's title, which the task bar shows; it follows the workspace."""

    def __init__(self, workspace: Workspace, window: QWidget) -> None:
        super().__init__(window)
        self.workspace = workspace
        workspace.opened.connect(self._opened)
        workspace.closed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        session, running = self.workspace.session, self._running()
        share = running.done / running.total if running is not None and running.total > 1 else None
        percent = "" if share is None or running is None else f"{share:.0%} {running.name} – "
        name = one_line(session.project.name, LONGEST).replace("[*]", "[*][*]") if session else ""  # a mark of Qt's
        self.window.setWindowTitle(f"{percent}{name} – Plumbline" if session else "Plumbline")
        self.progress(share)

    def _opened(self, session: Session) -> None:
        session.news.connect(self._news)
        self.refresh()

    def _news(self, news: News) -> None:
        if news.jobs:
            self.follow(news.jobs)
            self.refresh()

    def _running(self) -> Job | None:
        session = self.workspace.session
        jobs = session.jobs() if session is not None else []
        return next((job for job in jobs if job.status in ("running", "paused")), None)
