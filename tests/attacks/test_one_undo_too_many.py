"""Undo goes through everything that was done in a window. What somebody typed and saved is nowhere else once a step too
many takes that back and the next key is pressed: it is typed and not saved again."""

from contextlib import closing

import pytest
from PySide6.QtCore import Qt

from core.conversation import Conversation, Message
from core.records import Prompt
from core.store import guidelines, open_project, prompts
from core.store.undo import History
from core.store.undo.steps import CallableStep
from desktop import user_settings
from desktop.instructions.conversation_dialog import ConversationDialog
from desktop.places import PageId, TabId
from tests.desktop.conftest import *  # noqa: F403
from tests.desktop.talks import boxes

Key = Qt.Key
HOURS = "Say first what you know,\nthen what you only guess."


@pytest.fixture
def window(open_window, filled, qtbot):
    user_settings.set_labeler_name("Ada")
    found = open_window()
    found.workspace.open(filled.folder)
    return found


@pytest.fixture
def tab(window):
    return window.open_tab(TabId.INSTRUCTIONS)


@pytest.fixture
def once_too_often(window, qtbot):
    """Place one, take back that and what was done before it, `more` steps of it, and go on."""

    def press(more=1):
        board = window.open_tab(TabId.RANK).board
        qtbot.keyClick(board, Key.Key_A)
        for _ in range(1 + more):
            window.take_back("undo")
        qtbot.keyClick(board, Key.Key_B)

    return press


def opened_again(window, filled):
    """What the page says after the window was closed and opened once more."""
    window.workspace.close()
    window.workspace.open(filled.folder)
    return window.open_tab(TabId.INSTRUCTIONS)


def write(tab, text):
    tab.guidelines.editors["ties"].setPlainText(text)
    tab.guidelines.save()


def test_guidelines_are_typed_and_not_saved_again(window, tab, filled, once_too_often):
    tab.show_page(PageId.GUIDELINES)
    write(tab, HOURS)
    once_too_often()
    assert guidelines.current(filled).ties == "Rarely."
    editor = tab.guidelines
    assert editor.parts["ties"] == HOURS and editor.unsaved
    again = opened_again(window, filled).guidelines
    assert again.parts["ties"] == HOURS and again.unsaved
    again.save()
    assert guidelines.current(filled).ties == HOURS


def test_two_versions_are_both_there_and_redo_saves_them_again(window, tab, filled):
    editor = tab.guidelines
    write(tab, "Only where both are equally brief.")
    write(tab, HOURS)
    window.take_back("undo")
    window.take_back("undo")
    assert editor.parts["ties"] == HOURS and editor.unsaved
    editor.put_back.click()
    assert editor.parts["ties"] == "Only where both are equally brief."
    editor.put_back.click()
    window.take_back("redo")
    assert editor.unsaved and not editor.put_back.isVisible()
    window.take_back("redo")
    assert not editor.unsaved and guidelines.current(filled).ties == HOURS
    assert not opened_again(window, filled).guidelines.unsaved


def test_guidelines_are_typed_again_where_another_window_saved_a_newer_version(window, tab, filled):
    write(tab, HOURS)
    with closing(open_project(filled.folder)) as other:
        now = guidelines.current(other)
        guidelines.save(other, criteria="Be true.", ties="Never.", flags=now.flags, examples=now.examples)
    tab.guidelines.load()
    window.take_back("undo")
    for editor in (tab.guidelines, opened_again(window, filled).guidelines):
        assert (editor.parts["criteria"], editor.parts["ties"]) == ("Be true.", HOURS)
        assert "Ties" in editor.note.text()
    editor.save()
    assert guidelines.current(filled).ties == "Never."
    (box,) = boxes()
    assert "Never." in box.informativeText()
    next(each for each in box.buttons() if each.text() == "Write over it").click()
    assert (guidelines.current(filled).criteria, guidelines.current(filled).ties) == ("Be true.", HOURS)
    assert not editor.unsaved


def test_new_prompts_are_typed_again_beside_what_is_typed_there_now(window, tab, filled, once_too_often):
    adding = tab.prompts.adding
    for text in ("What is dew?\nWhat is fog?", "What is hail?"):
        adding.new_text.setPlainText(text)
        adding.add()
    once_too_often(2)
    assert prompts.count(filled) == 6
    assert adding.new_text.text() == "What is hail?"
    adding.add()
    again = opened_again(window, filled).prompts.adding
    assert again.new_text.text() == "What is dew?\nWhat is fog?"


def test_what_is_added_again_by_redo_is_not_typed_any_more(window, tab, filled):
    adding = tab.prompts.adding
    adding.new_text.setPlainText("What is sleet?")
    adding.add()
    window.take_back("undo")
    assert adding.new_text.text() == "What is sleet?"
    window.take_back("redo")
    assert (adding.new_text.text(), prompts.count(filled)) == ("", 7)
    assert opened_again(window, filled).prompts.adding.new_text.text() == ""


def test_a_new_conversation_is_typed_again(window, tab, filled, once_too_often):
    talk = Conversation((Message("system", "Be a meteorologist."), Message("user", "What is rime?")))
    tab.prompts.write(talk)
    tab.prompts.findChild(ConversationDialog).save()
    assert prompts.count(filled) == 7
    once_too_often()
    assert prompts.count(filled) == 6
    page = opened_again(window, filled).prompts
    page.write()
    assert page.findChild(ConversationDialog).editor.conversation() == talk


def test_another_wording_can_be_done_again_though_something_else_was_done_since(filled):
    number = prompts.add(filled, [Prompt(0, "Not answered yet?")]).ids[0]
    history = History(filled)
    history.mark(prompts.edit(filled, number, text="Not answered yet, said better?"))
    history.undo()
    history.add(CallableStep(label="Order", undo=lambda: None))
    history.redo()
    assert prompts.get(filled, number).text == "Not answered yet, said better?"
    history.undo()
    history.mark(prompts.edit(filled, 3, tags=("other",)))
    assert history.next("redo") is None


def test_but_nothing_is_taken_away_again_because_of_that(filled):
    history = History(filled)
    history.mark(prompts.delete(filled, [2]))
    history.undo()
    history.add(CallableStep(label="Order", undo=lambda: None))
    assert history.next("redo") is None
    with closing(open_project(filled.folder)) as again:
        assert prompts.get(again, 2) == Prompt(2, "question 2?", ("test",), "train")
