"""Texts that hold several turns under names (`User: ... Assistant: ...`), from when a prompt was one text.

The migration takes those apart that are turns for sure. What only looks like turns stays one user turn and is listed
until somebody has looked at it: nothing is guessed.
"""

import json
import sqlite3

from core.conversation import looks_like_turns, of_named_turns
from core.records import Prompt
from core.store import Changes, Project, prompts

#: The ids of the prompts that a person has still to look at.
UNSURE = "unsure_turns"


def take_apart(database: sqlite3.Connection) -> None:
    """For the migration: make turns of the texts that are turns for sure, and list those that may be.

    Two texts can be the same turns under other names; the later one stays as it is then, and is listed.
    """
    known: dict[str, tuple[str, str, int]] = {}
    unsure: list[int] = []
    for number, text in database.execute("select id, text from prompts order by id"):
        talk = of_named_turns(text)
        key = "" if talk is None else talk.key
        if talk is not None and key not in known:
            known[key] = (talk.text, key, number)
        elif talk is not None or looks_like_turns(text):
            unsure.append(number)
    database.executemany("update prompts set text = ?, messages = ? where id = ?", known.values())
    if unsure:
        database.execute("insert or replace into settings (key, value) values (?, ?)", (UNSURE, json.dumps(unsure)))


def unsure(project: Project) -> list[Prompt]:
    """Prompts of one user turn that may be several, which nobody has looked at yet."""
    found: list[int] = project.setting(UNSURE, [])
    return [prompt for prompt in prompts.some(project, found) if prompt.turns is None and looks_like_turns(prompt.text)]


def settle(project: Project) -> Changes:
    """Those that are left are one user turn each, as somebody has seen."""
    project.set_setting(UNSURE, [])
    return project.changed("Leave texts as one turn", "settings", "prompts")
