"""The question that the window asks before a project from elsewhere does what it names."""

import shutil
from contextlib import closing

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QWidget

from core.config.jobs import GenerateConfig, JobKind, config_values
from core.config.training import ALGORITHMS, TrainPolicyConfig
from core.jobs import queue
from core.machine import base_models
from core.runs import wishes
from core.store import DATABASE, labelers, open_project
from core.trust import code, gate, registry
from core.trust.wish import AskFirst, Wish
from desktop import errors, workspace
from desktop.background import wait_for_all
from desktop.policy.tab import Tab
from desktop.projects.welcome import NewProject
from desktop.rank.panels.generate import GeneratePanel
from desktop.review.labelers_page import LabelersPage
from desktop.session import Session
from desktop.shell.job_bar import JobBar
from desktop.widgets.consent import Things
from tests.jobs import add_job, set_job


@pytest.fixture
def reward(tmp_path):
    """A reward in a file, and whether it ran."""
    (tmp_path / "theirs.py").write_text(
        f"open({str(tmp_path / 'ran')!r}, 'w').close()\ndef score(prompt, completion):\n    return len(completion)\n"
    )
    return f"{tmp_path / 'theirs.py'}:score", (tmp_path / "ran").exists


@pytest.fixture
def foreign(filled):
    """As if it came from elsewhere."""
    gate.revoke(filled)
    return filled


def answer(parent, text):
    """Press a button of the question that is open; returns what it said."""
    (box,) = [box for box in parent.findChildren(QMessageBox) if box.isVisible()]
    said = f"{box.informativeText()}\n{box.findChild(Things).toPlainText()}"
    next(button for button in box.buttons() if button.text().replace("&", "") == text).click()
    return said


def test_jobs_that_came_along_do_not_start_as_the_window_opens(foreign, open_window, started, qtbot):
    add_job(foreign, GenerateConfig())
    foreign.close()
    window = open_window()
    said = []
    window.workspace.said.connect(said.append)
    window.workspace.open(foreign.folder)
    session = window.workspace.session
    assert [job.status for job in session.jobs()] == ["stopped"]
    assert not started
    assert workspace.RESTED in [each.text for each in said if each is not None]
    session.resume(1)
    assert session.job(1).status == "queued"
    assert started


def test_jobs_of_ones_own_go_on_as_the_window_opens(filled, started, qtbot):
    add_job(filled, GenerateConfig())
    session = Session(filled)
    session.rest()
    assert [job.status for job in session.jobs()] == ["queued"]
    assert started


def test_a_run_asks_once_and_shows_the_file_and_the_function(foreign, reward, qtbot):
    name, ran = reward
    session = Session(foreign)
    tab = Tab(session)
    qtbot.addWidget(tab)
    tab.show()
    tab.form.show_run(TrainPolicyConfig(gold=name, train_on_gold=True), ALGORITHMS["ppo"].config())
    tab.start()
    said = answer(tab, "Cancel")
    assert "theirs.py" in said
    assert "'score'" in said
    assert not queue.listed(foreign)
    tab.start()
    answer(tab, "Allow")
    assert len(queue.listed(foreign)) == 1, "it went on by itself"
    tab.start()
    assert len(queue.listed(foreign)) == 2, "it is not asked again"
    with open(name.rpartition(":")[0], "a") as source:
        source.write("# changed\n")
    tab.start()
    answer(tab, "Cancel")
    assert len(queue.listed(foreign)) == 2
    assert not ran()
    session.rest()


def test_a_sweep_asks(foreign, reward, qtbot):
    session = Session(foreign)
    tab = Tab(session)
    qtbot.addWidget(tab)
    tab.show()
    config = TrainPolicyConfig(gold=reward[0], train_on_gold=True)
    tab.start_sweep(config, ALGORITHMS["ppo"].config(), {"seed": ["1", "2"]})
    wait_for_all()
    qtbot.waitUntil(lambda: bool(tab.findChildren(QMessageBox)))
    answer(tab, "Allow")
    wait_for_all()
    qtbot.waitUntil(lambda: len(queue.listed(foreign)) == 2)
    session.rest()


