"""The window: welcome, projects, tabs, runs drawn live, jobs asked for, errors as sentences."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QByteArray, QCoreApplication, QEvent, QPoint, QPointF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QWheelEvent
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog, QLabel, QMessageBox, QSpinBox, QTextBrowser

from core import demo
from core.config.jobs import CompareConfig, CompareJob, CompareResult, JobKind, config_values
from core.config.training import ALGORITHMS, TrainPolicyConfig, TrainPolicyResult, TrainRewardConfig, TrainRewardResult
from core.events import Metrics, Progress, Result, Sample, Samples
from core.jobs import follow, launch, queue, worker_process
from core.jobs.recorder import Recorder
from core.labeling import gold
from core.records import NewRanking
from core.resources import resource
from core.store import labelers, open_project, rankings
from desktop import errors, user_settings
from desktop.guide.window import GuideWindow
from desktop.places import PageId, TabId
from desktop.projects.welcome import NewProject
from desktop.theme import theme
from desktop.theme.icons import icon
from tests.jobs import set_job
from tests.thorough import represented


def texts(widget):
    return " ".join(label.text() for label in widget.findChildren(QLabel) if label.isVisible())


@pytest.fixture
def ranked(filled):
    """Everything ranked by a script; the connection is closed so that the window owns the project."""
    gold.rank_all(filled, "length")
    return filled


@pytest.fixture
def with_runs(ranked):
    """A finished reward model and a policy run with 5 steps, as a worker would have written them."""
    worker = open_project(ranked.folder)
    reward = queue.enqueue(worker, JobKind.TRAIN_REWARD, config_values(TrainRewardConfig()))
    record = Recorder(worker, reward.id).record
    for step in range(1, 6):
        record(Metrics(step, {"loss": 0.7 - step / 50, "accuracy": 0.5, "eval_loss": 0.69, "eval_accuracy": 0.6}))
    record(Result(TrainRewardResult(adapter="runs/1/x", accuracy=0.6, pairs=20, heldout_pairs=8, seconds=3.0)))
    config = config_values(TrainPolicyConfig(gold="length"), ALGORITHMS["ppo"].config())
    policy = queue.enqueue(worker, JobKind.TRAIN_POLICY, config)
    record = Recorder(worker, policy.id).record
    for step in range(1, 6):
        record(Metrics(step, {"objective/scores": step / 5, "objective/kl": step / 10, "objective/gold": 1.0}))
        record(Samples(step, tuple(Sample(f"p{n}", f"c{n} of {step}", score=0.5, kl=0.1) for n in range(4))))
    record(Result(TrainPolicyResult(adapter="runs/2/x", reward_before=0.0, reward_after=1.0, kl=0.5, steps=5)))
    for job in (reward, policy):
        set_job(worker, job.id, status="done")
    worker.close()
    return ranked


def test_the_first_page_offers_a_way_in_and_remembers_projects(open_window, project, qtbot):
    window = open_window()
    assert "Align a language model" in texts(window.welcome)
    assert window.workspace.open(project.folder)
    assert window.windowTitle() == "Test project – Plumbline"
    assert user_settings.recent_projects() == [project.folder]
    window.workspace.close()
    qtbot.waitUntil(lambda: window.windowTitle() == "Plumbline")
    qtbot.waitUntil(lambda: [row.folder for row in window.welcome.recent.rows] == [project.folder])


def test_a_folder_given_on_the_command_line_is_opened(open_window, project, qtbot):
    window = open_window(project.folder)
    qtbot.waitUntil(lambda: window.session is not None)


def test_a_foreign_folder_is_one_sentence_and_the_open_project_stays(open_window, project, tmp_path):
    window = open_window(project.folder)
    window.workspace.open(project.folder)
    (tmp_path / "other").mkdir()
    assert not window.workspace.open(tmp_path / "other")
    box = window.findChild(QMessageBox)
    assert "not a Plumbline project" in box.informativeText()
    box.close()
    assert window.session.project.folder == project.folder


def test_the_demo_opens_with_something_in_every_tab(open_window, qtbot):
    window = open_window()
    assert window.focusWidget() is window.welcome.demo_button, "Return alone opens the demo"
    qtbot.keyClick(window.welcome.demo_button, Qt.Key.Key_Return)
    assert window.session.project.name == demo.NAME
    review = window.open_tab(TabId.REVIEW)
    review.show_page(PageId.AGREEMENT)
    qtbot.waitUntil(lambda: review.agreement.tables.isVisible())
    reward = window.open_tab(TabId.REWARD)
    assert reward.training.runs.count() == 1
    qtbot.waitUntil(lambda: "script" in texts(reward.training))
    policy = window.open_tab(TabId.TUNE)
    qtbot.waitUntil(lambda: policy.charts.reward.series["objective/scores"].size > 3)
    assert policy.samples.model.rowCount() > 10
    compare = window.open_tab(TabId.COMPARE)
    qtbot.waitUntil(lambda: "Reference" in texts(compare))


@pytest.mark.parametrize("tab", TabId)
def test_every_tab_opens_on_an_empty_project_and_says_what_it_needs(open_window, project, tab):
    window = open_window()
    window.workspace.open(project.folder)
    found = window.open_tab(tab)
    assert found.isVisible()
    assert len(texts(found)) > 40


@pytest.mark.parametrize("mode", represented(["light", "dark"], "light"))
def test_every_tab_opens_on_a_project_with_runs_in_both_themes(open_window, with_runs, mode):
    window = open_window()
    window.workspace.open(with_runs.folder)
    for tab in TabId:
        window.open_tab(tab)
    window.set_theme(mode)
    assert theme.current().name == mode
    for tab in TabId:
        assert window.open_tab(tab).isVisible()


def test_runs_are_drawn_and_news_makes_the_curves_grow(open_window, with_runs, qtbot):
    window = open_window()
    window.workspace.open(with_runs.folder)
    policy = window.open_tab(TabId.TUNE)
    series = policy.charts.reward.series["objective/scores"]
    qtbot.waitUntil(lambda: series.size == 5)
    assert list(series.values[: series.size]) == [0.2, 0.4, 0.6, 0.8, 1.0]
    assert policy.samples.model.rowCount() == 20
    worker = open_project(with_runs.folder)
    record = Recorder(worker, 2).record
    record(Metrics(6, {"objective/scores": 3.0, "objective/kl": 0.9}))
    record(Samples(6, (Sample("new prompt", "new completion", score=1.0),)))
    window.session.poll()
    assert (series.size, series.values[5]) == (6, 3.0)
    assert policy.samples.model.row(0)["completion"] == "new completion"
    assert "reward went from +0.00 to +1.00" in policy.result.text()
    worker.close()


def test_start_queues_what_the_form_says(open_window, with_runs, started, qtbot):
    window = open_window()
    window.workspace.open(with_runs.folder)
    reward = window.open_tab(TabId.REWARD)
    qtbot.waitUntil(reward.training.train.isEnabled)
    qtbot.mouseClick(reward.training.train, Qt.MouseButton.LeftButton)
    policy = window.open_tab(TabId.TUNE)
    assert policy.form.values()["gold"] == "length", "the script's gold reward is suggested"
    qtbot.mouseClick(policy.start_button, Qt.MouseButton.LeftButton)
    jobs = queue.listed(window.session.project)
    assert [(job.kind, job.status) for job in jobs[:2]] == [("train-policy", "queued"), ("train-reward", "queued")]
    assert jobs[0].config.gold == "length"
    assert jobs[0].options.cliprange == 0.2
    assert jobs[1].config == TrainRewardConfig()
    assert started == [with_runs.folder, with_runs.folder]


def test_pause_resume_and_stop_are_asked_for_and_the_bar_follows(open_window, with_runs, qtbot):
    window = open_window()
    window.workspace.open(with_runs.folder)
    job = window.session.start(JobKind.TRAIN_REWARD, TrainRewardConfig())
    worker = open_project(with_runs.folder)
    lock_held(window, worker)
    set_job(worker, job.id, status="running")
    Recorder(worker, job.id).record(Progress(3, 10, "Training the reward model"))
    window.session.poll()
    bar = window.page.job_bar
    assert bar.isVisible()
    assert "3 of 10" in bar.text.text()
    assert bar.text.drawn() == bar.text.text()
    Recorder(worker, job.id).record(Progress(4, 10, "Training the reward model " * 10))
    window.session.poll()
    qtbot.waitUntil(lambda: bar.text.drawn().endswith("…"))
    assert bar.text.fontMetrics().horizontalAdvance(bar.text.drawn()) <= bar.text.width() < bar.pause.x()
    qtbot.mouseClick(bar.pause, Qt.MouseButton.LeftButton)
    assert queue.get(worker, job.id).wanted == "pause"
    set_job(worker, job.id, status="paused")
    window.session.poll()
    assert "paused" in bar.text.text()
    qtbot.mouseClick(bar.resume, Qt.MouseButton.LeftButton)
    assert queue.get(worker, job.id).wanted == "run"
    qtbot.mouseClick(bar.stop, Qt.MouseButton.LeftButton)
    assert queue.get(worker, job.id).wanted == "stop"
    worker.close()


def test_stop_now_is_offered_beside_stop_and_what_resume_does_then_is_told(open_window, with_runs, qtbot, monkeypatch):
    window = open_window()
    window.workspace.open(with_runs.folder)
    job = window.session.start(JobKind.TRAIN_REWARD, TrainRewardConfig())
    worker = open_project(with_runs.folder)
    lock_held(window, worker)
    bar, stopped = window.page.job_bar, []
    assert not bar.stop_now.isVisible(), "nothing has begun that could be lost"
    set_job(worker, job.id, status="running", started_at="2026-01-01T00:00:00.000+00:00")
    window.session.poll()
    assert bar.stop.isVisible() and bar.stop_now.isVisible()
    monkeypatch.setattr(worker_process, "stop_now", lambda project, job_id: stopped.append(job_id))
    qtbot.mouseClick(bar.stop, Qt.MouseButton.LeftButton)
    window.session.poll()
    assert not bar.stop.isVisible() and "stopping after this step" in bar.text.whole
    qtbot.mouseClick(bar.stop_now, Qt.MouseButton.LeftButton)
    assert stopped == [job.id]
    set_job(worker, job.id, status="stopped")
    window.session.poll()
    assert "was stopped. Nothing of it was saved yet: resume begins it anew." in bar.text.whole
    assert bar.resume.isVisible() and not bar.stop_now.isVisible()
    set_job(worker, job.id, status="running", wanted="run")
    monkeypatch.setattr(follow, "WORKER_SECONDS", 0.0)
    monkeypatch.setattr(worker_process, "life", lambda project: worker_process.Life.SUSPENDED)
    set_job(worker, job.id, done=1)
    window.session.poll()
    assert bar.stop_now.isVisible()
    assert "was suspended and does not answer" in bar.text.text()
    worker.close()


def test_a_run_whose_worker_was_killed_says_what_may_have_killed_it(open_window, with_runs, monkeypatch):
    window = open_window()
    window.workspace.open(with_runs.folder)
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    process.kill()
    process.wait()
    monkeypatch.setattr(launch, "ensure_worker", lambda folder: process)
    job = window.session.start(JobKind.TRAIN_REWARD, TrainRewardConfig())
    worker = open_project(with_runs.folder)
    set_job(worker, job.id, status="running")
    monkeypatch.setattr(follow, "WORKER_SECONDS", 0.0)
    window.session.poll()
    assert "was interrupted. The worker was killed from outside (signal 9)" in window.page.job_bar.text.text()
    worker.close()


def lock_held(window, worker):
    """Play the living worker: hold the project's lock as it would."""
    from core.jobs import lock

    window.destroyed_guard = lock.acquire(worker.folder)


