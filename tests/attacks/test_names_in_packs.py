"""A labeling pack brings home what is ranked under one name: whoever ranks in it under another hears of that."""

from contextlib import closing

import pytest
from PySide6.QtWidgets import QMessageBox

from core import cli
from core.labeling import pack
from core.labeling.answer_drafts import NEW, AnswerDrafts
from core.records import NewRanking
from core.store import completions, labelers, open_project, rankings
from desktop import user_settings
from desktop.places import TabId
from tests.desktop.conftest import *  # noqa: F403


@pytest.fixture
def of_edda(filled, tmp_path):
    """The folder of a pack for Edda."""
    pack.pack(filled, tmp_path / "edda.plumbpack", "Edda")
    return pack.unpack(tmp_path / "edda.plumbpack", tmp_path / "edda")


def ranked_as(folder, name, group_id):
    with closing(open_project(folder)) as project:
        person, ids = labelers.named(project, name).id, completions.ids(project, group_id)
        rankings.add(project, NewRanking(group_id, person, {item: place for place, item in enumerate(ids, 1)}))


def names(folder):
    with closing(open_project(folder)) as project:
        return [each.name for each in labelers.listed(project)]


def test_the_command_refuses_another_name(of_edda, capsys):
    assert cli.run(["rank", str(of_edda), "--labeler", "Finn", "--order", "1>2>3>4"]) == 2
    assert "labeling pack of “Edda”" in capsys.readouterr().err
    assert names(of_edda) == ["Edda"]
    assert cli.run(["rank", str(of_edda), "--labeler", "Edda", "--order", "1>2>3>4"]) == 0


def test_the_field_refuses_it_and_the_work_goes_on(of_edda, open_window):
    user_settings.set_labeler_name("Finn")
    window = open_window()
    window.workspace.open(of_edda)
    tab = window.open_tab(TabId.RANK)
    tab.header.labeler.setText("Finn")
    tab.header.labeler.editingFinished.emit()
    assert "labeling pack of “Edda”" in tab.header.error.text()
    assert (tab.labeling.labeler.name, window.session.labeler_name) == ("Edda", "Edda")
    assert names(of_edda) == ["Edda"]
    tab.header.labeler.setText("Edda")
    tab.header.labeler.editingFinished.emit()
    assert not tab.header.error.text()


def test_what_others_did_in_it_before_is_named_and_comes_home_by_itself(
    filled, of_edda, tmp_path, open_window, qtbot, capsys
):
    """Earlier versions let them."""
    ranked_as(of_edda, "Edda", 1)
    ranked_as(of_edda, "Finn", 2)
    with closing(open_project(of_edda)) as project:
        AnswerDrafts(project, labelers.named(project, "Gro").id).keep(3, NEW, "Half an answer")
    window = open_window()
    window.workspace.open(of_edda)
    window.packs.write(tmp_path / "back.plumbpack")
    qtbot.waitUntil(lambda: window.findChild(QMessageBox) is not None)
    assert "as “Finn”, “Gro” is not in it" in window.findChild(QMessageBox).informativeText()
    assert pack.merge(filled, tmp_path / "back.plumbpack").added == 1
    labelers.named(filled, "Finn")  # under Review, Labelers
    assert cli.run(["pack", str(of_edda), str(tmp_path / "finn.plumbpack"), "--labeler", "Finn"]) == 0
    assert "as “Edda”, “Gro” is not in it" in capsys.readouterr().err
    assert pack.merge(filled, tmp_path / "finn.plumbpack").added == 1
