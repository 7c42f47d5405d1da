"""The main window: a list of tabs on the left, the tab in the middle, the worker's bar at the foot."""

import importlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QCloseEvent, QKeyEvent
from PySide6.QtWidgets import (
    QApplication,
    QMainWindow,
    QStackedWidget,
    QWidget,
)

from core import demo
from core.errors import KnownError
from core.jobs.follow import News
from core.records import ACTIVE, Job
from core.store import Changes, Project, is_older, open_project, waiting_rows
from core.store.undo import Direction
from desktop import errors, user_settings
from desktop.background import abandon, in_background, wait_for_all
from desktop.guide import guide
from desktop.projects.controller import Projects
from desktop.projects.packs import Packs
from desktop.projects.welcome import NewProject, Welcome
from desktop.session import Session
from desktop.settings.dialog import SettingsDialog
from desktop.shell import close_dialog, commands, page_commands, undo
from desktop.shell.busy import Waiting, soon_idle
from desktop.shell.command_palette import CommandPalette
from desktop.shell.job_bar import JobBar
from desktop.shell.jobs_panel import JobsPanel
from desktop.shell.menus import Menus
from desktop.shell.notifications import Notices
from desktop.shell.sidebar import Sidebar
from desktop.shell.tab_stack import TabStack
from desktop.shell.tabs import TABS, TabKind
from desktop.theme import theme
from desktop.theme.icons import icon
from desktop.widgets import file_dialogs
from desktop.widgets.basics import column, row

#: Pixels that a desktop puts above a window.
TITLE_BAR = 32


