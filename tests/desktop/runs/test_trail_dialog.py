"""What is behind a point of a chart, walked by links, and what a ranking has influenced."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from core.config.training import TrainPolicyConfig, TrainPolicyResult, TrainRewardConfig, TrainRewardResult
from core.events import Metrics, Result, Sample, Samples
from core.jobs.recorder import Recorder
from core.records import NewRanking
from core.runs import learnt_rankings
from core.runs.trail_pages import Place
from core.store import completions, labelers, prompts, rankings
from desktop.background import wait_for_all
from desktop.places import TabId
from desktop.runs.trail_dialog import TrailDialog, show_trail
from desktop.widgets.strangers import Label
from tests.jobs import add_job, set_job

HOSTILE = "<b>bold</b> <img src='http://127.0.0.1:1/x'> & \u202eturned"


@pytest.fixture
def tuned(filled):
    """Two rankings, a reward run that learnt from one of them, and a run of the policy with two steps."""
    ada = labelers.named(filled, "Ada & <i>co</i>")
    ids = prompts.ids(filled)
    for group_id in completions.group_ids(filled)[:2]:
        group = completions.group(filled, group_id)
        ranks = {each.id: place for place, each in enumerate(group.completions, 1)}
        rankings.add(filled, NewRanking(group.id, ada.id, ranks))
    reward = add_job(filled, TrainRewardConfig(), status="done", started_at="2026-01-01T00:00:00")
    filled.make_run_folder(reward.id)
    filled.run_file(reward.id, learnt_rankings.KEPT).write_text('{"learnt": "2", "tested": "0"}')
    run = add_job(filled, TrainPolicyConfig(steps=2), status="done", done=2)
    recorder = Recorder(filled, run.id)
    recorder.record(Result(TrainPolicyResult(reward_job=reward.id)))
    for step in (1, 2):
        recorder.record(Metrics(step, {"objective/scores": 0.5 * step, "objective/kl": 1.0}))
        recorder.record(Samples(step, (Sample(HOSTILE, f"answer {step}", prompt_id=ids[0], score=0.25),)))
    set_job(filled, run.id, status="done", done=2)
    Recorder(filled, reward.id).record(Result(TrainRewardResult(adapter="runs/1/step-000001")))
    return run


def texts(dialog):
    QTest.qWait(1)  # what is new in a layout is shown in a turn of its own
    return [each.text() for each in dialog._inner.findChildren(Label) if each.isVisibleTo(dialog)]


def follow(dialog, words):
    next(link for link in dialog.links if words in link.whole).click()
    wait_for_all()


def test_return_on_a_step_of_a_chart_walks_to_the_rankings_behind_it_and_back(open_window, tuned, filled):
    window = open_window()
    window.workspace.open(filled.folder)
    window.open_tab(TabId.TUNE)
    wait_for_all()
    chart = window.tabs[TabId.TUNE].charts.reward
    QTest.keyClick(chart.plot, Qt.Key.Key_Right)
    QTest.keyClick(chart.plot, Qt.Key.Key_Left)
    chart.menu.aboutToShow.emit()
    assert chart.menu.actions()[0].text() == "What is behind step 1 …"
    QTest.keyClick(chart.plot, Qt.Key.Key_Return)
    wait_for_all()
    dialog = window.findChild(TrailDialog)
    assert dialog.title.text() == f"Run {tuned.id} (PPO), step 1 of 2"
    assert not dialog.back.isEnabled()
    follow(dialog, "score 0.250")
    assert any("answer 1" in text for text in texts(dialog))
    assert any("changed since" in text for text in texts(dialog)), "the prompt never said that"
    shown = next(each for each in dialog._inner.findChildren(Label) if "bold" in each.text())
    assert shown.textFormat() is Qt.TextFormat.PlainText and "<b>" in shown.text() and "‹U+202E›" in shown.text()
    dialog.back.click()
    wait_for_all()
    follow(dialog, "Learnt from 1 ranking")
    follow(dialog, "Ada & <i>co</i>")
    follow(dialog, "Ranking 1")
    assert dialog.title.text() == "Ranking 1"
    assert any(link.whole.endswith("learnt from it") for link in dialog.links)
    dialog.back.click()
    dialog.back.click()
    wait_for_all()
    assert dialog.title.text() == f"What run {tuned.id - 1} learnt from" and dialog.forward.isEnabled()
    dialog.close()


def test_what_is_gone_is_said_in_the_page(qtbot, session, filled):
    from PySide6.QtWidgets import QWidget

    owner = QWidget()
    qtbot.addWidget(owner)
    dialog = show_trail(session, Place("ranking", 7), owner)
    wait_for_all()
    assert texts(dialog) == ["There is no ranking 7."]
    dialog.close()


def test_a_ranking_in_review_and_in_history_leads_to_what_it_has_influenced(open_window, tuned, filled):
    window = open_window()
    window.workspace.open(filled.folder)
    window.open_tab(TabId.REVIEW)
    wait_for_all()
    page = window.tabs[TabId.REVIEW].pairs
    page.refresh()
    wait_for_all()
    page.view.selectRow(0)
    page.influenced.click()
    wait_for_all()
    dialog = window.findChild(TrailDialog)
    assert dialog.title.text() == f"Ranking {page.model.found[0].ranking_id}"
    assert any(f"run {tuned.id - 1}" in link.whole for link in dialog.links)
    dialog.close()
    dialog.deleteLater()
    window.open_tab(TabId.RANK)
    history = window.tabs[TabId.RANK].side.history
    asked = []
    history.asked.connect(asked.append)
    history.load(filled, 1)
    history.view.setCurrentIndex(history.model.index(0, 0))
    history.influenced.click()
    assert asked == [2]
    wait_for_all()
