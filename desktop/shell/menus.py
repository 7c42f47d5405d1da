"""The window's menus, made from the actions; the command palette lists them from here, too."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMainWindow, QMenu

from core.projects.summary import summary
from core.store.undo import Direction
from core.texts import one_line
from desktop import user_settings
from desktop.actions import CALM, Action, plain
from desktop.projects import actions as projects
from desktop.shell.actions import MENUS, REDO, THEMES, UNDO, Menu
from desktop.shell.commands import Command, command_of
from desktop.widgets.strangers import on_button
from desktop.workspace import Workspace

#: Letters of a name in a menu.
LONGEST = 80

Does = Mapping[Action, Callable[[], object]]


class Menus(QObject):
    """`does` says what each action does; `made` holds the entries by their actions."""

    def __init__(self, window: QMainWindow, workspace: Workspace, does: Does) -> None:
        super().__init__(window)
        self.workspace = workspace
        self.made: dict[Action, QAction] = {}
        self._places: dict[Action, str] = {}
        self._does = does
        bar = window.menuBar()
        for menu in MENUS:
            self._fill(bar.addMenu(menu.title), menu)
        self.recent.aboutToShow.connect(self._list_recent)
        group = QActionGroup(self)
        for mode, action in THEMES.items():
            self.made[action].setChecked(user_settings.theme() == mode)
            group.addAction(self.made[action])
        window.addActions(list(self.made.values()))  # their keys work while the menus are hidden, too

    @property
    def calm(self) -> QAction:
        return self.made[CALM]

    def _fill(self, made: QMenu, menu: Menu) -> None:
        for entry in menu.entries:
            if entry is None:
                made.addSeparator()
            elif isinstance(entry, Menu):
                self.recent = made.addMenu(entry.title)
            else:
                self.made[entry] = self._entry(made, entry)
                self._places[entry] = plain(menu.title)
        if UNDO in menu.entries:
            made.aboutToShow.connect(self._name_undo)

    def _entry(self, menu: QMenu, action: Action) -> QAction:
        made = QAction(action.title, menu)
        made.setShortcuts([QKeySequence(keys) for keys in action.keys])
        made.setCheckable(action.checkable)
        if (run := self._does.get(action)) is not None:
            made.triggered.connect(lambda: run())
        menu.addAction(made)
        return made

    def show_state(self) -> None:
        """Offer what can be done now."""
        for action, made in self.made.items():
            if action.needs_project:
                made.setEnabled(self.workspace.session is not None)
        history, is_open = self.workspace.history, self.workspace.session is not None
        self.made[UNDO].setEnabled(is_open or bool(history.undoable))
        self.made[REDO].setEnabled(is_open or bool(history.redoable))

    def show_packed(self, packed: bool) -> None:
        """A labeling pack can be sent back while one is open."""
        self.made[projects.SEND_BACK].setVisible(packed)

    def show_deleted(self, name: str) -> None:
        """What was deleted last can be put back; an empty name is nothing."""
        made = self.made[projects.UNDO_DELETING]
        made.setVisible(bool(name))
        if name:
            made.setText(f"{projects.UNDO_DELETING.title} “{on_button(name, LONGEST)}”")

    def show_theme(self, mode: str) -> None:
        self.made[THEMES[mode]].setChecked(True)

    def commands(self) -> list[Command]:
        """What can be done now of all that the menus offer, recent projects too."""
        self._name_undo()
        found = [
            command_of(action, self._places[action], made.trigger, made.text())
            for action, made in self.made.items()
            if made.isEnabled() and made.isVisible()
        ]
        recent = [Command(name, str(folder), "", partial(self.workspace.open, folder)) for name, folder in _recent()]
        return found + recent

    def _list_recent(self) -> None:
        self.recent.clear()
        found = _recent()
        for name, folder in found:
            text = f"{on_button(name)}\t{on_button(str(folder))}"
            self.recent.addAction(text).triggered.connect(lambda _=False, path=folder: self.workspace.open(path))
        if not found:
            self.recent.addAction("None yet").setEnabled(False)

    def _name_undo(self) -> None:
        """Say what would be taken back."""
        directions: tuple[tuple[Action, Direction], ...] = ((UNDO, "undo"), (REDO, "redo"))
        for action, direction in directions:
            step = self.workspace.history.next(direction)
            label = on_button(step.label, LONGEST) if step is not None else ""
            self.made[action].setText(f"{action.title}{f': {label[0].lower()}{label[1:]}' if label else ''}")


def _recent() -> list[tuple[str, Path]]:
    """Recent projects, the last one first, with their names."""
    found = ((summary(folder), folder) for folder in user_settings.recent_projects())
    return [(one_line(each.name if each is not None else folder.name, LONGEST), folder) for each, folder in found]
