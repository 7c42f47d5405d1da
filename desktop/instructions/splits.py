"""What a prompt is used for, to be chosen; and tags and counts in words."""

from PySide6.QtWidgets import QComboBox, QWidget

from desktop.instructions import actions
from desktop.instructions.prompt_table import SPLIT_TITLES


def split_box(parent: QWidget) -> QComboBox:
    box = QComboBox(parent)
    box.setToolTip(actions.USE_FOR.tip)
    box.setAccessibleName(actions.USE_FOR.title)
    for name, title in SPLIT_TITLES.items():
        box.addItem(title, name)
    return box


def tags_of(text: str, known: tuple[str, ...] = ()) -> tuple[str, ...]:
    """`a, b,, a` -> (a, b). Those that are `known` may hold commas."""
    whole = [tag for tag in known if "," in tag and tag in text]
    for tag in whole:
        text = text.replace(tag, "", 1)
    return tuple(dict.fromkeys([*whole, *(tag.strip() for tag in text.split(",") if tag.strip())]))


def counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
