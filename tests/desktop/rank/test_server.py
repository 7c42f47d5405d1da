"""A server's model as the writer: its fields are there when it is chosen, its models are listed, and it is asked first
where it is not this machine."""

import pytest

from core.config.jobs import GenerateJob
from core.jobs import queue
from core.store import create_project
from core.trust import gate
from desktop.rank.panels.generate import GeneratePanel
from desktop.rank.panels.writer_choice import SERVER
from desktop.session import Session
from tests import chat_server
from tests.desktop.rank.ranking import add_group
from tests.desktop.test_trust import answer


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.setenv("PLUMBLINE_DATA", str(tmp_path / "data"))
    found = create_project(tmp_path / "project")
    gate.made_here(found)
    add_group(found, "question", "one", "two")
    return found


def opened(qtbot, project):
    session = Session(project)
    panel = GeneratePanel(session)
    qtbot.addWidget(panel)
    panel.show()
    panel.refresh()
    return panel


def test_the_models_of_a_server_are_listed_and_one_writes(qtbot, project):
    with chat_server.running() as chat:
        chat.models = ["small", "large"]
        panel = opened(qtbot, project)
        choice = panel.writer
        assert not choice.server.isVisible()
        choice.policy.setCurrentIndex(choice.policy.findData(SERVER))
        assert choice.server.isVisible() and choice.model.isVisible()
        panel.start()
        assert "Give the address" in panel.state.text()
        choice.server.setText(chat.url.removeprefix("http://").removesuffix("/v1"))
        choice.look.click()
        qtbot.waitUntil(lambda: choice.look.isEnabled() and choice.model.count() == 2)
        choice.model.setCurrentText("small")
        panel.start()
    (job,) = queue.listed(project, GenerateJob)
    assert (job.config.server, job.config.server_model, job.config.policy_job) == (chat.url, "small", 0)
    again = opened(qtbot, project.again())
    assert again.writer.server.text() == choice.server.text(), "it is remembered"
    choice.look.click()
    qtbot.waitUntil(lambda: "start the server" in panel.state.text())
    assert choice.look.isEnabled()
    for each in (panel, again):
        each.session.rest()


def test_another_machine_is_asked_about_first(qtbot, project):
    panel = opened(qtbot, project)
    panel.writer.policy.setCurrentIndex(panel.writer.policy.findData(SERVER))
    panel.writer.server.setText("http://192.0.2.1:8000")
    panel.start()
    assert "192.0.2.1:8000/v1’, which is not this machine, unencrypted" in answer(panel, "Cancel").replace("'", "’")
    assert queue.listed(project, GenerateJob) == []
    panel.start()
    answer(panel, "Allow")
    assert len(queue.listed(project, GenerateJob)) == 1
    panel.session.rest()
