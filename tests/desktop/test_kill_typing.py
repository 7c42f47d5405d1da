"""Kill -9 while somebody types loses at most the last second, in every field whose text is kept."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core.config.training import TrainPolicyConfig, TrainPolicyResult
from core.events import Result
from core.jobs.recorder import Recorder
from core.store.begun import BEGUN
from tests.jobs import add_job, set_job

ROOT = Path(__file__).resolve().parents[2]
#: What is lost at most, and what a busy machine may add.
SECOND, SLACK = 1.0, 0.3


@pytest.mark.parametrize(
    ("keys", "pause"),
    [pytest.param(25, 60, marks=pytest.mark.thorough), pytest.param(60, 100, marks=pytest.mark.slow)],
)
def test_a_kill_while_typing_loses_at_most_the_last_second(filled, tmp_path, keys, pause):
    run = add_job(filled, TrainPolicyConfig())
    Recorder(filled, run.id).record(Result(TrainPolicyResult(adapter="runs/1/x")))  # else there is nothing to compare
    set_job(filled, run.id, status="done")
    filled.close()
    command = [sys.executable, "-m", "tests.desktop.kill_typing", str(filled.folder), str(keys), str(pause)]
    environment = os.environ | {"PLUMBLINE_DATA": str(tmp_path / "data")}
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=environment)
    typed_at = []
    assert child.stdout is not None
    for _ in range(keys):
        assert child.stdout.readline(), "the window ended by itself"
        typed_at.append(time.monotonic())
    child.send_signal(signal.SIGKILL)
    killed_at = time.monotonic()
    child.wait()
    child.stdout.close()
    old_enough = sum(killed_at - at > SECOND + SLACK for at in typed_at)
    found = kept(filled.folder)
    assert len(found) == 14
    assert {name: count for name, count in found.items() if count < max(1, old_enough)} == {}


def kept(folder: Path) -> dict[str, int]:
    """How many keys of each field are on disk."""
    connection = sqlite3.connect(folder / "plumbline.db")
    settings = {name: json.loads(value) or {} for name, value in connection.execute("select key, value from settings")}
    drafts = [json.loads(draft) for (draft,) in connection.execute("select draft from drafts")]
    connection.close()
    texts = {f"guidelines, {part}": text for part, text in settings["guidelines_draft"].items() if part != BEGUN}
    texts["new prompts"] = settings.get("draft/new-prompts", {}).get("text", "")
    texts["a prompt"] = settings.get("draft/prompt/1", {}).get("text", "")
    texts["a conversation"] = next((turn["content"] for turn in settings.get("draft/conversation/0", [])), "")
    texts["prompt to score"] = settings.get("draft/try-it", {}).get("prompt", "")
    texts["completions to score"] = settings.get("draft/try-it", {}).get("completions", "")
    texts["prompt to compare"] = settings.get("draft/compare", {}).get("prompt", "")
    for page in ("try-it", "compare"):
        texts[f"system turn, {page}"] = settings.get(f"draft/{page}", {}).get("system", "")
    texts["comment"] = drafts[0]["comment"] if drafts else ""
    (texts["an answer"],) = [kept for name, kept in settings.items() if name.startswith("draft/answer/")] or [""]
    return {name: len(text) - len(text.replace("x", "")) - ("example" in text) for name, text in texts.items()}
