"""Everything that can be done, as a list of commands by name: what menus offer, what the tab that is shown offers now,
and what the others do. Nothing is built only to be listed."""

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtGui import QKeySequence

from desktop.actions import Action, plain


@dataclass(frozen=True)
class Command:
    """`where` is the menu or tab that it belongs to; `keys` its shortcut as people read it; `words` are others by which
    it is found."""

    name: str
    where: str
    keys: str
    run: Callable[[], object]
    words: str = ""


def command_of(action: Action, where: str, run: Callable[[], object], text: str = "") -> Command:
    """What an action does; `text` is what it is called now, where that is another than its title."""
    keys = QKeySequence(action.keys[0]).toString(QKeySequence.SequenceFormat.NativeText) if action.keys else ""
    return Command(plain(text) or action.name, where, keys, run, action.keywords)


def matching(commands: list[Command], typed: str) -> list[Command]:
    """Those that hold every typed word; where the first word begins a name comes first."""
    words = typed.lower().split()

    def place(command: Command) -> int:
        name = command.name.lower()
        if not words or name.startswith(words[0]):
            return 0
        return 1 if any(part.startswith(words[0]) for part in name.split()) else 2

    fitting = [command for command in commands if all(word in searched(command) for word in words)]
    return sorted(fitting, key=place)


def searched(command: Command) -> str:
    """The text in which typed words are looked for."""
    return f"{command.name} {command.where} {command.words}".lower()
