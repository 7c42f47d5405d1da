"""What each key does while ranking: the board obeys it, and the sheet of keys is made from the same actions."""

from dataclasses import dataclass

from PySide6.QtCore import QKeyCombination, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence

from desktop.actions import CALM, Action
from desktop.rank.actions import BOARD, LARGER, NEXT_METHOD, PANELS, SMALLER, VIEWS, Name


@dataclass(frozen=True)
class Command:
    """`number` is the card's index or the rank that the key names."""

    name: Name
    number: int = 0


#: Keys that a keyboard may have anywhere: they are known by what they write.
WRITTEN = {keys: name for name, action in BOARD.items() for keys in action.keys if keys in ("=", "?")}
PRESSED: dict[QKeyCombination, Name] = {
    QKeySequence(keys)[0]: name  # type: ignore[index]  # which its stubs do not know
    for name, action in BOARD.items()
    for keys in action.keys
}


def command(event: QKeyEvent, cards: int) -> Command | None:
    """The command that a key press means while `cards` cards are shown."""
    key = event.key()
    held = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
    if event.text() in WRITTEN:
        return Command(WRITTEN[event.text()])
    index = key - int(Qt.Key.Key_A)
    if 0 <= index < cards and held in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier):
        return Command("tie" if held else "place", index)
    if held == Qt.KeyboardModifier.NoModifier and int(Qt.Key.Key_1) <= key <= int(Qt.Key.Key_9):
        return Command("to_rank", key - int(Qt.Key.Key_0))
    name = PRESSED.get(QKeyCombination(held, Qt.Key(key)))
    return Command(name) if name is not None else None


#: Keys as the sheet writes them.
SYMBOLS = {"Left": "←", "Right": "→", "Up": "↑", "Down": "↓", "PgUp": "Page Up", "PgDown": "Page Down"}


def shown(*actions: Action) -> str:
    """The first keys of some actions, as people read them."""
    keys = [action.keys[0] for action in actions]
    for name, symbol in SYMBOLS.items():
        keys = [symbol if each == name else each.replace(f"+{name}", f"+{symbol}") for each in keys]
    return "   ".join(keys)


#: Keys and what they do, for people, in the order in which they are learnt.
SHEET: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "Order",
        (
            ("A  B  C …", "next place, from best to worst"),
            ("Shift + A …", "tie it with the one placed last"),
            ("left out", "unranked: below the ranked, in no order"),
            (shown(BOARD["take_back"]), "take back the lowest placement"),
            (shown(BOARD["save"]), "save and show the next"),
            (shown(BOARD["skip"], BOARD["skip_for_good"]), "later: it comes back at the end; skip it for good"),
            (shown(BOARD["undo"], BOARD["redo"]), "undo and redo, saved rankings too"),
        ),
    ),
    (
        "Adjust the selected card",
        (
            (shown(BOARD["left"], BOARD["up"], BOARD["right"], BOARD["down"]).replace("   ", " "), "select a card"),
            (shown(BOARD["place_selected"]), "give it the next place"),
            ("1 … 9", "move it to that rank"),
            (shown(BOARD["better"], BOARD["worse"]), "move it up or down"),
            (shown(BOARD["tie_up"]), "tie it with the rank above"),
            (shown(BOARD["remove"]), "take its place away"),
            (shown(BOARD["scroll_up"], BOARD["scroll_down"]), "scroll its text"),
            (shown(BOARD["copy"]), "copy its text"),
        ),
    ),
    (
        "Two at a time",
        (
            (shown(BOARD["left"], BOARD["right"]), "the left or the right one is better"),
            (shown(BOARD["down"], BOARD["tie_up"]), "neither is better"),
            (shown(BOARD["take_back"]), "take back the last answer"),
        ),
    ),
    (
        "More",
        (
            (shown(BOARD["flag"]), "flag the completion or the whole prompt"),
            (shown(BOARD["comment"]), f"write a comment; {shown(BOARD['escape'])} leaves it"),
            (shown(*PANELS.values()), ", ".join(action.title.lower() for action in PANELS.values())),
            (shown(NEXT_METHOD), "way to rank: order, two at a time, extremes"),
            (shown(*VIEWS.values()), "stacked, Markdown, differences"),
            (shown(LARGER, SMALLER), "larger and smaller text"),
            (shown(CALM), "nothing but the cards"),
            (shown(BOARD["help"]), "show or hide this sheet"),
        ),
    ),
)
