"""The Tune tab: the algorithms, a run steered while it goes, what the curves say, runs side by side, rounds."""

import json
import math
import time
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialogButtonBox, QFileDialog, QMenu, QMessageBox
from sqlite_utils import Database

from core.config.jobs import ExportModelJob, ExportModelResult, GenerateConfig, JobKind, config_values
from core.config.metrics import METRICS, further
from core.config.training import (
    ALGORITHMS,
    TrainPolicyConfig,
    TrainPolicyJob,
    TrainPolicyResult,
    TrainRewardConfig,
    TrainRewardResult,
)
from core.events import Metrics, NewCompletion, Result, Rollback, Sample, Samples
from core.jobs import lock, queue
from core.jobs.recorder import Recorder
from core.labeling import gold
from core.runs import naming
from core.store import completions
from core.store.runs import run_labels, setting_changes
from desktop.background import wait_for_all
from desktop.places import PageId, TabId
from desktop.policy.samples import COLUMNS
from desktop.policy.sweep_dialog import SweepDialog
from desktop.policy.tab import Tab
from desktop.runs.run_naming import NamingDialog
from desktop.widgets.short_text import ShortText
from tests.jobs import add_job, set_job

KIND = JobKind.TRAIN_POLICY


def queued(project, algorithm="ppo", **values):
    config = TrainPolicyConfig(algorithm=algorithm, **values)
    return queue.enqueue(project, KIND, config_values(config, ALGORITHMS[algorithm].config()))


def told(project, job, steps, **curves):
    """Metrics of a run, each curve a function of the step."""
    record = Recorder(project, job.id).record
    for step in steps:
        record(Metrics(step, {name.replace("__", "/"): float(curve(step)) for name, curve in curves.items()}))
    return record


def done(project, job, status="done"):
    set_job(project, job.id, status=status)


@pytest.fixture
def tab(qtbot, session):
    """The tab in a window of its own; a worker seems to be there."""
    held = lock.acquire(session.project.folder)
    found = Tab(session)
    found.resize(1100, 800)
    qtbot.addWidget(found)
    found.show()
    yield found
    held.close()


def poll(tab):
    """Let the tab see what a worker did, and draw it."""
    tab.session.look_again()
    drawn(tab)


def test_a_run_of_an_algorithm_that_is_not_here_any_more_does_not_keep_the_tab_from_opening(tab, qtbot):
    project = tab.session.project
    job = queued(project)
    own = config_values(TrainPolicyConfig(), ALGORITHMS["ppo"].config())
    with project.write() as database:
        odd = json.dumps(own | {"algorithm": "eleventh", "steps": 0})
        database.execute("update jobs set config = ? where id = ?", (odd, job.id))
    poll(tab)
    other = Tab(tab.session)
    qtbot.addWidget(other)
    assert other.form.name == "ppo"


def select(tab, job):
    tab.runs.select(job.id)
    drawn(tab)


def drawn(tab):
    wait_for_all()
    QApplication.processEvents()


@pytest.fixture
def expecting(tab):
    """A reward model is on its way, so that runs may be queued."""
    queue.enqueue(tab.session.project, JobKind.TRAIN_REWARD, config_values(TrainRewardConfig()))
    return tab


def test_every_algorithm_can_be_chosen_and_started_with_its_own_settings(expecting):
    tab = expecting
    assert tab.form.algorithm.count() == len(ALGORITHMS) >= 10
    for name, kind in ALGORITHMS.items():
        tab.form.algorithm.setCurrentIndex(tab.form.algorithm.findData(name))
        assert kind.summary[1:] in tab.form.summary.text()
        config, options = tab.form.run()
        assert (config.algorithm, config.learning_rate) == (name, 0.0)
        assert options == kind.config()
        tab.start()
    assert [job.config.algorithm for job in tab.session.jobs(TrainPolicyJob)][::-1] == list(ALGORITHMS)
    assert tab.session.jobs(TrainPolicyJob)[::-1][list(ALGORITHMS).index("dqn")].options.alpha


def test_what_was_typed_stays_when_another_algorithm_is_looked_at(tab):
    field = next(each for each in tab.form.form.findChildren(type(tab.live.fields["kl_coef"])) if each.value() == 0.2)
    field.setValue(0.3)
    for name in ("rloo", "ppo"):
        tab.form.algorithm.setCurrentIndex(tab.form.algorithm.findData(name))
    assert tab.form.run()[1].cliprange == 0.3


def test_dpo_asks_for_no_reward_model(tab):
    assert tab.need.isVisibleTo(tab)
    tab.form.algorithm.setCurrentIndex(tab.form.algorithm.findData("dpo"))
    assert not tab.need.isVisibleTo(tab)


@pytest.mark.parametrize("values", [{"rules_only": True}, {"train_on_gold": True}, {"reward_model": "elsewhere"}])
def test_what_asks_no_reward_model_of_ours_is_told_of_none(tab, values):
    tab.form.shared.show_values(values)
    assert not tab.need.isVisibleTo(tab) and not tab.empty.action.isVisibleTo(tab)
    assert ("Needs no reward model" in tab.about.text()) == ("reward_model" not in values)
    tab.form.shared.show_values({name: type(value)() for name, value in values.items()})
    assert tab.need.isVisibleTo(tab) and tab.about.text().startswith("Needs a reward model")


