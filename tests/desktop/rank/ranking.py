"""What the tests of ranking share: a project with completions, and keys on the board."""

import sqlite3

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from core.events import NewCompletion
from core.records import Prompt
from core.store import Project, completions, prompts
from desktop.rank.tab import Tab
from desktop.session import Session

Key = Qt.Key
SHIFT = Qt.KeyboardModifier.ShiftModifier
CONTROL = Qt.KeyboardModifier.ControlModifier


def add_group(project: Project, prompt: str, *texts: str) -> int:
    """A prompt with these completions; returns the group's id."""
    prompt_id = prompts.add(project, [Prompt(0, prompt)]).ids[0]
    return completions.add_group(project, prompt_id, tuple(NewCompletion(text, 5, True, 0) for text in texts))


def open_tab(qtbot: QtBot, project: Project) -> Tab:
    """The Rank tab of a project, on the screen; its session is for the test to close."""
    found = Tab(Session(project))
    qtbot.addWidget(found)
    found.resize(1080, 720)
    with qtbot.waitExposed(found):
        found.show()
    return found


def press(tab, *keys: Qt.Key, held: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    for key in keys:
        QTest.keyClick(tab.board, key, held)


def on_disk(project: Project, sql: str, *values: object) -> list[tuple]:
    """Rows as another program sees them."""
    connection = sqlite3.connect(project.folder / "plumbline.db")
    try:
        return connection.execute(sql, values).fetchall()
    finally:
        connection.close()