def test_a_project_of_ones_own_asks_nothing(filled, reward, qtbot):
    session = Session(filled)
    tab = Tab(session)
    qtbot.addWidget(tab)
    tab.form.show_run(TrainPolicyConfig(train_on_gold=True), ALGORITHMS["ppo"].config())
    tab.form.shared.fields["gold"].setText(reward[0])
    tab.start()
    assert len(queue.listed(filled)) == 1
    session.rest()


def test_code_that_a_data_set_names_is_not_put_into_the_form(filled, reward, qtbot):
    labelers.named(filled, "scripted: warmth", kind="scripted", detail=reward[0])
    session = Session(filled)
    tab = Tab(session)
    qtbot.addWidget(tab)
    assert tab.form.shared.values()["gold"] == ""
    labelers.named(filled, "simulated: careful, sentiment", kind="scripted", detail="sentiment (careful)")
    assert Tab(session).form.shared.values()["gold"] == "sentiment"
    session.rest()


@pytest.mark.parametrize("field", ["gold", "rules"])
def test_settings_of_a_run_that_are_taken_over_do_not_count_as_typed(filled, reward, qtbot, field):
    """The rows of a project of one's own may be another's by now."""
    run = TrainPolicyConfig(**{"gold": "length", "train_on_gold": True, field: reward[0]})
    add_job(filled, run, status="done")
    session = Session(filled)
    tab = Tab(session)
    qtbot.addWidget(tab)
    tab.show()
    tab.start()
    assert "theirs.py" in answer(tab, "Cancel")
    tab.start_sweep(*tab.form.run(), {"seed": ["1", "2"]})
    wait_for_all()
    qtbot.waitUntil(lambda: any(box.isVisible() for box in tab.findChildren(QMessageBox)))
    assert "theirs.py" in answer(tab, "Cancel")
    assert [job.status for job in queue.listed(filled)] == ["done"]
    session.rest()


def test_nothing_is_allowed_before_all_of_it_was_seen(filled, qtbot):
    """However much else is named, the file that matters is in the list, and the warning above it."""
    parent = QWidget()
    qtbot.addWidget(parent)
    parent.show()
    asked = [code.wish_of(f"/nowhere/harmless-{number}.py:score") for number in range(60)]
    asked.append(code.wish_of("/nowhere/the last one.py:score"))
    model = Wish("model", "m", "it uses the model in '/nowhere'")
    agreed = []
    box = errors.show(AskFirst(registry.ProjectFile.of(filled), [model, *asked]), parent, lambda: agreed.append(1))
    qtbot.waitExposed(box)
    things = box.findChild(Things)
    allow = next(button for button in box.buttons() if button.text() == "Allow")
    assert "code can do whatever you can do" in box.informativeText() and "62 things" in box.informativeText()
    lines = things.toPlainText().splitlines()
    assert "harmless-0.py" in lines[0] and "the last one.py" in lines[60] and "model" in lines[61]
    assert not allow.isEnabled() and box.height() < 600
    things.setFocus()
    qtbot.keyClick(things, Qt.Key.Key_End, Qt.KeyboardModifier.ControlModifier)
    assert allow.isEnabled()
    allow.click()
    assert not agreed, "none of these is there"
    qtbot.waitUntil(lambda: len(parent.findChildren(QMessageBox)) == 1)
    assert "is not a file" in parent.findChild(QMessageBox).informativeText()


def test_a_simulated_labeler_asks(foreign, reward, qtbot):
    session = Session(foreign)
    page = LabelersPage(session)
    qtbot.addWidget(page)
    page.show()
    page.gold.setCurrentText(reward[0])
    page.simulate()
    answer(page, "Cancel")
    assert not reward[1]()
    page.simulate()
    answer(page, "Allow")
    qtbot.waitUntil(lambda: "It ranked 6" in page.said.text())
    page.gold.setCurrentText("os:system")
    page.simulate()
    assert "holds no rewards" in page.said.text()
    session.rest()


