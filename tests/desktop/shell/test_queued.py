"""A job that waits behind another one says behind which, wherever it was begun."""

from core.config.jobs import ExportModelConfig, JobKind
from core.config.training import TrainPolicyResult, TrainRewardResult
from core.events import Result
from core.jobs import queue
from core.jobs.recorder import Recorder
from desktop.places import TabId
from tests.desktop.runs.test_what_runs_say import polled, queued, set_status, window  # noqa: F401


def test_what_waits_behind_another_job_says_behind_which(window, filled):  # noqa: F811
    reward, policy = queued(filled, "train-reward"), queued(filled)
    of_reward = TrainRewardResult(adapter="somewhere", accuracy=0.7, heldout_pairs=1)
    for each, found in ((reward, of_reward), (policy, TrainPolicyResult(adapter="somewhere"))):
        Recorder(filled, each.id).record(Result(found))
        set_status(filled, each, "done")
    running = queued(filled, "train-reward")
    set_status(filled, running, "running")
    polled(window)
    waits = f"Waits for job {running.id}, Train reward model"

    window.open_tab(TabId.RANK)
    panel = window.tabs[TabId.RANK].side.generate
    window.tabs[TabId.RANK].show_panel("generate")
    panel.start()
    assert panel.state.text().startswith(waits)
    window.open_tab(TabId.REWARD)
    playground = window.tabs[TabId.REWARD].playground
    playground.refresh()
    playground.completion.setPlainText("Yes.")
    playground.start_scoring()
    assert playground.said.text().startswith(waits)
    training = window.tabs[TabId.REWARD].training
    training.show_newest()
    window.open_tab(TabId.COMPARE)
    compare = window.tabs[TabId.COMPARE]
    compare.compare_heldout()
    assert compare.busy.text().startswith(waits)
    later = queued(filled)
    window.open_tab(TabId.TUNE)
    polled(window)
    ppo = window.tabs[TabId.TUNE]
    ppo.runs.select(later.id)
    assert ppo.result.text().startswith(waits)

    ppo.start_export("somewhere else", ExportModelConfig())
    assert ppo.exported.text().endswith(f"{waits}.")

    set_status(filled, running, "paused")
    polled(window)
    said = (playground.said, compare.busy, ppo.result)
    assert [text.text() for text in said] == [f"{waits}, which is paused."] * 3
    set_status(filled, running, "done")
    first = queue.listed(filled, status="queued")[-1]
    assert first.kind == JobKind.GENERATE
    polled(window)
    window.open_tab(TabId.RANK)
    assert "Waiting for the worker" in panel.state.text(), "it is the next one"
    assert playground.said.text() == f"Waits for job {first.id}, Generate completions."
    for each in queue.listed(filled, status="queued"):
        set_status(filled, each, "running")
        polled(window)
        set_status(filled, each, "done" if each.kind == JobKind.GENERATE else "running")
    assert playground.said.text() == "Scoring …"
    assert compare.busy.text() == "Both are answering …"
