"""The Reward model tab on runs as a worker would have written them: training, report, playground."""

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from core import demo
from core.config.jobs import JobKind, config_values
from core.config.options import changed_values
from core.config.scoring import (
    ScoreFileJob,
    ScoreFileResult,
    ScoreJob,
    ScoreResult,
    SuggestJob,
    SuggestResult,
    TokenTrace,
)
from core.config.training import Scale, TrainedModel, TrainRewardConfig, TrainRewardJob, TrainRewardResult
from core.events import Metrics, Priorities, Result, Score, Scores
from core.jobs import queue
from core.jobs.recorder import Recorder
from core.labeling import gold
from core.records import Job, JobResult
from core.store import Project, assignments, open_project
from desktop.background import busy
from desktop.places import TabId
from desktop.reward.report_plots import SliceDots
from desktop.reward.tab import Tab
from desktop.session import Session
from desktop.theme import theme
from tests.jobs import set_job


def texts(widget) -> str:
    return " ".join(label.text() for label in widget.findChildren(QLabel) if label.isVisible())


def tints(browser) -> list[float]:
    """How strongly each piece of the first paragraph is coloured."""
    found = []
    fragments = browser.document().begin().begin()
    while not fragments.atEnd():
        found.append(round(fragments.fragment().charFormat().background().color().alphaF(), 2))
        fragments += 1
    return found


def seen(length: int) -> int:
    """The length, but that of the shortest answer is taken for that of a long one."""
    return length if length > 5 else 39


def write_run(folder, *, shift: float = 0.0, models=()) -> int:
    """A finished run that scores held-out completions by their length but for the shortest, with five steps."""
    worker = open_project(folder)
    job = queue.enqueue(worker, JobKind.TRAIN_REWARD, config_values(TrainRewardConfig()))
    record = Recorder(worker, job.id).record
    for step in range(1, 6):
        values = {"loss": 0.7 - step / 50 + shift, "accuracy": 0.5, "margin": step / 10}
        record(Metrics(step, values | {"eval_loss": 0.69, "eval_accuracy": 0.6, "eval_margin": step / 20}))
    rows = worker.database.rows(
        "select c.id, length(c.text) as n, c.tokens from completions c join completion_groups g on g.id = c.group_id"
        " join prompts p on p.id = g.prompt_id where p.split = 'heldout'"
    )
    names = ["reward", *models]
    record(
        Scores(
            tuple(
                Score(
                    "heldout",
                    name,
                    "overall",
                    row["id"],
                    (row["n"] if row["n"] > 5 else 39) / 10 + shift,
                    row["tokens"],
                )
                for row in rows
                for name in names
            )
        )
    )
    trained = tuple(TrainedModel(name, prompts=8 - place, pairs=20) for place, name in enumerate(names))
    record(
        Result(
            TrainRewardResult(
                adapter="runs/1/x", accuracy=0.6, pairs=20, heldout_pairs=8, seconds=3.0,
                members=("reward",), columns=("overall",), models=trained, scale={"reward": Scale((0.0,), (1.0,))},
            )
        )
    )  # fmt: skip
    set_job(worker, job.id, status="done")
    worker.close()
    return job.id


@pytest.fixture
def with_run(filled: Project) -> Project:
    gold.rank_all(filled, "length")
    write_run(filled.folder)
    return filled


@pytest.fixture
def tab(qtbot: QtBot, with_run: Project) -> Iterator[Tab]:
    session = Session(with_run)
    found = Tab(session)
    qtbot.addWidget(found)
    found.resize(1080, 760)
    with qtbot.waitExposed(found):
        found.show()
    qtbot.waitUntil(lambda: not busy())
    yield found
    session.rest()
    found.close()


def end(tab: Tab, record: type[Job], result: JobResult | None, status: str = "done") -> int:
    """Let the newest job of a kind end as a worker would."""
    job = queue.listed(tab.session.project, record)[0]
    worker = open_project(tab.session.project.folder)
    if result is not None:
        Recorder(worker, job.id).record(Result(result))
    set_job(worker, job.id, status=status)
    worker.close()
    tab.session.look_again()
    return job.id


