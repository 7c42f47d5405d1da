"""The one list of keys: what it says is what the board does, and the sheet and the hints say it."""

from typing import get_args

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLabel

from desktop.rank import keys
from desktop.rank.board import RankingBoard
from desktop.widgets.cheat_sheet import Sheet
from desktop.widgets.key_rows import press_of


def pressed(sequence) -> QKeyEvent:
    key, held = press_of(sequence)
    return QKeyEvent(QEvent.Type.KeyPress, key, held, chr(key).lower() if key < 128 else "")


@pytest.mark.parametrize("name", get_args(keys.Name))
def test_each_key_of_the_list_does_what_it_says(name):
    for place, sequence in enumerate(keys.keys_of(name)):
        found = keys.command(pressed(sequence), 16)
        assert found is not None and found.name == name, sequence.toString()
        if name in ("place", "tie", "to_rank"):
            assert found.number == (place + 1 if name == "to_rank" else place)


def test_letters_are_cards_as_far_as_there_are_cards():
    assert keys.command(pressed(keys.keys_of("place")[3]), 3) is None
    assert keys.command(pressed(keys.keys_of("tie")[2]), 3) == keys.Command("tie", 2)
    keypad = Qt.KeyboardModifier.KeypadModifier
    assert keys.command(QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_4, keypad, "4"), 3) == keys.Command("to_rank", 4)


@pytest.mark.parametrize("name", get_args(keys.Around))
def test_the_board_leaves_the_keys_around_it_alone(name):
    assert not {press_of(sequence) for sequence in keys.keys_of(name)} & set(keys.TABLE)


def test_a_letter_that_is_not_latin_is_no_key():
    assert keys.command(QKeyEvent(QEvent.Type.KeyPress, 0x0416, Qt.KeyboardModifier.NoModifier, "ж"), 4) is None


def test_no_key_does_two_things():
    bindings = [sequence.toString() for name in keys.BINDINGS for sequence in keys.keys_of(name)]
    assert len(bindings) == len(set(bindings))
    assert set(keys.BINDINGS) == {*get_args(keys.Name), *get_args(keys.Around)}


def test_the_sheet_and_the_hints_are_made_of_the_list(qtbot):
    sheet, board = Sheet(keys.SECTIONS, keys.MOUSE, None), RankingBoard()
    qtbot.addWidget(sheet)
    qtbot.addWidget(board)
    shown = [found.text() for found in sheet.findChildren(QLabel)]
    for section in keys.SECTIONS:
        assert section.title in shown
        assert all(row.keys in shown and row.meaning in shown for row in section.rows)
    assert (
        board.hint.whole
        == keys.hint("order")
        == ("A B C … from best to worst · Shift ties · X flags · Enter saves · S later · ? keys")
    )
    assert keys.hint("pairwise").startswith("← or → the better one · ↓ neither · Backspace takes back")
    assert keys.hint("best-worst").startswith("the letter of the best, then of the worst · Enter saves")
