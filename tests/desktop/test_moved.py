"""A project that is moved to another disk under an open window: it is said at once, and nothing is said to be saved."""

import shutil
from collections.abc import Callable
from contextlib import closing

from core.config.training import TrainRewardConfig
from core.jobs import queue
from core.projects import trash
from core.store import open_project
from desktop.places import TabId
from tests.desktop.rank.ranking import Key, press
from tests.desktop.talks import boxes
from tests.jobs import add_job, set_job


def press_button(box, name):
    next(each for each in box.buttons() if each.text() == name).click()


def test_the_window_says_it_once_and_keeps_what_is_typed(open_window, filled, tmp_path):
    window = open_window()
    window.workspace.open(filled.folder)
    tab = window.open_tab(TabId.RANK)
    press(tab, Key.Key_A)
    told, hints = [], []
    window.workspace.failed.disconnect()
    window.workspace.failed.connect(told.append)
    tab.controller.hinted.connect(hints.append)
    there = tmp_path / "another disk"
    shutil.copytree(filled.folder, there)
    shutil.rmtree(filled.folder)
    for _ in range(3):
        window.session.poll()
    assert [str(error).split(":")[0] for error in told] == [f"The project is no longer in {filled.folder}"]
    tab.board.comment.setText("why")
    tab.board.comment.textEdited.emit("why")
    press(tab, Key.Key_B, Key.Key_Return)
    assert hints and all("open it where it is now" in hint for hint in hints)
    assert tab.labeling.ranked == 0 and tab.board.comment.text() == "why"
    window.workspace.open(there)
    assert window.session.project.folder == filled.folder, "the comment would be lost unasked"
    press_button(boxes()[-1], "Close without it")
    assert window.session.project.folder == there
    assert len(window.open_tab(TabId.RANK).labeling.ordering.tiers) == 1
    open_project(there).close()


def test_a_copy_in_the_place_of_the_project_is_not_archived_duplicated_or_deleted(open_window, filled, qtbot, tmp_path):
    job = add_job(filled, TrainRewardConfig())
    set_job(filled, job.id, status="done")
    window = open_window()
    window.workspace.open(filled.folder)
    tab = window.open_tab(TabId.REWARD)
    shutil.copytree(filled.folder, tmp_path / "copy")
    filled.folder.rename(tmp_path / "elsewhere")
    (tmp_path / "copy").rename(filled.folder)

    def refused(act: Callable[[], object]) -> None:
        act()
        qtbot.waitUntil(lambda: bool(boxes()) and not window.workspace.copying)
        (box,) = boxes()
        assert "no longer in" in box.informativeText()
        box.close()
        qtbot.waitUntil(lambda: not boxes())

    refused(window.session.poll)
    refused(lambda: window.projects.write_archive(filled.folder, tmp_path / "a.plumbline.zip"))
    assert not (tmp_path / "a.plumbline.zip").exists()
    dialog = window.projects.duplicate(filled.folder)
    dialog.folder.setText(str(tmp_path / "duplicate"))
    refused(dialog.accept)
    assert not (tmp_path / "duplicate").exists()
    refused(lambda: window.projects.put_in_trash(filled.folder))
    refused(lambda: tab.training.removal.remove(job.id))
    assert not trash.listed()
    with closing(open_project(filled.folder)) as copy:
        assert queue.get(copy, job.id).status == "done"
