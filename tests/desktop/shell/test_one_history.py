"""One undo for the whole window: what was ranked, what was changed elsewhere, and whole projects, in one line."""

import pytest
from PySide6.QtCore import Qt

from core.errors import BadInput
from core.labeling.session import LabelingSession
from core.projects import trash
from core.store import labelers, prompts
from desktop import user_settings
from desktop.places import TabId
from desktop.shell.actions import REDO, UNDO
from tests.desktop.rank.ranking import CONTROL, Key, on_disk, press
from tests.ranked import counting_rankings


@pytest.fixture
def window(open_window, filled):
    user_settings.set_labeler_name("Ana")
    found = open_window()
    found.workspace.open(filled.folder)
    return found


def in_menu(window, action=UNDO) -> str:
    window.menus.made[UNDO].associatedObjects()[0].aboutToShow.emit()
    return window.menus.made[action].text().replace("&", "")


def edit_prompt(window) -> None:
    window.session.announce(prompts.edit(window.session.project, 1, tags=("new",)))


def test_the_menu_names_the_next_step_on_every_tab(window):
    rank = window.open_tab(TabId.RANK)
    assert in_menu(window) == "Undo"
    edit_prompt(window)
    assert in_menu(window) == "Undo: edit prompt"
    press(rank, Key.Key_A)
    assert in_menu(window) == "Undo: order"
    press(rank, Key.Key_Return)
    assert in_menu(window) == "Undo: rank"
    window.open_tab(TabId.REVIEW)
    assert in_menu(window) == "Undo: rank"
    window.take_back("undo")
    assert (in_menu(window), in_menu(window, REDO)) == ("Undo: order", "Redo: rank")


def test_what_was_ranked_is_taken_back_from_another_tab_and_shown_there(window):
    rank = window.open_tab(TabId.RANK)
    press(rank, Key.Key_A, Key.Key_B, Key.Key_Return)
    window.open_tab(TabId.INSTRUCTIONS)
    edit_prompt(window)
    window.take_back("undo")
    assert window.shown == TabId.INSTRUCTIONS, "a change elsewhere is told of, and nobody is led away"
    window.take_back("undo")
    assert window.shown == TabId.RANK and rank.labeling.group.id == 1
    assert counting_rankings(window.session.project) == []
    assert rank.board.hint.whole == "Undone: Rank."
    assert len(rank.board.ordering.tiers) == 2 and rank.header.count.text() == "0 of 6 ranked"


def test_the_boards_own_key_takes_back_what_was_done_elsewhere(window, qtbot):
    rank = window.open_tab(TabId.RANK)
    press(rank, Key.Key_A)
    edit_prompt(window)
    press(rank, Key.Key_Z, held=CONTROL)
    assert prompts.get(window.session.project, 1).tags == ("test",)
    assert window.notice.text.text() == "Undone: Edit prompt."
    assert len(rank.board.ordering.tiers) == 1, "the newest step was another"
    press(rank, Key.Key_Z, held=CONTROL)
    assert rank.board.ordering.tiers == ()


def test_rankings_from_before_are_reached_on_the_rank_tab_alone(open_window, filled):
    user_settings.set_labeler_name("Ana")
    before = LabelingSession(filled, labelers.named(filled, "Ana"))
    before.open_next()
    before.editor.change(before.ordering.place_last(before.ordering.shown[0]))
    before.save()
    window = open_window()
    window.workspace.open(filled.folder)
    rank = window.open_tab(TabId.RANK)
    assert rank.board.undo_button.isEnabled() and in_menu(window) == "Undo: rank"
    window.open_tab(TabId.INSTRUCTIONS)
    assert in_menu(window) == "Undo"
    window.open_tab(TabId.RANK)
    window.take_back("undo")
    assert counting_rankings(window.session.project) == [] and rank.labeling.group.id == 1


def test_a_deleted_project_comes_back_by_undo_when_none_is_open(window, filled, qtbot):
    edit_prompt(window)
    folder = filled.folder
    filled.close()
    window.projects.put_in_trash(folder)
    qtbot.waitUntil(lambda: bool(window.projects.deleted))
    assert window.session is None and window.menus.made[UNDO].isEnabled()
    assert in_menu(window) == "Undo: delete “Test project”"
    window.take_back("undo")
    qtbot.waitUntil(lambda: not trash.listed())
    qtbot.waitUntil(lambda: not window.menus.made[UNDO].isEnabled())
    assert not window.projects.deleted and not window.projects.last_deleted
    assert window.workspace.open(folder)
    with pytest.raises(BadInput, match="nothing to undo"):
        window.session.replay("undo")  # what was done before it closed is forgotten


def test_a_project_that_cannot_be_put_back_stays_a_step(window, filled, qtbot, monkeypatch):
    folder = filled.folder
    filled.close()
    window.projects.put_in_trash(folder)
    qtbot.waitUntil(lambda: bool(window.projects.deleted))
    shown = []
    monkeypatch.setattr("desktop.errors.show", lambda error, parent=None: shown.append(str(error)))

    def refuse(*_):
        raise BadInput("Something is in its place.")

    with monkeypatch.context() as patched:
        patched.setattr(trash, "put_back", refuse)
        window.take_back("undo")
        qtbot.waitUntil(lambda: bool(shown))
    assert shown == ["Something is in its place."] and len(window.projects.deleted) == 1
    window.take_back("undo")
    qtbot.waitUntil(lambda: not trash.listed())
    assert folder.exists()


def test_another_labelers_name_forgets_what_the_first_did_and_nothing_else(window):
    rank = window.open_tab(TabId.RANK)
    edit_prompt(window)
    press(rank, Key.Key_A, Key.Key_Return)
    rank.rename("Bo")
    assert in_menu(window) == "Undo: edit prompt"
    window.take_back("undo")
    assert len(counting_rankings(window.session.project)) == 1
    press(rank, Key.Key_Z, held=CONTROL)
    assert rank.board.hint.whole == "There is nothing to undo."


def test_undo_of_ranking_does_not_read_the_queue_anew(window, monkeypatch, filled):
    rank = window.open_tab(TabId.RANK)
    press(rank, Key.Key_A, Key.Key_Return)
    reload, calls = rank.labeling.queue.reload, []
    monkeypatch.setattr(rank.labeling.queue, "reload", lambda: (calls.append(1), reload()))
    press(rank, Key.Key_Z, held=CONTROL)
    press(rank, Key.Key_Z, held=CONTROL | Qt.KeyboardModifier.ShiftModifier)
    assert not calls, "with 100,000 groups that would be felt"
    assert on_disk(filled, "select count(*) from current_rankings") == [(1,)]