def test_a_run_without_its_worker_shows_as_interrupted_and_can_be_resumed(
    open_window, with_runs, started, qtbot, monkeypatch
):
    window = open_window()
    window.workspace.open(with_runs.folder)
    job = window.session.start(JobKind.TRAIN_REWARD, TrainRewardConfig())
    worker = open_project(with_runs.folder)
    set_job(worker, job.id, status="running")
    monkeypatch.setattr(follow, "WORKER_SECONDS", 0.0)
    window.session.poll()
    assert "interrupted" in window.page.job_bar.text.text()
    qtbot.mouseClick(window.page.job_bar.resume, Qt.MouseButton.LeftButton)
    assert queue.get(worker, job.id).status == "queued"
    assert len(started) == 2
    worker.close()


def test_a_typed_prompt_is_answered_by_both_policies(open_window, with_runs, qtbot):
    window = open_window()
    window.workspace.open(with_runs.folder)
    compare = window.open_tab(TabId.COMPARE)
    qtbot.keyClicks(compare.prompt, "How are you?")
    qtbot.keyClick(compare.prompt, Qt.Key.Key_Return)
    job = queue.listed(window.session.project, CompareJob)[0]
    assert (job.config.prompts, job.config.policy_job) == (("How are you?",), 2)
    worker = open_project(with_runs.folder)
    record = Recorder(worker, job.id).record
    record(
        Samples(
            0,
            (
                Sample("How are you?", "Fine.", "reference", score=0.0),
                Sample("How are you?", "Great!", "tuned", score=1.0),
            ),
        )
    )
    record(Result(CompareResult(reward_before=0.0, reward_after=1.0, win_rate=1.0, kl=0.2)))
    set_job(worker, job.id, status="done")
    window.session.poll()
    qtbot.waitUntil(lambda: "Great!" in texts(compare))
    shown = texts(compare)
    assert "higher reward" in shown
    assert "100%" in shown
    assert "1 prompt is few, and the answers are drawn with randomness: another draw may differ." in shown
    worker.close()