def test_settings_are_changed_while_a_run_goes_and_the_change_is_marked(tab):
    project = tab.session.project
    job = queued(project)
    told(project, job, range(1, 5), objective__scores=lambda s: s, objective__kl=lambda s: s / 2)
    done(project, job, "running")
    poll(tab)
    select(tab, job)
    assert tab.live.isVisible()
    assert tab.live.heading.isVisible() and tab.live.heading.text() == "Change while it runs"
    assert "from the next step" in tab.live.heading.toolTip()
    assert tab.live.fields["kl_coef"].value() == 0.05
    assert tab.live.fields["learning_rate"].value() == ALGORITHMS["ppo"].learning_rate
    field = tab.live.fields["kl_coef"]
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, "0.2")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert [(row["name"], row["value"], row["step"]) for row in setting_changes.listed(project, job.id)] == [
        ("kl_coef", 0.2, None)
    ]
    assert "from the next step" in tab.live.said.text()
    tab.live.apply()
    assert len(setting_changes.listed(project, job.id)) == 1, "what is in force already is not asked for again"
    project.database.execute("update controls set step = 4")
    told(project, job, [5], objective__scores=lambda s: s)
    poll(tab)
    assert [(mark.place, mark.meaning) for mark in tab.charts.kl.marks] == [(5, "KL coefficient 0.2 from step 5")]
    done(project, job)
    poll(tab)
    assert not tab.live.strip.isVisible() and not tab.live.heading.isVisible()
    assert tab.live.said.text() == "Changed: KL coefficient 0.2 from step 5", "what was changed stays to be read"


def test_what_is_typed_and_not_applied_yet_outlives_the_next_steps(tab):
    project = tab.session.project
    job = queued(project, kl_target=6.0)
    told(project, job, [1], objective__kl_coef=lambda s: 0.06)
    done(project, job, "running")
    poll(tab)
    select(tab, job)
    fields = tab.live.fields
    assert fields["kl_coef"].value() == 0.06, "a steered coefficient is shown as it is now"
    fields["temperature"].setValue(0.8)
    told(project, job, [2], objective__kl_coef=lambda s: 0.07)
    set_job(project, job.id, done=2)
    poll(tab)
    assert (fields["kl_coef"].value(), fields["temperature"].value()) == (0.07, 0.8)
    tab.live.apply()
    assert [(row["name"], row["value"]) for row in setting_changes.listed(project, job.id)] == [("temperature", 0.8)]


def test_a_setting_that_cannot_be_changed_is_refused_in_a_sentence(tab):
    job = queued(tab.session.project)
    poll(tab)
    select(tab, job)
    tab.live.fields["learning_rate"].setValue(0)
    tab.live.apply()
    assert tab.live.said.text() == "“Learning rate” must be above 0 and at most 1, not 0."
    tab.session.announce(queue.want(tab.session.project, job.id, "run"))
    poll(tab)
    assert "must be above 0" in tab.live.said.text(), "it is still to be read when there is news"
    tab.live.fields["learning_rate"].setValue(1e-4)
    tab.live.apply()
    assert tab.live.said.text() == "Changed: Learning rate 0.0001 from the next step"


def test_a_run_that_failed_can_be_given_other_settings_before_it_is_resumed(tab):
    project = tab.session.project
    job = queued(project)
    done(project, job, "failed")
    poll(tab)
    select(tab, job)
    assert not tab.live.strip.isVisible(), "it would begin anew, with the settings that it has"
    Recorder(project, job.id).record(Result(TrainPolicyResult(adapter="runs/1/step-000001")))
    poll(tab)
    tab.live.show_job(tab.session.job(job.id))
    assert tab.live.strip.isVisible()
    tab.live.fields["kl_coef"].setValue(0.2)
    tab.live.apply()
    assert [change["value"] for change in setting_changes.listed(project, job.id)] == [0.2]


def test_target_ceiling_and_threshold_are_drawn(tab):
    job = queued(tab.session.project, kl_target=6.0, kl_ceiling=12.0, reward_threshold=1.5)
    poll(tab)
    select(tab, job)
    assert [line.place for line in tab.charts.kl.levels] == [6.0, 12.0]
    assert [line.place for line in tab.charts.reward.levels] == [1.5]


def test_over_optimisation_is_marked_and_said_in_plain_words(tab):
    project = tab.session.project
    job = queued(project)
    told(
        project, job, range(1, 41), objective__scores=lambda s: s / 10,
        objective__gold=lambda s: s / 10 if s <= 20 else 4 - s / 10, objective__entropy=lambda s: 3 / s,
    )  # fmt: skip
    done(project, job)
    poll(tab)
    select(tab, job)
    assert "the gold reward falls since step" in tab.advice.text()
    assert "And 1 more" in tab.advice.text()
    assert tab.charts.reward.warning.isVisible()
    assert "gold reward falls" in tab.charts.reward.warning.toolTip()
    (peak,) = tab.charts.reward.marks
    assert 18 <= peak.place <= 26
    assert not tab.charts.kl.warning.isVisible()


