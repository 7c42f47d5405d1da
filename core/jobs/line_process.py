"""A child process that may die of what it is given: each question is a line of JSON, and so is each answer.

It is told nothing of what ends its parent, and ends with its input. It asks no hub, and knows no token of one, nor the
key of a server.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from typing import Any

from core.jobs.launch import ROOT

#: The hub's tokens, by the names that its client reads.
SECRET = {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"}
#: The key of a server (`core/endpoints/given_key.py`).
SERVER_KEY = "PLUMBLINE_SERVER_KEY"


def start(module: str, **environment: str) -> "subprocess.Popen[str]":
    """`python -m module`, with no window of its own and nothing to say beside its answers."""
    return subprocess.Popen(
        [sys.executable, "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
        cwd=ROOT,
        start_new_session=True,
        env=_environment() | environment,
    )


def _environment() -> dict[str, str]:
    """Ours without what opens a door elsewhere."""
    found = {name: value for name, value in os.environ.items() if name not in {*SECRET, SERVER_KEY}}
    return found | {"PYTHONIOENCODING": "utf-8", "HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1"}


def ask(process: "subprocess.Popen[str]", question: Any, patience: float | None = None) -> Any:
    """What the process answers; None if it dies of the question, or is killed for it after `patience` seconds."""
    assert process.stdin is not None and process.stdout is not None
    too_late = None if patience is None else threading.Timer(patience, kill, [process])
    if too_late is not None:
        too_late.start()
    try:
        process.stdin.write(json.dumps(question) + "\n")
        process.stdin.flush()
        answer = process.stdout.readline()
    except OSError:
        return None
    finally:
        if too_late is not None:
            too_late.cancel()
    return json.loads(answer) if answer.endswith("\n") else None


def kill(process: "subprocess.Popen[str]") -> None:
    """With the processes that it started, which would keep its answers open."""
    if sys.platform == "win32" or process.returncode is not None:
        process.kill()
        return
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def end(process: "subprocess.Popen[str]") -> None:
    kill(process)
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with suppress(OSError):
                stream.close()
