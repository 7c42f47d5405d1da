"""Good or bad by itself: a key or a button for the selected card, seen on it, undone, and saved before the next."""

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent

from core.store import create_project
from desktop.rank import keys
from tests.desktop.rank.ranking import add_group, on_disk, open_tab, press

Key = Qt.Key
JUDGED = "select verdict from ranking_items where verdict is not null order by verdict"


@pytest.fixture
def tab(qtbot, tmp_path, monkeypatch):
    monkeypatch.setenv("PLUMBLINE_DATA", str(tmp_path / "data"))
    project = create_project(tmp_path / "project")
    for number in range(2):
        add_group(project, f"question {number}", "one", "two", "three")
    found = open_tab(qtbot, project)
    yield found
    found.session.close()


def seen(tab) -> list[str]:
    """What stands on each card."""
    return [card.flag_label.text() for card in tab.board.grid.cards]


def test_keys_and_buttons_judge_a_card_and_it_is_saved_with_enter(tab):
    project = tab.session.project
    press(tab, Key.Key_Plus, Key.Key_Right, Key.Key_Minus)
    assert seen(tab) == ["+ good", "− bad", ""]
    assert "good" in tab.board.grid.cards[0].accessibleDescription()
    assert len(on_disk(project, "select draft from drafts where draft like '%good%'")) == 1, "before it is painted"
    press(tab, Key.Key_Right)
    tab.board.good_button.click()
    assert seen(tab) == ["+ good", "− bad", "+ good"]
    tab.board.good_button.click()
    assert seen(tab) == ["+ good", "− bad", ""], "the same again takes it back"
    press(tab, Key.Key_Z, held=Qt.KeyboardModifier.ControlModifier)
    assert seen(tab) == ["+ good", "− bad", "+ good"]
    press(tab, Key.Key_Return)
    assert on_disk(project, JUDGED) == [("bad",), ("good",), ("good",)]
    assert seen(tab) == ["", "", ""], "the next item is judged anew"
    press(tab, Key.Key_Z, held=Qt.KeyboardModifier.ControlModifier)
    assert seen(tab) == ["+ good", "− bad", "+ good"]


def test_a_sign_that_is_typed_with_shift_judges_and_with_control_does_not():
    shift, control = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier
    assert keys.command(QKeyEvent(QEvent.Type.KeyPress, Key.Key_Plus, shift, "+"), 3) == keys.Command("good")
    assert keys.command(QKeyEvent(QEvent.Type.KeyPress, Key.Key_Plus, control, "+"), 3) is None
