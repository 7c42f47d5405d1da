"""The walls of the house: what may import what, checked by machine and in a fresh interpreter."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ("torch", "transformers", "peft")


def loaded(code: str) -> set[str]:
    """Top-level modules that a fresh interpreter holds after running `code`."""
    script = f"{code}\nimport sys\nprint('\\n'.join(sorted({{name.split('.')[0] for name in sys.modules}})))"
    command = [sys.executable, "-c", script]
    return set(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split())


def test_imports_point_one_way():
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("module", ["core.cli", "core.worker", "core.demo"])
def test_the_command_line_and_an_idle_worker_load_neither_torch_nor_qt(module):
    assert not loaded(f"import {module}") & {*HEAVY, "PySide6", "pyqtgraph"}


def test_the_window_never_loads_torch_and_its_first_frame_no_charts():
    code = "import os; os.environ['QT_QPA_PLATFORM'] = 'offscreen'\nfrom desktop.app import build\nbuild([])[1].show()"
    found = loaded(code)
    assert "PySide6" in found
    assert not found & {*HEAVY, "pyqtgraph"}
    tabs = code + "\nfrom desktop.shell.tabs import LOADS\n[load() for load in LOADS.values()]"
    assert not loaded(tabs) & set(HEAVY)
