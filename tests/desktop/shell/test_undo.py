"""Each change of data that a person can make in the window is taken back by one Undo, and done again by one Redo."""

import json
from contextlib import closing

import pytest
from PySide6.QtCore import Qt

from core.config.scoring import SuggestConfig
from core.conversation import Conversation, Message
from core.labeling import pack
from core.records import NewRanking
from core.store import assignments, calibration, completions, conflicts, labelers, open_project, prompts, rankings
from desktop import user_settings
from desktop.background import busy
from desktop.instructions.conversation_dialog import ConversationDialog
from desktop.instructions.duplicates_dialog import DuplicatesDialog
from desktop.instructions.guidelines_editor import DRAFT
from desktop.instructions.import_dialog import ImportDialog
from desktop.instructions.unsure_dialog import UnsureDialog
from desktop.places import TabId
from tests.core.labeling.test_labelers import person, rank
from tests.core.store.test_undo import contents
from tests.desktop.rank.ranking import Key, press
from tests.jobs import add_job

TALK = Conversation((Message("user", "Is it raining?"), Message("assistant", "Where?"), Message("user", "In Graz.")))


@pytest.fixture
def window(open_window, filled, qtbot):
    """Ana's window on a project in which she and Bo ranked two prompts each."""
    user_settings.set_labeler_name("Ana")
    for name, group in (("Ana", 1), ("Ana", 2), ("Bo", 1), ("Bo", 3)):
        rank(filled, group, person(filled, name), 0, 1, 2, 3)
    found = open_window()
    found.workspace.open(filled.folder)
    return found


def settled(qtbot):
    qtbot.waitUntil(lambda: not busy(), timeout=20_000)


def page_of(window, tab, page):
    shown = window.open_tab(tab)
    found = getattr(shown, page)
    shown.pages.setCurrentWidget(found)
    return found


def save_guidelines(window, qtbot, tmp_path):
    page = page_of(window, TabId.INSTRUCTIONS, "guidelines")
    page.editors["criteria"].setPlainText("Be brief.")
    page.keep_draft()  # as it is kept a moment after typing stops: that is no part of the step
    yield
    page.save()


def rank_older_again(window, qtbot, tmp_path):
    page = page_of(window, TabId.INSTRUCTIONS, "guidelines")
    page.editors["criteria"].setPlainText("Be brief.")
    page.save()
    yield
    page.queue_older_again()


def edit_prompts(window, qtbot, tmp_path):
    page = page_of(window, TabId.INSTRUCTIONS, "prompts")
    page.table.selectAll()
    page.selected.tags.setText("all, of, them")
    yield
    page.selected.save()


def change_the_turns(window, qtbot, tmp_path):
    """The draft of it is no part of the step, though it was kept a moment before."""
    page = page_of(window, TabId.INSTRUCTIONS, "prompts")
    project = window.session.project
    prompts.add(project, [prompts.Prompt.of(TALK)])
    dialog = ConversationDialog(window.session, page, prompt=prompts.get(project, 7))
    yield
    dialog.editor.turns[-1].text.setPlainText("And in Linz?")
    dialog.keep()
    dialog.save()


def take_texts_apart(window, qtbot, tmp_path):
    project = window.session.project
    prompts.add(project, [prompts.Prompt(0, TALK.text), prompts.Prompt(0, f"Once. {TALK.text}")])
    project.set_setting("unsure_turns", [7, 8])
    dialog = UnsureDialog(window.session, page_of(window, TabId.INSTRUCTIONS, "prompts"))
    settled(qtbot)
    dialog.list.selectAll()
    yield
    dialog.take_apart()


def leave_texts_whole(window, qtbot, tmp_path):
    project = window.session.project
    prompts.add(project, [prompts.Prompt(0, TALK.text)])
    project.set_setting("unsure_turns", [7])
    dialog = UnsureDialog(window.session, page_of(window, TabId.INSTRUCTIONS, "prompts"))
    settled(qtbot)
    dialog.list.selectAll()
    yield
    dialog.leave_whole()


def split_prompts(window, qtbot, tmp_path):
    page = page_of(window, TabId.INSTRUCTIONS, "prompts")
    yield
    page.split_all()