def test_more_charts_are_those_that_the_run_has_numbers_for(tab, qtbot):
    project = tab.session.project
    job = queued(project, "trpo")
    told(project, job, range(1, 6), objective__entropy=lambda s: 1.0, policy__step_kl=lambda s: 0.01)
    done(project, job)
    poll(tab)
    select(tab, job)
    tab.show_page(PageId.MORE_CHARTS)
    qtbot.waitUntil(lambda: len(tab.charts.more.charts) == 2)
    assert list(tab.charts.more.charts) == ["objective/entropy", "policy/step_kl"]
    other = queued(project)
    told(project, other, range(1, 6), objective__entropy=lambda s: 2.0, val__ratio=lambda s: 1.0)
    done(project, other)
    poll(tab)
    select(tab, other)
    qtbot.waitUntil(lambda: "val/ratio" in tab.charts.more.charts)
    shown = {name for name, chart in tab.charts.more.charts.items() if chart.isVisible()}
    assert shown == {"objective/entropy", "val/ratio"}
    assert all(chart.parent() is tab.charts.more for chart in tab.charts.more.charts.values())
    assert tab.charts.more.charts["objective/entropy"].series["objective/entropy"].values[0] == 2.0


def test_a_run_that_is_to_learn_to_end_shows_how_many_do_beside_reward_and_kl(tab, qtbot):
    project = tab.session.project
    jobs = queued(project), queued(project, missing_end_penalty=0.0), queued(project, "sft")
    for job in jobs:
        told(project, job, range(1, 6), completions__eos_rate=lambda s: s / 10, completions__mean_length=lambda s: 9)
        done(project, job)
    poll(tab)
    tab.show_page(PageId.MORE_CHARTS)
    for job, large in zip(jobs, (True, False, False), strict=True):
        select(tab, job)
        assert tab.charts.ended.isVisible() == large
        further = {"completions/mean_length"} | (set() if large else {"completions/eos_rate"})
        more = tab.charts.more.charts
        qtbot.waitUntil(lambda f=further: {name for name, chart in more.items() if chart.isVisible()} == f)


def test_every_chart_says_what_it_means_and_what_is_healthy(tab):
    for name in (*tab.charts.reward.names, *tab.charts.kl.names, *further(METRICS)):
        metric = METRICS[name]
        assert len(metric.meaning) > 15, name
        assert metric.healthy, name
    assert "Healthy: " in tab.charts.kl.toolTip()


def test_ticked_runs_are_laid_over_the_one_that_is_shown(tab):
    project = tab.session.project
    jobs = [queued(project) for _ in range(2)]
    for job in jobs:
        told(project, job, range(1, 6), objective__scores=lambda s: s, objective__kl=lambda s: s)
        done(project, job)
    poll(tab)
    select(tab, jobs[1])
    tab.runs.item(1).setCheckState(Qt.CheckState.Checked)
    drawn(tab)
    assert f"Run {jobs[0].id}" in tab.charts.bar.legend.text()
    assert [key.words for key in tab.charts.reward.keys if key.series.size] == [
        f"Run {jobs[1].id} learned",
        f"Run {jobs[0].id} learned",
    ]


def test_all_runs_stand_side_by_side_with_what_differs_and_a_row_shows_its_run(tab):
    project = tab.session.project
    for coefficient, after in ((0.02, 0.9), (0.1, 0.5)):
        job = queued(project, kl_coef=coefficient)
        Recorder(project, job.id).record(
            Result(TrainPolicyResult(reward_before=0.1, reward_after=after, kl=3.0, steps=5))
        )
        done(project, job)
    poll(tab)
    tab.pages.setCurrentWidget(tab.table)
    titles = [tab.table.table.horizontalHeaderItem(n).text() for n in range(tab.table.table.columnCount())]
    assert titles[:4] == ["Run", "Algorithm", "State", "KL coefficient"]
    assert "Learning rate" not in titles
    tab.table.table.sortItems(titles.index("Reward after"), Qt.SortOrder.AscendingOrder)
    rows = [tab.table.table.item(row, titles.index("Reward after")).text() for row in range(2)]
    assert rows == ["0.5", "0.9"]
    tab.table.table.setCurrentCell(1, 0)
    chosen = int(tab.table.table.item(1, 0).text())
    assert tab.runs.current == chosen
    tab.table.table.sortItems(0, Qt.SortOrder.AscendingOrder)
    for job in tab.session.jobs():
        if job.id != chosen:
            set_job(project, job.id, status="failed")
    poll(tab)
    assert tab.table.table.item(tab.table.table.currentRow(), 0).text() == str(chosen), "news leaves the selection"


