"""What each key does while ranking: one list, from which the board's bindings, the cheat sheet and the hints are made.

Cards go by the letters A to P, so F and the like are cards too when there are many: commands use other keys.
Arrows, digits, Space and Enter are enough by themselves, for keyboards without Latin letters.
"""

from dataclasses import dataclass
from typing import Literal, get_args

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QKeySequence

from desktop.actions import CALM, PRESENT, WHAT_IT_READS
from desktop.widgets.key_rows import KeyBinding, KeyRow, KeySection, Press, press_of

#: What the board does.
Name = Literal[
    "place", "tie", "place_selected", "to_rank", "tie_up", "better", "worse", "left", "right", "up", "down",
    "take_back", "remove", "good", "bad", "flag", "save", "skip", "skip_for_good", "comment", "undo", "redo",
    "scroll_up", "scroll_down", "earlier", "prompt_up", "prompt_down", "prompt_larger", "prompt_smaller",
    "write", "mend", "copy", "help", "escape",
]  # fmt: skip
#: What is done around the board, by the header and by the window, whatever has the focus.
Around = Literal[
    "generate", "rules", "history", "session", "method", "single", "stacked", "markdown", "differences",
    "larger", "smaller", "reads", "calm", "present",
]  # fmt: skip
LETTERS = "ABCDEFGHIJKLMNOP"


@dataclass(frozen=True)
class Command:
    """`number` is the card's index or the rank that the key names."""

    name: Name
    number: int = 0


PLACE = KeyBinding("place", tuple(LETTERS), "A B C …")
TIE = KeyBinding("tie", tuple(f"Shift+{letter}" for letter in LETTERS), "Shift + A …")
TAKE_BACK = KeyBinding("take_back", ("Backspace",))
LEFT, RIGHT = KeyBinding("left", ("Left",), "←"), KeyBinding("right", ("Right",), "→")
UP, DOWN = KeyBinding("up", ("Up",), "↑"), KeyBinding("down", ("Down",), "↓")
TIE_UP = KeyBinding("tie_up", ("=",))

#: In the order in which they are learnt.
SECTIONS = (
    KeySection(
        "Order",
        (
            KeyRow((PLACE,), "next place, from best to worst", "{0} from best to worst"),
            KeyRow((TIE,), "tie it with the one placed last", "Shift ties"),
            KeyRow((), "unranked: below the ranked, in no order", label="left out"),
            KeyRow((TAKE_BACK,), "take back the lowest placement"),
            KeyRow(
                (KeyBinding("save", ("Enter", "Return", "Ctrl+Enter", "Ctrl+Return")),),
                "save and show the next",
                "{0} saves",
            ),
            KeyRow(
                (KeyBinding("skip", ("S",)), KeyBinding("skip_for_good", ("Shift+S",))),
                "later, at the end; skip it for good",
                "{0} later",
            ),
            KeyRow(
                (KeyBinding("undo", ("Ctrl+Z",)), KeyBinding("redo", ("Ctrl+Shift+Z", "Ctrl+Y"))),
                "undo and redo, saved rankings too",
            ),
        ),
    ),
    KeySection(
        "Adjust the selected card",
        (
            KeyRow((LEFT, UP, RIGHT, DOWN), "select a card", label="← ↑ → ↓"),
            KeyRow((KeyBinding("place_selected", ("Space",)),), "give it the next place"),
            KeyRow((KeyBinding("to_rank", tuple("123456789"), "1 … 9"),), "move it to that rank"),
            KeyRow(
                (KeyBinding("better", ("Shift+Up",), "Shift+↑"), KeyBinding("worse", ("Shift+Down",), "Shift+↓")),
                "move it up or down",
            ),
            KeyRow((TIE_UP,), "tie it with the rank above"),
            KeyRow((KeyBinding("remove", ("Delete",)),), "take its place away"),
            KeyRow(
                (KeyBinding("good", ("+",)), KeyBinding("bad", ("-",))), "good or bad by itself; again takes it back"
            ),
            KeyRow(
                (KeyBinding("scroll_up", ("PgUp",), "Page Up"), KeyBinding("scroll_down", ("PgDown",), "Page Down")),
                "scroll its text",
            ),
            KeyRow((KeyBinding("copy", ("Ctrl+C",)),), "copy its text"),
        ),
    ),
    KeySection(
        "Two at a time",
        (
            KeyRow((LEFT, RIGHT), "the left or the right one is better", "{0} or {1} the better one"),
            KeyRow((DOWN, TIE_UP), "neither is better", "{0} neither"),
            KeyRow((TAKE_BACK,), "take back the last answer", "{0} takes back"),
        ),
        "pairwise",
    ),
    KeySection(
        "Best and worst only",
        (
            KeyRow((PLACE,), "the best, then the worst", "the letter of the best, then of the worst"),
            KeyRow((TIE,), "the worst"),
        ),
        "best-worst",
    ),
    KeySection(
        "More",
        (
            KeyRow(
                (KeyBinding("flag", ("X", "Menu", "Shift+F10")),),
                "flag the completion or the whole prompt",
                "{0} flags",
            ),
            KeyRow(
                (KeyBinding("write", ("W",)), KeyBinding("mend", ("Shift+W",))),
                "write an answer; mend the selected one",
            ),
            KeyRow((KeyBinding("earlier", ("T",)),), "show or hide earlier turns"),
            KeyRow(
                (
                    KeyBinding("prompt_up", ("Shift+PgUp",), "Shift+PgUp"),
                    KeyBinding("prompt_down", ("Shift+PgDown",), "PgDown"),
                ),
                "scroll the prompt",
            ),
            KeyRow(
                (
                    KeyBinding("prompt_larger", ("Alt+Down",), "Alt+↓"),
                    KeyBinding("prompt_smaller", ("Alt+Up",), "Alt+↑"),
                ),
                "more or less room for the prompt",
            ),
            KeyRow(
                (KeyBinding("comment", ("Ctrl+M",)), KeyBinding("escape", ("Esc",))),
                "write a comment; Esc leaves it",
                label="Ctrl+M",
            ),
            KeyRow(
                (
                    KeyBinding("generate", ("F2",)),
                    KeyBinding("rules", ("F3",)),
                    KeyBinding("history", ("F4",)),
                    KeyBinding("session", ("F12",)),
                ),
                "generate, guidelines, history, session",
            ),
            KeyRow((KeyBinding("single", ("V",)),), "one card at full height; ← → others; Esc all"),
            KeyRow((KeyBinding("method", ("F6",)),), "way to rank: order, two at a time, extremes"),
            KeyRow(
                (
                    KeyBinding("stacked", ("F7",)),
                    KeyBinding("markdown", ("F8",)),
                    KeyBinding("differences", ("F9",)),
                ),
                "stacked, Markdown, differences",
            ),
            KeyRow(
                (KeyBinding("larger", ("Ctrl++", "Ctrl+=")), KeyBinding("smaller", ("Ctrl+-",))),
                "larger and smaller text",
            ),
            KeyRow((KeyBinding("reads", WHAT_IT_READS.keys),), "what the model reads"),
            KeyRow((KeyBinding("calm", CALM.keys),), "nothing but the cards"),
            KeyRow((KeyBinding("present", PRESENT.keys),), "larger, for a room; Page Up, Down turn pages"),
            KeyRow((KeyBinding("help", ("?",)),), "show or hide this sheet", "{0} keys"),
        ),
    ),
)
#: What the sheet says of the mouse.
MOUSE = "Mouse: drag a card into a row of the ladder, between rows, or onto a card to tie; a double click enlarges."
DOTS = " · "
#: What the line below the cards reminds of, by the way to rank.
REMINDERS: dict[str, tuple[Name, ...]] = {
    "order": ("place", "tie", "flag", "save", "skip", "help"),
    "pairwise": ("left", "down", "take_back", "save", "help"),
    "best-worst": ("place", "save", "skip", "help"),
}

