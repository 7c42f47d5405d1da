"""Start the project's worker if none runs.

The worker is a fresh interpreter of its own session: it outlives the window, and the window never imports
torch. No multiprocessing, so that a frozen application can start it too.
"""

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import BinaryIO

from core.errors import BadInput, ProjectError
from core.jobs import lock

ROOT = Path(__file__).resolve().parent.parent.parent


def command(folder: Path, *, idle: float) -> list[str]:
    program = [sys.executable] if getattr(sys, "frozen", False) else [sys.executable, str(ROOT / "main.py")]
    return [*program, "worker", str(folder), "--idle", str(idle)]


def _log(path: Path) -> BinaryIO:
    """Open for more lines; what a link or a second name leads to could be a file of somebody else, and a pipe would be
    waited for. Raises `BadInput` for those."""
    plain = 0 if sys.platform == "win32" else os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        log = open(path, "ab", opener=lambda name, flags: os.open(name, flags | plain, 0o666))  # noqa: SIM115
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EISDIR, errno.ENXIO, errno.ENODEV):
            raise _no_log(path) from error
        raise
    found = os.fstat(log.fileno())
    if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
        log.close()
        raise _no_log(path)
    return log


def _no_log(path: Path) -> BadInput:
    return BadInput(f"{path} is a link or no file, and nothing is written to it: delete it.")


def ensure_worker(folder: Path, *, idle: float = 600.0) -> subprocess.Popen[bytes] | None:
    """Start a worker for the project in `folder` unless one holds its lock.

    It leaves after `idle` seconds without work. Its output goes to `worker.log` in the project. Returns the
    process, or None when another worker is at work. Raises `KnownError` where none can begin.
    """
    if not folder.is_dir():
        raise ProjectError(f"{folder} is gone: open the project where it is now.")
    lock.check(folder)
    if lock.held(folder):
        return None
    with _log(folder / "worker.log") as output:
        return subprocess.Popen(
            command(folder, idle=idle),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1", "TOKENIZERS_PARALLELISM": "false"},
        )
