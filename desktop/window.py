"""The main window: a list of tabs on the left, the tab in the middle, the worker's bar at the foot."""

import importlib
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QAction, QActionGroup, QCloseEvent, QKeySequence
from PySide6.QtWidgets import (
    QApplication,
    QButtonGroup,
    QFileDialog,
    QFrame,
    QMainWindow,
    QMenu,
    QMessageBox,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from core import catalogue, demo
from core.data import pack
from core.errors import KnownError
from core.jobs.follow import News
from core.store import Changes, open_project
from desktop import errors, guide, settings, theme
from desktop.background import wait_for_all
from desktop.icons import icon
from desktop.session import Session
from desktop.tabs import TABS
from desktop.theme import SPACE
from desktop.welcome import NewProject, Welcome
from desktop.widgets import experiment_dialog
from desktop.widgets.job_bar import JobBar
from desktop.widgets.parts import column, label, row


class Window(QMainWindow):
    """Shows the welcome page until a project is open; then its tabs, each built when it is first shown."""

    def __init__(self) -> None:
        super().__init__()
        self.session: Session | None = None
        self.setMinimumSize(1100, 700)
        self.resize(1280, 800)
        if (kept := settings.geometry()) is not None:
            self.restoreGeometry(kept)
        self.pages = QStackedWidget()
        self.setCentralWidget(self.pages)
        self.welcome = Welcome()
        self.welcome.demo.connect(self.open_demo)
        self.welcome.new.connect(self.new_project)
        self.welcome.open.connect(self.choose_project)
        self.welcome.chosen.connect(self.open_project)
        self.pages.addWidget(self.welcome)
        self.tabs: list[Any] = []
        self.stale: set[int] = set()
        self._make_menus()
        theme.notifier.changed.connect(self._paint_icons)
        self._titled()
        self.welcome.demo_button.setFocus()

    def open_demo(self) -> None:
        try:
            self.open_project(demo.install())
        except KnownError as error:
            errors.show(error, self)

    def new_project(self) -> None:
        dialog = NewProject(self)
        dialog.made.connect(self.open_project)
        dialog.open()

    def choose_project(self) -> None:
        dialog = QFileDialog(self, "Open a project's folder")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.fileSelected.connect(lambda text: self.open_project(Path(text)))
        dialog.open()

    def open_project(self, folder: Path) -> bool:
        """Show the project in `folder`; on failure say why and keep what was open. True if it is shown."""
        try:
            project = open_project(Path(folder))
        except KnownError as error:
            errors.show(error, self)
            return False
        self.close_project()
        settings.add_recent_project(project.folder)
        self.session = Session(project, self)
        self.session.changed.connect(self._changed)
        self.session.news.connect(self._news)
        self.page = self._project_page(self.session)
        self.pages.addWidget(self.page)
        self.pages.setCurrentIndex(1)
        self._titled()
        self.show_tab(0)
        return True

    def close_project(self) -> None:
        if self.session is None:
            return
        wait_for_all()
        page = self.page
        self.pages.removeWidget(page)
        for tab in self.tabs:
            if tab is not None:
                tab.close()
        page.deleteLater()
        self.session.close()
        self.session.deleteLater()
        self.session, self.tabs, self.stale = None, [], set()
        self.welcome.refresh()
        self._titled()

    def _project_page(self, session: Session) -> QWidget:
        self.sidebar = sidebar = QFrame()
        sidebar.setProperty("role", "sidebar")
        sidebar.setFixedWidth(208)
        self.tab_buttons = QButtonGroup(self)
        names = QVBoxLayout(sidebar)
        names.setContentsMargins(SPACE + 4, 2 * SPACE, SPACE + 4, 2 * SPACE)
        names.setSpacing(4)
        name = label(session.project.name, "heading", wrap=True)
        name.setToolTip(str(session.project.folder))
        names.addWidget(name)
        names.addSpacing(2 * SPACE)
        for number, kind in enumerate(TABS):
            tool = QToolButton()
            tool.setProperty("role", "tab")
            tool.setText("  " + kind.title)
            tool.setToolTip(f"{kind.tip} (Ctrl+{number + 1})")
            tool.setAccessibleName(kind.title)
            tool.setCheckable(True)
            tool.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            tool.setIconSize(QSize(20, 20))
            tool.setSizePolicy(tool.sizePolicy().Policy.Expanding, tool.sizePolicy().Policy.Fixed)
            self.tab_buttons.addButton(tool, number)
            names.addWidget(tool)
        names.addStretch(1)
        self.tab_buttons.idClicked.connect(self.show_tab)
        self.tabs = [None] * len(TABS)
        self.tab_stack = QStackedWidget()
        self.tab_places = [column() for _ in TABS]
        for place in self.tab_places:
            holder = QWidget()
            holder.setLayout(place)
            self.tab_stack.addWidget(holder)
        self.job_bar = JobBar(session)
        right = column(self.tab_stack, self.job_bar, spacing=0)
        right.setStretch(0, 1)
        page = QWidget()
        both = row(sidebar, right, spacing=0)
        both.setStretch(1, 1)
        page.setLayout(both)
        self._paint_icons()
        return page

    def show_tab(self, number: int) -> None:
        """Show a tab, building or repainting it if need be."""
        if self.session is None:
            return
        if self.focusWidget() in self.tab_buttons.buttons():  # two marked tabs would be one too many
            self.tab_buttons.button(number).setFocus()
        self.tab_buttons.button(number).setChecked(True)
        self.tab_stack.setCurrentIndex(number)
        tab = self.tabs[number]
        if tab is None:
            tab = importlib.import_module(TABS[number].module).Tab(self.session)
            self.tabs[number] = tab
            self.tab_places[number].addWidget(tab)
            tab.show()
        elif number in self.stale:
            tab.refresh(None)
        self.stale.discard(number)

    def tab_called(self, title: str) -> Any:
        """A tab by its title, or None while it was never shown."""
        return self.tabs[[kind.title for kind in TABS].index(title)]

    def open_pack(self) -> None:
        """Choose a labeling pack, to be ranked on this machine."""
        dialog = QFileDialog(self, "Open a labeling pack", "", f"Labeling packs (*{pack.SUFFIX});;All files (*)")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda text: self.unpack(Path(text)))
        dialog.open()

    def send_pack_back(self) -> None:
        """Write what was ranked in this pack to a file, for whoever gave it out to merge."""
        if self.session is None:
            return
        dialog = QFileDialog(self, "Write the pack to send back", f"{self.session.project.folder.name}{pack.SUFFIX}")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda text: self.write_pack(Path(text)))
        dialog.open()

    def report_experiment(self) -> None:
        """Write the whole experiment as one page to send."""
        if self.session is not None:
            experiment_dialog.choose(self.session, self)

    def write_pack(self, path: Path) -> None:
        """Write the opened pack with its rankings to `path`."""
        if self.session is None:
            return
        project = self.session.project
        try:
            waiting = pack.pack(project, path, str(project.setting(pack.PACK)))
        except KnownError as error:
            errors.show(error, self)
            return
        left = f" {waiting:,} prompts still wait in it." if waiting else ""
        box = QMessageBox(QMessageBox.Icon.Information, "Plumbline", f"{path.name} is written.{left}", parent=self)
        box.setInformativeText("Send it to whoever gave you the pack: they merge it under Review, Labelers.")
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.open()

    def unpack(self, path: Path) -> None:
        """Make a project of a pack (or take up the one that was made of it before) and go to the Rank tab."""
        try:
            labeler = pack.labeler_of(path)
            folder = pack.unpack(path, catalogue.data_folder() / "projects" / path.stem)
        except KnownError as error:
            errors.show(error, self)
            return
        if labeler:
            settings.set_labeler_name(labeler)
        if self.open_project(folder):
            self.show_tab_called("Rank")

    def show_tab_called(self, title: str) -> None:
        """For a tab that offers the next step."""
        self.show_tab([kind.title for kind in TABS].index(title))

    def _changed(self, changes: Changes, origin: object | None) -> None:
        for number, tab in enumerate(self.tabs):
            if tab is None or tab is origin:
                continue
            if number == self.tab_stack.currentIndex():
                tab.refresh(changes)
            else:
                self.stale.add(number)

    def _news(self, news: News) -> None:
        if news.tables:
            current = self.tab_stack.currentIndex()
            self.stale |= {number for number, tab in enumerate(self.tabs) if tab is not None and number != current}

    def _titled(self) -> None:
        self.setWindowTitle(f"{self.session.project.name} – Plumbline" if self.session else "Plumbline")
        for action in self.project_actions:
            action.setEnabled(self.session is not None)
        self.back_action.setVisible(self.session is not None and bool(self.session.project.setting(pack.PACK)))

    def _make_menus(self) -> None:
        file = self.menuBar().addMenu("&File")
        self._action(file, "&New project …", "Ctrl+N", self.new_project)
        self._action(file, "&Open project …", "Ctrl+O", self.choose_project)
        self.recent_menu = file.addMenu("Open &recent")
        self.recent_menu.aboutToShow.connect(self._list_recent)
        self._action(file, "Open a &labeling pack …", "", self.open_pack)
        self.back_action = self._action(file, "Send the labeling pack &back …", "", self.send_pack_back)
        self._action(file, "Open the &demo project", "", self.open_demo)
        report = self._action(file, "Report of the e&xperiment …", "", self.report_experiment)
        file.addSeparator()
        close = self._action(file, "&Close project", "Ctrl+W", self.close_project)
        self._action(file, "&Quit", "Ctrl+Q", self.close)
        go = self.menuBar().addMenu("&Go")
        moves = [
            self._action(go, kind.title, f"Ctrl+{number + 1}", lambda number=number: self.show_tab(number))
            for number, kind in enumerate(TABS)
        ]
        self.project_actions = [close, report, *moves]
        view = self.menuBar().addMenu("&View")
        group = QActionGroup(self)
        for mode in ("system", "light", "dark"):
            text = "Theme of the &system" if mode == "system" else f"&{mode.capitalize()} theme"
            action = self._action(view, text, "", lambda mode=mode: self.set_theme(mode))
            action.setCheckable(True)
            action.setChecked(settings.theme() == mode)
            group.addAction(action)
        view.addSeparator()
        self.calm = QAction("&Distraction-free", self)
        self.calm.setShortcut(QKeySequence("F11"))
        self.calm.setCheckable(True)
        self.calm.toggled.connect(self.set_calm)
        view.addAction(self.calm)
        self.addAction(self.calm)  # its key works while the menu is hidden, too
        aid = self.menuBar().addMenu("&Help")
        self._action(aid, "&Help on what is shown", "F1", lambda: guide.show(self.guide_page, self))
        for page, title in guide.PAGES.items():
            self._action(aid, title, "", partial(guide.show, page, self))
        self._action(aid, "&About Plumbline", "", lambda: guide.about(self))

    @property
    def guide_page(self) -> str:
        """The page of the guide about the tab that is shown."""
        return TABS[self.tab_stack.currentIndex()].guide if self.session is not None else "loop"

    def _list_recent(self) -> None:
        self.recent_menu.clear()
        folders = settings.recent_projects()
        for folder in folders:
            text = str(folder).replace("&", "&&")
            self._action(self.recent_menu, text, "", lambda folder=folder: self.open_project(folder))
        if not folders:
            self.recent_menu.addAction("None yet").setEnabled(False)

    def _action(self, menu: QMenu, text: str, shortcut: str, run: object) -> QAction:
        action = QAction(text, menu)
        if shortcut:
            action.setShortcut(QKeySequence(shortcut))
        action.triggered.connect(lambda: run())  # type: ignore[operator]
        menu.addAction(action)
        return action

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
        settings.set_theme(mode)
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        theme.apply(app, mode)

    def _paint_icons(self) -> None:
        colour = theme.current().text
        self.setWindowIcon(icon("plumbline", theme.current().accent, 64))
        if self.session is not None:
            for number, kind in enumerate(TABS):
                self.tab_buttons.button(number).setIcon(icon(kind.icon, colour))

    def closeEvent(self, event: QCloseEvent) -> None:
        """A running job goes on in the worker; the window may come back to it at any time."""
        settings.set_geometry(self.saveGeometry())
        self.close_project()
        event.accept()

    def open_later(self, folder: Path) -> None:
        """Open a project after the first frame is painted."""
        QTimer.singleShot(0, lambda: self.open_project(folder))
