"""The window's menus. Each entry calls one method; the command palette reads them from here, too."""

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenu

from core.projects.summary import summary
from core.store.undo import Direction
from desktop import user_settings
from desktop.guide import guide
from desktop.shell.tabs import TABS

if TYPE_CHECKING:
    from desktop.window import Window


class Menus(QObject):
    def __init__(self, window: "Window") -> None:
        super().__init__(window)
        self.window = window
        self.with_project: list[QAction] = []
        """Entries that need an open project."""
        self._file()
        self._edit()
        self._go()
        self._view()
        self._help()

    def act(self, menu: QMenu, text: str, shortcut: str, run: object) -> QAction:
        """An entry that calls `run`."""
        action = QAction(text, menu)
        if shortcut:
            action.setShortcut(QKeySequence(shortcut))
        action.triggered.connect(lambda: run())  # type: ignore[operator]
        menu.addAction(action)
        return action

    def show_state(self) -> None:
        """Offer what can be done now."""
        for action in self.with_project:
            action.setEnabled(self.window.session is not None)
        self.window.packs.show_state()

    def _file(self) -> None:
        window, menu = self.window, self.window.menuBar().addMenu("&File")
        self.act(menu, "&New project …", "Ctrl+N", window.new_project)
        self.act(menu, "&Open project …", "Ctrl+O", window.choose_project)
        self.recent = menu.addMenu("Open &recent")
        self.recent.aboutToShow.connect(self._list_recent)
        window.packs.add_to(menu, self.act)
        self.act(menu, "Open the &demo project", "", window.open_demo)
        self.with_project += window.projects.add_to(menu, self.act)
        self.with_project.append(self.act(menu, "&Report of the experiment …", "", window.report_experiment))
        self.with_project.append(self.act(menu, "&Close project", "Ctrl+W", window.close_project))
        self.act(menu, "&Settings …", "Ctrl+,", window.show_settings)
        self.act(menu, "&Quit", "Ctrl+Q", window.close)

    def _edit(self) -> None:
        menu = self.window.menuBar().addMenu("&Edit")
        menu.aboutToShow.connect(self._name_undo)
        self.undo = self.act(menu, "&Undo", "Ctrl+Z", partial(self.window.take_back, "undo"))
        self.redo = self.act(menu, "&Redo", "Ctrl+Shift+Z", partial(self.window.take_back, "redo"))
        self.with_project += [self.undo, self.redo]

    def _go(self) -> None:
        menu = self.window.menuBar().addMenu("&Go")
        for number, kind in enumerate(TABS):
            move = self.act(menu, kind.title, f"Ctrl+{number + 1}", partial(self.window.open_tab, number))
            self.with_project.append(move)
        menu.addSeparator()
        self.act(menu, "Find a &command …", "Ctrl+K", self.window.show_commands)
        self.with_project.append(self.act(menu, "&Jobs and their logs …", "Ctrl+J", self.window.show_jobs))

    def _view(self) -> None:
        menu = self.window.menuBar().addMenu("&View")
        group = QActionGroup(self)
        self.themes: dict[str, QAction] = {}
        for mode in ("system", "light", "dark"):
            text = "Theme of the &system" if mode == "system" else f"&{mode.capitalize()} theme"
            self.themes[mode] = action = self.act(menu, text, "", partial(self.window.set_theme, mode))
            action.setCheckable(True)
            action.setChecked(user_settings.theme() == mode)
            group.addAction(action)
        menu.addSeparator()
        self.act(menu, "S&ystem", "Ctrl+Shift+M", self.window.show_system)
        self.calm = QAction("Distraction-&free", self)
        self.calm.setShortcut(QKeySequence("F11"))
        self.calm.setCheckable(True)
        self.calm.toggled.connect(self.window.set_calm)
        menu.addAction(self.calm)
        self.window.addAction(self.calm)  # its key works while the menu is hidden, too

    def _help(self) -> None:
        menu = self.window.menuBar().addMenu("&Help")
        self.act(menu, "&Help on what is shown", "F1", self.window.show_guide)
        self.act(menu, "Take the &tour", "", self.window.take_tour)
        for page, title in guide.PAGES.items():
            self.act(menu, title, "", partial(guide.show, page, self.window))
        self.act(menu, "&About Plumbline", "", partial(guide.about, self.window))

    def _list_recent(self) -> None:
        self.recent.clear()
        folders = user_settings.recent_projects()
        for folder in folders:
            found = summary(folder)
            name = found.name if found is not None else folder.name
            text = f"{name}\t{folder}".replace("&", "&&")
            self.act(self.recent, text, "", partial(self.window.open_project, folder))
        if not folders:
            self.recent.addAction("None yet").setEnabled(False)

    def _name_undo(self) -> None:
        """Say what would be taken back."""
        history = self.window.session.history if self.window.session is not None else None
        directions: tuple[tuple[QAction, Direction], ...] = ((self.undo, "undo"), (self.redo, "redo"))
        for action, direction in directions:
            step = history.next(direction) if history is not None else None
            action.setText(f"&{direction.capitalize()}{f': {step.label.lower()}' if step is not None else ''}")
