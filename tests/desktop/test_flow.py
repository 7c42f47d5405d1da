"""The whole way in the window, from a new project to a report, on a tiny model; the worker's jobs run here."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel

from core import worker
from core.jobs import lock
from core.store import open_project
from desktop.places import TabId
from desktop.projects.experiment_dialog import ExperimentDialog
from desktop.projects.welcome import NewProject
from tests.desktop.rank.ranking import on_disk
from tests.tiny import make_tiny_model

PROMPTS = 12


def words(widget):
    return " ".join(shown.text() for shown in widget.findChildren(QLabel) if shown.isVisible())


@pytest.fixture
def work(monkeypatch):
    """Run what the window queued, as its worker would, and let the window see it."""
    monkeypatch.setenv("PLUMBLINE_DTYPE", "float32")
    cache = {}

    def run(window):
        project = open_project(window.session.project.folder, synchronous="NORMAL")
        held = lock.acquire(project.folder)
        while (job := worker.claim(project)) is not None:
            worker.run_job(project, job, cache)
            window.session.poll()
        held.close()
        project.close()

    return run


def test_from_a_new_project_to_a_report(open_window, work, qtbot, tmp_path):
    window = open_window()
    window.new_project()
    dialog = window.findChild(NewProject)
    dialog.name.setText("First steps")
    dialog.folder.setText(str(tmp_path / "first"))
    dialog.model.setText(str(make_tiny_model(tmp_path / "tiny")))
    dialog.make()
    assert window.windowTitle() == "First steps – Plumbline"
    card = window.page.sidebar.next
    assert "Write or import prompts" in words(card)

    card.main.click()
    instructions = window.tabs[TabId.INSTRUCTIONS]
    instructions.pages.setCurrentWidget(instructions.prompts)
    for split, numbers in (("train", range(PROMPTS - 3)), ("heldout", range(PROMPTS - 3, PROMPTS))):
        instructions.prompts.adding.new_text.setPlainText("\n".join(f"question {number}?" for number in numbers))
        instructions.prompts.adding.split.setCurrentIndex(instructions.prompts.adding.split.findData(split))
        instructions.prompts.adding.add_button.click()
    assert "Write completions" in words(card)

    card.main.click()
    rank = window.tabs[TabId.RANK]
    rank.show_panel("generate")
    rank.side.generate.form.show_values({"completions": 3, "max_new_tokens": 6})
    rank.side.generate.generate.click()
    work(window)
    rank.show_panel("")
    assert "more prompts" in words(card)
    rank.board.setFocus()
    for ranked in range(PROMPTS):
        assert len(on_disk(window.session.project, "select id from rankings")) == ranked
        for key in (Qt.Key.Key_B, Qt.Key.Key_A, Qt.Key.Key_C, Qt.Key.Key_Return):
            QTest.keyClick(rank.board, key)
    assert on_disk(window.session.project, "select count(*) from rankings") == [(PROMPTS,)]

    window.open_tab(TabId.REWARD)
    training = window.tabs[TabId.REWARD].training
    qtbot.waitUntil(training.train.isEnabled)
    training.form.show_values({"epochs": 1})
    training.train.click()
    work(window)
    assert training.runs.count() == 1
    qtbot.waitUntil(lambda: "held-out" in training.result.text())
    assert "Tune the policy" in words(card)

    card.main.click()
    policy = window.tabs[TabId.TUNE]
    policy.form.shared.show_values({"steps": 2, "batch_size": 4, "completions": 2, "max_new_tokens": 6})
    policy.start_button.click()
    work(window)
    qtbot.waitUntil(lambda: policy.charts.reward.series["objective/scores"].size == 2)
    qtbot.waitUntil(lambda: "On 3 held-out prompts the reward went from" in policy.result.text())

    card.main.click()
    compare = window.tabs[TabId.COMPARE]
    compare.heldout.click()
    work(window)
    qtbot.waitUntil(lambda: "question" in words(compare))
    assert "Begin the next round" in words(card)

    path = tmp_path / "report.html"
    ExperimentDialog(window.session, window).write(path)
    qtbot.waitUntil(path.is_file)
    page = path.read_text(encoding="utf-8")
    assert "First steps" in page and f"{PROMPTS} prompts" in page and "PPO" in page