def test_a_new_project_is_made_and_opened_or_refused_in_the_dialog(open_window, tmp_path, qtbot):
    window = open_window()
    dialog = NewProject(window)
    dialog.made.connect(window.workspace.open)
    dialog.folder.setText(str(tmp_path))
    (tmp_path / "in the way").write_text("x")
    dialog.make()
    assert "not empty" in dialog.error.text()
    dialog.folder.setText(str(tmp_path / "fresh"))
    dialog.name.setText("Fresh")
    dialog.make()
    assert window.session.project.name == "Fresh"


def test_the_keyboard_reaches_every_tab(open_window, with_runs, qtbot):
    window = open_window()
    window.workspace.open(with_runs.folder)
    for number, tab in enumerate(TabId):
        action = next(a for a in window.menus.made.values() if a.shortcut().toString() == f"Ctrl+{number + 1}")
        action.trigger()
        assert window.shown == tab


def test_rankings_made_in_another_window_are_seen(open_window, filled, qtbot):
    window = open_window()
    window.workspace.open(filled.folder)
    reward = window.open_tab(TabId.REWARD)
    qtbot.waitUntil(lambda: reward.training.pairs.value.text() == "0")
    other = open_project(filled.folder)
    me = labelers.named(other, "me")
    items = [row["id"] for row in other.database.rows("select id from completions where group_id = 1")]
    rankings.add(other, NewRanking(1, me.id, {item: rank for rank, item in enumerate(items, 1)}))
    window.session.poll()
    qtbot.waitUntil(lambda: reward.training.pairs.value.text() == "6")
    other.close()


