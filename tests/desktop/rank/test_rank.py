"""Ranking by hand: by keyboard alone, by mouse alone, with undo over both; a person's work is on disk first."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QStackedWidget, QWidget

from core.conversation import Conversation, Message
from core.events import NewCompletion
from core.labeling import gold
from core.labeling.ordering import Ordering, from_ranking
from core.labeling.session import LabelingSession
from core.records import Prompt
from core.store import Project, completions, create_project, drafts, guidelines, open_project, prompts, rankings
from desktop import user_settings
from desktop.rank.board import RankingBoard
from desktop.rank.card import mime_of
from desktop.rank.controller import NOTHING
from desktop.rank.panels.history import by
from desktop.rank.tab import Tab
from desktop.session import Session
from desktop.theme import theme
from tests.desktop.rank.ranking import open_tab
from tests.ranked import counting_rankings

Key = Qt.Key
SHIFT = Qt.KeyboardModifier.ShiftModifier
CONTROL = Qt.KeyboardModifier.ControlModifier
FLAGS = (
    "- unsafe: it could hurt somebody.\n- cannot judge: I do not know enough.\n- hopeless: every answer is too poor."
)


def texts(*lines: str) -> tuple[NewCompletion, ...]:
    return tuple(NewCompletion(line, 5, True, 0) for line in lines)


def add_prompts(project: Project, *lines: str) -> list[int]:
    return list(prompts.add(project, [Prompt(0, line) for line in lines]).ids)


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Three prompts with four, four and three completions; guidelines with two flags."""
    monkeypatch.setenv("PLUMBLINE_DATA", str(tmp_path / "data"))
    user_settings.set_labeler_name("Mira")
    project = create_project(tmp_path / "project")
    guidelines.save(project, criteria="Be kind.", ties="", flags=FLAGS, examples="")
    for prompt_id, count in zip(add_prompts(project, "One?", "Two?", "Three?"), (4, 4, 3), strict=True):
        completions.add_group(project, prompt_id, texts(*(f"answer {prompt_id}.{n}" for n in range(count))))
    return project


@pytest.fixture
def tab(qtbot, made: Project) -> Iterator[Tab]:
    found = open_tab(qtbot, made)
    yield found
    found.close()
    found.session.close()