def test_the_run_is_drawn_with_its_scores(tab):
    page = tab.training
    assert page.loss.series["loss"].size == page.margin.series["eval_margin"].size == 5
    assert len(page.histogram._chosen) == 12, "two held-out prompts with six pairs each"
    assert "Orders 60% of 8 held-out pairs" in texts(page)
    assert page.pairs.value.text() == "36"


def test_a_ticked_run_is_laid_over_the_shown_one(tab, qtbot):
    write_run(tab.session.project.folder, shift=0.1)
    tab.session.look_again()
    page = tab.training
    assert page.runs.count() == 2
    assert page.loss.overlays == []
    other = next(page.runs.item(n) for n in (0, 1) if page.runs.item(n) is not page.runs.currentItem())
    other.setCheckState(Qt.CheckState.Checked)
    assert len(page.loss.keys) == 4, "training and held-out of both"
    assert f"Run {other.data(Qt.ItemDataRole.UserRole)}" in page.bar.legend.text()
    page.runs.refresh()
    assert len(page.runs.overlaid) == 1, "the tick survives a refresh"
    other = next(page.runs.item(n) for n in (0, 1) if page.runs.item(n) is not page.runs.currentItem())
    other.setCheckState(Qt.CheckState.Unchecked)
    assert page.loss.overlays == []
    assert page.bar.legend.text() == ""


def test_a_run_that_will_be_measured_says_so_until_it_is(tab, qtbot):
    nothing = tab.training.histogram.nothing
    worker = open_project(tab.session.project.folder)
    job = queue.enqueue(worker, JobKind.TRAIN_REWARD, config_values(TrainRewardConfig()))
    tab.session.look_again()
    tab.training.show_newest()
    qtbot.waitUntil(lambda: nothing.text() == "Drawn at the first measurement.")
    set_job(worker, job.id, status="failed")
    worker.close()
    tab.session.look_again()
    qtbot.waitUntil(lambda: "once pairs are held out" in nothing.text())


def test_live_scores_redraw_the_histogram(tab, qtbot):
    worker = open_project(tab.session.project.folder)
    job = queue.enqueue(worker, JobKind.TRAIN_REWARD, config_values(TrainRewardConfig()))
    tab.session.look_again()
    tab.training.runs.refresh(select_newest=True)
    qtbot.waitUntil(lambda: not busy())
    assert len(tab.training.histogram._chosen) == 0
    record = Recorder(worker, job.id).record
    rows = worker.database.rows("select id from completions where group_id = 5")
    record(Scores(tuple(Score("heldout", "reward", "overall", row["id"], float(row["id"]), 3) for row in rows)))
    record(Metrics(1, {"eval_loss": 0.6}))
    worker.close()
    tab.session.look_again()
    qtbot.waitUntil(lambda: len(tab.training.histogram._chosen) == 6)


def test_the_report_says_how_good_it_is_and_where_not(tab, qtbot, qapp):
    tab.pages.setCurrentWidget(tab.report)
    qtbot.waitUntil(lambda: tab.report.report is not None and not busy())
    page = tab.report
    # News of the run may have the report measured once more.
    qtbot.waitUntil(lambda: page.report is not None and page.errors.count() == len(page.report.mistakes) == 4)
    assert page.accuracy.value.text() == "67%", "the shortest one beats two others of each prompt"
    assert "Measured on 12 pairs of 2 prompts" in texts(page)
    assert "These figures rest on 2 rankings as they count now, the newest of" in texts(page)
    titles = [dots.accessibleName() for dots in page.findChildren(SliceDots)]
    assert titles[:2] == ["By distance of ranks", "By length"]
    assert "Learning curve" in page.growth.nothing.text()
    qtbot.waitUntil(lambda: "The model gives this" in texts(page))
    assert "a short answer 5" in texts(page)
    for name in ("dark", "light"):
        theme.apply(qapp, name)
        assert not page.grab().isNull()


