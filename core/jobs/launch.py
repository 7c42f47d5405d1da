"""Start the project's worker if none runs.

The worker is a fresh interpreter of its own session: it outlives the window, and the window never imports
torch. No multiprocessing, so that a frozen application can start it too.
"""

import os
import subprocess
import sys
from pathlib import Path

from core.jobs import lock

ROOT = Path(__file__).resolve().parent.parent.parent


def command(folder: Path, *, idle: float) -> list[str]:
    program = [sys.executable] if getattr(sys, "frozen", False) else [sys.executable, str(ROOT / "main.py")]
    return [*program, "worker", str(folder), "--idle", str(idle)]


def ensure_worker(folder: Path, *, idle: float = 600.0) -> subprocess.Popen[bytes] | None:
    """Start a worker for the project in `folder` unless one holds its lock.

    It leaves after `idle` seconds without work. Its output goes to `worker.log` in the project. Returns the
    process, or None when another worker is at work.
    """
    if lock.held(folder):
        return None
    log = folder / "worker.log"
    with log.open("ab") as output:
        return subprocess.Popen(
            command(folder, idle=idle),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1", "TOKENIZERS_PARALLELISM": "false"},
        )