def test_qt_calls_do_not_eat_references_to_none(qtbot):
    """PySide6 6.12.0 loses one with every call that returns nothing, and then aborts the process."""
    label = QLabel()
    qtbot.addWidget(label)
    before = sys.getrefcount(None)
    for number in range(1000):
        label.setText(str(number))
    assert abs(sys.getrefcount(None) - before) < 100


def test_a_failed_job_says_its_sentence_in_the_window(open_window, project):
    window = open_window()
    window.workspace.open(project.folder)
    job = window.session.start(JobKind.TRAIN_REWARD, TrainRewardConfig())
    worker = open_project(project.folder)
    set_job(worker, job.id, status="failed", error="There are no pairs.")
    window.session.poll()
    assert window.page.job_bar.text.text() == f"Job {job.id}, Train reward model: There are no pairs."
    assert window.page.job_bar.dismiss.isVisible()
    worker.close()


def test_recent_projects_are_in_the_menu_and_open(open_window, project, qtbot):
    window = open_window()
    window.workspace.open(project.folder)
    window.workspace.close()
    qtbot.waitUntil(lambda: window.session is None)
    window.menus.recent.aboutToShow.emit()
    (action,) = window.menus.recent.actions()
    assert action.text() == f"Test project\t{project.folder}"
    action.trigger()
    assert window.session.project.folder == project.folder