def test_a_sweep_counts_its_runs_and_says_what_is_wrong_before_it_queues_them(expecting):
    tab = expecting
    tab.ask_sweep()
    (dialog,) = tab.findChildren(SweepDialog)
    ok = dialog.buttons.button(QDialogButtonBox.StandardButton.Ok)
    assert not ok.isEnabled()
    QTest.keyClicks(dialog.values[0], "0.02, many")
    assert ("no value" in dialog.said.text(), ok.isEnabled()) == (True, False)
    dialog.values[0].setText("0.02, 0.1")
    dialog.names[1].setCurrentIndex(dialog.names[1].findData("ppo_epochs"))
    dialog.values[1].setText("1, 2, 4")
    assert (dialog.said.text(), ok.isEnabled()) == ("6 runs", True)
    dialog.values[2].setText("3")
    assert ("Choose the setting" in dialog.said.text(), ok.isEnabled()) == (True, False)
    dialog.names[2].setCurrentIndex(dialog.names[2].findData("kl_coef"))
    assert dialog.said.text() == "9 runs", "the same setting on two lines"
    dialog.values[2].setText("0.1, 0.1")
    assert dialog.said.text() == "6 runs", "the same value once"
    dialog.accept()
    drawn(tab)
    assert len(tab.session.jobs(TrainPolicyJob)) == 6
    assert tab.pages.currentWidget() is tab.table
    assert "KL coefficient 0.1, PPO epochs 4" in tab.runs.item(0).text(), "runs of a sweep are told apart in the list"
    assert tab.table.table.horizontalHeaderItem(1).text() == "Name"


def test_a_run_has_a_name_tags_and_a_note_that_are_seen_in_the_list_and_the_table(tab, qtbot):
    project = tab.session.project
    first, second = queued(project), queued(project)
    poll(tab)
    select(tab, first)
    tab.runs.setFocus()
    tab.naming.action.trigger()
    (dialog,) = tab.findChildren(NamingDialog)
    assert dialog.name.text() == ""
    dialog.name.setText("n" * 200)
    dialog.tags.setText("paper, draft")
    dialog.note.setPlainText("With the guidelines of May.")
    dialog.accept()
    assert dialog.isVisible() and "at most 120 letters" in dialog.error.text()
    dialog.name.setText("warm start")
    dialog.accept()
    drawn(tab)
    assert tab.runs.currentItem().text() == f"Run {first.id} · warm start · PPO · waiting · paper · draft"
    assert "guidelines of May" in tab.runs.currentItem().toolTip()
    tab.pages.setCurrentWidget(tab.table)
    assert [tab.table.table.horizontalHeaderItem(n).text() for n in (1, 2)] == ["Name", "Tags"]
    assert {tab.table.table.item(row, 2).text() for row in (0, 1)} == {"paper, draft", ""}
    naming.name_run(project, first.id, name="")
    naming.name_run(project, second.id, note="other")
    poll(tab)
    assert tab.runs.currentItem().text() == f"Run {first.id} · PPO · waiting · paper · draft", "tags and note stay"
    project.set_setting(f"run/{first.id}", {"tags": ["x" * 3_000_000], "note": ""})
    assert run_labels.listed(project)[first.id].tags == ("x" * 40,), "a stranger's project may hold any"


def test_pausing_leaves_the_focus_where_a_second_press_stops_nothing(tab, qtbot):
    job = queued(tab.session.project)
    set_job(tab.session.project, job.id, status="running", total=4, done=1)
    poll(tab)
    tab.activateWindow()
    tab.pause.setFocus()
    qtbot.keyClick(tab.pause, Qt.Key.Key_Space)
    poll(tab)
    assert queue.get(tab.session.project, job.id).wanted == "pause" and tab.focusWidget() is tab.pause
    set_job(tab.session.project, job.id, status="paused")
    poll(tab)
    assert tab.focusWidget() is tab.resume
    qtbot.keyClick(tab.resume, Qt.Key.Key_Space)
    set_job(tab.session.project, job.id, status="running")
    poll(tab)
    assert tab.focusWidget() is tab.pause and queue.get(tab.session.project, job.id).wanted == "run"
    assert tab.stop.isEnabled() and tab.stop_now.isVisible(), "one waits for the step, the other does not"
    tab.stop.click()
    poll(tab)
    assert tab.stop_now.isVisible() and not tab.stop.isEnabled()


def test_samples_show_the_change_and_what_the_reference_answered(tab):
    project = tab.session.project
    prompt = project.database.one("select id, text from prompts limit 1")
    job = queued(project)
    record = Recorder(project, job.id).record
    known = {"prompt": prompt["text"], "prompt_id": prompt["id"]}
    record(Samples(1, (Sample(completion="what the base said", policy="reference", score=-0.2, **known),)))
    record(Samples(1, (Sample(completion="what the policy said", score=0.5, change=0.7, **known),)))
    done(project, job)
    poll(tab)
    select(tab, job)
    model = tab.samples.model
    cell = model.index(0, COLUMNS.index("change"))
    assert model.data(cell) == "+0.70"
    assert model.data(cell, Qt.ItemDataRole.ForegroundRole) is not None
    prompt_box, mine, theirs = tab.samples.texts.boxes
    assert [box.toPlainText() for box in (prompt_box, mine, theirs)] == [
        prompt["text"],
        "what the policy said",
        "what the base said",
    ]
    assert [head.text() for head in tab.samples.texts.heads[1:]] == [
        "Completion · reward +0.50",
        "Answer of the reference · reward -0.20",
    ]
    tab.samples.view.selectRow(1)
    assert mine.toPlainText() == "what the base said"
    assert not theirs.isVisible(), "the reference's own answer stands alone"


