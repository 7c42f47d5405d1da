"""An answer that a labeler writes or mends among the cards: by keys, kept while it is typed, marked, and taken back."""

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData
from PySide6.QtTest import QTest

from core.conversation import Conversation, Message
from core.events import NewCompletion
from core.labeling.session import LabelingSession
from core.records import Prompt
from core.store import Project, completions, create_project, open_project, prompts
from desktop import user_settings
from desktop.rank.answering import LEFT_BEHIND, OWN
from desktop.rank.card import MIN_SIZE
from desktop.rank.tab import Tab
from tests.desktop.rank.ranking import CONTROL, SHIFT, Key, add_group, on_disk, open_tab, press
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
    found = open_tab(qtbot, made)
    found.labeling.editor.open(1)
    found.show_item()
    yield found
    found.close()
    found.session.close()


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
    assert tab.board.hint.whole == LEFT_BEHIND and counting_rankings(made) == []
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


@pytest.mark.parametrize(
    ("place", "kept"),
    [("0", 3), ("0", {"0": "a"}), ("0", ""), ("0", [1]), ("x", "a"), ("-1", "a"), ("", "a"), ("9" * 5000, "a")],
    ids=lambda value: str(value)[:10],
)
def test_what_nobody_could_have_begun_is_left_where_it_is(tab, made, place, kept):
    key = f"draft/answer/{tab.labeling.labeler.id}/2/{place}"
    made.set_setting(key, kept)
    tab.controller.open_group(2)
    press(tab, Key.Key_W)
    assert tab.labeling.group.id == 2 and tab.board.answer.field.text() == ""
    write(tab, "mine")
    add(tab)
    assert "mine" in cards(tab) and made.setting(key) == kept


@pytest.mark.parametrize("text", ["word " * 25_000, "line\n" * 9_000], ids=["letters", "lines"])
def test_a_long_answer_that_was_begun_is_found_again_and_can_be_edited(tab, made, text):
    press(tab, Key.Key_W)
    field = tab.board.answer.field
    field.insertPlainText(text)
    QTest.keyClick(field, Key.Key_Escape)
    tab.board.select(0)
    press(tab, Key.Key_W, held=SHIFT)
    write(tab, "x")
    QTest.keyClick(field, Key.Key_Escape)
    press(tab, Key.Key_W)
    assert field.text() == text and not field.isReadOnly()
    add(tab)
    press(tab, Key.Key_Z, held=CONTROL)
    press(tab, Key.Key_W)
    assert field.text() == text, "taken back, and begun again"


def test_one_that_is_too_long_to_be_added_is_kept_and_that_is_said(tab, made):
    text = "word " * 300_000
    made.set_setting(f"draft/answer/{tab.labeling.labeler.id}/1/0", text)
    press(tab, Key.Key_W)
    assert tab.board.answer.field.isReadOnly() and "too long to be edited or added" in tab.board.answer.about.text()
    add(tab)
    assert on_disk(made, MINE) == [] and tab.labeling.editor.answers.begun(1) == {0: text}


def test_a_mend_of_an_answer_that_is_taken_back_becomes_an_answer_of_its_own(tab, made):
    press(tab, Key.Key_W)
    write(tab, "AAA")
    add(tab)
    press(tab, Key.Key_W, held=SHIFT)
    write(tab, "MENDED ")
    tab.controller.undo()  # from the window's menu
    assert tab.board.answer.heading.text() == OWN and tab.board.answer.field.text() == "MENDED AAA"
    add(tab)
    assert on_disk(made, MINE) == [("MENDED AAA",)]
    assert tab.labeling.editor.answers.begun(1) == {0: "AAA"}


def test_what_was_begun_of_an_answer_that_is_gone_since_is_found_and_added(tab, made):
    press(tab, Key.Key_W)
    write(tab, "AAA")
    add(tab)
    press(tab, Key.Key_W, held=SHIFT)
    write(tab, "MENDED ")
    QTest.keyClick(tab.board.answer.field, Key.Key_Escape)
    press(tab, Key.Key_Z, held=CONTROL)
    for text in ("AAA", "MENDED AAA"):
        press(tab, Key.Key_W)
        assert tab.board.answer.field.text() == text
        add(tab)
    assert sorted(on_disk(made, MINE)) == [("AAA",), ("MENDED AAA",)]
    assert tab.labeling.editor.answers.begun(1) == {}


def test_another_window_writes_its_own_beside_what_is_begun(tab, made):
    press(tab, Key.Key_W)
    write(tab, "one")
    with closing(open_project(made.folder)) as project:
        other = LabelingSession(project, tab.labeling.labeler).editor.answers
        other.open(1, 0)
        tab.board.answer.leave()
        other.keep(1, 0, "two")
    write(tab, ", and more")
    tab.board.answer.close_editor()
    for text in ("one, and more", "two"):
        press(tab, Key.Key_W)
        assert tab.board.answer.field.text() == text
        add(tab)


def test_a_long_word_that_is_pasted_is_laid_out_at_once(tab, qtbot):
    press(tab, Key.Key_W)
    pasted = QMimeData()
    pasted.setText("a" * 200_000)
    begun = time.thread_time()
    tab.board.answer.field.insertFromMimeData(pasted)
    tab.board.answer.field.grab()
    assert time.thread_time() - begun < 0.5


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
    assert "has 3 answers" in tab.board.answer.about.text()


def test_undo_and_redo_leave_what_is_being_typed(tab):
    for text in ("first", "second"):
        press(tab, Key.Key_W)
        write(tab, text)
        if text == "first":
            add(tab)
    tab.board.answer.close_editor()
    press(tab, Key.Key_Z, held=CONTROL)
    press(tab, Key.Key_Y, held=CONTROL)
    assert "first" in cards(tab)
    press(tab, Key.Key_W)
    assert tab.board.answer.field.text() == "second"


def test_nothing_lies_over_anything_while_one_is_written_under_an_unfolded_conversation(tab, made, qtbot):
    roles = ("user", "assistant") * 3
    turns = (*(Message(role, f"{role} said this. " * 9) for role in roles[:5]), Message("user", "And now? " * 12))
    asked = prompts.add(made, [Prompt.of(Conversation(turns))]).ids[0]
    group = completions.add_group(
        made, asked, tuple(NewCompletion("word " * 90 + str(n), 9, True, 0) for n in range(6))
    )
    tab.resize(1072, 771)  # what a window of 1280x800 leaves
    tab.labeling.editor.open(group)
    tab.show_item()
    press(tab, Key.Key_T, Key.Key_W)
    board = tab.board
    prompt, grid, answer = board.prompt, board.grid, board.answer

    def apart() -> bool:
        in_order = prompt.geometry().bottom() < grid.y() and grid.geometry().bottom() < answer.y()
        return in_order and prompt.earlier.geometry().bottom() < prompt.last.y()

    qtbot.waitUntil(apart)
    assert grid.height() >= MIN_SIZE.height() and prompt.last.bubble.text.height() > 40