def test_the_guide_opens_from_the_menu(open_window):
    window = open_window()
    help_menu = window.menuBar().actions()[-1].menu()
    help_menu.actions()[0].trigger()
    dialog = window.findChild(QDialog)
    assert "What RLHF is" in dialog.findChild(QTextBrowser).toPlainText()
    dialog.close()


def test_help_is_about_the_tab_that_is_shown(open_window, filled):
    window = open_window()
    window.workspace.open(filled.folder)
    pages = []
    for tab in (TabId.RANK, TabId.TUNE):
        window.open_tab(tab)
        window.show_guide()
        pages.append(window.findChild(GuideWindow).pages.page)
    assert pages == ["labeling", "policy"]


def test_what_the_comparison_names_as_its_proof_is_there():
    source = (resource("guide") / "comparison.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_\w+)`", source))
    files = {path.stem for path in Path(__file__).resolve().parents[2].rglob("test_*.py")}
    assert named and named <= files


@pytest.mark.parametrize(
    ("tab", "following"), [(TabId.REWARD, TabId.RANK), (TabId.TUNE, TabId.REWARD), (TabId.COMPARE, TabId.TUNE)]
)
def test_an_empty_tab_leads_to_the_step_before_it(open_window, project, qtbot, tab, following):
    window = open_window()
    window.workspace.open(project.folder)
    found = window.open_tab(tab)
    found = getattr(found, "training", found)
    qtbot.waitUntil(found.empty.action.isVisible)
    assert found.empty.action.text() == f"Go to {following.label}"
    qtbot.mouseClick(found.empty.action, Qt.MouseButton.LeftButton)
    assert window.shown == following


@pytest.mark.parametrize(("tab", "following"), [(TabId.REWARD, TabId.TUNE), (TabId.TUNE, TabId.COMPARE)])
def test_a_finished_run_leads_to_the_next_step(open_window, with_runs, qtbot, tab, following):
    window = open_window()
    window.workspace.open(with_runs.folder)
    found = window.open_tab(tab)
    found = getattr(found, "training", found)
    qtbot.mouseClick(found.next, Qt.MouseButton.LeftButton)
    assert window.shown == following


def test_an_empty_list_of_runs_takes_no_room(open_window, with_runs):
    window = open_window()
    window.workspace.open(with_runs.folder)
    assert window.open_tab(TabId.TUNE).runs.isVisible()
    with with_runs.write() as database:
        database.execute("delete from jobs where kind = 'train-policy'")
    window.workspace.open(with_runs.folder)
    assert not window.open_tab(TabId.TUNE).runs.isVisible()


def test_the_wheel_changes_only_a_field_that_has_the_focus(open_window, with_runs, qtbot):
    window = open_window()
    window.workspace.open(with_runs.folder)
    reward = window.open_tab(TabId.REWARD).training
    before = reward.form.values()
    field = next(box for box in reward.form.findChildren(QSpinBox) if box.isVisible())

    def turn():
        centre = QPointF(field.rect().center())
        down = (QPoint(0, 0), QPoint(0, 120), Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier)
        event = QWheelEvent(centre, field.mapToGlobal(centre), *down, Qt.ScrollPhase.NoScrollPhase, False)
        QApplication.sendEvent(field, event)

    turn()
    assert reward.form.values() == before
    window.activateWindow()
    field.setFocus()
    qtbot.waitUntil(field.hasFocus)
    turn()
    assert reward.form.values() != before


def test_an_error_that_repeats_itself_is_told_once_at_a_time(open_window, capsys):
    window = open_window()
    boxes = [errors.show(ValueError("the same"), window) for _ in range(3)]
    assert boxes[0] is boxes[1] is boxes[2]
    assert "ValueError: the same" in boxes[0].detailedText()
    other = errors.show(ValueError("another"), window)
    assert other is not boxes[0]
    for box in (boxes[0], other):
        box.close()
    assert capsys.readouterr().err.count("ValueError: the same") == 1


