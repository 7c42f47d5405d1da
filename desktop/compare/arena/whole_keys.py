"""What each key does while all answers are ordered: one list, from which the bindings, the sheet and the hint are made.

Answers go by the letters A to P, as cards do in Rank: commands use other keys."""

from typing import Literal, NamedTuple, get_args

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QKeySequence

from core.arena.whole import MOST
from core.labeling.ordering import letter
from desktop.widgets.key_rows import KeyBinding, KeyRow, KeySection, Press, press_of

#: What the board does.
Name = Literal[
    "place", "tie", "take_back", "save", "bad", "later", "scroll_up", "scroll_down", "prompt_up", "prompt_down",
    "earlier", "markdown", "help",
]  # fmt: skip


class Command(NamedTuple):
    """`number` is the place of the answer that the key names."""

    name: Name
    number: int = 0


LETTERS = tuple(letter(index) for index in range(MOST))
SECTIONS = (
    KeySection(
        "Order",
        (
            KeyRow((KeyBinding("place", LETTERS, "A B C …"),), "next place, from best to worst"),
            KeyRow(
                (KeyBinding("tie", tuple(f"Shift+{each}" for each in LETTERS), "Shift + A …"),),
                "tie it with the one placed last",
            ),
            KeyRow((KeyBinding("take_back", ("Backspace",)),), "take the last letter back"),
            KeyRow((KeyBinding("save", ("Enter", "Return")),), "save the order of all and show the next"),
            KeyRow((KeyBinding("bad", ("X",)),), "all are bad: a tie that says so"),
            KeyRow((KeyBinding("later", ("S",)),), "this one later"),
            KeyRow((), "undo and redo, saved orders too", label="Ctrl+Z   Ctrl+Shift+Z"),
        ),
    ),
    KeySection(
        "Read",
        (
            KeyRow(
                (KeyBinding("scroll_up", ("PgUp",), "Page Up"), KeyBinding("scroll_down", ("PgDown", "Space"))),
                "scroll all answers; after F5 turn pages",
                label="Page Up   Page Down",
            ),
            KeyRow(
                (KeyBinding("prompt_up", ("Shift+PgUp",)), KeyBinding("prompt_down", ("Shift+PgDown",))),
                "scroll the prompt",
                label="Shift + Page Up / Down",
            ),
            KeyRow((KeyBinding("earlier", ("T",)),), "show or hide earlier turns"),
            KeyRow((KeyBinding("markdown", ("F8",)),), "Markdown or plain text, as in Rank"),
            KeyRow((KeyBinding("help", ("?",)),), "show or hide this sheet"),
        ),
    ),
)
#: What the sheet says of the mouse.
MOUSE = "Mouse: Place, above each answer; Shift ties. Who wrote what stays hidden until you open Results."
BINDINGS = {binding.name: binding for part in SECTIONS for line in part.rows for binding in line.bindings}
#: Under the answers.
HINT = "   ·   ".join((
    "A B C … from best to worst", "Shift ties", "Backspace takes back", "Enter saves", "X all bad", "S later", "? keys"
))  # fmt: skip


def keys_of(name: Name) -> list[QKeySequence]:
    """The keys that do it."""
    return [QKeySequence(keys) for keys in BINDINGS[name].keys]


TABLE: dict[Press, Command] = {
    press_of(keys): Command(name, number if name in ("place", "tie") else 0)
    for name in get_args(Name)
    for number, keys in enumerate(keys_of(name))
}


def command(event: QKeyEvent, answers: int) -> Command | None:
    """What a key press means while there are so many answers."""
    if event.text() == "?" and not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
        return Command("help")
    found = TABLE.get((event.key(), event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier))
    return None if found is not None and found.name in ("place", "tie") and found.number >= answers else found
