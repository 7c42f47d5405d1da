"""An answer that a labeler writes or mends among the cards: by keys, kept while it is typed, marked, and taken back."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtTest import QTest

from core.labeling.answer_drafts import LONGEST
from core.labeling.session import LabelingSession
from core.store import Project, completions, create_project
from desktop import user_settings
from desktop.rank.answering import LEFT_BEHIND
from desktop.rank.tab import Tab
from desktop.session import Session
from tests.desktop.rank.ranking import CONTROL, SHIFT, Key, add_group, on_disk, press
from tests.ranked import counting_rankings

MINE = "select text from completions where written_by is not null order by id"


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Two prompts; the first one's answers have blanks and line ends of every kind."""
    monkeypatch.setenv("PLUMBLINE_DATA", str(tmp_path / "data"))
    user_settings.set_labeler_name("Mira")
    project = create_project(tmp_path / "project")
    add_group(project, "One?", "  first\r\nsecond\r\n", "short", "another one")
    add_group(project, "Two?", "yes", "no")
    return project


@pytest.fixture
def tab(qtbot, made: Project) -> Iterator[Tab]:
    session = Session(made)
    found = Tab(session)
    qtbot.addWidget(found)
    found.resize(1080, 720)
    with qtbot.waitExposed(found):
        found.show()
    found.labeling.editor.open(1)
    found.show_item()
    yield found
    found.close()
    session.close()


def write(tab: Tab, text: str) -> None:
    QTest.keyClicks(tab.board.answer.field, text)


def add(tab: Tab) -> None:
    QTest.keyClick(tab.board.answer.field, Key.Key_Return, CONTROL)


def cards(tab: Tab) -> list[str]:
    return [card.completion.text for card in tab.board.grid.cards]


def test_an_answer_of_ones_own_is_the_best_card_and_undo_takes_it_back(tab, made):
    before = cards(tab)
    press(tab, Key.Key_W)
    write(tab, "  mine ")
    add(tab)
    assert on_disk(made, MINE) == [("  mine ",)]
    assert cards(tab) == [*before, "  mine "]
    card = tab.board.card
    assert card.completion.text == "  mine " and card.foot.text() == "Written by hand", "not by whom, while it is blind"
    assert tab.labeling.ordering.rank(card.completion.id) == 1
    assert tab.board.answer.isHidden() and tab.board.hasFocus()
    press(tab, Key.Key_Z, held=CONTROL)
    assert cards(tab) == before and on_disk(made, MINE) == []
    press(tab, Key.Key_W)
    assert tab.board.answer.field.text() == "  mine ", "undo loses nothing that was typed"
    QTest.keyClick(tab.board.answer.field, Key.Key_Escape)
    press(tab, Key.Key_Y, held=CONTROL)
    assert cards(tab) == [*before, "  mine "]
    assert tab.labeling.editor.answers.begun(1) == {}


def test_mending_begins_with_the_text_of_the_selected_card_and_keeps_its_blanks(tab, made):
    place = cards(tab).index("  first\r\nsecond\r\n")
    tab.board.select(place)
    press(tab, Key.Key_W, held=SHIFT)
    field = tab.board.answer.field
    assert field.text() == "  first\r\nsecond\r\n"
    QTest.keyClick(field, Key.Key_End, CONTROL)
    write(tab, "third")
    add(tab)
    assert on_disk(made, MINE) == [("  first\r\nsecond\r\nthird",)]
    assert tab.board.card.foot.text() == "Mended by hand"
    assert len(cards(tab)) == 4, "the one that was mended stays"


def test_what_cannot_be_added_is_said_beside_it_and_stays_there(tab, made):
    tab.board.select(cards(tab).index("short"))
    press(tab, Key.Key_W, held=SHIFT)
    add(tab)
    assert "says this already" in tab.board.answer.about.text()
    assert tab.board.answer.isVisible() and on_disk(made, MINE) == []