def test_a_run_that_is_done_can_be_exported_as_a_model(tab, tmp_path, qtbot):
    project = tab.session.project
    job = queued(project)
    Recorder(project, job.id).record(Result(TrainPolicyResult(adapter="runs/1/step-000001")))
    done(project, job)
    poll(tab)
    select(tab, job)
    assert not tab.export.isHidden()
    tab.ask_export()
    (menu,) = tab.export.findChildren(QMenu)
    menu.close()
    assert [action.text().rpartition(":")[0] for action in menu.actions()[:2]] == [
        "For transformers", "For Ollama, LM Studio, llama.cpp",
    ]  # fmt: skip
    menu.actions()[2].trigger()
    dialog = tab.findChild(QFileDialog)
    (tmp_path / "mine").write_text("mine")
    dialog.fileSelected.emit(str(tmp_path))
    (box,) = tab.findChildren(QMessageBox)
    assert "choose a folder that is empty or new" in box.informativeText()
    box.close()
    dialog.fileSelected.emit(str(tmp_path / "model"))
    dialog.close()
    (asked,) = queue.listed(project, ExportModelJob)
    assert asked.config.policy_job == job.id and asked.config.out == str(tmp_path / "model")
    assert (asked.config.format, asked.config.quantize) == ("gguf", "q8_0")
    assert "will be written to" in tab.exported.text()
    Recorder(project, asked.id).record(
        Result(ExportModelResult(policy_job=job.id, folder=str(tmp_path / "model"), lacks="It lacks its guide."))
    )
    done(project, asked)
    poll(tab)
    assert tab.exported.text() == f"Wrote run {job.id} to {tmp_path / 'model'}. It lacks its guide."


def test_the_best_checkpoint_can_be_exported_where_it_is_not_the_last(tab, tmp_path, qtbot):
    project = tab.session.project
    job = queued(project)
    Recorder(project, job.id).record(Result(TrainPolicyResult(adapter="runs/1/step-000004", steps=4, best_step=2)))
    done(project, job)
    poll(tab)
    select(tab, job)
    tab.ask_export()
    menu = tab.export.findChild(QMenu, options=Qt.FindChildOption.FindDirectChildrenOnly)
    last, best = menu.actions()
    assert (last.text(), best.text()) == ("Last checkpoint (step 4)", "Best checkpoint (step 2)")
    menu.close()
    best.menu().actions()[0].trigger()
    tab.findChild(QFileDialog).fileSelected.emit(str(tmp_path / "model"))
    (asked,) = queue.listed(project, ExportModelJob)
    assert (asked.config.checkpoint, asked.config.format) == ("best", "safetensors")


def test_a_run_that_could_only_fail_is_not_started(tab):
    tab.start()
    (box,) = tab.findChildren(QMessageBox)
    assert box.informativeText() == "There is no reward model yet: train one first."
    box.close()
    tab.form.shared.fields["completions"].setValue(32)
    tab.start()
    said = [box.informativeText() for box in tab.findChildren(QMessageBox) if box.isVisible()]
    assert any("set “Completions a step” to 32 or more" in text for text in said), said
    assert tab.session.jobs(TrainPolicyJob) == []


def test_settings_that_an_algorithm_does_not_heed_are_not_shown(tab):
    shared = tab.form.shared
    always = {"start_from", "steps", "max_new_tokens"}
    for name, missing in (
        ("dpo", {"kl_coef", "kl_target", "kl_estimator", "completions", "ptx_coef"}),
        ("sft", {"kl_coef", "kl_target", "kl_estimator", "completions", "ptx_coef"}),
        ("kto", {"kl_coef", "kl_target", "kl_estimator", "completions", "ptx_coef"}),
        ("trpo", {"learning_rate", "ptx_coef"}),
        ("soft-q", {"kl_estimator", "ptx_coef"}),
        ("ppo", set()),
    ):
        tab.form.algorithm.setCurrentIndex(tab.form.algorithm.findData(name))
        looked_at = {"kl_coef", "kl_target", "completions", "learning_rate", "kl_estimator", "ptx_coef", *always}
        assert {field for field in looked_at if shared.fields[field].isHidden()} == missing
        assert ("Needs a reward model" in tab.about.text()) == (name in ("ppo", "trpo", "soft-q"))
        shared.fields["ptx_coef"].setValue(2.0)
        assert tab.form.run()[0].ptx_coef == (2.0 if name == "ppo" else 0.0), "nor do they count"