def test_generating_with_a_base_from_the_hub_asks(foreign, qtbot):
    foreign.set_setting("model", "hub:somebody/model")
    session = Session(foreign)
    panel = GeneratePanel(session)
    qtbot.addWidget(panel)
    panel.show()
    panel.refresh()
    panel.start()
    assert "somebody/model" in answer(panel, "Allow")
    assert len(queue.listed(foreign)) == 1
    session.rest()


def test_resuming_from_the_job_bar_asks(foreign, reward, qtbot):
    config = config_values(TrainPolicyConfig(rules=reward[0]), ALGORITHMS["ppo"].config())
    job = set_job(foreign, queue.enqueue(foreign, JobKind.TRAIN_POLICY, config).id, status="interrupted")
    session = Session(foreign)
    bar = JobBar(session)
    qtbot.addWidget(bar)
    bar.show_job(job)
    bar.resume.click()
    assert "theirs.py" in answer(bar, "Allow")
    assert queue.get(foreign, job.id).status == "queued"
    session.rest()


def test_a_project_made_in_the_window_is_trusted(qtbot, tmp_path):
    dialog = NewProject()
    qtbot.addWidget(dialog)
    dialog.folder.setText(str(tmp_path / "new"))
    dialog.model.setText("hub:somebody/model")
    made = []
    dialog.made.connect(made.append)
    dialog.make()
    project = open_project(made[0])
    assert gate.is_trusted(project)
    wishes.check(project, GenerateConfig())  # what was typed is allowed
    project.close()


def test_a_project_made_in_the_window_may_have_an_adapter_in_its_base(qtbot, tmp_path):
    adapter = tmp_path / "polite"
    adapter.mkdir()
    dialog = NewProject()
    qtbot.addWidget(dialog)
    dialog.folder.setText(str(tmp_path / "new"))
    dialog.model.setText("hub:somebody/model")
    dialog.adapter.setText(str(adapter))
    made = []
    dialog.made.connect(made.append)
    dialog.make()
    qtbot.waitUntil(lambda: "adapter_config.json is not there" in dialog.error.text())
    (adapter / "adapter_config.json").write_text('{"peft_type": "LORA", "r": 2}')
    (adapter / "adapter_model.safetensors").write_bytes(b"weights")
    dialog.make()
    qtbot.waitUntil(lambda: bool(made))
    with closing(open_project(made[0])) as project:
        spec = base_models.parse(project.setting("model"))
        assert (spec.title, spec.adapter) == ("somebody/model + polite", str(adapter))
        wishes.check(project, GenerateConfig())


@pytest.fixture
def copied(filled, tmp_path):
    """The folder of a project that was never open here."""
    filled.database.conn.execute("pragma wal_checkpoint(truncate)")
    shutil.copytree(filled.folder, tmp_path / "copied", ignore=shutil.ignore_patterns("worker.*"))
    return tmp_path / "copied"


def test_a_large_project_that_was_never_open_here_is_looked_through_beside_the_window(copied, open_window, monkeypatch):
    monkeypatch.setattr(workspace, "LARGE", 0)
    window = open_window()
    assert not window.workspace.open(copied)
    assert window.workspace.busy, "the window does not wait for it"
    wait_for_all()
    assert window.workspace.is_open(copied)


@pytest.mark.parametrize("large", [0, workspace.LARGE])
def test_one_that_is_damaged_deep_inside_is_not_opened(copied, open_window, monkeypatch, large):
    monkeypatch.setattr(workspace, "LARGE", large)
    with closing(open_project(copied)) as project:
        root = project.database.value("select rootpage from sqlite_master where name = 'ranking_items'")
        size = project.database.value("pragma page_size")
    with (copied / DATABASE).open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xff" * size)
    window = open_window()
    failed = []
    window.workspace.failed.connect(failed.append)
    window.workspace.open(copied)
    wait_for_all()
    assert window.workspace.session is None
    assert "is damaged" in str(failed[0])