def delete_duplicates(window, qtbot, tmp_path):
    prompts.add(window.session.project, [prompts.Prompt(0, "question 6 ?")])
    dialog = DuplicatesDialog(window.session, page_of(window, TabId.INSTRUCTIONS, "prompts"))
    dialog.deleted.connect(window.session.announce)
    settled(qtbot)
    assert dialog.ticked()
    yield
    dialog.delete()


def import_prompts(window, qtbot, tmp_path):
    file = tmp_path / "prompts.txt"
    file.write_text("what now?\nand then?", encoding="utf-8")
    page = page_of(window, TabId.INSTRUCTIONS, "prompts")
    yield
    bring_in(ImportDialog(window.session, page, what="prompts"), page._done, file, qtbot)


def import_rankings(window, qtbot, tmp_path):
    file = tmp_path / "pairs.jsonl"
    file.write_text(json.dumps({"prompt": "why?", "chosen": "because", "rejected": "no"}), encoding="utf-8")
    page = page_of(window, TabId.REVIEW, "pairs")
    yield
    bring_in(ImportDialog(window.session, page, what="rankings"), page._imported, file, qtbot)


def bring_in(dialog, announced, file, qtbot):
    dialog.imported.connect(announced)
    dialog.look(file)
    qtbot.waitUntil(dialog.go.isEnabled)
    dialog.go.click()
    assert not dialog.close(), "it stays while it is at work"
    settled(qtbot)
    dialog.close()


def merge_pack(window, qtbot, tmp_path):
    project, file = window.session.project, tmp_path / "bo.plumbpack"
    pack.pack(project, file, "Bo")
    with closing(open_project(pack.unpack(file, tmp_path / "there"))) as there:
        rank(there, 5, person(there, "Bo"), 3, 2, 1, 0)
        pack.pack(there, file, "Bo")
    page = page_of(window, TabId.REVIEW, "labelers")
    yield
    page.packs.merge(file)
    settled(qtbot)


def simulate(window, qtbot, tmp_path):
    page = page_of(window, TabId.REVIEW, "labelers")
    yield
    page.simulate()
    settled(qtbot)


def add_labeler(window, qtbot, tmp_path):
    page = page_of(window, TabId.REVIEW, "labelers")
    page.name.setText("Cy")
    yield
    page.add()


def share_out(window, qtbot, tmp_path):
    page = page_of(window, TabId.REVIEW, "labelers")
    for place in range(page.table.rowCount()):
        page.table.item(place, 0).setCheckState(Qt.CheckState.Checked)
    yield
    page.share()


def share_no_more(window, qtbot, tmp_path):
    project = window.session.project
    assignments.assign(project, [who.id for who in labelers.listed(project)], 1)
    page = page_of(window, TabId.REVIEW, "labelers")
    yield
    page.unshare()


def ask_again_now_and_then(window, qtbot, tmp_path):
    page = page_of(window, TabId.REVIEW, "labelers")
    yield
    page.every.setValue(7)


def resolve_a_conflict(window, qtbot, tmp_path):
    project, bo = window.session.project, person(window.session.project, "Bo")
    theirs = rank(project, 3, bo, 3, 2, 1, 0)
    project.database.execute("insert into conflicts (ours, theirs, created_at) values (4, ?, '')", (theirs,))
    page = page_of(window, TabId.REVIEW, "labelers")
    yield
    (conflict,) = conflicts.listed(project)
    page.conflicts.take(conflict, "theirs")


def add_to_calibration(window, qtbot, tmp_path):
    page = page_of(window, TabId.REVIEW, "agreement")
    yield
    page.add_newest()


def take_out_of_calibration(window, qtbot, tmp_path):
    calibration.add(window.session.project, 1)
    page = page_of(window, TabId.REVIEW, "agreement")
    yield
    page.remove(1)


def usual_order(window, qtbot, tmp_path):
    project = window.session.project
    job = add_job(project, SuggestConfig())
    project.database.execute("insert into priorities values (4, ?, 0.5)", (job.id,))
    page = page_of(window, TabId.REWARD, "playground")
    yield
    page.usual.click()


def rank_by_criteria(window, qtbot, tmp_path):
    window.open_tab(TabId.RANK)
    yield
    window.tabs[TabId.RANK].order_by_criteria(True)