def test_esc_and_another_item_keep_what_is_begun_for_its_own_item(tab, made):
    press(tab, Key.Key_W)
    write(tab, "half a")
    QTest.keyClick(tab.board.answer.field, Key.Key_Escape)
    assert tab.board.answer.isHidden() and tab.board.hasFocus()
    tab.board.select(0)
    press(tab, Key.Key_W, held=SHIFT)
    write(tab, "x")
    press(tab, Key.Key_S)
    assert tab.labeling.group.id == 2 and tab.board.answer.isHidden()
    press(tab, Key.Key_W)
    assert tab.board.answer.field.text() == ""
    tab.labeling.editor.open(1)
    tab.show_item()
    assert tab.board.write_button.text().endswith("…"), "it can be seen that something is begun"
    press(tab, Key.Key_W)
    assert tab.board.answer.field.text() == "half a"
    later = LabelingSession(made, tab.labeling.labeler)
    assert set(later.editor.answers.begun(1).values()) == {"half a", "x" + cards(tab)[0]}


def test_an_item_is_not_left_without_an_answer_that_was_begun_and_not_added(tab, made):
    press(tab, Key.Key_A)
    tab.board.select(1)
    press(tab, Key.Key_W, held=SHIFT)
    write(tab, "x")
    QTest.keyClick(tab.board.answer.field, Key.Key_Escape)
    press(tab, Key.Key_Return)
    assert tab.board.hint.text() == LEFT_BEHIND and counting_rankings(made) == []
    press(tab, Key.Key_W)
    assert tab.board.answer.field.text() == "x" + cards(tab)[1], "the one that was told of"
    QTest.keyClick(tab.board.answer.field, Key.Key_Escape)
    press(tab, Key.Key_Return)
    assert len(counting_rankings(made)) == 1


def test_drafts_of_one_labeler_are_not_anothers(tab):
    press(tab, Key.Key_W)
    write(tab, "mine alone")
    tab.rename("Bo")
    tab.labeling.editor.open(1)
    tab.show_item()
    assert tab.board.answer.isHidden()
    press(tab, Key.Key_W)
    assert tab.board.answer.field.text() == ""
    tab.rename("Mira")
    assert tab.labeling.editor.answers.begun(1) == {0: "mine alone"}


def test_who_wrote_it_is_told_once_it_is_ranked(tab):
    press(tab, Key.Key_W)
    write(tab, "mine")
    add(tab)
    press(tab, Key.Key_Return)
    tab.show_panel("history")
    (entry,) = tab.side.history.model.entries
    tab.side.history.opened.emit(entry.ranking_id)
    feet = [card.foot.text() for card in tab.board.grid.cards if card.completion.text == "mine"]
    assert feet == ["Written by hand by Mira"]


@pytest.mark.parametrize("method", ["pairwise", "best-worst"])
def test_it_joins_whatever_the_way_to_rank(tab, method):
    tab.controller.use_method(method)
    press(tab, Key.Key_W)
    write(tab, "mine")
    add(tab)
    assert "mine" in cards(tab)


@pytest.mark.parametrize("kept", ["text", {"x": "a"}, {"0": 3}, {"0": "a" * (LONGEST + 1)}, {"-1": "a"}, [1]], ids=str)
def test_what_nobody_could_have_begun_is_left_where_it_is(tab, made, kept):
    made.set_setting(f"draft/answer/{tab.labeling.labeler.id}/1", kept)
    tab.show_item()
    press(tab, Key.Key_W)
    assert tab.board.answer.field.text() == ""


def test_a_mouse_reaches_it_too(tab):
    tab.board.mend_button.click()
    assert tab.board.answer.heading.text() == "Mend A"
    tab.board.answer.leave_button.click()
    tab.board.open_flags(tab.board.grid.cards[1].completion.id)
    (mend,) = [action for action in tab.board.menu.actions() if action.text().startswith("Mend B")]
    mend.trigger()
    tab.board.menu.hide()
    assert tab.board.answer.heading.text() == "Mend B"
    write(tab, "x")
    tab.board.answer.add.click()
    assert tab.board.card.completion.text == "x" + tab.board.grid.cards[1].completion.text


def test_no_more_than_can_be_ranked_are_written(made, monkeypatch, tab):
    monkeypatch.setattr(completions, "MOST_COMPLETIONS", 3)
    press(tab, Key.Key_W)
    write(tab, "mine")
    add(tab)
    assert "3 answers already" in tab.board.answer.about.text()