def press(tab: Tab, *keys: Qt.Key, held: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    for key in keys:
        QTest.keyClick(tab.board, key, held)


def stored(project: Project) -> list[list[int | None]]:
    """Ranks of each ranking that counts, in the order of the completions' ids, through a second connection."""
    connection = sqlite3.connect(project.folder / "plumbline.db")
    try:
        ids = [row[0] for row in connection.execute("select id from current_rankings order by id")]
        sql = "select rank from ranking_items where ranking_id = ? order by completion_id"
        return [[row[0] for row in connection.execute(sql, (ranking_id,))] for ranking_id in ids]
    finally:
        connection.close()


def in_order(shown: tuple[int, ...], *ranks: int | None) -> list[int | None]:
    """`ranks` are those of cards A, B, C ...; the result is in the order of the completions' ids."""
    return [rank for _, rank in sorted(zip(shown, ranks, strict=True))]


def test_keyboard_alone_ranks_with_ties_and_leaves_one_unranked(tab: Tab, made: Project) -> None:
    shown = tab.board.ordering.shown
    press(tab, Key.Key_B, Key.Key_A)
    press(tab, Key.Key_D, held=SHIFT)
    press(tab, Key.Key_Return)
    assert stored(made) == [in_order(shown, 2, 1, None, 2)]
    assert tab.board.prompt.text == "Two?"
    assert tab.header.count.text() == "1 of 3 ranked"


def test_arrows_digits_and_moves_rank_without_letters(tab: Tab, made: Project) -> None:
    shown = tab.board.ordering.shown
    press(tab, Key.Key_Space, Key.Key_Right, Key.Key_Space, Key.Key_Down, Key.Key_Space)  # A, B, D (two columns)
    assert [tab.board.ordering.rank(item) for item in shown] == [1, 2, None, 3]
    press(tab, Key.Key_1)
    press(tab, Key.Key_Down, held=SHIFT)
    press(tab, Key.Key_Equal)
    assert [tab.board.ordering.rank(item) for item in shown] == [1, 2, None, 1]
    press(tab, Key.Key_Delete, Key.Key_Backspace)
    assert [tab.board.ordering.rank(item) for item in shown] == [1, None, None, None]
    press(tab, Key.Key_Enter)
    assert stored(made) == [in_order(shown, 1, None, None, None)]


def test_mouse_alone_ranks_by_dropping_on_rows_gaps_and_cards(tab: Tab, made: Project) -> None:
    board, ladder = tab.board, tab.board.ladder
    a, b, c, d = board.ordering.shown
    ladder.drop(c, ladder.plan().slots[0].center())
    ladder.drop(a, ladder.plan().slots[3].center())
    assert board.ordering.tiers == ((c,), (a,))
    ladder.drop(d, ladder.plan().slots[0].center())
    assert board.ordering.tiers == ((c, d), (a,))
    ladder.drop(b, QPointF(40, ladder.plan().slots[0].top() + 1))
    assert board.ordering.tiers == ((b,), (c, d), (a,))
    ladder.drop(d, ladder.plan().box.center())
    board.grid.cards[0].drop(d)
    assert board.ordering.tiers == ((b,), (c,), (a, d))
    QTest.mouseClick(board.save_button, Qt.MouseButton.LeftButton)
    assert stored(made) == [in_order((a, b, c, d), 3, 1, 2, 3)]


def test_a_real_drop_event_on_the_ladder_and_on_a_card(tab: Tab) -> None:
    board = tab.board
    a, b = board.ordering.shown[:2]
    for target, item, where in (
        (board.ladder, a, board.ladder.plan().slots[0].center()),
        (board.grid.cards[0], b, QPointF(60, 60)),
    ):
        data, point = mime_of(item), where.toPoint()
        rest = (data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
        # Qt sends a move or a drop to the widget that took the enter.
        for event in (
            QDragEnterEvent(point, Qt.DropAction.MoveAction, *rest),
            QDragMoveEvent(point, Qt.DropAction.MoveAction, *rest),
            QDropEvent(where, Qt.DropAction.MoveAction, *rest),
        ):
            QApplication.sendEvent(target, event)
            assert event.isAccepted()
    assert board.ordering.tiers == ((a, b),)


def test_clicks_on_place_give_and_take_places(tab: Tab) -> None:
    cards = tab.board.grid.cards
    for card in (cards[2], cards[0]):
        QTest.mouseClick(card.place_button, Qt.MouseButton.LeftButton)
    assert tab.board.ordering.tiers == ((cards[2].completion.id,), (cards[0].completion.id,))
    assert (cards[2].place_button.text(), cards[0].place_button.text()) == ("1", "2")
    QTest.mouseClick(cards[2].place_button, Qt.MouseButton.LeftButton)
    assert tab.board.ordering.tiers == ((cards[0].completion.id,),)


def test_saved_before_the_next_item_is_painted(tab: Tab, made: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    show = tab.board.show_item
    monkeypatch.setattr(
        tab.board, "show_item", lambda *args, **rest: (seen.append(len(stored(made))), show(*args, **rest))
    )
    press(tab, Key.Key_A, Key.Key_Return)
    assert seen == [1]


def test_an_order_that_nobody_made_is_not_saved(tab: Tab, made: Project) -> None:
    press(tab, Key.Key_Return)
    assert stored(made) == []
    assert tab.board.prompt.text == "One?"
    assert tab.board.hint.whole == NOTHING
    tab.board.comment.setFocus()
    QTest.keyClicks(tab.board.comment, "only a remark")
    press(tab, Key.Key_Return)
    assert stored(made) == []
    press(tab, Key.Key_A, Key.Key_Backspace, Key.Key_Return)
    assert stored(made) == []


def test_a_failed_save_keeps_the_order_and_says_why(tab: Tab, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object, **options: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    press(tab, Key.Key_C)
    before = tab.board.ordering
    monkeypatch.setattr(rankings, "add", full)
    press(tab, Key.Key_Return)
    assert tab.board.ordering == before
    assert "disk is full" in tab.board.hint.whole


def test_flags_by_menu_on_a_completion_and_on_the_prompt(tab: Tab, made: Project) -> None:
    press(tab, Key.Key_B, Key.Key_X)
    menu = tab.board.menu
    assert menu.isVisible()
    choices = {action.data(): action for action in menu.actions() if action.data()}
    b = tab.board.ordering.shown[1]
    choices[(b, "unsafe")].trigger()
    menu.close()
    assert tab.board.ordering.flags == {b: "unsafe"}
    card = tab.board.grid.cards[1]
    assert card.flag_label.text() == "⚑ unsafe" and card.place_button.text() == "(1)", "its place gives no pairs"
    assert (b, "hopeless") not in choices and (0, "hopeless") in choices, "what is said of all answers"
    place = card.mapToGlobal(card.rect().topLeft()).y()
    assert not place < menu.y() < place + card.height(), "its text can be read"
    tab.board.open_flags()
    {action.data(): action for action in menu.actions()}[(0, "cannot judge")].trigger()
    menu.close()
    assert "does not count" in tab.board.note.text()
    press(tab, Key.Key_Return)
    ranking = rankings.latest(made, tab.labeling.labeler.id)
    assert (ranking.flag, ranking.flags) == ("cannot judge", {b: "unsafe"})


def test_a_flag_alone_can_be_saved(tab: Tab, made: Project) -> None:
    tab.board.open_flags()
    next(action for action in tab.board.menu.actions() if action.data() == (0, "unsafe")).trigger()
    tab.board.menu.close()
    press(tab, Key.Key_Return)
    assert stored(made) == [[None] * 4]


def test_comment_is_stored_and_escape_leaves_it(tab: Tab, made: Project) -> None:
    press(tab, Key.Key_A)
    press(tab, Key.Key_M, held=CONTROL)
    assert tab.board.comment.hasFocus()
    QTest.keyClicks(tab.board.comment, "abc s")
    QTest.keyClick(tab.board.comment, Key.Key_Escape)
    assert tab.board.hasFocus()
    press(tab, Key.Key_Return)
    assert rankings.latest(made, tab.labeling.labeler.id).comment == "abc s"
    assert tab.board.comment.text() == ""


@pytest.mark.parametrize("before", [(), (Key.Key_B,)], ids=["first", "between"])
def test_what_is_placed_after_a_comment_keeps_it(tab: Tab, made: Project, before: tuple[Key, ...]) -> None:
    press(tab, *before)
    press(tab, Key.Key_M, held=CONTROL)
    QTest.keyClicks(tab.board.comment, "kind but long")
    QTest.keyClick(tab.board.comment, Key.Key_Escape)
    press(tab, Key.Key_A, Key.Key_C)
    press(tab, Key.Key_Z, held=CONTROL)
    assert tab.board.comment.text() == "kind but long"
    press(tab, Key.Key_Return)
    assert rankings.latest(made, tab.labeling.labeler.id).comment == "kind but long"


def test_undo_and_redo_of_placements(tab: Tab) -> None:
    press(tab, Key.Key_A, Key.Key_B)
    after = tab.board.ordering
    press(tab, Key.Key_Z, held=CONTROL)
    assert len(tab.board.ordering.tiers) == 1
    press(tab, Key.Key_Z, held=CONTROL | SHIFT)
    assert tab.board.ordering == after
    press(tab, Key.Key_Z, Key.Key_Z, Key.Key_Z, held=CONTROL)
    assert tab.board.ordering.tiers == ()
    assert tab.board.hint.whole == "There is nothing to undo."


def test_undo_takes_back_a_saved_ranking_and_redo_brings_it_back(tab: Tab, made: Project) -> None:
    shown = tab.board.ordering.shown
    press(tab, Key.Key_A, Key.Key_B, Key.Key_Return)
    press(tab, Key.Key_Z, held=CONTROL)
    assert stored(made) == []
    assert tab.board.prompt.text == "One?"
    assert [tab.board.ordering.rank(item) for item in shown] == [1, 2, None, None]
    assert tab.header.count.text() == "0 of 3 ranked"
    press(tab, Key.Key_Z, held=CONTROL)
    assert [tab.board.ordering.rank(item) for item in shown] == [1, None, None, None]
    press(tab, Key.Key_Z, Key.Key_Z, held=CONTROL | SHIFT)
    assert stored(made) == [in_order(shown, 1, 2, None, None)]
    assert tab.board.prompt.text == "Two?"


def test_undo_reaches_rankings_from_before_a_restart(qtbot, tab: Tab, made: Project) -> None:
    press(tab, Key.Key_C, Key.Key_Return)
    again = LabelingSession(made, tab.labeling.labeler)
    again.undo()
    assert stored(made) == []
    assert again.group.prompt.text == "One?"
    assert again.saveable


def test_skip_goes_round_and_finds_what_was_begun(tab: Tab) -> None:
    press(tab, Key.Key_A, Key.Key_S)
    assert tab.board.prompt.text == "Two?"
    assert tab.board.ordering.tiers == ()
    press(tab, Key.Key_S, Key.Key_S)
    assert tab.board.prompt.text == "One?"
    assert len(tab.board.ordering.tiers) == 1


def test_the_last_one_cannot_be_skipped(tab: Tab) -> None:
    press(tab, Key.Key_A, Key.Key_Return, Key.Key_A, Key.Key_Return, Key.Key_S)
    assert tab.board.prompt.text == "Three?"
    assert "last one" in tab.board.hint.whole


def test_all_ranked_says_so(tab: Tab) -> None:
    for _ in range(3):
        press(tab, Key.Key_A, Key.Key_Return)
    assert tab.stack.currentWidget() is tab.stack.all_ranked
    assert "all 3 items" in tab.stack.all_ranked.text.text()
    assert tab.hasFocus()
    QTest.keyClick(tab, Key.Key_Z, CONTROL)
    assert tab.stack.currentWidget() is tab.board
    assert tab.board.hasFocus()


def test_a_scripts_order_must_be_changed_before_it_is_mine(tab: Tab, made: Project) -> None:
    gold.rank_all(made, "length")
    script = next(item for item in counting_rankings(made) if item.labeler.kind == "scripted")
    tab.show_panel("history")
    entry = next(entry for entry in tab.side.history.model.entries if entry.ranking_id == script.id)
    assert by(entry).startswith("By a script (length)")
    tab.controller.open_ranking(script.id)
    assert "script" in tab.board.note.text()
    press(tab, Key.Key_Return)
    assert counting_rankings(made, labeler_id=tab.labeling.labeler.id) == []
    assert "script" in tab.board.hint.whole
    tab.board.comment.setFocus()
    QTest.keyClicks(tab.board.comment, "fine")
    press(tab, Key.Key_Return)
    press(tab, Key.Key_A, Key.Key_Z, held=CONTROL)
    press(tab, Key.Key_Return)
    assert counting_rankings(made, labeler_id=tab.labeling.labeler.id) == []
    press(tab, Key.Key_Delete, Key.Key_Return)
    assert len(counting_rankings(made, labeler_id=tab.labeling.labeler.id)) == 1


def test_a_revision_is_a_new_ranking_and_undo_brings_the_old_one_back(tab: Tab, made: Project) -> None:
    press(tab, Key.Key_A, Key.Key_B, Key.Key_Return)
    first = rankings.latest(made, tab.labeling.labeler.id)
    tab.controller.open_ranking(first.id)
    press(tab, Key.Key_Return)
    assert "Nothing is changed" in tab.board.hint.whole
    press(tab, Key.Key_C, Key.Key_Return)
    second = rankings.latest(made, tab.labeling.labeler.id)
    assert second.id != first.id
    assert made.database.value("select count(*) from rankings") == 2
    press(tab, Key.Key_Z, held=CONTROL)
    assert rankings.latest(made, tab.labeling.labeler.id).id == first.id


def test_completions_that_come_while_ranking_join_the_queue(qtbot, tab: Tab, made: Project) -> None:
    press(tab, Key.Key_A)
    begun = tab.board.ordering
    other = sqlite3.connect(made.folder / "plumbline.db")
    prompt_id = made.database.value("select max(id) from prompts")
    with other:
        group = other.execute(
            "insert into completion_groups (prompt_id, created_at) values (?, '')", (prompt_id,)
        ).lastrowid
        other.executemany("insert into completions (group_id, text) values (?, ?)", [(group, "x"), (group, "y")])
    other.close()
    qtbot.waitUntil(lambda: tab.header.count.text() == "0 of 4 ranked", timeout=3000)
    assert tab.board.ordering == begun


def test_the_first_completions_appear_by_themselves(qtbot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUMBLINE_DATA", str(tmp_path / "data"))
    project = create_project(tmp_path / "project")
    session = Session(project)
    tab = Tab(session)
    qtbot.addWidget(tab)
    tab.show()
    assert tab.stack.currentWidget() is tab.stack.no_prompts
    session.announce(prompts.add(project, [Prompt(0, "Why?")]), None)
    tab.refresh(None)
    assert tab.stack.currentWidget() is tab.stack.no_completions
    completions.add_group(project, 1, texts("because", "for no reason"))
    session.news.emit(type("News", (), {"jobs": [], "tables": frozenset({"completion_groups"})})())
    assert tab.stack.currentWidget() is tab.board
    assert len(tab.board.grid.cards) == 2
    session.close()


def test_the_panel_that_writes_completions_closes_when_ranking_begins(tab: Tab) -> None:
    tab.show_panel("generate")
    press(tab, Key.Key_A)
    assert tab.side.name == "" and tab.side.isHidden()
    tab.show_panel("rules")
    press(tab, Key.Key_B)
    assert tab.side.name == "rules", "the others stay: they are read while ranking"


def test_generate_queues_a_job_with_the_panels_values(tab: Tab, made: Project, started: list[object]) -> None:
    tab.show_panel("generate")
    tab.side.generate.generate.click()
    row = made.database.one("select kind, config, status from jobs")
    assert (row["kind"], row["status"]) == ("generate", "queued")
    assert '"completions": 4' in row["config"]
    assert started == [made.folder]
    assert tab.side.generate.stop.isVisibleTo(tab.side.generate)
    assert tab.side.generate.generate.text() == "Add to the queue"
    tab.side.generate.generate.click()
    assert "1 more in the queue" in tab.side.generate.state.text()
    tab.side.generate.stop.click()
    assert [row["status"] for row in made.database.rows("select status from jobs order by id")] == ["stopped", "queued"]
    tab.session.poll()
    tab.show_generation()
    assert "Waiting for the worker" in tab.side.generate.state.text(), "the next one is shown"
    tab.side.generate.stop.click()
    tab.show_generation()
    assert tab.side.generate.generate.text() == "Generate"


def test_after_generate_the_keys_belong_to_the_cards(qtbot, tab: Tab, made: Project) -> None:
    tab.show_panel("generate")
    tab.side.generate.generate.setFocus()
    QTest.keyClick(tab.side.generate.generate, Key.Key_Return)
    assert not tab.header.labeler.hasFocus()
    assert tab.board.hasFocus()


def test_another_name_ranks_apart_and_a_scripts_name_is_refused(tab: Tab, made: Project) -> None:
    press(tab, Key.Key_A, Key.Key_Return)
    gold.rank_all(made, "length")
    tab.header.labeler.setText("scripted: length")
    tab.header.labeler.editingFinished.emit()
    assert tab.header.error.isVisible()
    assert tab.labeling.labeler.name == "Mira"
    tab.header.labeler.setText("Noor")
    tab.header.labeler.editingFinished.emit()
    assert tab.header.count.text() == "0 of 3 ranked"
    assert user_settings.labeler_name() == "Noor"


def test_cards_are_shown_in_the_labelers_own_stable_order(tab: Tab, made: Project) -> None:
    for group_id in completions.group_ids(made):
        ids = [item.id for item in completions.group(made, group_id).completions]
        expected = tuple(rankings.shown_order(group_id, tab.labeling.labeler.id, ids))
        tab.labeling.editor.open(group_id)
        tab.show_item()
        assert tuple(card.completion.id for card in tab.board.grid.cards) == expected


def test_sixteen_cards_go_by_sixteen_letters(tab: Tab, made: Project) -> None:
    group_id = completions.add_group(made, 1, texts(*(f"answer {n}" for n in range(16))))
    tab.labeling.editor.open(group_id)
    tab.show_item()
    press(tab, Key.Key_P, Key.Key_F, Key.Key_A)
    shown = tab.board.ordering.shown
    assert tab.board.ordering.tiers == ((shown[15],), (shown[5],), (shown[0],))
    plan = tab.board.ladder.plan()
    assert plan.box.bottom() <= tab.board.ladder.height()
    assert all(plan.box.contains(plan.chips[item]) for item in tab.board.ordering.unranked)


def test_question_mark_shows_the_sheet_and_any_key_puts_it_away(tab: Tab) -> None:
    QTest.keyClicks(tab.board, "?")
    assert tab.sheet.isVisible()
    QTest.keyClick(tab.sheet, Key.Key_Escape)
    assert not tab.sheet.isVisible()
    assert tab.board.hasFocus()


def test_a_stored_ranking_reads_back_as_the_same_ordering(tab: Tab, made: Project) -> None:
    press(tab, Key.Key_D, Key.Key_A)
    press(tab, Key.Key_B, held=SHIFT)
    before = tab.board.ordering
    press(tab, Key.Key_Return)
    ranking = rankings.latest(made, tab.labeling.labeler.id)
    assert from_ranking(ranking, before.shown).ranks() == before.ranks()


def test_what_is_begun_survives_closing(qtbot, tab: Tab, made: Project) -> None:
    press(tab, Key.Key_C, Key.Key_A)
    press(tab, Key.Key_M, held=CONTROL)
    QTest.keyClicks(tab.board.comment, "half a thought")
    begun = tab.board.ordering
    tab.close()
    again = Tab(tab.session)
    qtbot.addWidget(again)
    assert again.board.ordering.tiers == begun.tiers
    assert again.board.comment.text() == "half a thought"
    assert stored(made) == []
    press(again, Key.Key_Return)
    assert len(stored(made)) == 1
    assert drafts.listed(made, again.labeling.labeler.id) == {}


def test_what_another_window_began_is_shown_instead_of_written_over(qtbot, tab: Tab, made: Project) -> None:
    other = open_project(made.folder)
    theirs = LabelingSession(other, tab.labeling.labeler)
    theirs.open_next()
    theirs.editor.set_comment("typed there")
    theirs.editor.change(theirs.ordering.place_last(theirs.ordering.shown[2]))
    press(tab, Key.Key_A)
    assert tab.board.comment.text() == "typed there" and tab.board.ordering == theirs.ordering
    assert "another window" in tab.board.hint.whole
    press(tab, Key.Key_A, Key.Key_Return)
    assert rankings.latest(made, tab.labeling.labeler.id).comment == "typed there"
    other.close()


def test_comments_in_two_windows_are_said_to_be_joined(qtbot, tab: Tab, made: Project) -> None:
    other = open_project(made.folder)
    theirs = LabelingSession(other, tab.labeling.labeler)
    theirs.open_next()
    theirs.editor.set_comment("typed there")
    QTest.keyClicks(tab.board.comment, "H")
    assert "here are both comments" in tab.board.hint.whole and "Not saved" not in tab.board.hint.whole
    QTest.keyClicks(tab.board.comment, "ere")
    theirs.editor.open(theirs.group.id)
    assert theirs.ordering.comment == tab.board.comment.text() == "typed there\nHere"
    other.close()


def test_what_could_not_be_skipped_is_not_said_to_be(tab: Tab, made: Project) -> None:
    said: list[str] = []
    tab.controller.hinted.connect(said.append)
    made.database.execute("pragma query_only = 1")
    press(tab, Key.Key_S, held=SHIFT)
    made.database.execute("pragma query_only = 0")
    assert [sentence[:9] for sentence in said] == ["Not saved"]


def test_cards_that_are_laid_out_before_they_are_shown_fit_their_text(qtbot, made: Project) -> None:
    """The page of cards lies behind another one until there are some, and has its size by then."""
    theme.apply(QApplication.instance(), "light")
    long = " ".join(["some words that take several lines"] * 12)
    group = completions.group(made, completions.add_group(made, 1, texts(long, long, long, long)))
    stack, board, other = QStackedWidget(), RankingBoard(), QWidget()
    qtbot.addWidget(stack)
    for page in (board, other):
        stack.addWidget(page)
    stack.resize(1000, 700)
    with qtbot.waitExposed(stack):
        stack.show()
    stack.setCurrentWidget(other)
    board.show_item(group, Ordering(tuple(item.id for item in group.completions)))
    stack.setCurrentWidget(board)
    qtbot.waitUntil(lambda: board.grid.cards[0].isVisible())
    shown = board.grid.cards[0].height()
    board.grid.read_settings()
    assert shown == board.grid.cards[0].height(), "the height that it would have by now"


def test_the_last_turn_of_a_long_conversation_is_seen(tab, made, qtbot):
    turns = (Message("user", "Why? " * 200), Message("assistant", "So. " * 200), Message("user", "And now?"))
    prompts.add(made, [Prompt.of(Conversation(turns))])
    asked = prompts.listed(made)[-1]
    completions.add_group(made, asked.id, texts("one", "two"))
    group = completions.group(made, completions.group_ids(made)[-1])
    tab.board.show_item(group, Ordering(tuple(item.id for item in group.completions)))
    assert tab.board.prompt.text == "And now?"
    press(tab, Key.Key_T)
    QApplication.processEvents()
    prompt, bar = tab.board.prompt, tab.board.prompt.earlier.verticalScrollBar()
    assert prompt.text.startswith("Why? ") and bar.value() == bar.maximum() > 0
    tab.resize(700, 720)
    qtbot.waitUntil(lambda: bar.value() == bar.maximum())  # in another width, too
    last = prompt.last.bubble.text
    assert last.visibleRegion().boundingRect().height() == last.height(), "all of the last turn"
    at_end = bar.value()
    press(tab, Key.Key_PageUp, held=SHIFT)
    assert bar.value() < at_end, "a key scrolls to what was said before"
    press(tab, Key.Key_T)
    assert prompt.text == "And now?"


def test_the_prompt_is_given_more_or_less_room_by_key_and_by_dragging(tab, made, qtbot):
    asked = prompts.add(made, [Prompt(0, "Why is that so, and what follows from it? " * 80)]).ids[0]
    tab.labeling.editor.open(completions.add_group(made, asked, texts("one", "two")))
    tab.show_item()
    QApplication.processEvents()
    plain, grip = tab.board.prompt.plain, tab.board.grip
    first = plain.height()
    press(tab, Key.Key_Down, Key.Key_Down, held=Qt.KeyboardModifier.AltModifier)
    more = plain.height()
    assert more > first + 40 and user_settings.prompt_share() > 0
    press(tab, Key.Key_PageDown, held=SHIFT)
    assert plain.verticalScrollBar().value() > 0
    QTest.mousePress(grip, Qt.MouseButton.LeftButton, pos=grip.rect().center())
    QTest.mouseMove(grip, grip.rect().center() - QPoint(0, 60))
    QTest.mouseRelease(grip, Qt.MouseButton.LeftButton)
    assert plain.height() < more - 40
    QTest.mouseDClick(grip, Qt.MouseButton.LeftButton)
    assert plain.height() == first
