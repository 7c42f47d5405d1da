"""The program on a screen of its own (Xvfb), as a process of its own, worked by real key and mouse events."""

import configparser
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core.store import open_project

ROOT = Path(__file__).resolve().parents[2]
NEEDED = ("Xvfb", "xdotool")
PATIENCE = 30


def until(found, what):
    """Wait for something to become true, or say what did not."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if value := found():
            return value
        time.sleep(0.1)
    raise AssertionError(f"{what} did not happen within {PATIENCE} s")


@pytest.fixture
def screen(tmp_path):
    """The environment of programs on a fresh screen, with a data folder of their own."""
    if missing := [program for program in NEEDED if shutil.which(program) is None]:
        pytest.skip(f"this needs {' and '.join(missing)}")
    reading, writing = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1280x800x24"],
        pass_fds=[writing],
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    number = os.read(reading, 16).decode().strip()
    yield os.environ | {
        "DISPLAY": f":{number}", "QT_QPA_PLATFORM": "xcb", "PLUMBLINE_DATA": str(tmp_path / "data"), "LANG": "C.UTF-8",
    }  # fmt: skip
    server.terminate()
    server.wait()


@pytest.mark.thorough
def test_the_demo_is_opened_ranked_and_left_with_keys_and_mouse(screen, tmp_path):
    def do(*words):
        return subprocess.run(["xdotool", *words], env=screen, capture_output=True, text=True, check=False).stdout

    program = subprocess.Popen([sys.executable, "main.py"], cwd=ROOT, env=screen, stderr=subprocess.PIPE, text=True)
    try:
        window = until(lambda: do("search", "--onlyvisible", "--name", "^Plumbline$").split(), "the first frame")[0]
        do("windowmove", window, "0", "0", "windowfocus", "--sync", window)
        do("key", "Return")  # the demo's button has the focus
        folder = tmp_path / "data" / "projects" / "demo"
        until(lambda: "Demo" in do("getwindowname", window), "the demo")
        do("mousemove", "100", "173", "click", "1")  # Rank, in the sidebar
        time.sleep(1)
        for letter in "bacdef":
            do("key", letter)
        do("key", "Return")

        def ranked():
            project = open_project(folder)
            rows = project.database.rows(
                "select i.rank from rankings r join labelers l on l.id = r.labeler_id"
                " join ranking_items i on i.ranking_id = r.id where l.kind = 'person' order by i.rank"
            )
            project.close()
            return [row["rank"] for row in rows]

        assert until(ranked, "a ranking") == [1, 2, 3, 4, 5, 6]
        do("key", "ctrl+k")
        time.sleep(0.5)
        do("type", "dark theme")
        do("key", "Return")
        settings = configparser.ConfigParser()
        until(lambda: settings.read(tmp_path / "data" / "window.ini") and settings.get("General", "theme", fallback="")
              == "dark", "the dark theme")  # fmt: skip
        do("windowfocus", "--sync", window)  # nobody manages windows here, so nobody gives the focus back
        do("key", "ctrl+q")
        assert program.wait(PATIENCE) == 0
    finally:
        program.kill()
        assert "Traceback" not in program.communicate()[1]
