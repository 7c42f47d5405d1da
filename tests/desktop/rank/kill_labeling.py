"""`python -m tests.desktop.rank.kill_labeling KILLS FOLDER`: does a labeler lose anything to kill -9?

A child ranks in the real Rank tab by real key events, always the same ones, and tells after each key what it
shows. It is killed at a random moment, KILLS times, each time on a fresh copy of the project. What is on disk
must then be what was last shown, or what the key in flight makes of it. Prints one JSON object.
"""

import json
import os
import random
import shutil
import signal
import sqlite3
import sys
import time
from pathlib import Path
from typing import Any

os.environ["QT_QPA_PLATFORM"] = "offscreen"

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from core.store import create_project, open_project
from desktop import user_settings
from desktop.rank.tab import Tab
from desktop.session import Session
from tests.desktop.rank.ranking import CONTROL, SHIFT, Key, add_group

NONE = Qt.KeyboardModifier.NoModifier
#: Places, ties, saves, undo and redo over saved rankings, a revision, a skip: every kind of write.
KEYS = [
    *((Key.Key_B, NONE), (Key.Key_A, SHIFT), (Key.Key_C, NONE), (Key.Key_Return, NONE)),
    *((Key.Key_C, NONE), (Key.Key_Backspace, NONE), (Key.Key_A, NONE), (Key.Key_B, NONE), (Key.Key_Return, NONE)),
    *((Key.Key_Z, CONTROL), (Key.Key_Up, SHIFT), (Key.Key_Return, NONE), (Key.Key_S, SHIFT), (Key.Key_Z, CONTROL)),
    *((Key.Key_F6, NONE), (Key.Key_Left, NONE), (Key.Key_Right, NONE), (Key.Key_Down, NONE), (Key.Key_Return, NONE)),
    *((Key.Key_Left, NONE), (Key.Key_Left, NONE), (Key.Key_Z, CONTROL), (Key.Key_Z, CONTROL), (Key.Key_Z, CONTROL)),
]


def rank(folder: Path, tell: int, wait: int | None) -> None:
    """In the child: press the keys one after the other; a byte to `tell` after each that was shown.

    With `wait` each key waits for a byte there.
    """
    os.environ["PLUMBLINE_DATA"] = str(folder / "settings")
    app = QApplication([])
    user_settings.set_card_view("left_out", False)
    session = Session(open_project(folder))
    tab = Tab(session)
    tab.resize(1000, 700)
    tab.show()
    app.processEvents()
    os.write(tell, b".")
    for key, held in KEYS:
        if wait is not None:
            os.read(wait, 1)
        QTest.keyClick(tab.board if tab.board.isVisible() else tab, key, held)
        app.processEvents()
        os.write(tell, b".")


def state(folder: Path) -> Any:
    """What a person would find again: rankings that stand, drafts, what is skipped."""
    connection = sqlite3.connect(folder / "plumbline.db")
    try:
        assert connection.execute("pragma integrity_check").fetchone()[0] == "ok"
        queries = (
            "select r.group_id, r.retracted_at is null, i.completion_id, i.rank from rankings r"
            " join ranking_items i on i.ranking_id = r.id order by r.id, i.completion_id",
            "select group_id, json_remove(draft, '$.by') from drafts order by group_id",  # another window each time
            "select group_id, reason from assignments order by id",
        )
        return [connection.execute(query).fetchall() for query in queries]
    finally:
        connection.close()


def start(folder: Path, wait: int | None = None) -> tuple[int, int]:
    """Fork a child that ranks; returns its process id and the pipe on which it tells what it has shown."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        rank(folder, write, wait)
        os._exit(0)
    os.close(write)
    return child, read


def main() -> None:
    kills, work = int(sys.argv[1]), Path(sys.argv[2])
    source = work / "source"
    project = create_project(source)
    for number in range(4):
        add_group(project, f"Question {number}?", "one", "two", "three")
    project.close()

    states = [state(source)]
    whole = work / "whole"
    shutil.copytree(source, whole)
    wait, go = os.pipe()
    child, read = start(whole, wait)
    assert os.read(read, 1) == b"."
    seconds = 0.0
    for _ in KEYS:
        began = time.monotonic()
        os.write(go, b".")
        assert os.read(read, 1) == b"."
        seconds += time.monotonic() - began
        states.append(state(whole))
    os.waitpid(child, 0)

    random.seed(0)
    lost, in_flight, points = 0, 0, set()
    for number in range(kills):
        folder = work / f"killed-{number}"
        shutil.copytree(source, folder)
        child, read = start(folder)
        os.read(read, 1)
        time.sleep(random.uniform(0, seconds))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        shown = sum(len(part) for part in iter(lambda read=read: os.read(read, 100), b""))
        os.close(read)
        found = state(folder)
        if found != states[shown]:
            if shown + 1 < len(states) and found == states[shown + 1]:
                in_flight += 1
            else:
                lost += 1
        points.add(shown)
        shutil.rmtree(folder)
    print(json.dumps({"kills": kills, "lost": lost, "in_flight": in_flight, "points": len(points)}))


if __name__ == "__main__":
    main()
