"""What a person types while nothing can be written, or while another window or a template takes its place."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QMessageBox, QWidget

from core.events import NewCompletion
from core.labeling.session import LabelingSession
from core.records import Prompt
from core.store import Project, completions, create_project, drafts, guidelines, open_project, prompts
from core.store.typed import Typed, kept_under
from desktop import user_settings
from desktop.compare import actions as compare
from desktop.compare.composer import Composer
from desktop.conversation.kept_talk import KeptTalk
from desktop.conversation.talk import Talk
from desktop.instructions.conversation_dialog import ConversationDialog
from desktop.instructions.guidelines_editor import DRAFT, GuidelinesEditor
from desktop.instructions.prompts_page import PromptsPage
from desktop.places import TabId
from desktop.rank.tab import Tab
from desktop.reward.playground_page import PlaygroundPage
from desktop.session import Session
from desktop.widgets.drafts import Throttle
from desktop.widgets.unwritten import NotWritten, ask_to_lose
from tests.desktop.conftest import *  # noqa: F403
from tests.desktop.talks import boxes
from tests.ranked import counting_rankings

TYPED = "Wörter, zwei Stunden lang"


@pytest.fixture
def session(qtbot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    monkeypatch.setenv("PLUMBLINE_DATA", str(tmp_path / "data"))
    user_settings.set_labeler_name("Mira")
    made = create_project(tmp_path / "project")
    for text in ("Warum?", "Wozu?"):
        (prompt,) = prompts.add(made, [Prompt(0, text)]).ids
        completions.add_group(made, prompt, tuple(NewCompletion(f"{text} {n}", 0, True, 1) for n in range(2)))
    found = Session(made)
    yield found
    writable(made)
    found.close()


def unwritable(project: Project) -> None:
    project.database.execute("pragma query_only = 1")


def writable(project: Project) -> None:
    project.database.execute("pragma query_only = 0")


def on_disk(project: Project) -> bool:
    return any(TYPED in str(kept) for kept in kept_under(project, "draft/"))


def written_now(widget: QWidget) -> None:
    """As its timers do, sooner."""
    for throttle in widget.findChildren(Throttle):
        throttle.flush()


def told(widget: QWidget) -> list[str]:
    return [label.text() for label in widget.findChildren(NotWritten) if not label.isHidden()]


def press(box: QMessageBox, name: str) -> None:
    next(each for each in box.buttons() if each.text() == name).click()


def test_an_answer_that_cannot_be_written_waits_with_its_prompt_and_is_told_of(qtbot, session) -> None:
    tab = Tab(session)
    qtbot.addWidget(tab)
    tab.show()
    group = tab.labeling.group.id
    unwritable(session.project)
    tab.board.writing.emit(0)
    tab.board.answer.field.insertPlainText(TYPED)
    written_now(tab)
    assert len(told(tab.board.answer)) == 1
    tab.controller.skip()
    assert tab.board.answer.isHidden() and tab.labeling.group.id != group
    written_now(tab)
    assert "is held" in tab.board.hint.whole
    assert ask_to_lose(tab, lambda: None)
    boxes()[0].close()
    tab.controller.open_group(group)
    tab.board.writing.emit(0)
    assert tab.board.answer.field.text() == TYPED and told(tab.board.answer)
    tab.board.answer.close_editor()
    writable(session.project)
    written_now(tab)
    assert on_disk(session.project) and not ask_to_lose(tab, lambda: None)
    tab.board.writing.emit(0)
    assert tab.board.answer.field.text() == TYPED and not told(tab.board.answer)
    tab.close()


@pytest.mark.parametrize("way", ["back", "later", "ranked"])
def test_a_comment_that_cannot_be_written_waits_with_its_item_and_is_asked_about(qtbot, session, way: str) -> None:
    tab = Tab(session)
    qtbot.addWidget(tab)
    tab.show()
    group = tab.labeling.group.id
    unwritable(session.project)
    tab.board.comment.textEdited.emit(TYPED)
    tab.controller.skip()
    written_now(tab)
    assert tab.labeling.group.id != group and "is held" in tab.board.hint.whole
    assert ask_to_lose(tab, lambda: None)
    boxes()[-1].close()
    if way == "later":
        writable(session.project)
        written_now(tab)
    tab.controller.open_group(group)
    assert tab.board.comment.text() == tab.labeling.ordering.comment == TYPED
    writable(session.project)
    if way == "ranked":
        ordering = tab.labeling.ordering
        for completion in ordering.shown:
            ordering = ordering.place_last(completion)
        tab.board.changed.emit(ordering)
        tab.controller.save()
        assert [found.comment for found in counting_rankings(session.project)] == [TYPED]
    written_now(tab)
    assert not ask_to_lose(tab, lambda: None)
    kept = drafts.listed(session.project, tab.labeling.labeler.id)
    assert (kept.get(group) or {}).get("comment") == (None if way == "ranked" else TYPED)
    tab.close()


def test_a_comment_of_another_window_is_not_written_over_where_the_joined_one_could_not_be_written(
    qtbot, session, monkeypatch: pytest.MonkeyPatch
) -> None:
    tab, other = Tab(session), open_project(session.project.folder)
    qtbot.addWidget(tab)
    tab.show()
    theirs = LabelingSession(other, tab.labeling.labeler)
    theirs.editor.open(tab.labeling.group.id)
    theirs.editor.set_comment("from elsewhere")

    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as fault:
        fault.setattr(drafts, "keep", full)
        tab.board.comment.textEdited.emit(TYPED)
        assert tab.board.comment.text().split("\n") == ["from elsewhere", TYPED]
    written_now(tab)
    (draft,) = drafts.listed(other, tab.labeling.labeler.id).values()
    assert draft["comment"].split("\n") == ["from elsewhere", TYPED]
    tab.close()
    other.close()


def test_a_long_comment_is_not_cut(qtbot, session) -> None:
    tab, text = Tab(session), "a" * 50_000
    qtbot.addWidget(tab)
    tab.labeling.editor.set_comment(text)
    tab.show_item()
    tab.board.comment.setCursorPosition(0)
    qtbot.keyClicks(tab.board.comment, "b")
    (draft,) = drafts.listed(session.project, tab.labeling.labeler.id).values()
    assert draft["comment"] == "b" + text
    tab.close()


def test_a_conversation_that_cannot_be_written_is_not_closed_unasked(qtbot, session) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)
    dialog = ConversationDialog(session, parent)
    dialog.open()
    ended: list[int] = []
    dialog.finished.connect(ended.append)
    unwritable(session.project)
    dialog.editor.turns[0].text.insertPlainText(TYPED)
    dialog.reject()
    (box,) = boxes()
    assert told(dialog) and not ended and dialog.isVisible()
    press(box, "Go on")
    assert not ended and dialog.editor.conversation().text == TYPED
    dialog.reject()
    press(boxes()[-1], "Close without it")
    assert ended == [QDialog.DialogCode.Rejected]


@pytest.mark.parametrize("where", ["new prompts", "a prompt", "compare", "playground"])
def test_where_it_is_typed_it_is_said_until_it_is_written(qtbot, session, where: str) -> None:
    widget, field = place(session, where)
    qtbot.addWidget(widget)
    unwritable(session.project)
    field.setPlainText(TYPED)
    written_now(widget)
    assert len(told(widget)) == 1 and ask_to_lose(widget, lambda: None)
    boxes()[-1].close()
    writable(session.project)
    written_now(widget)
    assert told(widget) == [] and on_disk(session.project)
    widget.close()


def place(session: Session, where: str):
    """A page, and a field to type into."""
    if where == "compare":
        composer = Composer(session)
        return composer, composer.prompt
    if where == "playground":
        playground = PlaygroundPage(session)
        return playground, playground.prompt
    page = PromptsPage(session)
    page.table.selectRow(0)
    return page, page.adding.new_text if where == "new prompts" else page.selected.text


def test_neither_the_window_nor_the_project_is_closed_over_it_unasked(filled: Project, open_window) -> None:
    folder = filled.folder
    filled.close()
    window = open_window()
    window.workspace.open(folder)
    page = window.open_tab(TabId.INSTRUCTIONS).prompts
    unwritable(window.session.project)
    page.adding.new_text.setPlainText(TYPED)
    assert not window.close() and window.session is not None
    press(boxes()[-1], "Go on")
    window.workspace.close()
    assert window.session is not None and page.adding.new_text.toPlainText() == TYPED
    press(boxes()[-1], "Close without it")
    assert window.session is None


def page_of(qtbot, session: Session) -> PromptsPage:
    page = PromptsPage(session)
    qtbot.addWidget(page)
    return page


def test_what_another_window_saved_is_written_over_by_nobody_unasked(qtbot, session) -> None:
    page, other = page_of(qtbot, session), open_project(session.project.folder)
    (mine, theirs) = prompts.add(session.project, [Prompt(0, "Wo?", ("früh",)), Prompt(0, "Wann?")]).ids
    page.load()
    page.table.selectRow(2)
    page.selected.text.setPlainText("Wo genau?")
    prompts.edit(other, mine, text="Wo, bitte?", tags=("spät",))
    page.selected.save()
    assert prompts.get(other, mine).text == "Wo, bitte?" and page.selected.text.text() == "Wo genau?"
    (box,) = boxes()
    assert "Wo, bitte?" in box.informativeText() and "spät" in box.informativeText()
    press(box, "Go on typing")
    page.selected.save()
    press(boxes()[-1], "Write over it")
    assert (prompts.get(other, mine).text, prompts.get(other, mine).tags) == ("Wo genau?", ("spät",))
    page.table.selectRow(3)
    prompts.edit(other, theirs, split="heldout")
    page.selected.tags.setText("neu")
    page.selected.save()
    assert (prompts.get(other, theirs).split, prompts.get(other, theirs).tags) == ("heldout", ("neu",))
    other.close()


def test_no_conversation_is_written_over_that_another_window_changed_since(qtbot, session) -> None:
    parent, other = QWidget(), open_project(session.project.folder)
    qtbot.addWidget(parent)
    (number,) = prompts.add(session.project, [Prompt(0, "Wer?")]).ids
    dialog = ConversationDialog(session, parent, prompt=prompts.get(session.project, number))
    dialog.open()
    dialog.editor.turns[0].text.setPlainText("Wer genau?")
    prompts.edit(other, number, text="Wer, bitte?")
    dialog.save()
    assert prompts.get(other, number).text == "Wer, bitte?" and dialog.isVisible()
    press(boxes()[-1], "Write over it")
    assert prompts.get(other, number).text == "Wer genau?"
    other.close()


@pytest.mark.parametrize("again", ["selected", "opened"])
def test_a_draft_takes_over_what_was_saved_elsewhere_of_what_nobody_typed_in(qtbot, session, again: str) -> None:
    page, other = page_of(qtbot, session), open_project(session.project.folder)
    (number,) = prompts.add(session.project, [Prompt(0, "Wo?", ("früh",))]).ids
    page.load()
    page.table.selectRow(2)
    page.selected.text.setPlainText(TYPED)
    written_now(page)
    prompts.edit(other, number, tags=("spät", "wichtig"))
    page.table.selectRow(0)
    page = page_of(qtbot, session) if again == "opened" else page
    page.table.selectRow(2)
    assert (page.selected.text.text(), page.selected.tags.text()) == (TYPED, "spät, wichtig")
    page.selected.tags.setText("neu")
    written_now(page)
    prompts.edit(other, number, text="Wo, bitte?", tags=("anders",))
    page.table.selectRow(0)
    page.table.selectRow(2)
    assert "changed since" in page.selected.said.text() and page.selected.tags.text() == "neu"
    page.selected.save()
    (box,) = boxes()
    assert "Wo, bitte?" in box.informativeText() and "anders" in box.informativeText()
    press(box, "Go on typing")
    assert (prompts.get(other, number).text, prompts.get(other, number).tags) == ("Wo, bitte?", ("anders",))
    other.close()


@pytest.mark.parametrize("way", ["dialog", "card"])
def test_a_draft_of_a_conversation_is_not_written_over_what_was_saved_since(qtbot, session, way: str) -> None:
    page, other = page_of(qtbot, session), open_project(session.project.folder)
    (number,) = prompts.add(session.project, [Prompt(0, "Wer?")]).ids
    page.load()
    page.table.selectRow(2)
    if way == "card":
        page.selected.text.setPlainText("Wer genau?")
    page.selected.write()
    if way == "dialog":
        page.findChild(ConversationDialog).editor.turns[0].text.setPlainText("Wer genau?")
        page.findChild(ConversationDialog).reject()
    else:
        page.findChild(ConversationDialog).close()
    page.table.selectRow(0)
    prompts.edit(other, number, text="Wer, bitte?")
    page = page_of(qtbot, session)
    page.table.selectRow(2)
    page.selected.write()
    dialog = page.findChild(ConversationDialog)
    assert "changed since" in dialog.said.text() and dialog.editor.conversation().text == "Wer genau?"
    dialog.save()
    assert prompts.get(other, number).text == "Wer, bitte?" and dialog.isVisible()
    press(boxes()[-1], "Write over it")
    assert prompts.get(other, number).text == "Wer genau?"
    other.close()


@pytest.mark.parametrize("again", [False, True])
def test_guidelines_that_another_window_saved_are_not_reverted(qtbot, session, again: bool) -> None:
    project, other = session.project, open_project(session.project.folder)
    guidelines.save(project, criteria="Be kind.", ties="Rarely.", flags="", examples="")
    editor = GuidelinesEditor(session)
    qtbot.addWidget(editor)
    editor.editors["ties"].setPlainText(TYPED)
    editor.keep_draft()
    guidelines.save(other, criteria="Harm nobody.", ties="Rarely.", flags="- illegal: breaks a law", examples="")
    if again:
        editor = GuidelinesEditor(session)
        qtbot.addWidget(editor)
        assert editor.parts["criteria"] == "Harm nobody."
    editor.save()
    now = guidelines.current(other)
    assert (now.id, now.criteria, now.ties, now.flags) == (3, "Harm nobody.", TYPED, "- illegal: breaks a law")
    editor.editors["criteria"].setPlainText("Be brief.")
    guidelines.save(other, criteria="Be true.", ties="Never.", flags=now.flags, examples="")
    editor.load()
    assert "Version 4" in editor.note.text() and "Criteria" in editor.note.text()
    assert (editor.parts["criteria"], editor.parts["ties"]) == ("Be brief.", "Never.")
    editor.save()
    (box,) = boxes()
    assert "Be true." in box.informativeText() and guidelines.current(other).id == 4
    press(box, "Write over it")
    assert (guidelines.current(other).criteria, guidelines.current(other).ties) == ("Be brief.", "Never.")
    other.close()


def test_a_prompt_that_another_window_deleted_is_a_sentence_once_it_is_selected(qtbot, session) -> None:
    page, other = page_of(qtbot, session), open_project(session.project.folder)
    (gone,) = prompts.add(session.project, [Prompt(0, "Wohin?")]).ids
    page.load()
    prompts.delete(other, (gone,))
    page.table.selectRow(2)
    qtbot.waitUntil(lambda: "deleted in another window" in page.adding.said.text(), timeout=2000)
    assert page.table.selected_ids() == () and page.selected.isHidden()
    other.close()


def test_no_template_takes_the_place_of_what_was_put_aside_before(qtbot, session) -> None:
    editor = GuidelinesEditor(session)
    qtbot.addWidget(editor)
    first, *_, last = guidelines.templates()
    editor.editors["criteria"].insertPlainText(TYPED)
    editor.use_template(first)
    editor.editors["ties"].insertPlainText("a letter ")
    editor.use_template(last)
    editor.editors["examples"].insertPlainText("two letters ")
    editor.keep_draft()

    def kept() -> str:
        return str(kept_under(session.project, DRAFT))

    assert all(text in kept() for text in (TYPED, "a letter ", "two letters "))
    found = []
    for _ in range(4):
        editor.put_back.click()
        found.append([text for text in (TYPED, "a letter ", "two letters ") if text in str(editor.parts)])
        assert all(text in kept() for text in (TYPED, "a letter ", "two letters "))
    assert found == [["a letter "], [TYPED], ["two letters "], ["a letter "]]
    editor.leave()


def elsewhere(session: Session, begin: str = "draft/", more: str = "") -> None:
    """In another window somebody finds all that is typed, and discards it, or goes on with it."""
    other = open_project(session.project.folder)
    for key, _ in kept_under(other, begin):
        typed = Typed(other, key)
        found = typed.read(lambda found: True)
        typed.keep(json.loads(json.dumps(found, ensure_ascii=False).replace(TYPED, TYPED + more)) if more else None)
    other.close()


@pytest.mark.parametrize("where", ["new prompts", "a prompt", "compare", "playground"])
def test_what_a_window_shows_is_there_after_it_though_another_discarded_it(qtbot, session, where: str) -> None:
    widget, field = place(session, where)
    qtbot.addWidget(widget)
    field.setPlainText(TYPED)
    written_now(widget)
    elsewhere(session)
    assert not on_disk(session.project)
    widget.leave()
    assert on_disk(session.project)


@pytest.mark.parametrize("where", ["new prompts", "a prompt", "compare", "playground"])
def test_what_another_window_went_on_with_is_there_once(qtbot, session, where: str) -> None:
    widget, field = place(session, where)
    qtbot.addWidget(widget)
    field.setPlainText(TYPED)
    written_now(widget)
    elsewhere(session, more=", und noch eine")
    kept = kept_under(session.project, "draft/")
    widget.leave()
    assert kept_under(session.project, "draft/") == kept and "und noch eine" in str(kept)


@pytest.mark.parametrize("where", ["guidelines", "new prompts", "a prompt", "compare", "playground"])
def test_a_window_that_only_read_a_draft_writes_it_over_and_beside_no_newer_one(qtbot, session, where: str) -> None:
    def placed(on: Session):
        if where != "guidelines":
            return place(on, where)
        editor = GuidelinesEditor(on)
        return editor, editor.editors["criteria"]

    (one, field), reads = placed(session), Session(open_project(session.project.folder))
    field.setPlainText("An older text")
    written_now(one)
    other, shown = placed(reads)
    for widget in (one, other):
        qtbot.addWidget(widget)
    assert shown.text() == "An older text"
    field.setPlainText(TYPED)
    written_now(one)
    other.leave()
    kept = [str(found) for _, found in kept_under(session.project, "")]
    assert any(TYPED in found for found in kept) and not any("An older text" in found for found in kept)
    field.clear()
    written_now(one)
    other.leave()
    assert not on_disk(session.project) and "An older text" not in str(kept_under(session.project, ""))
    reads.close()


@pytest.mark.parametrize("where", ["guidelines", "new prompts", "a prompt", "compare", "playground"])
def test_where_two_windows_type_both_texts_are_kept_and_it_is_said(qtbot, session, where: str) -> None:
    types = Session(open_project(session.project.folder))
    editors = [GuidelinesEditor(each) for each in (session, types)] if where == "guidelines" else []
    placed = [(each, each.editors["criteria"]) for each in editors] or [place(each, where) for each in (session, types)]
    for text, (widget, field) in zip(("typed here", "typed there"), placed, strict=True):
        qtbot.addWidget(widget)
        field.setPlainText(text)
        written_now(widget)
    kept = str(kept_under(session.project, ""))
    assert "typed here" in kept and "typed there" in kept
    said = [editor.note.text() for editor in editors] or [" ".join(told(widget)) for widget, _ in placed]
    assert ["another window" in each for each in said] == [False, True]
    placed[0][1].setPlainText("Warum?" if where == "a prompt" else "")
    for widget, _ in placed:
        written_now(widget)
    placed[1][1].insertPlainText("and on ")
    written_now(placed[1][0])
    said = [editor.note.text() for editor in editors] or [" ".join(told(widget)) for widget, _ in placed]
    assert not any("another window" in each for each in said)
    types.close()


def test_what_is_typed_over_a_prompt_outlives_the_next_selection_and_not_its_saving_elsewhere(qtbot, session) -> None:
    page = page_of(qtbot, session)
    (number,) = prompts.add(session.project, [Prompt(0, "Weshalb?")]).ids
    page.load()
    page.table.selectRow(2)
    page.selected.text.setPlainText(TYPED)
    page.selected.keep()
    elsewhere(session)
    page.table.selectRow(1)
    assert on_disk(session.project)
    page.table.selectRow(2)
    assert page.selected.text.text() == TYPED
    prompts.edit(session.project, number, text=TYPED)
    elsewhere(session)
    page.leave()
    assert not on_disk(session.project)


def test_an_answer_that_is_put_away_here_is_there_though_another_window_discarded_it(qtbot, session) -> None:
    tab = Tab(session)
    qtbot.addWidget(tab)
    tab.show()
    group = tab.labeling.group.id
    tab.board.writing.emit(0)
    tab.board.answer.field.insertPlainText(TYPED)
    written_now(tab)
    elsewhere(session)
    tab.board.answer.close_editor()
    assert on_disk(session.project)
    tab.board.writing.emit(0)
    assert tab.board.answer.field.text() == TYPED
    elsewhere(session)
    tab.controller.skip()
    assert on_disk(session.project) and tab.labeling.group.id != group
    tab.controller.open_group(group)
    tab.board.writing.emit(0)
    other = open_project(session.project.folder)
    completions.write(other, group, tab.labeling.labeler.id, TYPED)
    other.close()
    elsewhere(session)
    tab.close()
    assert not on_disk(session.project), "it is an answer by now"


def test_a_long_comment_is_not_cut_without_a_word(qtbot, session) -> None:
    tab = Tab(session)
    qtbot.addWidget(tab)
    long = "warum so und nicht anders, " * 3_000
    tab.board.comment.setFocus()
    tab.board.comment.insert(long)
    tab.board.comment.textEdited.emit(tab.board.comment.text())
    assert tab.labeling.ordering.comment == long
    QGuiApplication.clipboard().setText("x" * 30_000)
    tab.board.comment.paste()
    assert "at most 100,000 letters" in tab.board.hint.whole and tab.board.comment.text().startswith(long)
    tab.close()


def test_a_conversation_that_another_window_discarded_is_there_when_it_is_closed(qtbot, session) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)
    dialog = ConversationDialog(session, parent)
    dialog.open()
    dialog.editor.turns[0].text.insertPlainText(TYPED)
    dialog.keep()
    elsewhere(session)
    dialog.reject()
    assert on_disk(session.project)
    dialog = ConversationDialog(session, parent)
    dialog.open()
    assert dialog.editor.conversation().text == TYPED
    dialog.save()
    assert not on_disk(session.project)


def test_guidelines_that_another_window_discarded_are_there_with_what_was_put_aside(qtbot, session) -> None:
    editor = GuidelinesEditor(session)
    qtbot.addWidget(editor)
    editor.editors["criteria"].insertPlainText("an hour of it")
    editor.use_template(next(iter(guidelines.templates())))
    editor.editors["ties"].insertPlainText(TYPED)
    editor.keep_draft()
    elsewhere(session, DRAFT)
    elsewhere(session, DRAFT)
    assert not kept_under(session.project, DRAFT)
    editor.leave()
    kept = str(kept_under(session.project, DRAFT))
    assert TYPED in kept and "an hour of it" in kept


def test_a_talk_that_another_window_began_anew_is_there_after_its_own(qtbot, session) -> None:
    page = QWidget()
    qtbot.addWidget(page)
    mine = KeptTalk(session, "talk/of-mine", compare.TALK, page)
    mine.go_to(Talk().with_question(TYPED))
    elsewhere(session, "talk/")
    mine.leave()
    assert TYPED in str(kept_under(session.project, "talk/"))
    elsewhere(session, "talk/", more=" und weiter")
    mine.leave()
    assert len(kept_under(session.project, "talk/")) == 1
