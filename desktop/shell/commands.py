"""Everything that can be done now, as a list of commands by name: what menus offer, and the buttons and fields of the
page that is shown."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QMenu,
    QMenuBar,
    QTabBar,
    QTabWidget,
    QWidget,
)

#: Where a field gets the focus instead of being pressed.
FIELDS = (QLineEdit, QAbstractSpinBox, QComboBox)


@dataclass(frozen=True)
class Command:
    """`where` is the menu or tab that it belongs to; `keys` its shortcut as people read it."""

    name: str
    where: str
    keys: str
    run: Callable[[], object]


def plain(text: str) -> str:
    """Without the mark of a menu's key, and without dots that say that a question follows."""
    return text.replace("&&", "\0").replace("&", "").replace("\0", "&").replace("…", "").strip()


def of_menus(bar: QMenuBar) -> list[Command]:
    """What the menu bar offers now, submenus too."""
    return [found for action in bar.actions() for found in _of_action(action, "")]


def _of_action(action: QAction, where: str) -> Iterator[Command]:
    menu = action.menu()
    if isinstance(menu, QMenu):
        menu.aboutToShow.emit()  # some fill themselves only then
        for inner in menu.actions():
            yield from _of_action(inner, f"{where} › {plain(action.text())}".removeprefix(" › "))
    elif action.isEnabled() and action.isVisible() and not action.isSeparator() and action.text():
        keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        text, _, beside = action.text().partition("\t")
        yield Command(plain(text), plain(beside) or where, keys, action.trigger)


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

    fitting = [command for command in commands if all(w in f"{command.name} {command.where}".lower() for w in words)]
    return sorted(fitting, key=place)