def test_a_single_step_is_seen_and_a_zoomed_chart_follows_again(tab):
    project = tab.session.project
    job = queued(project)
    told(project, job, [1], objective__scores=lambda step: 0.5)
    poll(tab)
    select(tab, job)
    chart = tab.charts.reward
    assert chart.curves["objective/scores"].dots == 1
    told(project, job, range(2, 9), objective__scores=lambda step: step)
    poll(tab)
    assert chart.curves["objective/scores"].dots == 0
    chart.plot.setXRange(3, 4, padding=0)
    chart.show_all()
    QApplication.processEvents()
    (low, high), _ = chart.plot.getViewBox().viewRange()
    assert low <= 1 and high >= 8


def test_samples_leave_out_what_a_run_does_not_say_and_prompts_where_there_is_no_room(tab, qtbot):
    project = tab.session.project
    job = queued(project)
    known = {"prompt": "why?", "prompt_id": None}
    Recorder(project, job.id).record(Samples(1, (Sample(completion="because", score=0.5, kl=1.0, **known),)))
    done(project, job)
    poll(tab)
    select(tab, job)
    hidden = tab.samples.view.isColumnHidden
    assert [name for number, name in enumerate(COLUMNS) if hidden(number) and name != "prompt"] == ["change", "gold"]
    row = {"id": 10**6, "job_id": job.id, "step": 2, "policy": "policy", "completion": "so", "change": 0.5}
    with project.write() as database:
        Database(database.conn)["samples"].insert(row | {"prompt": "why?"})
    tab.samples.prepend(project.database.rows("select * from samples where id = ?", row["id"]))
    assert not hidden(COLUMNS.index("change")), "the newest sample is the first that says it"
    for width, narrow in ((420, True), (1200, False)):
        tab.samples.view.setFixedWidth(width)
        qtbot.waitUntil(lambda narrow=narrow: hidden(COLUMNS.index("prompt")) == narrow)
        shown = [n for n in range(len(COLUMNS)) if not hidden(n)]
        room = tab.samples.view.viewport().width()
        assert sum(tab.samples.view.columnWidth(number) for number in shown) == room


def test_a_run_that_went_wrong_is_drawn_again_and_says_so(tab):
    project = tab.session.project
    job = queued(project)
    record = told(project, job, range(1, 6), objective__scores=lambda s: s)
    done(project, job, "running")
    poll(tab)
    select(tab, job)
    assert tab.charts.reward.series["objective/scores"].size == 5
    record(Rollback(2, "Step 5 went wrong: the loss is not a number."))
    done(project, job, "paused")
    poll(tab)
    assert tab.charts.reward.series["objective/scores"].size == 2
    assert "Step 5 went wrong" in tab.result.text()
    assert tab.resume.isVisible()


def test_the_result_names_the_algorithm_why_it_stopped_and_the_best_checkpoint(tab):
    project = tab.session.project
    job = queued(project, "rloo")
    found = TrainPolicyResult(reward_before=0.1, reward_after=0.9, kl=3.0, steps=8, stop_reason="plateau", best_step=5)
    Recorder(project, job.id).record(Result(found))
    done(project, job)
    poll(tab)
    select(tab, job)
    said = tab.result.text()
    assert "from +0.10 to +0.90 at a KL of 3.0 nats" in said
    assert "RLOO stopped after 8 steps: plateau. Best checkpoint: step 5." in said


@pytest.mark.parametrize(
    ("prompts", "sure"),
    [(2, "a gain of +1.50 (too few prompts for an interval), at"), (8, "a gain of +1.50 (95%: +1.50 to +1.50), at")],
)
def test_a_gain_says_on_how_many_prompts_and_by_which_reward_model(tab, prompts, sure):
    project = tab.session.project
    reward = queue.enqueue(project, JobKind.TRAIN_REWARD, config_values(TrainRewardConfig()))
    job = queued(project)
    for step, side, scores in ((0, "reference", (0.0, 1.0)), (9, "tuned", (1.0, 3.0))):
        Recorder(project, job.id).record(Samples(step, tuple(
            Sample(f"prompt {n}", "text", policy=side, score=score) for n in range(prompts) for score in scores
        )))  # fmt: skip
    Recorder(project, reward.id).record(Result(TrainRewardResult(accuracy=0.75, heldout_pairs=12)))
    found = TrainPolicyResult(reward_before=0.5, reward_after=2.0, kl=3.0, steps=8, reward_job=reward.id)
    Recorder(project, job.id).record(Result(found))
    done(project, reward)
    done(project, job)
    poll(tab)
    select(tab, job)
    assert tab.result.text().startswith(f"On {prompts} held-out prompts the reward went from +0.50 to +2.00, {sure}")
    assert f"run {reward.id}) cannot be told from chance" in tab.result.warning.text()
    assert tab.result.warning.isVisible()
    Recorder(project, reward.id).record(Result(TrainRewardResult(heldout_pairs=1200)))
    poll(tab)
    tab.result.show_job(tab.session.job(job.id))
    assert not tab.result.warning.isVisible()