CHANGES = [
    save_guidelines, rank_older_again, edit_prompts, change_the_turns, take_texts_apart, leave_texts_whole,
    split_prompts, delete_duplicates, import_prompts, import_rankings,
    merge_pack, simulate, add_labeler, share_out, share_no_more, ask_again_now_and_then, resolve_a_conflict,
    add_to_calibration, take_out_of_calibration, usual_order, rank_by_criteria,
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_one_undo_takes_it_back_and_one_redo_does_it_again(window, qtbot, tmp_path, change):
    steps = change(window, qtbot, tmp_path)
    next(steps)
    settled(qtbot)
    states = [seen(window)]
    assert next(steps, "done") == "done"
    states.append(seen(window))
    assert states[0] != states[1]
    window.open_tab(TabId.INSTRUCTIONS)  # the Rank tab has an undo of its own
    for word, state in (("undo", 0), ("redo", 1), ("undo", 0)):
        window.take_back(word)
        qtbot.waitUntil(lambda: not window.workspace.busy)
        assert seen(window) == states[state]


def seen(window):
    """All that the project holds, but what is being typed."""
    found = contents(window.session.project)
    found["settings"] = [row for row in found["settings"] if DRAFT not in row and "'draft/" not in row]
    return found


@pytest.mark.parametrize("change", ["unskip", "calibrate"])
def test_the_rank_tab_takes_back_what_was_done_with_several_items(window, qtbot, change):
    window.open_tab(TabId.RANK)
    tab, project = window.tabs[TabId.RANK], window.session.project
    tab.controller.skip_for_good()
    tab.controller.skip_for_good()
    press(tab, Key.Key_A)

    def state():
        return assignments.skipped(project, tab.labeling.labeler.id), calibration.keys(project)

    before = state()
    assert len(before[0]) == 2
    tab.controller.unskip() if change == "unskip" else tab.controller.calibrate(1)
    after = state()
    assert after != before
    tab.controller.undo()
    assert state() == before
    tab.controller.redo()
    assert state() == after
    if change == "unskip":
        tab.controller.undo()
        tab.controller.undo()  # the letter that was typed
        tab.controller.undo()
        assert len(state()[0]) == 1


@pytest.mark.thorough
def test_the_window_paints_while_a_large_import_is_taken_back(window, qtbot, tmp_path):
    file = tmp_path / "prompts.txt"
    file.write_text("\n".join(f"what is {n}?" for n in range(30_000)), encoding="utf-8")
    page = page_of(window, TabId.INSTRUCTIONS, "prompts")
    bring_in(ImportDialog(window.session, page, what="prompts"), page._done, file, qtbot)
    assert prompts.count(window.session.project) == 30_006
    window.take_back("undo")
    assert window.workspace.busy and prompts.count(window.session.project) == 30_006, "it goes on beside the window"
    window.take_back("undo")  # nothing more while it goes on
    qtbot.waitUntil(lambda: not window.workspace.busy)
    assert prompts.count(window.session.project) == 6
    assert "Import prompts" in window.notice.text.text()


def test_what_the_rank_tab_refuses_is_no_step_to_take_back(window):
    window.open_tab(TabId.RANK)
    tab, project = window.tabs[TabId.RANK], window.session.project
    unranked = dict.fromkeys(completions.ids(project, 4))
    flagged = rankings.add(project, NewRanking(4, tab.labeling.labeler.id, unranked, flag="broken")).ids[0]
    calibration.add(project, 1)
    tab.controller.skip_for_good()
    tab.controller.undo()
    tab.controller.calibrate(flagged)
    assert "no order to compare with" in tab.board.hint.whole
    assert tab.labeling.history.next("redo") and calibration.keys(project) == {1: 1}
    tab.controller.redo()
    assert len(assignments.skipped(project, tab.labeling.labeler.id)) == 1


def test_what_was_skipped_is_skipped_again_but_for_what_went_meanwhile(window):
    window.open_tab(TabId.RANK)
    tab, project = window.tabs[TabId.RANK], window.session.project
    tab.controller.skip_for_good()
    tab.controller.skip_for_good()
    first, second = sorted(assignments.skipped(project, tab.labeling.labeler.id))
    tab.controller.unskip()
    project.database.execute("delete from completion_groups where id = ?", (second,))
    tab.controller.undo()
    assert assignments.skipped(project, tab.labeling.labeler.id) == {first}
