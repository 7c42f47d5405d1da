"""Everything that can be done now, as a list of commands by name: what menus offer, and the buttons and fields of the
page that is shown."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QTabBar,
    QTabWidget,
    QWidget,
)

from desktop.actions import Action, plain

#: Where a field gets the focus instead of being pressed.
FIELDS = (QLineEdit, QAbstractSpinBox, QComboBox)


@dataclass(frozen=True)
class Command:
    """`where` is the menu or tab that it belongs to; `keys` its shortcut as people read it; `words` are others by which
    it is found."""

    name: str
    where: str
    keys: str
    run: Callable[[], object]
    words: str = ""


def command_of(action: Action, where: str, text: str, run: Callable[[], object]) -> Command:
    """What an action does, by the `text` that it has now."""
    keys = QKeySequence(action.keys[0]).toString(QKeySequence.SequenceFormat.NativeText) if action.keys else ""
    return Command(plain(text), where, keys, run, action.keywords)


def of_page(page: QWidget | None, title: str) -> list[Command]:
    """What the buttons, pages and fields that are seen on `page` do, once for each name; None could not be made."""
    found: dict[str, Command] = {}
    if page is None:
        return []
    for tabs in page.findChildren(QTabWidget):
        if tabs.isVisible():
            for number in range(tabs.count()):
                name = f"Show {plain(tabs.tabText(number))}"
                found.setdefault(name, Command(name, title, "", partial(tabs.setCurrentIndex, number)))
    for push in page.findChildren(QAbstractButton):
        name = plain(push.text())
        if push.isVisible() and push.isEnabled() and len(name) > 1 and not isinstance(push.parent(), QTabBar):
            keys = push.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
            found.setdefault(name, Command(name, title, keys, push.click))
    for kind in FIELDS:
        for field in page.findChildren(kind):
            name = plain(field.accessibleName())
            if field.isVisible() and field.isEnabled() and name:
                found.setdefault(name, Command(f"Set {name}", title, "", field.setFocus))
    return list(found.values())


def matching(commands: list[Command], typed: str) -> list[Command]:
    """Those that hold every typed word; where the first word begins a name comes first."""
    words = typed.lower().split()

    def place(command: Command) -> int:
        name = command.name.lower()
        if not words or name.startswith(words[0]):
            return 0
        return 1 if any(part.startswith(words[0]) for part in name.split()) else 2

    fitting = [command for command in commands if all(w in searched(command) for w in words)]
    return sorted(fitting, key=place)


def searched(command: Command) -> str:
    """The text in which typed words are looked for."""
    return f"{command.name} {command.where} {command.words}".lower()