@pytest.mark.thorough
def test_rounds_stand_in_a_line_and_a_tuned_policy_begins_the_next(open_window, filled, qtbot):
    gold.rank_all(filled, "length")
    job = queued(filled)
    Recorder(filled, job.id).record(
        Result(TrainPolicyResult(adapter="runs/1/x", reward_before=0.1, reward_after=0.9, kl=1.0, steps=3))
    )
    done(filled, job)
    prompt = filled.database.value("select min(id) from prompts")
    rows = tuple(NewCompletion(f"tuned {n}", 2, True, 0, policy_job=job.id) for n in range(3))
    completions.add_group(filled, prompt, rows)
    window = open_window()
    window.workspace.open(filled.folder)
    window.open_tab(TabId.TUNE)
    found = window.tabs[TabId.TUNE]
    qtbot.waitUntil(lambda: found.rounds.isVisible())
    assert found.rounds.whole.startswith("Round 1: ")
    assert "policy +0.80   →   Round 2: 1 prompt answered, none ranked" in found.rounds.whole
    assert "chance is 50%" in found.rounds.toolTip(), "the numbers are explained"
    assert found.next_round.isVisible()
    qtbot.mouseClick(found.next_round, Qt.MouseButton.LeftButton)
    rank = window.tabs[TabId.RANK]
    qtbot.waitUntil(lambda: rank.side.name == "generate")
    assert rank.side.generate.writer.policy.currentData() == job.id


def test_a_long_run_is_appended_to_in_milliseconds(tab, qtbot):
    project = tab.session.project
    job = queued(project)
    record = Recorder(project, job.id).record
    with project.write():
        for step in range(1, 5001):
            record(Metrics(step, {"objective/scores": math.sin(step), "objective/kl": 1.0, "objective/gold": 0.5}))
    done(project, job)
    poll(tab)
    select(tab, job)
    news = {"objective/scores": 0.1, "objective/kl": 1.0}
    rows = [{"id": 10**9, "name": name, "step": 5001, "value": value} for name, value in news.items()]
    began = time.perf_counter()
    for _ in range(5):
        tab.charts.append(rows)
    assert (time.perf_counter() - began) / 5 < 0.05


def test_rows_that_come_while_a_run_is_read_are_drawn_once(tab):
    project = tab.session.project
    job = queued(project)
    told(project, job, range(1, 4), objective__scores=lambda s: s)
    tab.session.look_again()
    tab.runs.select(job.id)
    told(project, job, [4], objective__scores=lambda s: s)
    poll(tab)
    series = tab.charts.reward.series["objective/scores"]
    assert list(series.steps[: series.size]) == [1, 2, 3, 4]


def test_a_window_that_closes_while_a_sweep_is_queued_has_queued_it(open_window, filled, qtbot):
    window = open_window()
    window.workspace.open(filled.folder)
    window.open_tab(TabId.TUNE)
    found = window.tabs[TabId.TUNE]
    config, options = found.form.run()
    found.start_sweep(replace(config, gold="length", train_on_gold=True), options, {"seed": ["1", "2", "3"]})
    window.workspace.close()
    qtbot.waitUntil(lambda: window.session is None)
    assert len(queue.listed(filled, TrainPolicyJob)) == 3


def test_many_rounds_keep_the_newest_in_sight(tab):
    tab.rounds.whole = "   →   ".join(f"Round {n}: 1,000 pairs · reward model 70% · policy +0.50" for n in range(1, 9))
    tab.rounds.show()
    tab.rounds._fit()
    assert tab.rounds.text().startswith("…")
    assert tab.rounds.text().endswith(tab.rounds.whole[-30:])


def test_a_first_run_writes_as_long_answers_as_those_that_were_ranked(open_window, filled):
    add_job(filled, GenerateConfig(max_new_tokens=48), status="done")
    window = open_window()
    window.workspace.open(filled.folder)
    window.open_tab(TabId.TUNE)
    assert window.tabs[TabId.TUNE].form.run()[0].max_new_tokens == 48


def test_the_fields_begin_as_the_newest_run_was_begun(open_window, filled):
    queue.enqueue(filled, JobKind.TRAIN_REWARD, config_values(TrainRewardConfig(epochs=3)))
    config = TrainPolicyConfig(steps=7, kl_coef=0.2, gold="length", reward_job=1, algorithm="rloo")
    queue.enqueue(filled, JobKind.TRAIN_POLICY, config_values(config, ALGORITHMS["rloo"].config()))
    window = open_window()
    window.workspace.open(filled.folder)
    form = window.open_tab(TabId.TUNE).form
    found = form.run()[0]
    assert (form.name, found.steps, found.kl_coef, found.reward_job) == ("rloo", 7, 0.2, 0)
    assert window.open_tab(TabId.REWARD).training.form.config(TrainRewardConfig).epochs == 3


def test_the_settings_of_a_run_are_taken_over(tab, session):
    config = TrainPolicyConfig(algorithm="grpo", learning_rate=0.0002, completions=8, gold="length", lora_dora=True)
    options = replace(ALGORITHMS["grpo"].config(), cliprange=0.33)
    queue.enqueue(session.project, KIND, config_values(config, options))
    tab.session.look_again()
    tab.runs.refresh(select_newest=True)
    assert tab.form.run()[0] != config
    tab.take_over.click()
    assert tab.form.run() == (replace(config, kl_coef=0.05), options), "the price that was meant"