def finish(folder, job_id, status):
    worker = open_project(folder)
    set_job(worker, job_id, status=status)
    worker.close()


def test_a_comparison_that_was_interrupted_says_so(open_window, with_runs, qtbot):
    window = open_window()
    window.workspace.open(with_runs.folder)
    compare = window.open_tab(TabId.COMPARE)
    compare.compare_heldout()
    qtbot.waitUntil(lambda: "answering" in texts(compare))
    finish(with_runs.folder, window.session.jobs(CompareJob)[0].id, "interrupted")
    window.session.poll()
    qtbot.waitUntil(lambda: "was interrupted" in texts(compare))
    assert "answering" not in texts(compare)


def test_a_comparison_of_the_newest_run_does_not_number_it_before_it_is_known(open_window, with_runs):
    window = open_window()
    window.workspace.open(with_runs.folder)
    compare = window.open_tab(TabId.COMPARE)
    window.session.start(JobKind.COMPARE, CompareConfig())
    window.session.poll()
    assert compare.what.text() == "The newest run beside the reference, on held-out prompts"


@pytest.mark.thorough
def test_a_long_comparison_is_put_up_in_pages(open_window, with_runs, qtbot):
    window = open_window()
    window.workspace.open(with_runs.folder)
    compare = window.open_tab(TabId.COMPARE)
    results = compare.results
    compare.compare_heldout()
    job = window.session.jobs(CompareJob)[0]
    worker = open_project(with_runs.folder)
    rows = [Sample(f"p{n}", f"{side} {n}", side, score=1.0) for n in range(100) for side in ("reference", "tuned")]
    Recorder(worker, job.id).record(Samples(0, tuple(rows)))
    worker.close()
    finish(with_runs.folder, job.id, "done")
    window.session.poll()
    qtbot.waitUntil(lambda: (results.list.count(), results.more.text()) == (40, "Show 40 more of 60"))
    for _ in range(2):
        qtbot.mouseClick(results.more, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: results.list.count() == 100)
    assert not results.more.isVisible()
    qtbot.waitUntil(lambda: "tuned 99" in texts(compare))


def test_the_threshold_that_stops_a_run_is_drawn(open_window, with_runs, qtbot):
    config = replace(queue.get(with_runs, 2).config, reward_threshold=1.5)
    set_job(with_runs, 2, config=json.dumps(config_values(config)))
    window = open_window()
    window.workspace.open(with_runs.folder)
    charts = window.open_tab(TabId.TUNE).charts
    qtbot.waitUntil(lambda: [line.place for line in charts.reward.levels] == [1.5])
    assert charts.kl.levels == []


def test_a_narrow_chart_keeps_its_names_and_gives_up_its_values(qtbot):
    from desktop.charts.chart import Chart

    chart = Chart(("objective/scores", "objective/gold"), heading="Reward", words=("learned", "gold"))
    qtbot.addWidget(chart)
    chart.append("objective/scores", 1, 1.25)
    chart.append("objective/gold", 1, 0.5)
    chart.resize(600, 200)
    chart.show()
    chart.draw()
    assert "learned 1.25" in chart.readout.text()
    chart.resize(150, 200)
    assert all(name in chart.readout.text() for name in ("learned", "gold"))
    assert "1.25" not in chart.readout.text()


def test_a_chart_without_a_point_says_so_and_invents_no_axes(qtbot):
    from desktop.charts.chart import Chart

    chart = Chart(("objective/scores",))
    qtbot.addWidget(chart)
    chart.show()
    assert (chart.plot.isVisible(), chart.nothing.text()) == (False, ""), "its run is not read yet"
    chart.run = 1
    chart.draw()
    assert (chart.plot.isVisible(), "first step" in chart.nothing.text()) == (False, True)
    chart.append("objective/scores", 1, 1.25)
    chart.draw()
    assert (chart.plot.isVisible(), chart.nothing.isVisible()) == (True, False)
    chart.clear()
    assert not chart.plot.isVisible()


