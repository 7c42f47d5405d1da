"""A point of the frontier is a checkpoint to go on with, by mouse and by keys."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QMenu

from core.config.frontier import MeasureFrontierConfig, MeasureFrontierJob, PolicyState
from core.config.jobs import CompareJob, ExportModelJob
from core.config.training import TrainPolicyConfig, TrainPolicyResult
from core.events import Checkpoint, Result, Sample, Samples
from core.jobs import lock, queue
from core.jobs.recorder import Recorder
from core.report.frontier import gather
from core.store import prompts
from desktop.background import wait_for_all
from desktop.places import PageId, TabId
from tests.jobs import add_job, set_job

ENDED = {"status": "done", "started_at": "2026-01-01T00:00:00+00:00", "finished_at": "2026-01-01T00:01:00+00:00"}


def answered(policy, mean, kl=0.0, count=2):
    return tuple(
        Sample(f"question {number}?", "text", policy, score=mean + copy - 0.5, gold=mean / 2, kl=kl)
        for number in (5, 6) for copy in range(count)
    )  # fmt: skip


def tuned(project, mean, kl, **settings):
    """A run that measured itself and keeps its checkpoints of steps 2 and 4."""
    job = add_job(project, TrainPolicyConfig(steps=4, gold="length", train_on_gold=True, **settings))
    record = Recorder(project, job.id).record
    record(Samples(0, answered("reference", 0.0)))
    for step in (2, 4):
        record(Checkpoint(step, lambda folder: (folder / "policy").mkdir()))
    record(Samples(5, answered("tuned", mean, kl)))
    record(Result(TrainPolicyResult(steps=4, reward_before=0.0, reward_after=mean, kl=kl)))
    return set_job(project, job.id, **ENDED)


@pytest.fixture
def runs(filled):
    return [tuned(filled, 1.0, 2.0), tuned(filled, 0.5, 4.0), tuned(filled, 3.0, 5.0, rules="-1*length")]


@pytest.fixture
def window(filled, runs, open_window):
    held = lock.acquire(filled.folder)
    found = open_window()
    found.resize(1280, 800)
    found.workspace.open(filled.folder)
    tab = found.page.open_tab(TabId.TUNE)
    tab.runs.select(runs[0].id)
    tab.show_page(PageId.FRONTIER)
    settle()
    yield found
    held.close()


def settle():
    wait_for_all()
    QApplication.processEvents()


def click(plot, point):
    place = plot.mapFromScene(plot.place_of(point))
    QTest.mouseClick(plot.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(place.x(), place.y()))
    settle()


def test_a_checkpoint_that_is_picked_goes_on_to_compare_to_rank_and_out(window, runs, filled, tmp_path):
    tab = window.page.tab
    page, plot = tab.frontier, tab.frontier.plot
    assert [point.run for point in plot.points] == [1, 2]
    assert "Run 3 is left out: its reward has other weights, rules or penalties." in page.left_out.text()
    assert page.missing.text().startswith("Not measured yet: 4 kept checkpoints and 16 answers of the reference")
    assert not page.compare.isVisible()

    click(plot, plot.points[1])
    assert page.told.text().startswith("Run 2, step 4 (PPO): reward +0.50") and tab.runs.current == 2
    plot.setFocus()
    QTest.keyClick(plot, Qt.Key.Key_Left)
    settle()
    assert page.told.text().startswith("Run 1, step 4") and tab.runs.current == 1
    page.axis.setCurrentIndex(page.axis.findData("wins"))
    page.axis.activated.emit(page.axis.currentIndex())
    assert "scores higher than the reference in" in page.told.text()

    page.measure.click()
    (job,) = queue.listed(filled, MeasureFrontierJob)
    assert (job.config, page.measure.isEnabled()) == (MeasureFrontierConfig(policy_job=1), False)
    record = Recorder(filled, job.id).record
    state = PolicyState(2, 2)
    record(Samples(1, answered("reference", 0.0, count=16)))
    record(Samples(2, answered(state.name, 2.0, 1.0)))
    record(Result(type(job.result)(policy_job=1, answers=16, measured=(state,))))
    set_job(filled, job.id, status="done", started_at="2026-02-01T00:00:00+00:00")
    tab.session.look_again()
    settle()
    assert [(point.run, point.step) for point in plot.points] == [(2, 2), (1, 4), (2, 4)]
    assert [each.n for each in plot.found.best_of] == [1, 2, 4, 8, 16]

    QTest.keyClick(plot, Qt.Key.Key_Home)
    settle()
    page.export.click()
    menu = page.export.findChild(QMenu)
    menu.close()
    next(each for each in menu.actions() if "adapter" in each.text()).trigger()
    tab.findChild(QFileDialog).fileSelected.emit(str(tmp_path / "model"))
    (asked,) = queue.listed(filled, ExportModelJob)
    assert (asked.config.policy_job, asked.config.checkpoint, asked.config.format) == (2, "2", "adapter")

    page.compare.click()
    compare = window.page.tab
    assert (compare.policy.currentData(), compare.checkpoint.currentText()) == (2, "Step 2")
    compare.heldout.click()
    (asked,) = queue.listed(filled, CompareJob)
    assert (asked.config.policy_job, asked.config.checkpoint) == (2, "2")
    assert compare.what.text().startswith("Run 2, step 2 beside the reference")

    window.page.open_tab(TabId.TUNE)
    page.write.click()
    writer = window.page.tab.side.generate.writer
    assert (writer.values()["policy_job"], writer.values()["checkpoint"]) == (2, "2")
    writer.choose(1)
    assert writer.values()["checkpoint"] == "last", "a step is one of the run that it was picked of"


def test_without_anything_measured_it_says_what_is_missing(session, qtbot, filled):
    from desktop.policy.tab import Tab

    run = add_job(filled, TrainPolicyConfig(steps=2, gold="length", train_on_gold=True, eval_prompts=0))
    Recorder(filled, run.id).record(Checkpoint(2, lambda folder: (folder / "policy").mkdir()))
    set_job(filled, run.id, **ENDED)
    tab = Tab(session)
    qtbot.addWidget(tab)
    tab.show()
    tab.show_page(PageId.FRONTIER)
    session.look_again()
    settle()
    page = tab.frontier
    assert page.empty.isVisible() and not page.whole.isVisible(), "there is nothing to be shown large"
    assert page.empty.text().startswith("2 prompts are held out, and nothing was measured on them yet: “Measure what")
    assert page.measure.isEnabled() and gather(filled).unmeasured == [PolicyState(run.id, 2)]
    for prompt in prompts.listed(filled, split="heldout"):
        prompts.edit(filled, prompt.id, split="train")
    page.look_again()
    settle()
    assert page.empty.text().startswith("No prompt is held out to be measured on: hold some out under Instructions")