def test_a_run_that_goes_has_room_for_everything_in_a_small_window(tab, qtbot):
    project = tab.session.project
    other, job = queued(project), queued(project)
    for run in (other, job):
        told(
            project, run, range(1, 41), objective__scores=lambda s: s / 10, objective__kl=lambda s: s / 5,
            objective__gold=lambda s: s / 10 if s <= 20 else 4 - s / 10,
        )  # fmt: skip
    done(project, other)
    done(project, job, "running")
    poll(tab)
    select(tab, job)
    tab.runs.item(1).setCheckState(Qt.CheckState.Checked)
    tab.resize(1180 - 208, 700 - 78)  # what the sidebar, the menu and the bar of the job leave
    drawn(tab)
    area = tab.stack.currentWidget()
    assert (area.verticalScrollBar().maximum(), area.widget().width() <= area.viewport().width()) == (0, True)
    assert all(chart.plot.height() >= 100 for chart in tab.charts.large)
    assert all(word in tab.charts.reward.readout.text() for word in ("learned", "gold"))
    assert tab.samples.view.height() >= 60
    acts = [act for act in (tab.start_button, tab.sweep, tab.pause, tab.stop, tab.stop_now) if act.isVisible()]
    assert len(acts) == 5 and all(act.width() >= act.sizeHint().width() for act in acts), "no word on a button is cut"
    low = tab.charts.reward.plot.height()
    tab.folding.toggle.click()
    drawn(tab)
    assert not tab.samples.isVisible()
    assert tab.charts.reward.plot.height() > low + 100
    again = Tab(tab.session)
    qtbot.addWidget(again)
    assert again.folding.folded, "it is remembered"
    tab.show_page(PageId.MORE_CHARTS)
    assert not tab.folding.folded, "who chooses a page sees it"


def test_a_warning_is_one_line_until_it_is_asked_for(qtbot):
    warning = ShortText("warning")
    qtbot.addWidget(warning)
    warning.resize(400, 80)
    warning.say("Short.", "Short: and the long of it.")
    warning.show()
    low = warning.sizeHint().height()
    qtbot.mouseClick(warning.more, Qt.MouseButton.LeftButton)
    assert warning.sizeHint().height() > low
    assert warning.text() == "Short: and the long of it."


def test_what_was_gained_is_said_with_how_sure_it_is(tab, qtbot):
    project = tab.session.project
    job = queued(project)
    record = Recorder(project, job.id).record
    for number in range(8):
        for policy, score in (("reference", 0.0), ("tuned", 1.0 + number % 2)):
            record(Samples(0, (Sample(prompt=f"q{number}", completion="a", policy=policy, score=score),)))
    record(Result(TrainPolicyResult(reward_before=0.0, reward_after=1.5, kl=3.0, steps=5)))
    done(project, job)
    poll(tab)
    select(tab, job)
    qtbot.waitUntil(lambda: "a gain of +1.50 (95%: +1." in tab.result.text())


def test_a_run_is_where_the_next_one_begins_and_the_chart_says_what_kl_is_of(tab):
    project = tab.session.project
    first = queued(project)
    done(project, first)
    Recorder(project, first.id).record(Result(TrainPolicyResult(adapter="runs/1/step-000001", reward_after=1.0)))
    poll(tab)
    select(tab, first)
    assert tab.charts.kl.heading.text() == "KL to the reference"
    tab.begin.click()
    assert tab.form.run()[0].start_from == str(first.id)
    for reference, said in (("start", "its start"), ("base", "the base"), (str(first.id), f"run {first.id}")):
        job = queued(project, start_from=str(first.id), reference=reference)
        poll(tab)
        select(tab, job)
        assert tab.charts.kl.heading.text() == f"KL to {said}"
    Recorder(project, job.id).record(Result(TrainPolicyResult(start="run 1, step 30", reference="run 1, step 30")))
    done(project, job)
    poll(tab)
    assert "It began from run 1, step 30; KL is measured to run 1, step 30." in tab.result.text()


def test_what_learns_answers_shows_its_loss_where_others_show_their_reward(tab):
    project = tab.session.project
    job = queued(project, "sft")
    told(project, job, range(6), loss=lambda s: 4 - s / 2, eval__loss=lambda s: 4 - s / 3)
    Recorder(project, job.id).record(Result(TrainPolicyResult(loss_before=4.0, loss_after=2.0)))
    done(project, job)
    poll(tab)
    select(tab, job)
    assert (tab.charts.loss.isVisible(), tab.charts.reward.isVisible()) == (True, False)
    assert len(tab.charts.series["eval/loss"]) == 6
    assert "from 4.00 to 2.00 nats a token (perplexity 54.6 to 7.4)" in tab.result.text()
    other = queued(project)
    poll(tab)
    select(tab, other)
    assert (tab.charts.loss.isVisible(), tab.charts.reward.isVisible()) == (False, True)
    tab.form.algorithm.setCurrentIndex(tab.form.algorithm.findData("sft"))
    assert not tab.need.isVisibleTo(tab), "it needs no reward model"
    assert [tab.form.form.fields["answers"].itemText(i) for i in range(3)] == ["written", "best-ranked", "both"]