class Window(QMainWindow):
    """Shows the welcome page until a project is open; then its tabs, each built when it is first shown."""

    def __init__(self) -> None:
        super().__init__()
        self.session: Session | None = None
        theme.dress(self)
        self.setMinimumSize(1180, 700)
        room = self.screen().availableSize() - QSize(0, TITLE_BAR)
        self.resize(QSize(1280, 800).boundedTo(room))
        if (kept := user_settings.geometry()) is not None:
            self.restoreGeometry(kept)
        self.pages = QStackedWidget()
        self.setCentralWidget(self.pages)
        self.welcome = Welcome()
        self.welcome.demo.connect(self.open_demo)
        self.welcome.new.connect(self.new_project)
        self.welcome.open.connect(self.choose_project)
        self.waiting = Waiting(self)
        self.projects = Projects(self)
        self.welcome.asked.connect(self.projects.do)
        self.pages.addWidget(self.welcome)
        self.notices = Notices(self)
        self._leaves = False
        self.closing = False
        """Nothing may be opened in it any more."""
        self.jobs: JobsPanel | None = None
        self.system: Any = None
        self.packs = Packs(self)
        self.menus = Menus(self)
        self._paint_icon()
        theme.notifier.changed.connect(self._paint_icon)
        self._titled()
        self.welcome.demo_button.setFocus()

    def open_demo(self, then: Callable[[], object] | None = None) -> None:
        try:
            self.open_project(demo.install(), then)
        except KnownError as error:
            errors.show(error, self)

    def new_project(self) -> None:
        dialog = NewProject(self)
        dialog.made.connect(self.open_project)
        dialog.open()

    def choose_project(self) -> None:
        file_dialogs.ask_folder(self, "Open a project's folder", self.open_project)

    def open_project(self, folder: Path, then: Callable[[], object] | None = None) -> bool:
        """Show the project in `folder`, then call `then`; on failure say why and keep what was open. True if it is
        shown by now: one of an older version, or after one that has something to finish, is shown later."""
        if self.waiting.busy or self.closing:
            return False
        if is_older(folder):
            text = f"Opening “{folder.name}”: it is backed up and brought up to date …"
            self.waiting.do(text, lambda: open_project(folder).close(), lambda _: self.open_project(folder, then))
            return False
        try:
            project = open_project(folder)
        except KnownError as error:
            errors.show(error, self)
            return False
        self.close_project(lambda: self._show_project(project, then))
        return self.session is not None and self.session.project is project

    def _show_project(self, project: Project, then: Callable[[], object] | None) -> None:
        if self.closing:
            project.close()
            return
        user_settings.add_recent_project(project.folder)
        in_background(self, waiting_rows.remove_leftovers, lambda _: None, lasting=True)
        self.session = Session(project, self, self.waiting.do)
        self.session.changed.connect(self._changed)
        self.session.replayed.connect(partial(undo.show, self))
        self.session.news.connect(self._news)
        self.page = self._project_page(self.session)
        self.pages.addWidget(self.page)
        self.pages.setCurrentIndex(1)
        self._titled()
        titles = [kind.title for kind in TABS]
        left = user_settings.last_tab(project.folder)
        self.open_tab(titles.index(left) if left in titles else 0)
        if then is not None:
            then()

    def close_project(self, then: Callable[[], object] | None = None, *, tells: bool = True) -> None:
        """Close what is open, once what is being read of it was read; then call `then`. It `tells` what goes on."""
        if self.waiting.busy:
            return
        if self.session is None:
            self._closed(then, tells)
        else:
            self.session.rest()
            self.waiting.until_idle("Finishing what was begun …", lambda: self._closed(then, tells))

    def _closed(self, then: Callable[[], object] | None, tells: bool) -> None:
        folder = self.session.project.folder if self.session is not None else None
        left = close_dialog.goes_on(self.session) if self.session is not None and tells else ""
        self._close_session()
        self.projects.notice.leave()
        if then is not None:
            then()
        if left and folder is not None and (self.session is None or self.session.project.folder != folder):
            self.projects.tell(left, "Open it", partial(self.open_project, folder))

    def _close_session(self) -> None:
        if self.session is None:
            return
        abandon()
        user_settings.set_last_tab(self.session.project.folder, self.shown.title)
        if self.jobs is not None:
            self.jobs.close()
            self.jobs.deleteLater()
            self.jobs = None
        page = self.page
        self.pages.removeWidget(page)
        self.tab_stack.end()
        page.deleteLater()
        self.session.close()
        self.session.deleteLater()
        self.session = None
        if not self.closing:
            self.welcome.refresh()
        self._titled()

    def _project_page(self, session: Session) -> QWidget:
        self.sidebar = Sidebar(session)
        self.sidebar.chosen.connect(self.open_tab)
        self.tab_stack = TabStack(session)
        self.job_bar = JobBar(session)
        right = column(self.tab_stack, self.job_bar, spacing=0)
        right.setStretch(0, 1)
        page = QWidget()
        both = row(self.sidebar, right, spacing=0)
        both.setStretch(1, 1)
        page.setLayout(both)
        return page

    def open_tab(self, number: int) -> None:
        """Show a tab."""
        if self.session is not None:
            self.sidebar.mark(number)
            self.tab_stack.open(number)

    def show_tab(self, number: int) -> Any:
        """Show a tab, and return it."""
        self.open_tab(number)
        return self.tab_stack.tabs[number]

    @property
    def shown(self) -> TabKind:
        """The tab that is shown, while a project is open."""
        return self.tab_stack.shown

    @property
    def guide_page(self) -> str:
        """The page of the guide about what is shown."""
        return self.shown.guide if self.session is not None else "rlhf"

    def tab_called(self, title: str) -> Any:
        """A tab by its title, or None while it was never shown."""
        return self.tab_stack.tabs[[kind.title for kind in TABS].index(title)]

    def show_tab_called(self, title: str) -> None:
        """For a tab that offers the next step."""
        self.open_tab([kind.title for kind in TABS].index(title))

    def _changed(self, changes: Changes, origin: object | None) -> None:
        self.tab_stack.changed(changes, origin)

    def _news(self, news: News) -> None:
        if news.tables:
            self.tab_stack.hidden_are_stale()
        if news.jobs:
            self.notices.follow(news.jobs)
            self._say_progress()

    def _titled(self) -> None:
        """Another project is open, or none."""
        self._say_progress()
        self.menus.show_state()

    def _say_progress(self) -> None:
        """In the title, which the task bar shows, and in the dock."""
        running = self._running()
        share = running.done / running.total if running is not None and running.total > 1 else None
        percent = "" if share is None or running is None else f"{share:.0%} {running.name} – "
        self.setWindowTitle(f"{percent}{self.session.project.name} – Plumbline" if self.session else "Plumbline")
        self.notices.progress(share)

    def _running(self) -> Job | None:
        jobs = self.session.jobs() if self.session is not None else []
        return next((job for job in jobs if job.status in ("running", "paused")), None)

    def show_commands(self) -> None:
        """Everything that can be done now, to be found by typing."""
        found = commands.of_menus(self.menuBar())
        if self.session is not None:
            tab, title = self.tab_called(self.shown.title), self.shown.title
            others = page_commands.listed(title, page_commands.page_of(tab), self.run_elsewhere)
            found = commands.of_page(tab, title) + found + others
        CommandPalette(found, self).open()

    def run_elsewhere(self, title: str, page: str, name: str) -> None:
        """Go to a page and do there what is called `name`."""
        self.show_tab_called(title)
        if not page_commands.run(self.tab_called(title), title, page, name):
            self.projects.tell(f"“{name}” cannot be done now: here is where it will be.")

    def show_jobs(self) -> None:
        """All jobs with their logs, beside the window."""
        if self.session is not None:
            if self.jobs is None:
                self.jobs = JobsPanel(self.session, self)
            self.jobs.show()
            self.jobs.activateWindow()

    def report_experiment(self) -> None:
        """Write the whole experiment as one page to send."""
        if self.session is not None:
            importlib.import_module("desktop.projects.experiment_dialog").choose(self.session, self)

    def show_guide(self) -> None:
        """The guide's page about the tab that is shown."""
        guide.show(self.guide_page, self)

    def take_back(self, direction: Direction) -> None:
        """Undo or redo what was done last in this window, wherever that was."""
        if self.session is None or self.waiting.busy:
            return
        try:
            self.session.replay(direction)
        except KnownError as error:
            errors.show(error, self)

    def take_tour(self) -> None:
        """Open the demo, if it is not, and begin at the tour's first stop."""
        if self.session is not None and self.session.project.name == demo.NAME:
            self.sidebar.next.begin_tour()
        else:
            self.open_demo(lambda: self.sidebar.next.begin_tour())

    def set_calm(self, on: bool) -> None:
        """Distraction-free: nothing but the tab, on the whole screen."""
        self.menuBar().setVisible(not on)
        if self.session is not None:
            self.sidebar.setVisible(not on)
            self.job_bar.setMaximumHeight(0 if on else 16777215)
        self.setWindowState(
            self.windowState() | Qt.WindowState.WindowFullScreen
            if on
            else self.windowState() & ~Qt.WindowState.WindowFullScreen
        )

    def set_theme(self, mode: str) -> None:
        user_settings.set_theme(mode)
        self.menus.themes[mode].setChecked(True)
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        theme.apply(app, mode, user_settings.window_font_size())

    def show_settings(self) -> None:
        dialog = SettingsDialog(self.session, self)
        dialog.changed.connect(self._use_settings)
        dialog.open()

    def show_system(self) -> None:
        """Show or hide what the machine does; imported when first asked for, as a tab is."""
        if self.system is None:
            panel = importlib.import_module("desktop.shell.system_panel")
            self.system = panel.SystemPanel(lambda: self.session, self)
        self.system.toggle()

    def _use_settings(self, name: str) -> None:
        """Look and work as is chosen now; `name` is the only choice that is another, if it is not empty."""
        if name in ("theme", "window_font_size", ""):
            self.set_theme(user_settings.theme())
        rank = self.tab_called("Rank") if self.session else None
        if rank is not None:
            rank.read_settings()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc, if nothing else wanted it, brings back what distraction-free hides."""
        if event.key() == Qt.Key.Key_Escape and self.menus.calm.isChecked():
            self.menus.calm.setChecked(False)
        else:
            super().keyPressEvent(event)

    def _paint_icon(self) -> None:
        self.setWindowIcon(icon("plumbline", theme.current().accent, 64))

    def closeEvent(self, event: QCloseEvent) -> None:
        """A running job goes on in the worker, if nobody says no; the window may come back to it at any time.

        What threads have begun is finished first, while the window paints: none may outlive it.
        """
        app = QApplication.instance()
        hurried = isinstance(app, QApplication) and app.isSavingSession()
        if self.closing and self.waiting.busy and not hurried:
            event.ignore()
            return
        asks = not (self._leaves or hurried)
        if not self.projects.may_close() or (
            asks and self.session is not None and close_dialog.ask(self.session, self, self.leave) is not None
        ):
            event.ignore()
            self._leaves = False
            return
        self.closing = True
        if self.system is not None:
            self.system.hide()
        if self.session is not None:
            self.session.rest()
        if hurried:
            wait_for_all(lasting=True)
        elif not soon_idle(lasting=True):
            event.ignore()
            # Later in any case: a window cannot be closed anew while it refuses to.
            leave = partial(QTimer.singleShot, 0, self.leave)
            self.waiting.until_idle("Finishing what was begun …", leave, lasting=True)
            return
        user_settings.set_geometry(self.saveGeometry())
        goes_on = self.session is not None and any(job.status in ACTIVE for job in self.session.jobs())
        if self.session is not None and goes_on:
            user_settings.set_left_running(self.session.project.folder, self.tab_stack.currentIndex())
        else:
            user_settings.set_left_running(None)
        self._close_session()
        wait_for_all(lasting=True)  # what closing has begun: a moment
        event.accept()

    def leave(self) -> None:
        """Close without asking: what runs goes on."""
        self._leaves = True
        self.close()

    def open_later(self, folder: Path, tab: int | None = None) -> None:
        """Open a project after the first frame is painted, where it was left or at a certain tab."""

        def opened() -> None:
            if tab is not None:
                self.open_tab(tab)

        QTimer.singleShot(0, lambda: self.open_project(folder, opened))
