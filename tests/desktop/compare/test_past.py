"""Comparisons that were made before, and those that were stopped, on the Compare tab."""

import pytest

from core.config.jobs import CompareConfig, CompareJob, CompareResult
from core.config.training import TrainPolicyConfig, TrainPolicyResult
from core.events import Result, Sample, Samples
from core.jobs import lock, queue
from core.jobs.recorder import Recorder
from desktop.compare.tab import Tab
from desktop.session import Session
from tests.desktop.talks import press, texts, with_run
from tests.jobs import add_job, set_job


def compared(project, answer, status="done"):
    job = add_job(project, CompareConfig(policy_job=1))
    sides = [Sample("Why?", text, side, score=1.0, tokens=3) for side, text in
             (("reference", "Because."), ("tuned", answer))]  # fmt: skip
    Recorder(project, job.id).record(Samples(0, tuple(sides)))
    Recorder(project, job.id).record(Result(CompareResult(policy_job=1, prompts=1)))
    return set_job(project, job.id, status=status)


@pytest.fixture
def tab(filled, qtbot):
    with_run(filled, TrainPolicyConfig(max_new_tokens=6), TrainPolicyResult(adapter="runs/1/x"))
    session = Session(filled)
    held = lock.acquire(filled.folder)
    found = Tab(session)
    qtbot.addWidget(found)
    found.resize(1000, 800)
    found.show()
    yield found
    found.close()
    session.rest()
    held.close()


def test_an_earlier_comparison_can_be_looked_at_again_and_one_that_was_stopped_goes_on(tab, qtbot):
    project = tab.session.project
    first, second = compared(project, "The first."), compared(project, "The second.")
    tab.session.look_again()
    tab.show_newest()
    qtbot.waitUntil(lambda: "The second." in texts(tab))
    assert tab.past.isVisible() and tab.past.currentData() == second.id and tab.past.count() == 2
    tab.past.setCurrentIndex(tab.past.findData(first.id))
    tab.past.activated.emit(tab.past.currentIndex())
    qtbot.waitUntil(lambda: "The first." in texts(tab))
    assert not tab.resume.isVisible()

    tab.heldout.click()
    (asked,) = queue.listed(project, CompareJob, status="queued")
    assert "The first." not in texts(tab) and tab.past.count() == 3
    tab.session.stop(asked.id)
    tab.session.look_again()
    qtbot.waitUntil(lambda: "resume it" in texts(tab))
    assert f"Job {asked.id}: held-out prompts · stopped" == tab.past.currentText()
    press(tab, qtbot, "Resume")
    assert queue.get(project, asked.id).status == "queued" and not tab.resume.isVisible()
    tab.past.setCurrentIndex(tab.past.findData(first.id))
    tab.past.activated.emit(tab.past.currentIndex())
    set_job(project, asked.id, status="running", done=1, total=2)
    tab.session.look_again()
    assert tab.past.currentData() == first.id, "what was chosen stays while another one goes on"


def test_it_begins_with_a_run_that_came_to_its_end(tab, qtbot):
    run = add_job(tab.session.project, TrainPolicyConfig())
    Recorder(tab.session.project, run.id).record(Result(TrainPolicyResult(adapter="runs/2/step-0")))
    set_job(tab.session.project, run.id, status="running", total=3)
    tab.session.look_again()
    other = Tab(tab.session)
    qtbot.addWidget(other)
    assert (other.policy.count(), other.policy.currentData()) == (2, 1)
