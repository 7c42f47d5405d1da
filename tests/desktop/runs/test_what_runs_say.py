"""What the window says of jobs and runs: the time that is left, what is done right now, where a run was resumed."""

import shutil

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QMenu, QMessageBox

from core import resources
from core.config.jobs import JOBS, config_values
from core.config.training import ALGORITHMS, TrainPolicyJob, TrainPolicyResult
from core.events import Metrics, Progress, Result
from core.jobs import lock, queue, resumes
from core.jobs.recorder import Recorder
from core.projects import trash
from core.store import create_project, open_project, prompts
from desktop import user_settings
from desktop.background import wait_for_all
from desktop.places import TabId
from desktop.runs.run_list import describe
from desktop.shell import close_dialog
from desktop.shell.jobs_panel import JobsPanel
from tests.jobs import set_job


@pytest.fixture
def window(open_window, filled):
    """A window on a project with a worker at hand."""
    held = lock.acquire(filled.folder)
    found = open_window()
    found.workspace.open(filled.folder)
    yield found
    held.close()


def queued(project, kind="train-policy", **values):
    options = ALGORITHMS["ppo"].config() if kind == "train-policy" else None
    return queue.enqueue(project, kind, config_values(JOBS[kind].config(**values), options))


def polled(window):
    window.session.look_again()


def set_status(project, job, status):
    set_job(project, job.id, status=status, started_at=job.created_at)


def test_the_time_that_is_left_counts_down_between_steps_everywhere(window, filled):
    job = queued(filled)
    set_status(filled, job, "running")
    set_job(filled, job.id, done=4, total=10, seconds=40, stage="Tuning")
    window.open_tab(TabId.TUNE)
    window.panels.show_jobs()
    polled(window)
    session, panel, runs = window.session, window.findChild(JobsPanel), window.tabs[TabId.TUNE].runs
    reads = []
    session.project.database.conn.set_trace_callback(reads.append)

    def shown(waited):
        session._moved[job.id] -= waited
        session._tick()
        return (
            window.page.job_bar.eta.text(),
            runs.item(0).text().split(", ")[1],
            panel.table.item(0, 3).text().split(", ")[1],
        )

    for waited, seconds in ((7, 53), (2, 51), (60, 50)):
        assert set(shown(waited)) == {f"about {seconds} s left"}
    assert reads == [], "the clock asks nobody"


def test_what_a_job_does_right_now_is_in_the_bar_until_its_next_step(window, filled):
    job = queued(filled)
    set_status(filled, job, "running")
    recorder = Recorder(filled, job.id)
    recorder.record(Progress(0, 3, "Tuning the policy (PPO)"))
    recorder.report_status("Writing 16 completions, token 5 of 24")
    polled(window)
    assert window.page.job_bar.text.text().endswith("(PPO): 0 of 3 · Writing 16 completions, token 5 of 24")
    recorder.record(Progress(1, 3, "Tuning the policy (PPO)"))
    polled(window)
    assert window.page.job_bar.text.text().endswith("(PPO): 1 of 3")


def test_the_jobs_of_the_demo_say_how_far_they_came_and_how_long_they_took(open_window, tmp_path):
    shutil.copytree(resources.resource("demo"), tmp_path / "demo")
    window = open_window()
    window.workspace.open(tmp_path / "demo")
    window.panels.show_jobs()
    table = window.findChild(JobsPanel).table
    lines = range(table.rowCount())
    cells = {table.item(line, 1).text(): [table.item(line, place).text() for place in (3, 5)] for line in lines}
    steps = window.session.jobs(TrainPolicyJob)[0].result.steps
    assert cells["Tuned by PPO"] == [f"{steps} of {steps}", "2 min"]
    assert cells["Warm tips"] == ["60 of 60", "2 min"]
    assert cells["Generate completions"][0] == "48 of 48"


def test_a_project_opens_at_the_tab_where_it_was_left_but_a_job_that_went_on_comes_first(
    open_window, filled, tmp_path, qtbot
):
    window = open_window()
    window.workspace.open(filled.folder)
    window.open_tab(TabId.REVIEW)
    window.workspace.close()
    assert window.workspace.open(filled.folder)
    assert window.shown == TabId.REVIEW
    window.workspace.close()
    user_settings.set_last_tab(filled.folder, TabId.TUNE)
    window.open_later(filled.folder)
    qtbot.waitUntil(lambda: window.shown == TabId.TUNE)
    for number in range(20):
        user_settings.set_last_tab(tmp_path / str(number), TabId.RANK)
    assert user_settings.last_tab(filled.folder) is None and user_settings.last_tab(tmp_path / "19") == TabId.RANK


def test_the_step_at_which_a_run_was_resumed_is_marked_in_its_charts(window, filled, qtbot):
    policy, reward = queued(filled), queued(filled, "train-reward")
    for job, name in ((policy, "objective/scores"), (reward, "loss")):
        recorder = Recorder(filled, job.id)
        for step in range(1, 6):
            recorder.record(Metrics(step, {name: step / 5}))
        resumes.mark(filled, job.id, 3, paused=0.0 if job is policy else 1800.0)
        set_status(filled, job, "done")
    window.open_tab(TabId.TUNE)
    polled(window)
    charts = window.tabs[TabId.TUNE].charts
    qtbot.waitUntil(lambda: [(mark.place, mark.word) for mark in charts.reward.marks] == [(3, "resumed")])
    window.open_tab(TabId.REWARD)
    training = window.tabs[TabId.REWARD].training
    assert "after a pause of 30 min" in training.loss.marks[0].meaning


