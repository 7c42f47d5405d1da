"""What each key does while voting: one list, from which the ballot's bindings, the sheet and the hints are made."""

from typing import Literal, get_args

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QKeySequence

from desktop.widgets.key_rows import KeyBinding, KeyRow, KeySection, Press, press_of

#: What the ballot does.
Name = Literal[
    "first", "second", "tie", "bad", "later", "take_back", "scroll_up", "scroll_down", "prompt_up", "prompt_down",
    "earlier", "markdown", "comment", "help",
]  # fmt: skip

FIRST, SECOND = KeyBinding("first", ("Left", "A"), "←"), KeyBinding("second", ("Right", "B"), "→")
TIE, BAD = KeyBinding("tie", ("Down", "T", "="), "↓"), KeyBinding("bad", ("X",))
LATER, TAKE_BACK = KeyBinding("later", ("S",)), KeyBinding("take_back", ("Backspace",))
COMMENT, HELP = KeyBinding("comment", ("Ctrl+M",)), KeyBinding("help", ("?",))
SECTIONS = (
    KeySection(
        "Vote",
        (
            KeyRow((FIRST,), "A, the left answer, is better", label="←  or  A"),
            KeyRow((SECOND,), "B, the right answer, is better", label="→  or  B"),
            KeyRow((TIE,), "neither is better: a tie", label="↓  or  T  or  ="),
            KeyRow((BAD,), "both are bad: a tie that says so"),
            KeyRow((LATER,), "this one later"),
            KeyRow((TAKE_BACK,), "take back your last vote"),
            KeyRow((), "undo and redo, as everywhere", label="Ctrl+Z   Ctrl+Shift+Z"),
        ),
    ),
    KeySection(
        "Read",
        (
            KeyRow(
                (KeyBinding("scroll_up", ("PgUp",), "Page Up"), KeyBinding("scroll_down", ("PgDown", "Space"))),
                "scroll both answers; after F5 turn pages",
                label="Page Up   Page Down",
            ),
            KeyRow(
                (KeyBinding("prompt_up", ("Shift+PgUp",)), KeyBinding("prompt_down", ("Shift+PgDown",))),
                "scroll the prompt",
                label="Shift + Page Up / Down",
            ),
            KeyRow((KeyBinding("earlier", ("E",)),), "show or hide earlier turns"),
            KeyRow((KeyBinding("markdown", ("F8",)),), "Markdown or plain text, as in Rank"),
            KeyRow((COMMENT,), "write a comment; Esc leaves it"),
            KeyRow((HELP,), "show or hide this sheet"),
        ),
    ),
)
#: What the sheet says of the mouse.
MOUSE = "Mouse: the buttons below the answers. Who wrote what stays hidden until you open Results."
BINDINGS = {binding.name: binding for part in SECTIONS for line in part.rows for binding in line.bindings}
#: Under the answers.
HINT = "   ·   ".join((
    "← or A    → or B    the better one", "↓ tie", "X both bad", "S later", "Backspace takes back", "? keys"
))  # fmt: skip


def keys_of(name: Name) -> list[QKeySequence]:
    """The keys that do it."""
    return [QKeySequence(keys) for keys in BINDINGS[name].keys]


TABLE: dict[Press, Name] = {press_of(keys): name for name in get_args(Name) for keys in keys_of(name)}
#: Signs that are typed in another way on each keyboard.
TYPED: dict[str, Name] = {"?": "help", "=": "tie"}


def command(event: QKeyEvent) -> Name | None:
    """What a key press means."""
    if event.text() in TYPED and not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
        return TYPED[event.text()]
    return TABLE.get((event.key(), event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier))
