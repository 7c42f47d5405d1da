"""The main window: shows what the workspace holds, with menus above it and notices over it."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QCloseEvent, QKeyEvent
from PySide6.QtWidgets import QApplication, QMainWindow, QStackedWidget

from core.labeling.editor import PLACE
from core.store import Changes
from core.store.undo import Direction
from core.store.undo.steps import Step
from desktop import errors, user_settings
from desktop.actions import CALM, PRESENT, WHAT_IT_READS, Action
from desktop.guide import guide
from desktop.places import INFO, TabId
from desktop.projects import actions as projects
from desktop.projects.controller import Projects
from desktop.projects.packs import Packs
from desktop.projects.welcome import NewProject, Welcome
from desktop.session import Session
from desktop.shell import actions
from desktop.shell.busy_overlay import BusyOverlay
from desktop.shell.leaving import Leaving
from desktop.shell.menus import Menus
from desktop.shell.panels import Panels
from desktop.shell.presentation import Presentation
from desktop.shell.progress_title import ProgressTitle
from desktop.shell.project_page import ProjectPage
from desktop.shell.toast import Notice
from desktop.tab import ReadsSettings, TabWidget
from desktop.theme import theme
from desktop.theme.icons import icon
from desktop.widgets import file_dialogs
from desktop.widgets.unwritten import ask_to_lose
from desktop.workspace import Workspace

NO_TOUR = "No tour goes on here: Help, Take the tour begins one."
#: Pixels that a desktop puts above a window.
TITLE_BAR = 32
NOTHING_ASKED = "Nothing is asked here: rank a prompt, or select or type one in Instructions, Compare or Try it."


class Window(QMainWindow):
    """Shows the welcome page until a project is open; then its tabs, each built when it is first shown."""

    def __init__(self) -> None:
        super().__init__()
        theme.dress(self)
        self.setMinimumSize(1180, 700)
        room = self.screen().availableSize() - QSize(0, TITLE_BAR)
        self.resize(QSize(1280, 800).boundedTo(room))
        if (kept := user_settings.geometry()) is not None:
            self.restoreGeometry(kept)
        self.pages = QStackedWidget()
        self.setCentralWidget(self.pages)
        self.page: ProjectPage | None = None
        self.workspace = Workspace(self)
        self.projects = Projects(self.workspace, self)
        self.packs = Packs(self.workspace, self)
        self.welcome = Welcome()
        self.pages.addWidget(self.welcome)
        self.notices = ProgressTitle(self.workspace, self)
        self.panels = Panels(self.workspace, self)
        self.notice = Notice(self)
        self.cover = BusyOverlay(self)
        self.leaving = Leaving(self.workspace, self, may_close=self._may_close, begins=self.panels.hide_system)
        self.presentation = Presentation(self, lambda: self.page, self._presented)
        self.menus = Menus(self, self.workspace, self._does())
        self._connect()
        self._paint_icon()
        self._show_state()
        self.welcome.demo_button.setFocus()

    def _may_close(self) -> bool:
        return self.projects.may_close() and not ask_to_lose(self, self.close)

    def _connect(self) -> None:
        workspace = self.workspace
        workspace.stays = partial(ask_to_lose, self)
        workspace.opened.connect(self._show)
        workspace.leaving.connect(self._hide)
        workspace.closed.connect(self._closed)
        workspace.failed.connect(lambda error: errors.show(error, self))
        workspace.said.connect(self.notice.show_said)
        workspace.progressed.connect(self.notice.show_share)
        workspace.listed.connect(self._listed)
        workspace.waiting.began.connect(self.cover.lie)
        workspace.waiting.ended.connect(self.cover.go)
        self.welcome.demo.connect(lambda: workspace.open_demo())
        self.welcome.new.connect(self.new_project)
        self.welcome.open.connect(self.choose_project)
        self.welcome.pack.connect(self.packs.ask)
        self.welcome.asked.connect(self.projects.do)
        theme.notifier.changed.connect(self._paint_icon)

    def _does(self) -> dict[Action, Callable[[], object]]:
        """What each action does that can be done wherever somebody is."""
        themes = {action: partial(self.set_theme, mode) for mode, action in actions.THEMES.items()}
        tabs = {action: partial(self.open_tab, tab) for tab, action in actions.OPEN_TAB.items()}
        pages = {action: partial(guide.show, page, self) for page, action in actions.GUIDE.items()}
        return {
            projects.NEW: self.new_project,
            projects.OPEN: self.choose_project,
            projects.OPEN_DEMO: self.workspace.open_demo,
            projects.CLOSE: self.workspace.close,
            **self.projects.does(),
            **self.packs.does(),
            actions.SETTINGS: self.show_settings,
            actions.QUIT: self.close,
            actions.UNDO: partial(self.take_back, "undo"),
            actions.REDO: partial(self.take_back, "redo"),
            actions.COMMANDS: self.show_commands,
            actions.JOBS: self.panels.show_jobs,
            actions.SYSTEM: self.panels.toggle_system,
            PRESENT: self.present,
            actions.WHOLE: lambda: self.presentation.whole(),
            WHAT_IT_READS: self.show_reading,
            CALM: self._turn_calm,
            actions.HELP: self.show_guide,
            actions.TOUR: self.take_tour,
            actions.TOUR_HERE: self.go_on_with_tour,
            actions.ABOUT: partial(guide.about, self),
            **themes,
            **tabs,
            **pages,
        }

    @property
    def session(self) -> Session | None:
        """What is open."""
        return self.workspace.session

    def new_project(self) -> None:
        dialog = NewProject(self)
        dialog.made.connect(lambda folder: self.workspace.open(folder))
        dialog.open()

    def choose_project(self) -> None:
        file_dialogs.ask_folder(self, "Open a project's folder", self.workspace.open)

    def open_later(self, folder: Path) -> None:
        """Open a project after the first frame is painted, where it was left."""
        QTimer.singleShot(0, lambda: self.workspace.open(folder))

    def _show(self, session: Session) -> None:
        self.notice.leave()
        session.replayed.connect(self._replayed)
        self.page = ProjectPage(session)
        self.page.guide_asked.connect(self.show_guide)
        self.page.jobs_asked.connect(self.panels.show_jobs)
        self.page.sending_back.connect(self.packs.ask_back)
        self.page.tab_stack.turned.connect(self.presentation.turned)
        self.pages.addWidget(self.page)
        self.pages.setCurrentWidget(self.page)
        self._show_state()
        first = TabId.RANK if self.packs.packed else TabId.INSTRUCTIONS
        self.open_tab(user_settings.last_tab(session.project.folder) or first)

    def _hide(self, session: Session) -> None:
        self.presentation.leave()
        if self.page is not None:
            user_settings.set_last_tab(session.project.folder, self.page.shown)
            self.pages.removeWidget(self.page)
            self.page.end()
            self.page = None

    def _closed(self) -> None:
        self.notice.leave()
        if not self.workspace.ending:
            self.welcome.refresh()
        self._show_state()

    def _listed(self) -> None:
        self.welcome.refresh()
        self.menus.show_state()
        self.menus.show_deleted(self.projects.last_deleted)

    def open_tab(self, tab: TabId) -> TabWidget | None:
        """Show a tab, and return it, while a project is open."""
        return self.page.open_tab(tab) if self.page is not None else None

    @property
    def tabs(self) -> dict[TabId, TabWidget]:
        """The tabs that were shown."""
        return self.page.tab_stack.tabs if self.page is not None else {}

    @property
    def shown(self) -> TabId | None:
        """The tab that is shown, while a project is open."""
        return self.page.shown if self.page is not None else None

    def _show_state(self) -> None:
        """Another project is open, or none."""
        self.menus.show_state()
        self.menus.show_packed(self.packs.packed)
        self.menus.show_deleted(self.projects.last_deleted)

    def show_commands(self) -> None:
        """Everything that can be done now, to be found by typing."""
        from desktop.palette.palette import CommandPalette
        from desktop.shell import features  # asked for by a key: the first frame waits for neither

        found = self.menus.commands()
        if self.page is not None:
            tab = self.page.tab
            others = features.elsewhere(self.page.shown, tab.page if tab is not None else None, self.do)
            found = (features.here(tab) if tab is not None else []) + found + others
        CommandPalette(found, self).open()

    def do(self, action: Action) -> None:
        """Go to where an action belongs, and do it."""
        if self.page is not None and action.tab is not None and not self.page.open_tab(action.tab).do(action):
            self.workspace.say(f"“{action.name}” cannot be done now: here is where it will be.")

    def show_guide(self) -> None:
        """The guide's page about the tab that is shown."""
        guide.show(INFO[self.page.shown].guide if self.page is not None else "rlhf", self)

    def show_reading(self) -> None:
        """What the model reads of the conversation that the tab shows."""
        if self.page is not None and not self.page.show_reading():
            self.workspace.say(NOTHING_ASKED)

    def take_back(self, direction: Direction) -> None:
        """Undo or redo what was done last in this window, wherever that was."""
        self.workspace.take_back(direction)

    def _replayed(self, step: Step, changes: Changes) -> None:
        """Say what was taken back; what is seen on the Rank tab is shown there, which then says so itself."""
        if step.place == PLACE:
            self.open_tab(TabId.RANK)
        else:
            self.workspace.say(f"{changes.label}.")

    def take_tour(self) -> None:
        """Begin at the tour's first stop, in the project that is open; without one in the demo."""
        if self.session is not None and not self.packs.packed:
            self._begin_tour()
        else:
            self.workspace.open_demo(self._begin_tour)

    def _begin_tour(self) -> None:
        if self.page is not None:
            self.page.tour.begin()

    def go_on_with_tour(self) -> None:
        """Let the keys go to the tour."""
        if self.page is not None and self.page.tour.on:
            self.page.tour.take_keys()
        else:
            self.workspace.say(NO_TOUR)

    def _turn_calm(self) -> None:
        """Distraction-free: nothing but the tab, on the whole screen."""
        on, full = self.menus.calm.isChecked(), Qt.WindowState.WindowFullScreen
        self.menuBar().setVisible(not on)
        if self.page is not None:
            self.page.set_calm(on)
        self.setWindowState(self.windowState() | full if on else self.windowState() & ~full)

    def present(self) -> None:
        """Begin to show the window to a room, or end it."""
        self.presentation.toggle()
        self._presented()

    def _presented(self) -> None:
        self.menus.made[PRESENT].setChecked(self.presentation.on)
        self.menus.calm.setEnabled(not self.presentation.on)  # it is as calm as can be, and is put back as it was

    def set_theme(self, mode: str) -> None:
        user_settings.set_theme(mode)
        self.menus.show_theme(mode)
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        theme.apply(app, mode, user_settings.window_font_size())

    def show_settings(self) -> None:
        from desktop.settings.dialog import SettingsDialog  # the first frame does without

        dialog = SettingsDialog(self.session, self)
        dialog.changed.connect(self._use_settings)
        dialog.open()

    def _use_settings(self, name: str) -> None:
        """Look and work as is chosen now; `name` is the only choice that is another, if it is not empty."""
        if name in ("theme", "window_font_size", ""):
            self.set_theme(user_settings.theme())
        for tab in self.tabs.values():
            if isinstance(tab, ReadsSettings):
                tab.read_settings()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc, if nothing else wanted it, brings back what distraction-free hides."""
        if self.presentation.press(event):
            return
        if event.key() == Qt.Key.Key_Escape and self.menus.calm.isChecked():
            self.menus.calm.trigger()
        else:
            super().keyPressEvent(event)

    def _paint_icon(self) -> None:
        self.setWindowIcon(icon("plumbline", theme.current().accent, 64))

    def leave(self) -> None:
        """Close without asking: what runs goes on."""
        self.leaving.leave()

    def closeEvent(self, event: QCloseEvent) -> None:
        """A running job goes on in the worker, if nobody says no; the window may come back to it at any time."""
        if self.leaving.close():
            user_settings.set_geometry(self.saveGeometry())
            event.accept()
        else:
            event.ignore()
