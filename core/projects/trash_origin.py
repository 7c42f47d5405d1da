"""Which project a removed run is of: the very file that it was taken out of, as the registry of trust knows it.

A copy that others made and changed carries the same `uid`, and may lie where the project lay. What its runs name would
be taken for the person's own in a project that they made.
"""

import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from shlex import quote

from core.errors import BadInput, KnownError
from core.projects import trash_notes
from core.projects.summary import summary
from core.projects.trash_notes import Deleted
from core.store import Project, open_project
from core.store.runs import run_rows
from core.trust import gate
from core.trust.registry import ProjectFile

#: The file that holds a run's rows.
ROWS = "run.db"


def mark(project: Project) -> str:
    """What the note of a run says of its project."""
    return ProjectFile.of(project).mark


def is_of(deleted: Deleted, folder: Path) -> bool:
    """Is it a run of the very project that lies in `folder`, whatever that was called when it was removed?"""
    there = deleted.run and trash_notes.is_ours(deleted) and (Path(deleted.place) / ROWS).is_file()
    if not there or summary(folder) is None:
        return False
    with closing(open_project(folder)) as project, suppress(KnownError, sqlite3.Error):  # damaged, it is nobody's
        return is_very(deleted, project)
    return False


def is_very(deleted: Deleted, project: Project) -> bool:
    """Is it a run of this very project? What older versions removed says of none that it is."""
    rows = Path(deleted.place) / ROWS
    kept = run_rows.mark(rows) if run_rows.belong_to(project, rows) else ""
    return kept == deleted.mark and ProjectFile.of(project).is_marked(deleted.mark, deleted.folder)


def may_come(deleted: Deleted, project: Project) -> bool:
    try:
        check(deleted, project)
    except BadInput:
        return False
    return True


def check(deleted: Deleted, project: Project) -> None:
    """May the run come into the project that lies where its own lay? That of an older version may, and that of another
    copy where nobody trusts this one. Raises `BadInput`."""
    if not run_rows.belong_to(project, Path(deleted.place) / ROWS):
        raise BadInput(f"{project.folder} holds another project now: “{deleted.name}” cannot be put back there.")
    if deleted.mark and not is_very(deleted, project) and gate.is_trusted(project):
        raise BadInput(
            f"“{deleted.name}” is of another copy of the project, which lay in {project.folder} before. Take back that "
            f"you trust this one, with `trust {quote(str(project.folder))} --revoke`, if you want it here all the same."
        )
