"""Prompts of several turns on the Instructions tab: written, changed, and told from texts that only look like them."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMessageBox

from core.conversation import Conversation, Message
from core.events import NewCompletion
from core.records import Prompt
from core.store import completions, prompts
from desktop.conversation import editor
from desktop.instructions.conversation_dialog import ConversationDialog
from desktop.instructions.prompts_page import PromptsPage
from desktop.instructions.tab import Tab
from desktop.instructions.unsure_dialog import UnsureDialog
from desktop.places import PageId
from desktop.session import Session

TALK = Conversation((Message("user", "Rain?"), Message("assistant", "Where?"), Message("user", "In Graz.")))


@pytest.fixture
def page(qtbot, project) -> PromptsPage:
    """The prompts of a project with one plain prompt and a conversation."""
    prompts.add(project, [Prompt(0, "How?"), Prompt.of(TALK, tags=("rain",))])
    tab = Tab(Session(project))
    qtbot.addWidget(tab)
    tab.show_page(PageId.PROMPTS)
    tab.show()
    yield tab.prompts
    tab.session.rest()


def dialog_of(page: PromptsPage) -> ConversationDialog:
    return next(each for each in page.findChildren(ConversationDialog) if each.isVisible())


def test_a_new_conversation_is_a_prompt_and_its_draft_outlives_the_dialog(page: PromptsPage, qtbot) -> None:
    project = page.session.project
    page.adding.split.setCurrentIndex(page.adding.split.findData("heldout"))
    page.adding.write_button.click()
    dialog = dialog_of(page)
    QTest.keyClicks(dialog.editor.focusWidget(), "Hi")
    qtbot.waitUntil(lambda: project.setting("draft/conversation/0") is not None, timeout=3000)
    dialog.editor.add()
    QTest.keyClicks(dialog.editor.focusWidget(), "Hello!")
    dialog.save_button.click()
    assert prompts.count(project) == 2 and "user's turn" in dialog.editor.turns[-1].problem.text()
    QTest.keyClick(dialog, Qt.Key.Key_Escape)

    page.adding.write_button.click()
    dialog = dialog_of(page)
    assert "did not save is here" in dialog.said.text()
    dialog.editor.add()
    QTest.keyClicks(dialog.editor.focusWidget(), "Who?")
    dialog.save_button.click()
    made = prompts.get(project, 3)
    assert [turn.content for turn in made.conversation.messages] == ["Hi", "Hello!", "Who?"]
    assert (made.split, made.source) == ("heldout", "typed")
    assert project.setting("draft/conversation/0") is None and page.model.rowCount() == 3
    page.session.replay("undo")
    assert prompts.count(project) == 2


def test_the_turns_of_the_selected_prompt_are_seen_and_changed(page: PromptsPage) -> None:
    project = page.session.project
    page.table.selectRow(1)
    card = page.selected
    assert not card.text.isVisible() and card.turns.isVisible() and "In Graz." in card.turns.text
    card.tags.setText("rain, Graz")
    card.save()
    assert prompts.get(project, 2) == Prompt.of(TALK, id=2, tags=("rain", "Graz"))
    card.write_button.click()
    dialog = dialog_of(page)
    dialog.editor.turns[-1].text.setPlainText("In Linz.")
    dialog.save_button.click()
    assert prompts.get(project, 2).conversation.messages[-1].content == "In Linz."
    assert "In Linz." in card.turns.text
    page.session.replay("undo")
    page.load()
    assert prompts.get(project, 2).conversation == TALK and "In Graz." in card.turns.text


def test_a_plain_prompt_becomes_a_conversation_with_what_is_typed_over_it(page: PromptsPage) -> None:
    project = page.session.project
    page.table.selectRow(0)
    card = page.selected
    card.text.setPlainText("How come?")
    card.keep()
    card.write_button.click()
    dialog = dialog_of(page)
    assert [turn.text.text() for turn in dialog.editor.turns] == ["How come?"]
    dialog.editor.turns[0].role.setCurrentIndex(dialog.editor.turns[0].role.findData("system"))
    dialog.editor.add()
    QTest.keyClicks(dialog.editor.focusWidget(), "Well?")
    dialog.save_button.click()
    found = prompts.get(project, 1).conversation
    assert [(turn.role, turn.content) for turn in found.messages] == [("system", "How come?"), ("user", "Well?")]
    assert project.setting("draft/prompt") is None and not card.said.isVisible()


def test_what_was_drafted_a_while_before_it_was_saved_is_taken_back_by_one_undo(page: PromptsPage) -> None:
    project = page.session.project
    page.table.selectRow(0)
    page.selected.text.setPlainText("Why?")
    page.selected.keep()
    page.selected.save()
    assert prompts.get(project, 1).text == "Why?"
    page.session.replay("undo")
    assert prompts.get(project, 1).text == "How?"


def test_an_answered_prompt_stays_and_the_change_can_be_a_new_one(page: PromptsPage) -> None:
    project = page.session.project
    completions.add_group(project, 2, (NewCompletion("a", 1, True, 0), NewCompletion("b", 1, True, 0)))
    page.change(prompts.get(project, 2), TALK)
    dialog = dialog_of(page)
    dialog.editor.turns[-1].text.setPlainText("In Linz.")
    dialog.save_button.click()
    assert "has completions" in dialog.said.text() and prompts.get(project, 2).conversation == TALK
    dialog.as_new_button.click()
    made = prompts.get(project, 3)
    assert made.conversation.messages[-1].content == "In Linz." and made.tags == ("rain",)


def test_a_conversation_pasted_among_new_prompts_is_asked_about(page: PromptsPage) -> None:
    QGuiApplication.clipboard().setText(TALK.text)
    page.adding.new_text.paste()
    (asked,) = (box for box in page.findChildren(QMessageBox) if box.isVisible())
    next(button for button in asked.buttons() if "3 turns" in button.text()).click()
    dialog = dialog_of(page)
    assert dialog.editor.conversation() == TALK and page.adding.new_text.toPlainText() == ""
    dialog.save_button.click()
    assert "among the prompts already" in dialog.said.text()


def test_what_is_kept_as_one_text_is_one_prompt(page: PromptsPage) -> None:
    QGuiApplication.clipboard().setText(TALK.text)
    page.adding.new_text.paste()
    (asked,) = (box for box in page.findChildren(QMessageBox) if box.isVisible())
    next(button for button in asked.buttons() if "one text" in button.text()).click()
    page.adding.add()
    assert prompts.get(page.session.project, 3) == Prompt(3, TALK.text, (), "train", "typed")


def test_what_is_typed_over_a_prompt_stays_whatever_others_do_to_it(page: PromptsPage) -> None:
    project = page.session.project
    page.table.selectRow(0)
    prompts.edit(project, 1, text="How now?")
    page.load()
    assert page.selected.text.text() == "How now?", "nothing was typed: it is shown as it is"
    page.selected.text.setPlainText("How then?")
    prompts.edit(project, 1, text="How?")
    page.load()
    assert page.selected.text.text() == "How then?"


def test_a_draft_that_nobody_could_have_typed_is_none(page: PromptsPage) -> None:
    for value in (
        "x",
        [1],
        [{"role": "pirate", "content": "Arr"}],
        [{"role": "user", "content": 7}],
        {"messages": "y"},
    ):
        page.session.project.set_setting("draft/conversation/0", value)
        page.write()
        dialog = dialog_of(page)
        assert [turn.text.text() for turn in dialog.editor.turns] == [""]
        dialog.reject()


def test_texts_that_may_hold_turns_are_shown_both_ways_and_settled(page: PromptsPage, qtbot) -> None:
    project = page.session.project
    log = "A log.\n\nUser: a\n\nAssistant: b\n\nUser: c"
    texts = [log, "User: x\n\nAssistant: y", "User: one\n\nUser: two", "User: p\n\nAssistant: q\n\nUser: r"]
    prompts.add(project, [Prompt(0, text) for text in texts])
    assert not page.notice.isVisible()
    project.set_setting("unsure_turns", [3, 4, 5, 6])
    page.load()
    qtbot.waitUntil(page.notice.isVisible)
    assert page.unsure.text() == "4 prompts may hold several turns."
    page.unsure_button.click()
    dialog = next(each for each in page.findChildren(UnsureDialog) if each.isVisible())
    qtbot.waitUntil(lambda: dialog.list.count() == 4)
    assert dialog.text.toPlainText() == log
    assert "A log." in dialog.turns.text and "\n\nUser:" not in dialog.turns.text
    dialog.turns_button.click()
    assert [turn.role for turn in prompts.get(project, 3).conversation.messages] == [
        "system",
        "user",
        "assistant",
        "user",
    ]
    qtbot.waitUntil(lambda: dialog.list.count() == 3)
    assert "cannot be a prompt" in dialog.why_not.text() and not dialog.turns_button.isEnabled()
    dialog.write_button.click()
    writing = next(each for each in dialog.findChildren(ConversationDialog) if each.isVisible())
    assert [turn.text.text() for turn in writing.editor.turns] == ["x", "y"]
    writing.reject()
    dialog.text_button.click()
    assert prompts.get(project, 4).text == texts[1]
    qtbot.waitUntil(lambda: dialog.list.count() == 2)
    dialog.undo_button.click()
    qtbot.waitUntil(lambda: dialog.list.count() == 3)
    dialog.list.selectAll()
    assert dialog.turns_button.text() == "These are turns: 3"
    dialog.turns_button.click()
    assert "2 prompts taken apart into turns. 1 stay" in dialog.said.text()
    assert [prompts.get(project, each).turns is None for each in (4, 5, 6)] == [True, False, False]
    qtbot.waitUntil(lambda: page.unsure.text() == "1 prompt may hold several turns.")
    page.session.replay("undo")
    assert all(prompts.get(project, each).turns is None for each in (4, 5, 6))


def test_saving_turns_leaves_tags_and_use_that_were_not_saved(page: PromptsPage) -> None:
    project, card = page.session.project, page.selected
    for line, stored in ((1, ("rain",)), (0, ())):
        page.table.selectRow(line)
        card.tags.setText("rain, umbrella")
        card.split.setCurrentIndex(card.split.findData("heldout"))
        card.keep()
        card.write_button.click()
        dialog = dialog_of(page)
        QTest.keyClicks(dialog.editor.turns[-1].text, "x")
        dialog.save_button.click()
        found = prompts.get(project, line + 1)
        assert found.conversation.messages[-1].content.startswith("x") and found.tags == stored
        assert card.tags.text() == "rain, umbrella" and card.split.currentData() == "heldout"
        card.save()
        found = prompts.get(project, line + 1)
        assert (found.tags, found.split) == (("rain", "umbrella"), "heldout")
        assert found.conversation.messages[-1].content.startswith("x")
        assert not project.database.column("select key from settings where key like 'draft/prompt%'")


def test_adding_prompts_leaves_what_is_typed_over_several(page: PromptsPage) -> None:
    card = page.selected
    page.table.selectAll()
    card.tags.setText("both")
    card.split.setCurrentIndex(card.split.findData("heldout"))
    page.adding.new_text.setPlainText("New?")
    page.adding.add()
    assert page.table.selected_ids() == (1, 2)
    assert card.tags.text() == "both" and card.split.currentData() == "heldout"
    card.save()
    assert [prompt.tags for prompt in prompts.listed(page.session.project)] == [("both",), ("both",), ()]
    assert card.tags.text() == "" and card.split.currentData() == ""


def said_in(dialog: ConversationDialog) -> list[str]:
    return [turn.text.text() for turn in dialog.editor.turns]


def test_what_is_pasted_joins_a_draft_and_is_kept_with_it(page: PromptsPage) -> None:
    page.write()
    dialog = dialog_of(page)
    QTest.keyClicks(dialog.editor.turns[0].text, "old draft")
    dialog.reject()
    for begin in (TALK, None):
        page.write(begin)
        dialog = dialog_of(page)
        assert said_in(dialog) == ["old draft", "Rain?", "Where?", "In Graz."]
        dialog.reject()


def test_a_draft_that_does_not_fit_beside_what_is_pasted_is_there_once_that_is_saved(page, monkeypatch) -> None:
    monkeypatch.setattr(editor, "MOST_TURNS", 3)
    page.write()
    dialog = dialog_of(page)
    QTest.keyClicks(dialog.editor.turns[0].text, "old draft")
    dialog.reject()
    page.write(Conversation((*TALK.messages[:2], Message("user", "In Linz."))))
    dialog = dialog_of(page)
    assert said_in(dialog) == ["Rain?", "Where?", "In Linz."] and "does not fit beside this" in dialog.said.text()
    dialog.save_button.click()
    assert prompts.get(page.session.project, 3).conversation.messages[-1].content == "In Linz."
    page.write()
    assert said_in(dialog_of(page)) == ["old draft"]


def test_what_is_pasted_and_cannot_be_edited_is_refused_aloud(page: PromptsPage) -> None:
    page.write(Conversation(TALK.messages * 100))
    assert not [each for each in page.findChildren(ConversationDialog) if each.isVisible()]
    assert "was not put in" in page.adding.said.text()


def test_a_draft_and_what_is_typed_over_the_prompt_since_are_both_shown_once(page: PromptsPage) -> None:
    page.table.selectRow(0)
    card = page.selected
    card.write_button.click()
    dialog = dialog_of(page)
    QTest.keyClicks(dialog.editor.turns[0].text, "A draft. ")
    dialog.reject()
    card.text.setPlainText("Typed?")
    card.write_button.click()
    dialog = dialog_of(page)
    assert said_in(dialog) == ["A draft. How?", "Typed?"] and "do not want" in dialog.said.text()
    dialog.editor.turns[0].remove.click()
    QTest.keyClicks(dialog.editor.turns[0].text, "So: ")
    dialog.reject()
    card.write_button.click()
    dialog = dialog_of(page)
    assert said_in(dialog) == ["So: Typed?"]
    dialog.save_button.click()
    assert prompts.get(page.session.project, 1).text == "So: Typed?" == card.text.text()
    assert not page.session.project.database.column("select key from settings where key like 'draft/%'")


def test_a_long_conversation_is_found_again_and_can_be_edited(page: PromptsPage) -> None:
    long = "word " * 10 + "\n"
    page.write()
    dialog = dialog_of(page)
    dialog.editor.turns[0].text.insertPlainText(long * 9_000)
    dialog.reject()
    page.write()
    dialog = dialog_of(page)
    assert said_in(dialog) == [long * 9_000] and not dialog.editor.turns[0].text.isReadOnly()
    dialog.editor.turns[0].text.insertPlainText(long * 20_000)
    dialog.keep()
    assert "longer than what is kept" in dialog.said.text()


def unsure(page: PromptsPage, qtbot, count: int) -> UnsureDialog:
    """The dialog of so many prompts that may hold turns."""
    project = page.session.project
    made = prompts.add(project, [Prompt(0, f"User: a {n}\n\nAssistant: b\n\nUser: c") for n in range(count)])
    project.set_setting("unsure_turns", list(made.ids))
    page.look_at_unsure()
    dialog = next(each for each in page.findChildren(UnsureDialog) if each.isVisible())
    qtbot.waitUntil(lambda: dialog.list.count() == count)
    return dialog


def test_undo_among_unsure_prompts_takes_back_what_was_settled_and_nothing_else(page: PromptsPage, qtbot) -> None:
    dialog = unsure(page, qtbot, 2)
    dialog.turns_button.click()
    assert dialog.undo_button.isVisible()
    qtbot.waitUntil(lambda: dialog.list.count() == 1)
    dialog.write_button.click()
    writing = next(each for each in dialog.findChildren(ConversationDialog) if each.isVisible())
    QTest.keyClicks(writing.editor.turns[-1].text, "x")
    writing.save_button.click()
    assert not dialog.undo_button.isVisible()
    page.session.replay("undo")
    assert dialog.undo_button.isVisible(), "it is the newest again"
    dialog.undo_button.click()
    assert prompts.get(page.session.project, 3).turns is None and not dialog.undo_button.isVisible()


def test_a_closed_dialog_of_unsure_prompts_reads_no_more(page: PromptsPage, qtbot, monkeypatch) -> None:
    dialog = unsure(page, qtbot, 1)
    with qtbot.waitSignal(dialog.destroyed):
        dialog.accept()
    loads = []
    monkeypatch.setattr(UnsureDialog, "load", lambda self: loads.append(self))
    page.session.announce(prompts.add(page.session.project, [Prompt(0, "Another?")]))
    assert loads == []
