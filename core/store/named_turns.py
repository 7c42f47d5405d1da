"""Texts that hold several turns under names (`User: ... Assistant: ...`), from when a prompt was one text.

The migration takes those apart that are turns for sure. What only looks like turns stays one user turn and is listed
until somebody has looked at it: nothing is guessed.
"""

import json
import sqlite3
from collections.abc import Collection

from core.conversation import Conversation, by_names, looks_like_turns, of_named_turns
from core.errors import BadInput
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
    found = prompts.some(project, _listed(project))
    return [prompt for prompt in found if prompt.turns is None and looks_like_turns(prompt.text)]


def any_unsure(project: Project) -> bool:
    """May there be some? Reads none of them."""
    return bool(_listed(project))


def settle(project: Project, ids: Collection[int] | None = None) -> Changes:
    """Those that are left, or only these of them, are one user turn each, as somebody has seen."""
    left = [] if ids is None else [number for number in _listed(project) if number not in set(ids)]
    project.set_setting(UNSURE, left)
    return project.changed("Leave texts as one turn", "settings", "prompts")


def reading(prompt: Prompt) -> tuple[Conversation, str]:
    """The turns that its text holds if each name in it begins one, and why that cannot be a prompt; empty if it can."""
    found = by_names(prompt.text) or prompt.conversation
    try:
        found.checked()
    except ValueError as error:
        return found, str(error)
    return found, ""


def split(project: Project, ids: Collection[int]) -> Changes:
    """Make turns of these texts wherever a name stands, as somebody has seen that they are. Those that would be no
    prompt then, or another one, stay as they are: `ids` of the changes are the others. Raises `BadInput` where no one
    is."""
    done = []
    with project.write():
        for prompt in prompts.some(project, list(ids)):
            found, why_not = reading(prompt)
            if not why_not and prompts.id_of(project, found) is None:
                prompts.edit(project, prompt.id, conversation=found)
                done.append(prompt.id)
    if not done:
        raise BadInput("Not one of them can be a prompt as turns: it would end with an answer, or is there already.")
    return project.changed("Take texts apart into turns", "prompts", ids=tuple(done))


def _listed(project: Project) -> list[int]:
    """Whatever a stranger's file has there."""
    found = project.setting(UNSURE)
    return [number for number in found if type(number) is int] if isinstance(found, list) else []