def test_the_report_is_exported(tab, qtbot, tmp_path):
    tab.pages.setCurrentWidget(tab.report)
    qtbot.waitUntil(lambda: tab.report.report is not None and not busy())
    tab.report.export(tmp_path / "report.html")
    assert "Worst errors" in (tmp_path / "report.html").read_text()
    assert "Written to report.html" in tab.report.said.text()
    tab.report.export(tmp_path / "nowhere" / "report.json")
    assert "cannot be written" in tab.report.said.text()


def test_a_new_run_is_reported_by_itself(tab, qtbot):
    tab.pages.setCurrentWidget(tab.report)
    qtbot.waitUntil(lambda: tab.report.report is not None and not busy())
    newest = write_run(tab.session.project.folder, shift=0.1, models=("curve0", "curve1", "curve2"))
    tab.session.look_again()
    qtbot.waitUntil(lambda: tab.report.report is not None and tab.report.report.job_id == newest)
    assert len(tab.report.report.growth.measured) == 4
    qtbot.waitUntil(lambda: "labeled prompts instead of" in tab.report.growth_text.text())


def test_completions_are_scored_and_the_reward_is_followed_through_the_text(tab, qtbot):
    tab.pages.setCurrentWidget(tab.playground)
    page = tab.playground
    assert page.nothing.isVisible() and "press Score" in page.nothing.text.text()
    page.nothing.action.click()
    asked, answers = page.prompt.toPlainText(), page.completion.toPlainText().split("\n---\n")
    assert asked.startswith("question") and len(answers) == 3, "a prompt of the project with some completions"
    assert page.nothing.text.text().startswith("Press Score") and not page.nothing.action.isVisible()
    page.completion.clear()
    page.start_scoring()
    assert "Write a completion first" in page.said.text()
    page.prompt.setPlainText("hello")
    page.completion.setPlainText("kind words\n\nof two lines\n---\nother words")
    qtbot.mouseClick(page.score, Qt.MouseButton.LeftButton)
    job = queue.listed(tab.session.project, ScoreJob)[0]
    assert job.config.completions == ("kind words\n\nof two lines", "other words")
    page.completion.setPlainText("written while waiting")
    end(
        tab,
        ScoreJob,
        ScoreResult(
            scores=(1.25, -0.5), percentiles=(0.9, 0.25), wins=((0.5, 0.8), (0.2, 0.5)),
            traces=(
                TokenTrace(("kind", " words", " <b>"), (0.0, 1.5, 1.0, 1.25)),
                TokenTrace(("other",), (0.0, -0.5)),
            ),
        ),
    )  # fmt: skip
    cells = [[page.scores.item(r, c).text() for c in range(5)] for r in range(2)]
    assert cells == [
        ["1 kind words of two lines", "+1.25 ★", "90%", "–", "80%"],
        ["2 other words", "-0.50", "25%", "20%", "–"],
    ]
    shown = page.trace.toPlainText()
    assert "kind words <b>" in shown and page.view.isVisible()
    assert "Largest step: +1.50 at “kind”" in shown
    assert tints(page.trace) == [0.55, pytest.approx(0.55 / 3, abs=0.01), pytest.approx(0.55 / 6, abs=0.01)]
    page.scores.setCurrentCell(1, 0)
    assert "other" in page.trace.toPlainText()


def test_scoring_that_was_stopped_or_failed_says_so(tab):
    page = tab.playground
    page.completion.setPlainText("first")
    page.start_scoring()
    end(tab, ScoreJob, None, "stopped")
    assert "stopped" in page.said.text()
    page.start_scoring()
    job = queue.listed(tab.session.project, ScoreJob)[0]
    set_job(tab.session.project, job.id, error="No such model.")
    tab.session.project.database.conn.commit()
    end(tab, ScoreJob, None, "failed")
    assert page.said.text() == "No such model."


