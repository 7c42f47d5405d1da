"""A project that is moved to another disk under an open window: it is said at once, and nothing is said to be saved."""

import shutil

from core.store import open_project
from desktop.places import TabId
from tests.desktop.rank.ranking import Key, press


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
    assert window.session.project.folder == there
    assert len(window.open_tab(TabId.RANK).labeling.ordering.tiers) == 1
    open_project(there).close()