def test_a_run_says_that_prompts_from_its_training_are_held_out_now(window, filled, qtbot):
    job = queued(filled)
    set_status(filled, job, "done")
    folder = filled.run_folder(job.id)
    folder.mkdir(parents=True)
    (folder / "prompts.json").write_text('{"train": [{"id": 1}, {"id": 2}], "heldout": []}')
    window.open_tab(TabId.TUNE)
    polled(window)
    note = window.tabs[TabId.TUNE].held_out
    wait_for_all()
    assert note.isHidden()
    window.session.announce(prompts.edit(window.session.project, 1, split="heldout"))
    qtbot.waitUntil(lambda: note.isVisible())
    assert note.text.text().startswith("1 prompt that is held out now was in this run’s training")


def test_a_run_that_measures_before_its_first_step_counts_no_steps(filled):
    job = set_job(filled, queued(filled).id, status="running", stage="Measuring the reference", done=0, total=16)
    assert describe(job) == f"Run {job.id} · PPO · measuring the reference, 0 of 16"


def test_delete_removes_a_run_after_a_question_and_undo_brings_it_back(window, filled, qtbot):
    job, other = queued(filled), queued(filled)
    for each in (job, other):
        Recorder(filled, each.id).record(Result(TrainPolicyResult(steps=5)))
        set_status(filled, each, "done")
    filled.run_folder(job.id).mkdir(parents=True)
    (filled.run_folder(job.id) / "weights").write_bytes(b"x" * 2_000_000)
    window.open_tab(TabId.TUNE)
    polled(window)
    runs = window.tabs[TabId.TUNE].runs
    runs.select(job.id)
    runs.setFocus()
    runs.customContextMenuRequested.emit(QPoint(5, 5))
    menu = runs.findChild(QMenu)
    assert [action.text() for action in menu.actions()] == ["Name, tags and note …", "Remove the run …"]
    menu.close()
    qtbot.keyClick(runs, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: window.findChild(QMessageBox) is not None)
    box = window.findChild(QMessageBox)
    assert "2.0 MB" in box.informativeText()
    next(button for button in box.buttons() if button.text() == "Remove").click()
    qtbot.waitUntil(lambda: runs.count() == 1 and bool(trash.listed()))
    assert runs.current == other.id and not filled.run_folder(job.id).exists()
    qtbot.waitUntil(lambda: window.notice.action.isVisible())
    window.notice.action.click()
    qtbot.waitUntil(lambda: not trash.listed() and (polled(window) or runs.count() == 2))
    assert filled.run_folder(job.id).exists()
    qtbot.waitUntil(lambda: not window.session.history.undoable)  # there is nothing to undo any more
    window.tabs[TabId.TUNE].removal.remove(job.id)
    qtbot.waitUntil(lambda: runs.count() == 1 and bool(window.session.history.undoable))
    window.take_back("undo")
    qtbot.waitUntil(lambda: not trash.listed() and (polled(window) or runs.count() == 2))
    assert not window.session.history.redoable


def test_the_bar_says_nothing_of_a_run_that_was_removed(window, filled):
    job = queued(filled)
    set_status(filled, job, "running")
    polled(window)
    set_status(filled, job, "failed")
    polled(window)
    assert window.page.job_bar.isVisible()
    trash.delete_run(filled.folder, job.id)
    polled(window)
    assert window.page.job_bar.job is None and not window.page.job_bar.isVisible()


def test_a_run_that_goes_on_is_not_removed(window, filled, qtbot):
    job = queued(filled, "train-reward")
    set_status(filled, job, "running")
    window.open_tab(TabId.REWARD)
    polled(window)
    window.tabs[TabId.REWARD].training.removal.action.trigger()
    qtbot.waitUntil(lambda: window.findChild(QMessageBox) is not None)
    assert "stop it first" in window.findChild(QMessageBox).informativeText()
    window.findChild(QMessageBox).close()
    again = open_project(filled.folder)
    assert queue.get(again, job.id).status == "running"
    again.close()


def test_a_project_that_closes_says_that_its_job_goes_on_and_how_to_come_back(window, filled, qtbot, tmp_path):
    create_project(tmp_path / "other").close()
    window.workspace.open(tmp_path / "other")
    notice = window.notice
    assert not notice.isVisible(), "nothing runs there"
    window.workspace.open(filled.folder)
    job = queued(filled)
    set_status(filled, job, "running")
    queued(filled)
    polled(window)
    window.workspace.open(filled.folder)
    assert not notice.isVisible(), "it is open again"
    window.workspace.open(tmp_path / "other")
    assert notice.text.text() == (
        f"Job {job.id}, Tune policy, goes on in the background, and 1 more waits: open “Test project” again to see "
        "how far it is."
    )
    notice.action.click()
    assert window.session.project.folder == filled.folder
    window.workspace.close()
    assert "goes on in the background" in notice.text.text() and notice.isVisible()
    window.workspace.open(filled.folder)
    set_status(filled, job, "paused")
    polled(window)
    box = close_dialog.ask(window.session, window, lambda: None)
    assert "stays paused" in box.informativeText() and "is paused. 1 more waits." in box.text()
    box.close()
    window.workspace.close()
    assert f"Job {job.id}, Tune policy, stays paused, and 1 more waits" in notice.text.text()
