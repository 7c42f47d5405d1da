"""What people call a run, and what they noted of it: its name in the row of its job, tags and a note in the settings.

A run that lies in the trash has its tags and its note again when it comes back.
"""

from contextlib import suppress
from dataclasses import dataclass

from core.errors import BadInput, ProjectError
from core.store import Project, cells

#: Settings of this beginning, and the number of the run, hold its tags and its note.
KEY = "run/"
LONGEST_NAME, LONGEST_TAG, MOST_TAGS, LONGEST_NOTE = 120, 40, 20, 10_000
#: More digits than any run's number has.
LONGEST_NUMBER = 16


@dataclass(frozen=True)
class RunLabel:
    tags: tuple[str, ...] = ()
    note: str = ""


def listed(project: Project) -> dict[int, RunLabel]:
    """By the number of the run; those of which nothing was noted are not in it."""
    rows = project.database.rows("select key, value from settings where key glob ?", f"{KEY}[0-9]*")
    found: dict[int, RunLabel] = {}
    for row in rows:
        number = row["key"].removeprefix(KEY)
        with suppress(ProjectError):  # a damaged note keeps no run from being shown
            if number.isdecimal() and len(number) < LONGEST_NUMBER:
                found[int(number)] = _label(row["value"], int(number))
    return found


def put(project: Project, job_id: int, name: str, tags: tuple[str, ...], note: str) -> None:
    """In place of what was noted before. Raises `BadInput` for what is too long."""
    tags = tuple(dict.fromkeys(filter(None, (" ".join(tag.split()) for tag in tags))))
    if len(name) > LONGEST_NAME:
        raise BadInput(f"A run's name has at most {LONGEST_NAME} letters: put the rest into the note.")
    if len(tags) > MOST_TAGS or any(len(tag) > LONGEST_TAG for tag in tags):
        raise BadInput(f"A run has at most {MOST_TAGS} tags of {LONGEST_TAG} letters: put the rest into the note.")
    if len(note) > LONGEST_NOTE:
        raise BadInput(f"A run's note has at most {LONGEST_NOTE:,} letters: shorten it.")
    with project.write() as database:
        project.set_setting(f"{KEY}{job_id}", {"tags": tags, "note": note.strip()})
        database.execute("update jobs set name = ? where id = ?", (" ".join(name.split()), job_id))


def _label(text: str, number: int) -> RunLabel:
    values = cells.read(text, dict, f"The note of run {number}")
    tags = values.get("tags")
    shown = tags[:MOST_TAGS] if isinstance(tags, list) else []
    return RunLabel(tuple(str(tag)[:LONGEST_TAG] for tag in shown), str(values.get("note", ""))[:LONGEST_NOTE])