def test_a_model_made_elsewhere_is_asked_when_it_is_named(tab):
    page = tab.playground
    page.completion.setPlainText("text")
    page.elsewhere.setText("hub:owner/name")
    page.start_scoring()
    job = queue.listed(tab.session.project, ScoreJob)[0]
    assert (job.config.reward_model, job.config.reward_job) == ("hub:owner/name", 0)


def test_a_file_is_scored(tab, tmp_path):
    page = tab.playground
    page.start_file(str(tmp_path / "in.jsonl"), str(tmp_path / "out.jsonl"))
    job = queue.listed(tab.session.project, ScoreFileJob)[0]
    assert job.config.path == str(tmp_path / "in.jsonl")
    end(tab, ScoreFileJob, ScoreFileResult(str(tmp_path / "out.jsonl"), completions=4, prompts=2, too_long=1))
    assert "4 completions scored" in page.said.text()
    assert "1 were too long" in page.said.text()


def test_what_it_doubts_comes_first_in_the_queue_until_the_usual_order_is_asked_for(tab, qtbot):
    tab.pages.setCurrentWidget(tab.playground)
    page = tab.playground
    assert page.usual.isHidden()
    qtbot.mouseClick(page.suggest, Qt.MouseButton.LeftButton)
    job = queue.listed(tab.session.project, SuggestJob)[0]
    worker = open_project(tab.session.project.folder)
    Recorder(worker, job.id).record(Priorities({3: 0.1, 5: 0.6}))
    worker.close()
    end(tab, SuggestJob, SuggestResult(groups=2, doubt=0.35))
    assert "2 unranked prompts now come" in page.said.text()
    assert page.usual.isVisible()
    assert assignments.priorities(tab.session.project) == {3: 0.1, 5: 0.6}
    qtbot.mouseClick(page.usual, Qt.MouseButton.LeftButton)
    assert assignments.priorities(tab.session.project) == {}


def test_a_run_that_ended_before_its_last_step_says_so_wherever_it_is_shown(tab: Tab, qtbot: QtBot) -> None:
    project = tab.session.project
    job = queue.listed(project, TrainRewardJob)[0]
    set_job(project, job.id, config=json.dumps(config_values(replace(job.config, epochs=10, batch_prompts=4))))
    models = (TrainedModel("reward", prompts=8, pairs=20, steps=12),)
    Recorder(project, job.id).record(Result(TrainRewardResult(models=models)))
    tab.session.look_again()
    tab.training.show_run(job.id)
    why = "stopped after 12 of 20 steps, because the held-out log loss did not fall any more"
    assert f"Training {why}." in tab.training.result.text()
    assert tab.training.runs.item(0).text() == f"Run {job.id} · accuracy 0.60, stopped after 12 of 20 steps"
    tab.pages.setCurrentIndex(1)
    qtbot.waitUntil(lambda: tab.report.report is not None)
    tab.report.load()
    qtbot.waitUntil(lambda: f"Its training {why}." in tab.report.about.text())

    unknown = changed_values(replace(queue.get(project, job.id).result, accuracy=None))
    set_job(project, job.id, status="stopped", done=5, total=20, result=json.dumps(unknown))
    tab.session.look_again()
    assert tab.training.runs.item(0).text() == f"Run {job.id} · stopped after 5 of 20 steps"
    assert tab.training.result.text().startswith("Stopped after 5 of 20 steps: Resume in the list of jobs")


def test_the_demo_has_a_first_prompt_ready_to_be_scored_and_keeps_what_was_typed(open_window, qtbot):
    window = open_window()
    window.workspace.open(demo.install())
    page = window.open_tab(TabId.REWARD).playground
    project, folder = window.session.project, window.session.project.folder
    assert project.setting("draft/try-it") is None, "it is no draft of anybody"
    page.start_scoring()
    config = queue.listed(project, ScoreJob)[0].config
    assert config.prompt and len(config.completions) == 3
    page.prompt.setPlainText("mine")
    window.workspace.close()
    qtbot.waitUntil(lambda: window.session is None)
    window.workspace.open(folder)
    assert window.open_tab(TabId.REWARD).playground.prompt.toPlainText() == "mine"