BINDINGS = {binding.name: binding for part in SECTIONS for row in part.rows for binding in row.bindings}


def keys_of(name: Name | Around) -> list[QKeySequence]:
    """The keys that do it."""
    return [QKeySequence(keys) for keys in BINDINGS[name].keys]


def with_key(text: str, name: Name | Around) -> str:
    """`text` with the key that does it, for tooltips and the like."""
    return f"{text} ({BINDINGS[name].shown})"


def hint(method: str, *, single: bool = False) -> str:
    """The line below the cards; a `single` one is seen, or all of them."""
    parts = [_row(name, method).short for name in REMINDERS[method]]
    return DOTS.join([f"{LEFT.shown} {RIGHT.shown} the other cards", "Esc all cards", *parts] if single else parts)


def _row(name: Name, method: str) -> KeyRow:
    """The line that says what a key does in this way to rank."""
    parts = [part for part in SECTIONS if part.method == method] + [part for part in SECTIONS if not part.method]
    rows = (row for part in parts for row in part.rows)
    return next(row for row in rows if row.hint and row.bindings[0].name == name)


def _table() -> dict[Press, Command]:
    """What the board does at each key. The letters and digits of one binding count from 0 and from 1."""
    found = {}
    for name in get_args(Name):
        first = 1 if name == "to_rank" else 0
        for number, keys in enumerate(keys_of(name), start=first):
            found[press_of(keys)] = Command(name, number if name in ("place", "tie", "to_rank") else 0)
    return found


TABLE = _table()
#: Signs that are typed in another way on each keyboard.
TYPED: dict[str, Command] = {
    "?": Command("help"), "=": Command("tie_up"), "+": Command("good"), "-": Command("bad")
}  # fmt: skip


def command(event: QKeyEvent, cards: int) -> Command | None:
    """The command that a key press means while `cards` cards are shown."""
    zoom = event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier)
    if event.text() in TYPED and zoom != Qt.KeyboardModifier.ControlModifier:
        return TYPED[event.text()]
    held = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
    found = TABLE.get((event.key(), held))
    return None if found is not None and found.name in ("place", "tie") and found.number >= cards else found
