"""What the window says of an earlier pack when a second one is opened where the first lies."""

from contextlib import closing

from PySide6.QtWidgets import QMessageBox

from core.labeling import pack
from core.labeling.answer_drafts import NEW, AnswerDrafts
from core.machine import base_models
from core.records import NewRanking
from core.store import completions, labelers, open_project, prompts, rankings


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