def test_a_new_project_is_offered_a_folder_that_is_free(open_window):
    window = open_window()
    first = NewProject(window)
    first.name.setText("Kind words")
    first.name.textEdited.emit("Kind words")
    assert first.folder.text().endswith("kind-words")
    first.make()
    second = NewProject(window)
    second.name.textEdited.emit("Kind words")
    assert second.folder.text().endswith("kind-words-2")
    second.folder.setText("/chosen")
    second.folder.textEdited.emit("/chosen")
    second.name.textEdited.emit("Other")
    assert second.folder.text() == "/chosen"


@pytest.mark.parametrize("look", [theme.LIGHT, theme.DARK], ids=["light", "dark"])
def test_text_can_be_read_on_every_ground(look):
    """WCAG AA: at least 4.5 to 1."""
    for text in (look.text, look.muted, look.accent, look.good, look.warning, look.danger):
        for ground in (look.ground, look.surface, look.raised):
            assert contrast(text, ground) >= 4.5, (text, ground)
    assert contrast(look.on_accent, look.accent) >= 4.5
    assert contrast(look.accent, look.accent_soft) >= 4.5


def contrast(one, other):
    def luminance(name):
        parts = QColor(name).getRgbF()[:3]
        red, green, blue = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_distraction_free_hides_everything_but_the_tab(open_window, filled, qtbot):
    window = open_window()
    window.workspace.open(filled.folder)
    window.open_tab(TabId.RANK)
    assert window.menus.calm.shortcut().toString() == "F11"
    window.menus.calm.trigger()
    assert not window.page.sidebar.isVisible()
    assert not window.menuBar().isVisible()
    window.menus.calm.trigger()
    assert window.page.sidebar.isVisible()
    assert window.menuBar().isVisible()


@pytest.mark.parametrize("ratio", [1, 1.25, 1.5, 2])
def test_an_icon_is_drawn_for_the_screen_and_not_scaled_to_it(ratio):
    found = icon("rank", "#000000").pixmap(QSize(20, 20), ratio)
    assert (found.devicePixelRatio(), found.width()) == (ratio, round(20 * ratio))
    assert found.toImage() == drawn("rank", round(20 * ratio)), "no pixel was made up from others"


def drawn(name, pixels):
    """An icon rendered at this size, by itself."""
    text = (resource("icons") / f"{name}.svg").read_text(encoding="utf-8").replace("currentColor", "#000000")
    image = QImage(pixels, pixels, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(0)
    painter = QPainter(image)
    QSvgRenderer(QByteArray(text.encode())).render(painter)
    painter.end()
    return image


def test_esc_leaves_distraction_free_when_nothing_else_wants_it(open_window, filled, qtbot):
    window = open_window()
    window.workspace.open(filled.folder)
    window.open_tab(TabId.RANK)
    board = window.tabs[TabId.RANK].board
    window.menus.calm.trigger()
    board.comment.setFocus()
    qtbot.keyClick(board.comment, Qt.Key.Key_Escape)
    assert window.menus.calm.isChecked(), "this one leaves the comment"
    qtbot.keyClick(board, Qt.Key.Key_Escape)
    assert not window.menus.calm.isChecked() and window.page.sidebar.isVisible()


def test_every_question_for_a_file_begins_where_the_last_one_was_answered(open_window, filled, qtbot, tmp_path):
    window = open_window()
    window.workspace.open(filled.folder)
    (tmp_path / "there").mkdir()
    window.projects.archive(filled.folder)
    asked = window.findChild(QFileDialog)
    asked.fileSelected.emit(str(tmp_path / "there" / "mine.plumbline.zip"))
    asked.close()
    qtbot.waitUntil(lambda: "is archived" in window.notice.text.text())
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    window.packs.ask()
    again = window.findChild(QFileDialog)
    assert Path(again.directory().absolutePath()) == tmp_path / "there"
    again.close()
    (tmp_path / "there").rename(tmp_path / "elsewhere")
    assert user_settings.last_folder() == Path.home(), "a folder that is gone is not asked for"
