"""What keys do, as data: a page declares its keys once, and its bindings, cheat sheet and hints are made of them."""

from dataclasses import dataclass

from PySide6.QtCore import QKeyCombination, Qt
from PySide6.QtGui import QKeySequence


@dataclass(frozen=True)
class KeyBinding:
    """`keys` do `name`, as `QKeySequence` writes them. People are shown the first one, or `label` in its place."""

    name: str
    keys: tuple[str, ...]
    label: str = ""

    @property
    def shown(self) -> str:
        return self.label or self.keys[0]


@dataclass(frozen=True)
class KeyRow:
    """A line of the sheet: keys and what they do. `hint` is the short form below the cards, with the keys in place of
    `{0}`, `{1}`. `label` stands in place of the keys."""

    bindings: tuple[KeyBinding, ...]
    meaning: str
    hint: str = ""
    label: str = ""

    @property
    def keys(self) -> str:
        return self.label or "   ".join(binding.shown for binding in self.bindings)

    @property
    def short(self) -> str:
        return self.hint.format(*(binding.shown for binding in self.bindings))


@dataclass(frozen=True)
class KeySection:
    """Lines about one thing; about one way to rank, if `method` names it."""

    title: str
    rows: tuple[KeyRow, ...]
    method: str = ""


#: A key and what is held with it.
Press = tuple[int, Qt.KeyboardModifier]


def press_of(sequence: QKeySequence) -> Press:
    """The one press of a sequence of one."""
    combination: QKeyCombination = sequence[0]  # type: ignore[index]
    return int(combination.key()), combination.keyboardModifiers()
