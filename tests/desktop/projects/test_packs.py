"""A labeling pack in the window: what its labeler sees, and what is said of an earlier pack."""

from contextlib import closing

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMessageBox, QPushButton

from core.labeling import pack
from core.labeling.answer_drafts import NEW, AnswerDrafts
from core.machine import base_models
from core.records import NewRanking
from core.store import completions, labelers, open_project, prompts, rankings
from desktop import user_settings
from desktop.places import TABS, PageId, TabId
from desktop.widgets import file_dialogs


def test_what_was_begun_and_stays_is_gone_on_with_where_it_is_and_what_was_ranked_is_sent_back(
    qtbot, open_window, filled, tmp_path
):
    file = tmp_path / f"Cy{pack.SUFFIX}"
    pack.pack(filled, file, "Cy")
    with closing(open_project(pack.take_up(file, base_models.data_folder() / "projects" / "Cy")[0])) as first:
        cy = labelers.named(first, "Cy").id
        for group_id in (1, 2):
            rankings.add(first, NewRanking(group_id, cy, dict.fromkeys(completions.ids(first, group_id), 1)))
        AnswerDrafts(first, cy).keep(3, NEW, "half an")
    prompts.delete(filled, [2, 3])
    file.unlink()
    pack.pack(filled, file, "Cy")
    window, said = open_window(), []
    window.workspace.said.connect(lambda each: said.append(each.text))
    window.packs.unpack(file)
    qtbot.waitUntil(lambda: window.findChild(QMessageBox) is not None)
    ranked, begun = window.findChild(QMessageBox).informativeText().split("\n\n")
    assert said == ["1 ranking of an earlier pack came along."]
    assert "was ranked" in ranked and "send that one back" in ranked and "“question 2?”" in ranked
    assert "go on with it in the earlier project" in begun and "“question 3?”" in begun and "“Cy”" in begun
    assert "send" not in begun


def test_a_pack_shows_what_its_labeler_needs_from_home_until_it_is_sent_back(
    qtbot, open_window, filled, tmp_path, monkeypatch
):
    file, asked = tmp_path / f"Cy{pack.SUFFIX}", []
    pack.pack(filled, file, "Cy")
    filled.close()
    user_settings.set_labeler_name("Cy")
    monkeypatch.setattr(file_dialogs, "ask_open", lambda parent, title, run, kinds: run(file))
    monkeypatch.setattr(file_dialogs, "ask_save", lambda parent, title, name, run: asked.append(name))
    window = open_window()
    (door,) = (each for each in window.welcome.findChildren(QPushButton) if "labeling pack" in each.text())
    door.click()
    qtbot.waitUntil(lambda: TabId.RANK in window.tabs)
    sidebar, tab = window.page.sidebar, window.tabs[TabId.RANK]
    assert [info.id for info in TABS if sidebar.button(info.id).isVisible()] == [TabId.RANK]
    sidebar.guidelines.click()
    assert tab.side.name == PageId.RULES
    total = tab.labeling.total
    assert sidebar.next.title.text() == f"{total} of {total} left"
    for _ in range(total):
        QTest.keyClick(tab.board, Qt.Key.Key_A)
        QTest.keyClick(tab.board, Qt.Key.Key_Return)
    assert sidebar.next.title.text() == f"All {total} ranked"
    tab.stack.all_ranked.action.click()
    sidebar.next.main.click()
    assert asked == [f"Cy{pack.SUFFIX}"] * 2
