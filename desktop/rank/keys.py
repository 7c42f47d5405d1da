"""What each key does while ranking, as data: the board obeys it, the cheat sheet is made from it.

Cards go by the letters A to P, so F and the like are cards too when there are many: commands use other keys.
Arrows, digits, Space and Enter are enough by themselves, for keyboards without Latin letters.
"""

from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent

Name = Literal[
    "place",
    "tie",
    "place_selected",
    "to_rank",
    "tie_up",
    "better",
    "worse",
    "left",
    "right",
    "up",
    "down",
    "take_back",
    "remove",
    "flag",
    "save",
    "skip",
    "skip_for_good",
    "comment",
    "undo",
    "redo",
    "scroll_up",
    "scroll_down",
    "copy",
    "help",
    "escape",
]


@dataclass(frozen=True)
class Command:
    """`number` is the card's index or the rank that the key names."""

    name: Name
    number: int = 0


#: Keys and what they do, for people, in the order in which they are learnt.
SHEET: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "Order",
        (
            ("A  B  C …", "next place, from best to worst"),
            ("Shift + A …", "tie it with the one placed last"),
            ("left out", "unranked: below the ranked, in no order"),
            ("Backspace", "take back the lowest placement"),
            ("Enter", "save and show the next"),
            ("S   Shift+S", "later: it comes back at the end; skip it for good"),
            ("Ctrl+Z   Ctrl+Shift+Z", "undo and redo, saved rankings too"),
        ),
    ),
    (
        "Adjust the selected card",
        (
            ("← ↑ → ↓", "select a card"),
            ("Space", "give it the next place"),
            ("1 … 9", "move it to that rank"),
            ("Shift+↑   Shift+↓", "move it up or down"),
            ("=", "tie it with the rank above"),
            ("Delete", "take its place away"),
            ("Page Up   Page Down", "scroll its text"),
            ("Ctrl+C", "copy its text"),
        ),
    ),
    (
        "Two at a time",
        (
            ("←   →", "the left or the right one is better"),
            ("↓   =", "neither is better"),
            ("Backspace", "take back the last answer"),
        ),
    ),
    (
        "More",
        (
            ("X", "flag the completion or the whole prompt"),
            ("Ctrl+M", "write a comment; Esc leaves it"),
            ("F2   F3   F4   F5", "generate, guidelines, history, session"),
            ("F6", "way to rank: order, two at a time, extremes"),
            ("F7   F8   F9", "stacked, Markdown, differences"),
            ("Ctrl++   Ctrl+-", "larger and smaller text"),
            ("F11", "nothing but the cards"),
            ("?", "show or hide this sheet"),
        ),
    ),
)

PLAIN: dict[int, Name] = {
    Qt.Key.Key_Space: "place_selected",
    Qt.Key.Key_Left: "left",
    Qt.Key.Key_Right: "right",
    Qt.Key.Key_Up: "up",
    Qt.Key.Key_Down: "down",
    Qt.Key.Key_Backspace: "take_back",
    Qt.Key.Key_Delete: "remove",
    Qt.Key.Key_Return: "save",
    Qt.Key.Key_Enter: "save",
    Qt.Key.Key_PageUp: "scroll_up",
    Qt.Key.Key_PageDown: "scroll_down",
    Qt.Key.Key_Escape: "escape",
    Qt.Key.Key_Equal: "tie_up",
    Qt.Key.Key_X: "flag",
    Qt.Key.Key_Menu: "flag",
    Qt.Key.Key_S: "skip",
}
SHIFTED: dict[int, Name] = {
    Qt.Key.Key_Up: "better",
    Qt.Key.Key_Down: "worse",
    Qt.Key.Key_F10: "flag",
    Qt.Key.Key_S: "skip_for_good",
}
CONTROL: dict[int, Name] = {
    Qt.Key.Key_M: "comment",
    Qt.Key.Key_Z: "undo",
    Qt.Key.Key_Y: "redo",
    Qt.Key.Key_C: "copy",
    Qt.Key.Key_Return: "save",
    Qt.Key.Key_Enter: "save",
}


def command(event: QKeyEvent, cards: int) -> Command | None:
    """The command that a key press means while `cards` cards are shown."""
    key = event.key()
    held = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
    if event.text() == "?":
        return Command("help")
    if event.text() == "=":
        return Command("tie_up")
    if held == Qt.KeyboardModifier.ControlModifier:
        return Command(CONTROL[key]) if key in CONTROL else None
    if held == Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier:
        return Command("redo") if key == Qt.Key.Key_Z else None
    index = key - int(Qt.Key.Key_A)
    if 0 <= index < cards and held in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier):
        return Command("tie" if held else "place", index)
    if held == Qt.KeyboardModifier.ShiftModifier:
        return Command(SHIFTED[key]) if key in SHIFTED else None
    if held != Qt.KeyboardModifier.NoModifier:
        return None
    if int(Qt.Key.Key_1) <= key <= int(Qt.Key.Key_9):
        return Command("to_rank", key - int(Qt.Key.Key_0))
    return Command(PLAIN[key]) if key in PLAIN else None
