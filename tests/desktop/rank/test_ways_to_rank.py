"""Two at a time, best and worst only, by criterion; how the cards look; a labeler's session."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from core.labeling.ordering import letter
from core.preferences.differences import differences
from core.preferences.judged_groups import OVERALL
from core.records import NewRanking
from core.store import Project, assignments, create_project, drafts, guidelines, labelers, pairs, rankings
from desktop import user_settings
from desktop.rank.card_grid import shares
from desktop.rank.tab import Tab
from tests.desktop.rank.ranking import SHIFT, Key, add_group, on_disk, open_tab, press
from tests.ranked import counting_rankings

CRITERIA = "1. **Helpful.** It helps.\n2. **Honest.** It is true."
LETTERS = [Key.Key_A, Key.Key_B, Key.Key_C, Key.Key_D]


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Project]:
    user_settings.set_labeler_name("Mira")
    project = create_project(tmp_path / "project")
    guidelines.save(project, criteria=CRITERIA, ties="", flags="- unsafe: harm", examples="")
    add_group(project, "One?", "four words are here", "a **bold** claim", "nothing alike", "something else entirely")
    add_group(project, "Two?", "one", "two", "three", "four")
    add_group(project, "Three?", "one", "two", "three")
    yield project
    project.close()


@pytest.fixture
def tab(qtbot, made: Project) -> Iterator[Tab]:
    found = open_tab(qtbot, made)
    yield found
    found.close()
    found.session.rest()


def ranks(project: Project) -> list[dict[int, int | None]]:
    return [ranking.ranks for ranking in counting_rankings(project)]


def shown(tab: Tab) -> list[int]:
    """Completions whose cards are on the table."""
    return [card.completion.id for card in tab.board.grid.cards if card.isVisible()]


def test_two_at_a_time_by_keyboard(tab: Tab, made: Project) -> None:
    tab.header.next_method()
    assert user_settings.ranking_method() == "pairwise"
    ids = tab.board.ordering.shown
    wanted = list(reversed(ids))
    while (asked := tab.board.ordering.question) is not None:
        assert sorted(shown(tab)) == sorted(asked)
        press(tab, Key.Key_Left if wanted.index(asked[0]) < wanted.index(asked[1]) else Key.Key_Right)
    assert len(shown(tab)) == 4
    press(tab, Key.Key_Return)
    assert ranks(made) == [{item: place for place, item in enumerate(wanted, start=1)}]
    assert on_disk(made, "select method from rankings") == [("pairwise",)]
    assert tab.board.ordering.question is not None  # the next item begins in the same way


def test_two_at_a_time_by_mouse_with_a_tie_and_taking_back(tab: Tab, made: Project) -> None:
    tab.header.methods["pairwise"].trigger()
    bar = tab.board.question
    QTest.mouseClick(bar.neither, Qt.MouseButton.LeftButton)
    assert tab.board.ordering.answers[0][2] == 0
    press(tab, Key.Key_Backspace)
    assert tab.board.ordering.answers == ()
    for button in (bar.left, bar.right, bar.neither, bar.left, bar.left, bar.left):
        if tab.board.ordering.question is not None:
            QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    QTest.mouseClick(tab.board.save_button, Qt.MouseButton.LeftButton)
    assert len(ranks(made)) == 1


def test_an_unanswered_question_cannot_be_saved_and_survives_a_crash(qtbot, tab: Tab, made: Project) -> None:
    tab.header.next_method()
    press(tab, Key.Key_Left)
    press(tab, Key.Key_Return)
    assert ranks(made) == []
    assert "questions left" in tab.board.hint.whole
    tab.board.hint.clear()
    press(tab, Key.Key_Plus, Key.Key_Return)  # a verdict is no reason to lose them
    assert ranks(made) == [] and "questions left" in tab.board.hint.whole
    again = Tab(tab.session)  # as after a kill: nothing was closed
    qtbot.addWidget(again)
    assert again.board.ordering.answers == tab.board.ordering.answers


def test_best_and_worst_only(tab: Tab, made: Project) -> None:
    tab.header.methods["best-worst"].trigger()
    ids = tab.board.ordering.shown
    press(tab, Key.Key_C, Key.Key_A)
    assert tab.board.grid.cards[2].place_button.text() == "Best"
    assert tab.board.grid.cards[0].place_button.text() == "Worst"
    press(tab, Key.Key_Return)
    assert ranks(made) == [{ids[2]: 1, ids[1]: 2, ids[3]: 2, ids[0]: 3}]
    assert pairs.counts(made).pairs == 5  # best over three, two over worst
    assert pairs.counts(made).ties == 0  # the middle was not compared


def test_best_and_worst_can_be_taken_back_by_mouse(tab: Tab, made: Project) -> None:
    tab.header.methods["best-worst"].trigger()
    cards = tab.board.grid.cards
    for card in (cards[1], cards[2], cards[1], cards[3]):
        QTest.mouseClick(card.place_button, Qt.MouseButton.LeftButton)
    assert tab.board.ordering.extremes == (cards[3].completion.id, cards[2].completion.id)
    press(tab, Key.Key_Backspace, Key.Key_Backspace)
    assert tab.board.ordering.extremes == (None, None)


def test_cards_without_a_place_are_asked_about_once_before_they_count_as_worse(tab: Tab, made: Project) -> None:
    tab.header.views["left_out"].setChecked(True)
    press(tab, Key.Key_A, Key.Key_C, Key.Key_Return)
    assert ranks(made) == [] and tab.board.selected == 1, "the first that has no place"
    assert tab.board.hint.whole.startswith("B and D have no place and would count as worse")
    press(tab, Key.Key_Return)
    assert len(ranks(made)) == 1
    press(tab, Key.Key_A, Key.Key_B, Key.Key_C)
    tab.board.propose(tab.board.ordering.with_item_flag(tab.board.ordering.shown[3], "unsafe"))
    press(tab, Key.Key_Return)
    assert len(ranks(made)) == 2, "what is flagged was not forgotten"


def test_another_way_to_rank_puts_an_order_aside_and_brings_it_back(tab: Tab) -> None:
    press(tab, Key.Key_A, Key.Key_C)
    begun = tab.board.ordering
    tab.header.next_method()
    assert tab.board.ordering.tiers == () and "put aside" in tab.board.hint.whole
    press(tab, Key.Key_Left)
    tab.header.next_method()
    tab.header.next_method()
    assert replace(tab.board.ordering, aside={}) == begun
    tab.header.next_method()
    assert len(tab.board.ordering.answers) == 1, "the question that was answered, too"


def test_an_order_for_each_criterion_and_overall(tab: Tab, made: Project) -> None:
    tab.header.criteria.setChecked(True)
    assert [button.text() for button in tab.board.criteria.buttons.values()] == ["Helpful", "Honest", "Overall"]
    press(tab, Key.Key_A, Key.Key_B, Key.Key_Return)
    assert tab.board.ordering.criterion == "honest"
    press(tab, Key.Key_B, Key.Key_A, Key.Key_Return)
    assert tab.board.ordering.criterion == OVERALL
    ids = tab.board.ordering.shown
    press(tab, Key.Key_C, Key.Key_Return)
    (ranking,) = counting_rankings(made)
    assert ranking.ranks[ids[2]] == 1
    assert [ranking.criteria[name][ids[0]] for name in ("helpful", "honest")] == [1, 2]
    assert made.database.value("select count(*) from criterion_pairs where criterion = 'honest'") == 5
    press(tab, Key.Key_Z, held=Qt.KeyboardModifier.ControlModifier)
    assert tab.board.ordering.criteria() == ranking.criteria


def test_a_criterion_is_chosen_by_mouse_and_may_be_left_out_by_a_flag(tab: Tab, made: Project) -> None:
    tab.header.criteria.setChecked(True)
    QTest.mouseClick(tab.board.criteria.buttons["honest"], Qt.MouseButton.LeftButton)
    assert tab.board.ordering.criterion == "honest"
    tab.board.menu.chosen.emit(0, "unsafe")
    press(tab, Key.Key_Return)
    assert on_disk(made, "select flag from current_rankings") == [("unsafe",)]


def test_skipped_for_good_is_not_shown_again_until_undone(qtbot, tab: Tab, made: Project) -> None:
    press(tab, Key.Key_S, held=SHIFT)
    assert tab.board.prompt.text == "Two?"
    assert tab.labeling.waiting == 2
    again = Tab(tab.session)
    qtbot.addWidget(again)
    assert again.board.prompt.text == "Two?"
    press(tab, Key.Key_Z, held=Qt.KeyboardModifier.ControlModifier)
    assert tab.board.prompt.text == "One?"
    press(tab, Key.Key_S, held=SHIFT)
    for _ in range(2):
        press(tab, Key.Key_A, Key.Key_Return)
    QTest.mouseClick(tab.stack.unskip_button, Qt.MouseButton.LeftButton)
    assert tab.board.prompt.text == "One?"


def test_every_placement_is_on_disk_at_once(tab: Tab, made: Project) -> None:
    for count, key in enumerate(LETTERS, start=1):
        press(tab, key)
        (draft,) = drafts.listed(made, tab.labeling.labeler.id).values()
        assert len(draft["tiers"]) == count
    press(tab, Key.Key_Return)
    assert drafts.listed(made, tab.labeling.labeler.id) == {}


def test_where_each_completion_stood_is_stored(tab: Tab, made: Project) -> None:
    ids = tab.board.ordering.shown
    press(tab, Key.Key_B, Key.Key_Return)
    rows = on_disk(made, "select completion_id, position from ranking_items order by position")
    assert rows == [(item, place) for place, item in enumerate(ids, start=1)]


def test_a_repeat_is_shown_in_another_order_and_gives_no_pairs(tab: Tab, made: Project, monkeypatch) -> None:
    monkeypatch.setattr(assignments, "REPEAT_AFTER", 1)
    made.set_setting(assignments.REPEAT_EVERY, 2)
    first = tab.board.ordering.shown
    for _ in range(3):
        press(tab, Key.Key_A, Key.Key_Return)
    tab.reload()
    assert tab.board.prompt.text == "One?"
    assert set(tab.board.ordering.shown) == set(first)
    assert tab.board.ordering.shown != first
    before = pairs.counts(made).pairs
    press(tab, Key.Key_B, Key.Key_Return)
    assert on_disk(made, "select repeat_of from rankings order by id desc limit 1") == [(1,)]
    assert pairs.counts(made).pairs == before
    press(tab, Key.Key_Z, held=Qt.KeyboardModifier.ControlModifier)
    assert tab.board.prompt.text == "One?"


def test_an_adjudication_counts_instead_of_the_others(tab: Tab, made: Project) -> None:
    group_id = tab.labeling.group.id
    for name in ("Ana", "Bo"):
        person = labelers.named(made, name)
        first, *rest = tab.board.ordering.shown
        rankings.add(made, NewRanking(group_id, person.id, {first: 1} | dict.fromkeys(rest)))
    assert pairs.counts(made).pairs == 6
    tab.adjudicate(group_id)
    assert "instead of everybody else's" in tab.board.note.text()
    press(tab, Key.Key_D, Key.Key_C, Key.Key_Return)
    found = pairs.listed(made)
    assert {pair.labeler_id for pair in found} == {tab.labeling.labeler.id}
    assert len(found) == 5


def test_cards_are_stacked_rendered_and_compared_as_the_labeler_likes(tab: Tab) -> None:
    grid = tab.board.grid
    assert grid.columns == 2
    tab.header.views["stacked"].trigger()
    assert grid.columns == 1
    assert len({card.x() for card in grid.cards}) == 1
    bold = next(card for card in grid.cards if "bold" in card.completion.text)
    assert bold.text.toPlainText() == "a bold claim", "chosen by itself"
    tab.header.views["markdown"].trigger()
    assert bold.text.toPlainText() == "a **bold** claim"
    size = user_settings.font_size()
    QTest.keyClick(tab.board, Key.Key_Plus, Qt.KeyboardModifier.ControlModifier)
    assert user_settings.font_size() == size + 1


@pytest.mark.parametrize("count", [2, 7, 16])
@pytest.mark.parametrize("stacked", [False, True])
def test_up_to_sixteen_cards_are_all_reachable(qtbot, tab: Tab, made: Project, count: int, stacked: bool) -> None:
    group_id = add_group(made, f"Many {count}?", *(f"text {n} " * (40 * n) for n in range(1, count + 1)))
    user_settings.set_card_view("stacked", stacked)
    tab.reload()
    tab.labeling.editor.open(group_id)
    tab.show_item()
    cards = tab.board.grid.cards
    for index, card in enumerate(cards):
        press(tab, Key(Key.Key_A + index))
        assert card.geometry().width() <= tab.board.grid.viewport().width()
        visible = card.visibleRegion().boundingRect()
        assert visible.height() > 60, letter(index)
    press(tab, Key.Key_Return)
    assert len(counting_rankings(made)) == 1


def test_a_text_that_nearly_repeats_another_is_marked(tab: Tab, made: Project) -> None:
    long = "this is a rather long answer that says a number of things in a row"
    group_id = add_group(made, "Twins?", long, "this is a rather short answer that says things", long + "!")
    tab.reload()
    tab.labeling.editor.open(group_id)
    tab.show_item()
    (mark,) = filter(None, (card.twin.text() for card in tab.board.grid.cards))
    assert mark.startswith("≈ ") and mark.endswith((" A", " B")), "on the narrowest card, too"
    for card in tab.board.grid.cards:
        card.show_state(1, tied=True, flag="a name of a flag that no card has room for, were it ever so wide" * 3)
    QApplication.processEvents()
    (twin,) = (card for card in tab.board.grid.cards if card.twin.text())
    assert twin.twin.fontMetrics().horizontalAdvance(twin.twin.text()) <= twin.twin.width()
    assert twin.flag_label.drawn().startswith("⚑ a ") and twin.flag_label.drawn().endswith("…")
    assert twin.width() <= tab.board.grid.viewport().width()
    tab.header.views["differences"].trigger()
    selected, *others = tab.board.grid.cards
    assert selected.text.extraSelections() == []
    assert any(card.text.extraSelections() for card in others)
    tab.header.views["differences"].trigger()
    assert not any(card.text.extraSelections() for card in others)


def test_differences_are_whole_words() -> None:
    text = "the quick red fox, indeed"
    assert [text[a:b] for a, b in differences("the quick brown fox", text)] == ["red", ", indeed"]
    assert differences("Same words", "same words") == []


def test_the_session_panel_and_a_break(tab: Tab, monkeypatch) -> None:
    QTest.keyClick(tab.board, Key.Key_F12)
    panel = tab.side.clock
    assert panel.isVisible()
    panel.minutes.setValue(5)
    assert user_settings.break_minutes() == 5
    monkeypatch.setattr(tab.controller.clock, "break_due", lambda minutes: minutes == 5)
    tab.show_panel("")
    press(tab, Key.Key_A, Key.Key_Return)
    assert "break" in tab.board.hint.whole
    tab.show_panel("session")
    assert panel.items.value.text() == "1"
    assert panel.rest.value.text() == "2"


def test_one_card_at_full_height_by_key_and_by_double_click(tab: Tab) -> None:
    grid = tab.board.grid
    press(tab, Key.Key_V)
    assert shown(tab) == [tab.board.ordering.shown[0]]
    assert grid.cards[0].height() == grid.viewport().height()
    press(tab, Key.Key_Right, Key.Key_Down)
    assert shown(tab) == [tab.board.ordering.shown[2]] and "other cards" in tab.board.hint.whole
    press(tab, Key.Key_B)
    assert tab.board.ordering.tiers == ((tab.board.ordering.shown[1],),) and tab.board.selected == 1
    press(tab, Key.Key_Escape)
    assert len(shown(tab)) == 4
    card = grid.cards[1]
    QTest.mouseDClick(card.text.viewport(), Qt.MouseButton.LeftButton)
    assert shown(tab) == [card.completion.id]
    assert tab.board.ordering.rank(card.completion.id) == 1, "its place stays"
    QTest.mouseDClick(card.text.viewport(), Qt.MouseButton.LeftButton)
    assert len(shown(tab)) == 4


def test_text_and_rows_follow_the_window(tab: Tab, made: Project) -> None:
    group_id = add_group(made, "Lengths?", "short", "also short", "many words " * 150, "", "one " * 200, " \n")
    tab.labeling.editor.open(group_id)
    tab.show_item()
    cards = {card.completion.text.strip()[:4]: card for card in tab.board.grid.cards}
    blank = {card.text.placeholderText() for card in tab.board.grid.cards} - {""}
    assert blank == {"An empty answer", "Nothing but blanks"}
    size = cards["many"].text.fontMetrics().height()
    tab.resize(1900, 1000)
    QApplication.processEvents()
    assert cards["many"].text.fontMetrics().height() > size
    assert shares([100, 900], 800) == [220, 580] and shares([100, 100], 300) == [150, 150]


def test_markdown_is_chosen_where_a_text_is_that_and_code_is_coloured(tab: Tab, made: Project) -> None:
    code = (
        "Take **this**, as \\(x^2\\) and $a_1*b*c$ say:\n\\[\n- x \\\\\n\\]\n\n```python\ndef f():\n    return 1\n```"
    )
    plain = "x = 2**3**2\n# no heading\ny = 1"
    tab.labeling.editor.open(add_group(made, "Code?", code, plain))
    tab.show_item()
    cards = {card.completion.text: card.text for card in tab.board.grid.cards}
    assert cards[plain].toPlainText() == plain
    assert (
        cards[code].toPlainText()
        == "Take this, as \\(x^2\\) and $a_1*b*c$ say:\n\\[\n- x \\\\\n\\]\ndef f():\n    return 1"
    )
    cursor = cards[code].document().find("def")
    assert (
        cursor.charFormat().foreground().color()
        != cards[code].document().find("Take").charFormat().foreground().color()
    )
