"""Guidelines are versions and a draft that survives; prompts are pasted, edited and deleted with care."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QAbstractItemModelTester, QTest
from PySide6.QtWidgets import QMessageBox

from core.events import NewCompletion
from core.labeling.answer_drafts import NEW
from core.labeling.session import LabelingSession
from core.records import NewRanking, Prompt
from core.store import Project, assignments, completions, create_project, guidelines, labelers, prompts, rankings
from core.store.typed import Typed
from desktop.instructions.duplicates_dialog import DuplicatesDialog
from desktop.instructions.guidelines_editor import DRAFT
from desktop.instructions.import_dialog import ImportDialog
from desktop.instructions.prompt_table import BLOCK, PromptModel
from desktop.instructions.selected_card import EDIT_DRAFT
from desktop.instructions.tab import Tab
from desktop.session import Session


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("PLUMBLINE_DATA", str(tmp_path / "data"))
    return create_project(tmp_path / "project")


@pytest.fixture
def session(made: Project) -> Iterator[Session]:
    found = Session(made)
    yield found
    found.close()


def open_tab(qtbot, session: Session) -> Tab:
    tab = Tab(session)
    qtbot.addWidget(tab)
    tab.resize(1080, 720)
    with qtbot.waitExposed(tab):
        tab.show()
    return tab


def write(tab: Tab, **parts: str) -> None:
    for part, text in parts.items():
        tab.guidelines.editors[part].setPlainText(text)


def test_saving_makes_versions_and_an_older_one_can_be_restored(qtbot, session: Session, made: Project) -> None:
    tab = open_tab(qtbot, session)
    page = tab.guidelines
    write(tab, criteria="Be kind.")
    page.save()
    write(tab, criteria="Be honest.")
    page.save()
    assert [found.criteria for found in guidelines.versions(made)] == ["Be honest.", "Be kind."]
    page.versions.setCurrentIndex(page.versions.findData(1))
    assert "Be kind." in page.preview.toPlainText()
    assert page.parts["criteria"] == "Be honest."
    page.restore.click()
    assert page.parts["criteria"] == "Be kind."
    page.save()
    assert [found.id for found in guidelines.versions(made)] == [3, 2, 1]
    assert guidelines.current(made).criteria == "Be kind."


def test_a_draft_survives_reopening_and_goes_when_saved(qtbot, session: Session, made: Project) -> None:
    tab = open_tab(qtbot, session)
    QTest.keyClicks(tab.guidelines.editors["ties"], "Equal is equal.")
    qtbot.waitUntil(lambda: made.setting(DRAFT) is not None, timeout=3000)
    tab.close()
    again = open_tab(qtbot, session)
    assert again.guidelines.parts["ties"] == "Equal is equal."
    assert "last time" in again.guidelines.note.text()
    assert guidelines.versions(made) == []
    again.guidelines.save()
    assert made.setting(DRAFT) is None
    assert guidelines.current(made).ties == "Equal is equal."


def test_closing_keeps_what_was_typed_a_moment_ago(qtbot, session: Session, made: Project) -> None:
    tab = open_tab(qtbot, session)
    QTest.keyClicks(tab.guidelines.editors["criteria"], "Short")
    tab.close()
    assert made.setting(DRAFT)["criteria"] == "Short"


def test_a_template_never_swallows_what_was_there(qtbot, session: Session, made: Project) -> None:
    tab = open_tab(qtbot, session)
    page = tab.guidelines
    write(tab, criteria="My own words.")
    name = next(iter(guidelines.templates()))
    page.use_template(name)
    expected = guidelines.from_markdown(guidelines.templates()[name].read_text(encoding="utf-8"))
    assert page.parts == expected
    assert guidelines.versions(made) == []
    page.put_back.click()
    assert page.parts["criteria"] == "My own words."
    page.use_template(name)
    page.editors["criteria"].undo()
    assert page.parts["criteria"] == "My own words."


def test_a_version_saved_elsewhere_leaves_unsaved_text_alone(qtbot, session: Session, made: Project) -> None:
    tab = open_tab(qtbot, session)
    write(tab, criteria="Half a thought")
    tab.refresh(guidelines.save(made, criteria="From the CLI", ties="", flags="", examples=""))
    assert tab.guidelines.parts["criteria"] == "Half a thought"
    tab.guidelines.discard_changes()
    assert tab.guidelines.parts["criteria"] == "From the CLI"


def test_the_flags_that_labelers_will_see_are_named(qtbot, session: Session) -> None:
    tab = open_tab(qtbot, session)
    write(tab, flags="- unsafe: it could hurt.\n- cannot judge: I do not know.")
    qtbot.waitUntil(lambda: tab.guidelines.flag_names.text() == "Labelers can set: unsafe, cannot judge", timeout=3000)


def test_nothing_written_is_not_saved(qtbot, session: Session, made: Project) -> None:
    tab = open_tab(qtbot, session)
    tab.guidelines.save()
    assert guidelines.versions(made) == []
    assert "criteria" in tab.guidelines.note.text()


def test_many_prompts_are_pasted_and_duplicates_counted(qtbot, session: Session, made: Project) -> None:
    tab = open_tab(qtbot, session)
    page = tab.prompts
    page.adding.new_text.setPlainText("How?\n\n  Why?  \nHow?\nWhen?\n")
    with qtbot.waitSignal(session.changed):
        QTest.mouseClick(page.adding.add_button, Qt.MouseButton.LeftButton)
    assert [prompt.text for prompt in prompts.listed(made)] == ["How?", "Why?", "When?"]
    assert page.adding.said.text() == "3 prompts added, 1 was there already."
    assert page.counts.text() == "3 training, 0 held-out"
    assert tab.pages.tabText(1) == "Prompts (3)"
    assert page.adding.new_text.toPlainText() == ""


def test_only_what_the_field_shows_as_a_line_s_end_is_one(qtbot, session: Session, made: Project) -> None:
    page = open_tab(qtbot, session).prompts
    given = ["A soft\x0bbreak", "Next\x85line", "A page\x0cbreak, a file\x1cseparator"]
    page.adding.new_text.setPlainText("\n".join(given))
    page.adding.add()
    assert [prompt.text for prompt in prompts.listed(made)] == given


def test_one_prompt_may_have_many_lines(qtbot, session: Session, made: Project) -> None:
    tab = open_tab(qtbot, session)
    page = tab.prompts
    page.adding.one_prompt.setChecked(True)
    page.adding.split.setCurrentIndex(page.adding.split.findData("heldout"))
    page.adding.new_text.setPlainText("Read this:\n\nfirst\nsecond")
    page.adding.add()
    assert [(item.text, item.split) for item in prompts.listed(made)] == [("Read this:\n\nfirst\nsecond", "heldout")]
    page.adding.add()
    assert "at least one prompt" in page.adding.said.text()


def test_a_file_is_imported_with_its_refused_lines_named(
    qtbot, session: Session, made: Project, tmp_path: Path
) -> None:
    tab = open_tab(qtbot, session)
    page = tab.prompts
    file = tmp_path / "some.jsonl"
    file.write_text('{"prompt": "One?"}\n{"prompt": ""}\n{"prompt": "Two?", "split": "heldout"}\n', encoding="utf-8")
    dialog = ImportDialog(session, tab, what="prompts")
    dialog.imported.connect(page._done)
    dialog.look(file)
    qtbot.waitUntil(dialog.go.isEnabled)
    assert "2 prompts" in dialog.about.text()
    assert dialog.rows.item(1, 1).text() == "Two?"
    assert [dialog.refused.item(0, column).text() for column in (0, 1)] == ["2", "it has no `prompt`"]
    assert prompts.count(made) == 0, "looking is not importing"
    dialog.copy.click()
    assert QGuiApplication.clipboard().text() == "line 2: it has no `prompt`"
    dialog.go.click()
    qtbot.waitUntil(lambda: "2 prompts imported" in dialog.said.text())
    assert [(item.text, item.split) for item in prompts.listed(made)] == [("One?", "train"), ("Two?", "heldout")]
    assert page.model.rowCount() == 2
    dialog.look(tmp_path / "missing.txt")
    qtbot.waitUntil(lambda: "missing.txt is not a file" in dialog.said.text())
    assert not dialog.go.isEnabled()


@pytest.mark.parametrize(
    ("line", "what", "sentence", "word"),
    [
        ({"prompt": "One?", "chosen": "a", "rejected": "b"}, "prompts", "It holds answers, too", "the prompts alone"),
        ({"prompt": "One?", "gpt4_answer": "a"}, "prompts", "`gpt4_answer` may hold answers", "the prompts alone"),
    ],
)
def test_answers_stay_out_only_where_that_was_said(
    qtbot, session: Session, made: Project, tmp_path: Path, line: dict[str, str], what: str, sentence: str, word: str
) -> None:
    tab = open_tab(qtbot, session)
    (tmp_path / "some.jsonl").write_text(json.dumps(line) + "\n", encoding="utf-8")
    dialog = ImportDialog(session, tab, what=what)
    dialog.look(tmp_path / "some.jsonl")
    qtbot.waitUntil(dialog.go.isEnabled)
    assert sentence in dialog.hazards.text() and dialog.hazards.isVisible()
    assert word in dialog.go.text()
    dialog.go.click()
    qtbot.waitUntil(lambda: "1 prompts imported" in dialog.said.text())
    assert [item.text for item in prompts.listed(made)] == ["One?"]


def test_a_prompt_is_edited_in_text_use_and_tags(qtbot, session: Session, made: Project) -> None:
    prompts.add(made, [Prompt(0, "Old?"), Prompt(0, "Other?")])
    tab = open_tab(qtbot, session)
    page = tab.prompts
    page.table.selectRow(0)
    page.selected.text.setPlainText("New?")
    page.selected.split.setCurrentIndex(page.selected.split.findData("heldout"))
    page.selected.tags.setText("a, b,, a")
    page.selected.save_button.click()
    found = prompts.get(made, 1)
    assert (found.text, found.split, found.tags) == ("New?", "heldout", ("a", "b"))
    page.selected.text.setPlainText("Other?")
    page.selected.save_button.click()
    assert page.selected.said.text() == "Another prompt already has this text."
    assert prompts.get(made, 1).text == "New?"


def test_several_prompts_share_a_use_and_keep_their_tags(qtbot, session: Session, made: Project) -> None:
    prompts.add(made, [Prompt(0, "One?", ("x",)), Prompt(0, "Two?")])
    tab = open_tab(qtbot, session)
    page = tab.prompts
    page.table.selectAll()
    page.selected.split.setCurrentIndex(page.selected.split.findData("heldout"))
    page.selected.save_button.click()
    assert [(item.split, item.tags) for item in prompts.listed(made)] == [("heldout", ("x",)), ("heldout", ())]


def test_a_ranked_prompt_is_not_deleted(qtbot, session: Session, made: Project) -> None:
    prompts.add(made, [Prompt(0, "Ranked?"), Prompt(0, "Free?"), Prompt(0, "Answered?")])
    answers = tuple(NewCompletion(text, 1, True, 0) for text in ("a", "b"))
    group = completions.add_group(made, 1, answers)
    completions.add_group(made, 3, answers)
    first, second = (item.id for item in completions.group(made, group).completions)
    rankings.add(made, NewRanking(group, labelers.named(made, "me").id, {first: 1, second: 2}))
    tab = open_tab(qtbot, session)
    page = tab.prompts
    page.table.selectRow(0)
    page.selected.delete_button.click()
    assert page.selected.said.text() == "A ranked prompt cannot be deleted, because its rankings would go with it."
    assert prompts.count(made) == 3
    page.table.selectRow(2)
    page.selected.delete_button.click()
    assert prompts.count(made) == 3
    assert page.selected.delete_button.text() == "Delete with completions"
    page.selected.delete_button.click()
    page.table.selectRow(1)
    page.selected.delete_button.click()
    assert [item.text for item in prompts.listed(made)] == ["Ranked?"]


def test_what_is_begun_and_typed_is_told_of_before_it_goes_with_its_prompt_and_undo_brings_it_back(
    qtbot, session: Session, made: Project
) -> None:
    prompts.add(made, [Prompt(0, "Begun?"), Prompt(0, "Typed over?"), Prompt(0, "Free?")])
    group = completions.add_group(made, 1, tuple(NewCompletion(text, 1, True, 0) for text in ("a", "b")))
    work = LabelingSession(made, labelers.named(made, "Ann"))
    work.editor.open(group)
    work.editor.change(work.ordering.place_last(work.ordering.shown[0]))
    work.editor.answers.keep(group, NEW, "half an answer")
    page = open_tab(qtbot, session).prompts
    page.table.selectRow(0)
    page.selected.tags.setText("just typed")
    page.selected.delete_button.click()
    said = page.selected.said.text()
    assert "2 answers, 1 begun order, 1 begun answer, 1 unsaved change. Undo" in said and "until" in said
    page.selected.tags.setText("")
    page.selected.delete_button.click()
    assert prompts.count(made) == 3 and "unsaved" not in page.selected.said.text(), "something else was agreed to"
    page.selected.delete_button.click()
    page.table.selectRow(0)
    page.selected.text.setPlainText("Typed over, at length?")
    page.selected.delete_button.click()
    assert prompts.count(made) == 2 and "Deleted too: 1 unsaved change. " in page.selected.said.text()
    page.selected.delete_button.click()
    page.table.selectRow(0)
    page.selected.delete_button.click()
    assert prompts.count(made) == 0, "nothing goes with it, so that nothing is asked"
    for _ in range(3):
        session.replay("undo")
    again = LabelingSession(made, labelers.named(made, "Ann"))
    again.editor.open(group)
    assert again.ordering == work.ordering and again.editor.answers.begun(group) == {NEW: "half an answer"}
    page.load()
    page.table.selectRow(1)
    assert page.selected.text.toPlainText() == "Typed over, at length?"


def test_search_and_filter(qtbot, session: Session, made: Project) -> None:
    prompts.add(
        made, [Prompt(0, "Apples?", ("fruit",)), Prompt(0, "Pears?", ("fruit",), "heldout"), Prompt(0, "Nails?")]
    )
    tab = open_tab(qtbot, session)
    page = tab.prompts
    page.search.setText("FRUIT")
    qtbot.waitUntil(lambda: page.model.ids == [1, 2], timeout=3000)
    page.filter.setCurrentIndex(page.filter.findData("heldout"))
    assert page.model.ids == [2]
    page.search.setText("nothing like it")
    qtbot.waitUntil(lambda: page.model.ids == [], timeout=3000)
    assert page.middle.currentWidget() is page.empty


def test_what_is_typed_stays_while_completions_come(qtbot, session: Session, made: Project) -> None:
    prompts.add(made, [Prompt(0, "One?")])
    tab = open_tab(qtbot, session)
    tab.pages.setCurrentIndex(1)
    tab.prompts.table.selectRow(0)
    tab.prompts.selected.text.setPlainText("One, but bet")
    assert tab.prompts.model.index(0, 3).data() == "New"
    completions.add_group(made, 1, (NewCompletion("a", 1, True, 0), NewCompletion("b", 1, True, 0)))
    session.news.emit(type("News", (), {"jobs": [], "tables": frozenset({"completion_groups"})})())
    assert tab.prompts.selected.text.toPlainText() == "One, but bet"
    assert tab.prompts.model.index(0, 3).data() == "Answered"


def test_rows_are_fetched_only_when_they_are_painted(qtbot, made: Project) -> None:
    prompts.add(made, [Prompt(0, f"Prompt {number}?") for number in range(5 * BLOCK)])
    model = PromptModel(made)
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    model.load()
    statements: list[str] = []
    made.database.conn.set_trace_callback(statements.append)
    assert model.index(3 * BLOCK, 0).data() == f"Prompt {3 * BLOCK}?"
    assert model.index(3 * BLOCK + 1, 1).data() == "Training"
    made.database.conn.set_trace_callback(None)
    assert len([text for text in statements if text.startswith("select")]) == 1
    assert model.rowCount() == 5 * BLOCK
    del tester


@pytest.fixture
def tab(qtbot, session: Session) -> Tab:
    return open_tab(qtbot, session)


def test_the_checklist_names_what_is_missing_and_leads_there(tab, qtbot) -> None:
    editor = tab.guidelines
    editor.discard_changes()
    for part in editor.editors.values():
        part.clear()
    qtbot.waitUntil(lambda: len(editor.checklist.points) == 4)
    assert len(editor.checklist.points) == 4
    assert "Checklist: " in editor.checklist.title.text()
    editor.checklist.points[0].click()
    editor.use_template("summarisation")
    qtbot.waitUntil(lambda: editor.checklist.points == [])
    assert editor.checklist.title.text() == "Checklist: 11 of 11"


def test_rankings_under_older_guidelines_are_offered_again(tab) -> None:
    project = tab.guidelines.session.project
    group_id = completions.add_group(project, first_prompt(project), two_texts())
    me = labelers.named(project, "me")
    rankings.add(project, NewRanking(group_id, me.id, dict.fromkeys(completions.ids(project, group_id), 1)))
    assert not tab.guidelines.older.isVisibleTo(tab)
    tab.guidelines.editors["criteria"].setPlainText("Something else altogether.")
    tab.guidelines.save()
    assert tab.guidelines.older.isVisibleTo(tab)
    assert "1 ranking was made under an older version" in tab.guidelines.older.text()
    tab.guidelines.older.click()
    (asked,) = tab.guidelines.findChildren(QMessageBox)
    assert "me (1)" in asked.informativeText()
    assert tab.guidelines.older.isVisibleTo(tab), "nothing is done before somebody says so"
    next(each for each in asked.buttons() if each.text() == "Rank them again").click()
    assert not tab.guidelines.older.isVisibleTo(tab)
    assert group_id in assignments.queue(project, me.id).waiting


def first_prompt(project) -> int:
    prompts.add(project, [Prompt(0, "a prompt of its own?")])
    return prompts.listed(project)[0].id


def two_texts():
    return tuple(NewCompletion(text, 3, True, 0) for text in ("one", "two"))


def test_a_share_of_all_prompts_is_held_out(tab) -> None:
    page = tab.prompts
    project = page.session.project
    prompts.add(project, [Prompt(0, f"numbered {n}") for n in range(40)])
    page.load()
    page.share.setValue(25)
    page.split_button.click()
    assert prompts.count(project, "heldout") == prompts.count(project) // 4
    assert "held-out" in page.counts.text()


def test_near_duplicates_are_found_and_one_of_each_is_kept(qtbot, tab) -> None:
    page = tab.prompts
    project = page.session.project
    text = "what shall I cook for my friends on a rainy evening in spring"
    prompts.add(project, [Prompt(0, text), Prompt(0, text.upper() + "?"), Prompt(0, "something else")])
    before = prompts.count(project)
    page.find_duplicates()
    dialog = page.findChild(DuplicatesDialog)
    qtbot.waitUntil(dialog.delete_button.isEnabled)
    assert len(dialog.ticked()) == 1
    dialog.delete_button.click()
    assert prompts.count(project) == before - 1
    assert text in [prompt.text for prompt in prompts.listed(project)]


def test_duplicates_say_what_goes_with_them_and_keep_what_people_did(qtbot, tab) -> None:
    project = tab.prompts.session.project
    text = "what shall I cook for my friends on a rainy evening in spring"
    plain, answered, written, begun, mended, typed = prompts.add(
        project, [Prompt(0, text + "?" * n) for n in range(6)]
    ).ids
    groups = {
        number: completions.add_group(project, number, tuple(NewCompletion(t, 0, True, 1) for t in ("one", "two")))
        for number in (answered, written, begun, mended)
    }
    ann = labelers.named(project, "Ann").id
    completions.write(project, groups[written], ann, "by Ann")
    work = LabelingSession(project, labelers.named(project, "Ann"))
    work.editor.open(groups[begun])
    work.editor.change(work.ordering.place_last(work.ordering.shown[0]))
    work.editor.answers.keep(groups[mended], NEW, "half an answer")
    Typed(project, EDIT_DRAFT.format(typed)).keep({"text": "an hour of work", "tags": ""})
    tab.prompts.find_duplicates()
    dialog = tab.prompts.findChild(DuplicatesDialog)
    qtbot.waitUntil(dialog.delete_button.isEnabled)
    assert sorted(dialog.ticked()) == [plain, answered], "the others hold somebody's work"
    shown = {item.data(0, Qt.ItemDataRole.UserRole): item.text(1) for item in dialog.items}
    assert shown[written] == "3 answers, 1 of them by hand"
    assert shown[begun] == "2 answers, 1 begun order"
    assert (shown[mended], shown[typed]) == ("2 answers, 1 begun answer", "1 unsaved change")
    before = prompts.count(project)
    dialog.delete_button.click()
    assert prompts.count(project) == before and "Deleted too: 2 answers. Undo" in dialog.warning.text()
    dialog.items[[item.data(0, Qt.ItemDataRole.UserRole) for item in dialog.items].index(plain)].setCheckState(
        0, Qt.CheckState.Unchecked
    )
    assert dialog.warning.text() == ""
    for _ in range(2):
        dialog.delete_button.click()
    assert {plain, written, begun} <= set(prompts.ids(project)) and answered not in prompts.ids(project)


def test_an_import_that_is_stopped_leaves_nothing(qtbot, session: Session, tab: Tab, tmp_path: Path) -> None:
    (tmp_path / "many.txt").write_text("\n".join(f"prompt number {number}" for number in range(20_000)))
    before = session.project.database.value("select count(*) from prompts")
    dialog = ImportDialog(session, tab, what="prompts")
    dialog.look(tmp_path / "many.txt")
    qtbot.waitUntil(dialog.go.isEnabled, timeout=20_000)
    dialog.go.click()
    assert dialog.said.text() == "Importing … 0 lines" and dialog.halt.isVisible()
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert dialog.isVisible() and not dialog.shut.isEnabled(), "nobody could rank meanwhile"
    dialog.halt.click()
    qtbot.waitUntil(lambda: "It was stopped" in dialog.said.text())
    assert session.project.database.value("select count(*) from prompts") == before
    assert not dialog.halt.isVisible()
    dialog.go.click()
    qtbot.waitUntil(lambda: "20,000 prompts imported" in dialog.said.text(), timeout=20_000)
    dialog.close()


def test_undo_reaches_the_operation_although_something_was_typed(qtbot, session: Session, made: Project) -> None:
    first, second = prompts.add(made, [Prompt(0, "one"), Prompt(0, "two")]).ids
    completions.add_group(made, second, (NewCompletion("a", 1, True, 1),))
    page = open_tab(qtbot, session).prompts
    page.table.selectRow(0)
    page.selected.text.setPlainText("one, reworded")
    page.leave()
    page.table.clearSelection()
    page.table.selectRow(1)
    page.selected.delete()
    page.selected.delete()
    assert [found.id for found in prompts.listed(made)] == [first]
    session.replay("undo")
    assert [found.id for found in prompts.listed(made)] == [first, second] and completions.count(made) == 1
    page.adding.new_text.setPlainText("three")
    page.leave()
    page.adding.add()
    session.replay("undo")
    assert prompts.count(made) == 2
    page.table.selectRow(1)
    page.selected.tags.setText("tagged")
    page.leave()
    page.selected.save()
    session.replay("undo")
    assert not any(found.tags for found in prompts.listed(made))
