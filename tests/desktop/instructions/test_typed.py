"""What is typed and not saved stays until whoever typed it saves or clears it, whatever other windows do."""

import json
import shutil
from contextlib import closing
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit

from core.errors import ProjectMoved
from core.events import NewCompletion
from core.records import Prompt
from core.store import Project, completions, create_project, guidelines, open_project, prompts
from core.store.typed import Typed
from desktop.instructions.adding_card import NEW_DRAFT
from desktop.instructions.guidelines_editor import DRAFT, GuidelinesEditor
from desktop.instructions.prompts_page import PromptsPage
from desktop.session import Session
from desktop.widgets import drafts
from desktop.widgets.drafts import Draft
from tests.desktop.talks import boxes

ODD = "Prix\u00a0: 10\u00a0000\u00a0€\r\nline two\u2028line three"


@pytest.fixture
def two(qtbot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Sessions of two windows on one project."""
    monkeypatch.setenv("PLUMBLINE_DATA", str(tmp_path / "data"))
    made = create_project(tmp_path / "project")
    prompts.add(made, [Prompt(0, "one", ("old",)), Prompt(0, "two")])
    sessions = Session(made), Session(open_project(made.folder))
    yield sessions
    for session in sessions:
        session.close()


def page_of(qtbot, session: Session) -> PromptsPage:
    page = PromptsPage(session)
    qtbot.addWidget(page)
    return page


def test_a_window_that_was_not_typed_in_clears_no_draft_of_the_guidelines(qtbot, two) -> None:
    one, other = (GuidelinesEditor(session) for session in two)
    for editor in (one, other):
        qtbot.addWidget(editor)
    one.editors["criteria"].setPlainText("Two hours of work")
    one.leave()
    other.leave()
    assert two[1].project.setting(DRAFT)["criteria"] == "Two hours of work"
    other.editors["criteria"].setPlainText("Be kind.")
    other.leave()
    other.save()
    assert guidelines.current(two[1].project).criteria == "Be kind."
    again = GuidelinesEditor(two[1])
    qtbot.addWidget(again)
    assert again.parts["criteria"] == "Two hours of work"


def test_adding_in_one_window_leaves_what_is_typed_in_another(qtbot, two) -> None:
    one, other = (page_of(qtbot, session) for session in two)
    one.adding.new_text.setPlainText("thirty prompts")
    one.leave()
    other.adding.new_text.setPlainText("b")
    other.leave()
    assert page_of(qtbot, two[0]).adding.new_text.toPlainText() == "thirty prompts"
    other.adding.add()
    assert page_of(qtbot, two[0]).adding.new_text.toPlainText() == "thirty prompts"
    one.adding.add()
    assert page_of(qtbot, two[0]).adding.new_text.toPlainText() == ""


def test_what_is_typed_and_chosen_for_several_prompts_stays_until_it_is_saved(qtbot, two) -> None:
    page = page_of(qtbot, two[0])
    page.selected.show_ids((1, 2))
    page.selected.tags.setText("safety, new")
    page.selected.split.setFocus()
    QTest.keyClick(page.selected.split, Qt.Key.Key_End)
    use = page.selected.split.currentData()
    page.selected.show_ids((1,))
    assert (page.selected.tags.text(), page.selected.split.currentData()) == ("old", "train") and use == "heldout"
    page.selected.show_ids((1, 2))
    assert (page.selected.tags.text(), page.selected.split.currentData()) == ("safety, new", use)
    assert "for several prompts" in page.selected.said.text()
    page.leave()
    again = page_of(qtbot, two[1])  # as after a restart
    again.selected.show_ids((2, 1))
    again.selected.save()
    found = [(prompt.tags, prompt.split) for prompt in prompts.listed(two[1].project)]
    assert found == [(("safety", "new"), use)] * 2
    again.selected.show_ids(())
    again.selected.show_ids((1, 2))
    assert (again.selected.tags.text(), again.selected.split.currentData()) == ("", "")


def test_what_is_typed_over_each_prompt_is_kept_for_it(qtbot, two) -> None:
    page = page_of(qtbot, two[0])
    page.table.selectRow(0)
    page.selected.text.setPlainText("one, at length")
    page.table.selectRow(1)
    page.selected.tags.setText("x")
    page.table.selectRow(0)
    assert page.selected.text.toPlainText() == "one, at length"
    prompts.edit(two[0].project, 1, text="one, by another")
    page.table.selectRow(1)
    assert page.selected.tags.text() == "x"
    page.selected.save()
    page.table.selectRow(0)
    assert page.selected.text.toPlainText() == "one, at length" and "changed since" in page.selected.said.text()
    page.selected.save()
    (box,) = boxes()
    assert "one, by another" in box.informativeText()
    next(each for each in box.buttons() if each.text() == "Write over it").click()
    assert [prompts.get(two[0].project, each).text for each in (1, 2)] == ["one, at length", "two"]
    assert two[0].project.database.column("select key from settings where key like 'draft/%'") == []


def test_a_long_paste_is_put_back_and_what_is_too_long_is_left_where_it_is(qtbot, two) -> None:
    project, pasted = two[0].project, "A prompt that I pasted\n" * 10_000
    page = page_of(qtbot, two[0])
    page.adding.new_text.setPlainText(pasted)
    page.leave()
    assert page_of(qtbot, two[0]).adding.new_text.toPlainText() == pasted
    project.set_setting(NEW_DRAFT, {"text": "x" * 2_000_000})
    page = page_of(qtbot, two[0])
    assert page.adding.new_text.toPlainText() == ""
    page.adding.new_text.setPlainText("y")
    page.leave()
    assert len(project.setting(NEW_DRAFT)["text"]) == 2_000_000
    assert page_of(qtbot, two[0]).adding.new_text.toPlainText() == "y"


def test_what_is_too_long_to_be_put_back_is_told_of_until_it_is_in_a_file(qtbot, two, tmp_path: Path) -> None:
    project, file = two[0].project, tmp_path / "typed.txt"
    assert page_of(qtbot, two[0]).adding.left_behind.isHidden()
    project.set_setting(NEW_DRAFT, {"text": "é\r\n" * 400_000})
    page = page_of(qtbot, two[0])
    left = page.adding.left_behind
    assert not left.isHidden() and "1,200,000 letters" in left.said.text()
    page.adding.new_text.setPlainText("y")
    page.leave()
    left.write(tmp_path / "nowhere" / "typed.txt")
    qtbot.waitUntil(lambda: bool(boxes()))
    boxes()[0].close()
    assert project.setting(NEW_DRAFT) is not None
    left.write(file)
    qtbot.waitUntil(lambda: "typed.txt" in left.said.text())
    assert file.read_bytes().decode() == "é\r\n" * 400_000
    again = page_of(qtbot, two[0]).adding
    assert again.left_behind.isHidden() and again.new_text.toPlainText() == "y"


def test_what_is_not_changed_stays_as_it_is_to_the_byte(qtbot, two) -> None:
    project: Project = two[0].project
    (odd,) = prompts.add(project, [Prompt(0, ODD, ("a, b", "e" * 40_000))]).ids
    completions.add_group(project, odd, (NewCompletion("a", 0, True, 1),))
    page = page_of(qtbot, two[0])
    page.table.selectRow(2)
    page.selected.split.setCurrentIndex(1)
    page.selected.save()
    found = prompts.get(project, odd)
    assert (found.text, found.tags, found.split) == (ODD, ("a, b", "e" * 40_000), "heldout")
    page.selected.tags.setText(page.selected.tags.text() + ", c")
    page.selected.save()
    found = prompts.get(project, odd)
    assert (found.text, found.tags) == (ODD, ("a, b", "e" * 40_000, "c"))


def test_half_a_letter_is_no_reason_to_begin_another_place(qtbot, two) -> None:
    typed = Typed(two[0].project, "draft/x")
    for text in ("a \ud83d", "a \ud83db", "c"):
        typed.keep({"text": text})
    assert two[0].project.database.rows("select key, value from settings where key like 'draft/x%'") == [
        {"key": "draft/x", "value": json.dumps({"text": "c"})}
    ]


def test_fields_of_the_same_text_are_cleared_by_nobody_else(qtbot, two) -> None:
    fields = [QLineEdit(), QLineEdit(), QLineEdit()]
    for field in fields:
        qtbot.addWidget(field)
    one = Draft(two[0].project, "draft/y", {"text": fields[0]}, fields[0])
    fields[0].setText("first")
    one.leave()
    other = Draft(two[1].project, "draft/y", {"text": fields[1]}, fields[1])
    assert fields[1].text() == "first"
    fields[0].setText("first, and more")
    one.leave()
    fields[1].clear()
    other.leave()
    with closing(open_project(two[0].project.folder)) as project:
        Draft(project, "draft/y", {"text": fields[2]}, fields[2])
    assert fields[2].text() == "first, and more"


def test_a_long_text_typed_over_a_prompt_is_put_back_and_can_be_edited(qtbot, two) -> None:
    long = "What I typed over it\n" * 6_000
    page = page_of(qtbot, two[0])
    page.table.selectRow(0)
    page.selected.text.setPlainText(long)
    page.leave()
    page = page_of(qtbot, two[0])
    page.table.selectRow(0)
    assert page.selected.text.text() == long and not page.selected.text.isReadOnly()


def test_what_a_template_takes_the_place_of_is_kept_until_something_is_saved(qtbot, two) -> None:
    def opened() -> GuidelinesEditor:
        editor = GuidelinesEditor(two[0])
        qtbot.addWidget(editor)
        return editor

    first, second = sorted(guidelines.templates())[:2]
    editor = opened()
    editor.editors["criteria"].setPlainText("Two hours of work")
    editor.leave()
    editor.use_template(first)
    editor.use_template(second)
    editor.leave()
    kept = two[0].project.database.column("select value from settings where key glob ?", f"{DRAFT}*")
    assert sum("Two hours of work" in value for value in kept) == 1
    editor.put_back.click()
    assert editor.parts["criteria"] == "Two hours of work"
    editor.leave()
    assert len(two[0].project.database.column("select value from settings where key glob ?", f"{DRAFT}*")) == 1
    editor.use_template(first)
    editor.save()
    assert two[0].project.database.column("select value from settings where key glob ?", f"{DRAFT}*") == []


def test_no_template_takes_the_place_of_what_cannot_be_kept(qtbot, two, tmp_path: Path) -> None:
    editor = GuidelinesEditor(two[0])
    qtbot.addWidget(editor)
    editor.editors["criteria"].setPlainText("Two hours of work")
    shutil.move(two[0].project.folder, tmp_path / "elsewhere")
    with pytest.raises(ProjectMoved):
        editor.use_template(sorted(guidelines.templates())[0])
    assert editor.parts["criteria"] == "Two hours of work"
    shutil.move(tmp_path / "elsewhere", two[0].project.folder)
    editor.leave()
    assert two[0].project.setting(DRAFT)["criteria"] == "Two hours of work"


def test_what_could_not_be_written_is_tried_again_though_nobody_types_on(
    qtbot, two, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr(drafts, "AGAIN_MILLISECONDS", 20)
    editor = GuidelinesEditor(two[0])
    qtbot.addWidget(editor)
    shutil.move(two[0].project.folder, tmp_path / "elsewhere")
    editor.editors["criteria"].setPlainText("Be kind.")
    editor.keep_draft()
    shutil.move(tmp_path / "elsewhere", two[0].project.folder)
    qtbot.waitUntil(lambda: (two[0].project.setting(DRAFT) or {}).get("criteria") == "Be kind.")
    editor.leave()


def test_what_could_not_be_written_while_it_was_typed_is_written_later(qtbot, two, tmp_path: Path) -> None:
    project = two[0].project
    page = page_of(qtbot, two[0])
    page.table.selectRow(0)
    shutil.move(project.folder, tmp_path / "elsewhere")
    page.adding.new_text.setPlainText("thirty prompts")
    page.adding.draft.keep()
    page.selected.text.setPlainText("one, at length")
    page.table.selectRow(1)
    page.selected.tags.setText("x")
    page.selected.keep()
    page.table.selectRow(0)
    assert page.selected.text.toPlainText() == "one, at length"
    page.table.selectRow(1)
    assert page.selected.tags.text() == "x"
    shutil.move(tmp_path / "elsewhere", project.folder)
    page.leave()
    again = page_of(qtbot, two[0])
    assert again.adding.new_text.toPlainText() == "thirty prompts"
    again.table.selectRow(0)
    assert again.selected.text.toPlainText() == "one, at length"
    again.table.selectRow(1)
    assert again.selected.tags.text() == "x"


def test_typing_goes_on_where_the_project_was_moved_and_nothing_is_said_to_be_kept(qtbot, two, tmp_path: Path) -> None:
    editor, page = GuidelinesEditor(two[0]), page_of(qtbot, two[0])
    qtbot.addWidget(editor)
    page.table.selectRow(0)
    shutil.move(two[0].project.folder, tmp_path / "elsewhere")
    editor.editors["criteria"].setPlainText("Be kind.")
    editor.leave()
    assert editor.parts["criteria"] == "Be kind."
    assert "kept" not in editor.note.text() and "keep a copy" in editor.note.text()
    page.selected.text.setPlainText("one, at length")
    page.leave()
    assert page.selected.text.toPlainText() == "one, at length"
    shutil.move(tmp_path / "elsewhere", two[0].project.folder)
    editor.leave()
    assert "kept as a draft" in editor.note.text()
    assert two[0].project.setting(DRAFT)["criteria"] == "Be kind."
