"""Who only ranks installs no torch: the window opens, ranks, packs, merges and reports without the libraries that
compute models, and what needs one of them says so in a sentence before anything is queued."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from core.jobs import model_libraries

ROOT = Path(__file__).resolve().parents[1]
#: Read by every Python that begins beside it, also by those that the program starts.
HIDING = """
import sys
from importlib.machinery import PathFinder

HIDDEN = {"torch", "transformers", "peft", "accelerate", "gguf"}


class Without(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] in HIDDEN else super().find_spec(name, path, target)


sys.meta_path[sys.meta_path.index(PathFinder)] = Without
"""
#: Looks at every page of Bo's copy, ranks one prompt by keys, asks for completions, and brings the ranking home.
AWAY = """
from pathlib import Path
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel
from core import cli
from core.jobs import queue
from desktop.app import build, leave
from desktop.places import TabId

assert cli.run("pack home there.plumbpack --labeler Bo".split()) == 0
assert cli.run("unpack there.plumbpack away".split()) == 0
app, window = build([])
window.show()
window.workspace.open(Path("away"))
for tab in TabId:
    pages = window.open_tab(tab).pages
    for number in range(pages.count() if pages else 0):
        pages.setCurrentIndex(number)
        QTest.qWait(20)
rank = window.open_tab(TabId.RANK)
rank.board.setFocus()
for key in (Qt.Key.Key_B, Qt.Key.Key_A, Qt.Key.Key_D, Qt.Key.Key_C, Qt.Key.Key_Return):
    QTest.keyClick(rank.board, key)
rank.show_panel("generate")
rank.side.generate.generate.click()
print(*[label.text().replace('\u200b', '') for label in rank.side.generate.findChildren(QLabel)])
assert not queue.listed(window.session.project)
leave(window)
assert cli.run("pack away back.plumbpack --labeler Bo".split()) == 0
assert cli.run("merge home back.plumbpack".split()) == 0
assert cli.run("experiment home --out report.html".split()) == 0
"""
#: Commands that are refused, and what was queued and can be done after them.
COMPUTING = """
from core import cli

for words in ("generate home", "read home 1", "run-demo new"):
    assert cli.run(words.split()) == 1
assert cli.run("jobs home --json".split()) == 0
assert cli.run("check --json".split()) == 1
"""


@pytest.fixture
def without(tmp_path, filled_project):
    """Runs a program beside the project `home` as if the libraries were not installed; gives what it said."""
    (tmp_path / "hiding").mkdir()
    (tmp_path / "hiding" / "sitecustomize.py").write_text(HIDING, encoding="utf-8")
    shutil.copytree(filled_project, tmp_path / "home")
    surroundings = os.environ | {
        "PYTHONPATH": f"{tmp_path / 'hiding'}{os.pathsep}{ROOT}",
        "QT_QPA_PLATFORM": "offscreen",
    }

    def run(program):
        words = [sys.executable, "-c", program]
        done = subprocess.run(words, cwd=tmp_path, env=surroundings, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    return run


def test_who_only_ranks_needs_no_torch(without, tmp_path):
    said = without(AWAY).stdout
    assert "A job needs accelerate, gguf, peft, torch, transformers, not installed here: " in said
    assert "1 ranking is new" in said
    assert "Bo" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_what_computes_models_says_what_to_install(without):
    done = without(COMPUTING)
    told = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert len(told) == 3 and all(model_libraries.remedy() in line for line in told)
    queued, found = map(json.loads, done.stdout.splitlines())
    assert queued == {"jobs": []}
    assert found["window"]["ok"] and not found["models"]["ok"] and model_libraries.remedy() in found["models"]["said"]
