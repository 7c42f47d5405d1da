"""A project is a folder; `plumbline.db` in it is the truth, `runs/` holds adapters and checkpoints.

Window, CLI and worker meet only here: each opens the project for itself, in its own process and thread.
"""

import json
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from core.errors import BadInput, DamagedProject, ProjectError, ProjectMoved, known
from core.humanize import readable
from core.store import backups, cells
from core.store.connection import Connection, connect, set_patience, without_waiting
from core.store.connection import read as read_transaction
from core.store.connection import write as write_transaction
from core.store.files import beside
from core.store.files.inside import inside, own_file
from core.store.files.own import DATABASE as DATABASE
from core.store.migrating import forget_statistics, make_tables, migrate
from core.store.place import place_of


@dataclass(frozen=True)
class Changes:
    """What an operation touched: table names, and a label for people ("Rank", "Edit guidelines"). `write` is the number
    of its transaction (`Project.writes`), by which undo finds what it wrote; 0 is the last one."""

    tables: frozenset[str]
    label: str
    ids: tuple[int, ...] = ()
    write: int = 0


def changed(label: str, *tables: str, ids: tuple[int, ...] = ()) -> Changes:
    return Changes(frozenset(tables), label, ids)


def now() -> str:
    """The current time in UTC, ISO 8601, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class Project:
    """An open project: its folder and one connection for the thread that opened it."""

    def __init__(self, folder: Path, database: Connection) -> None:
        self.folder = folder
        self.database = database
        """For `core.store` alone: everything above it calls the functions there."""
        self.writes = 0
        """How many write transactions there have been: the number of the one that is open, or was last."""
        self._place = place_of(folder, folder / DATABASE)
        self._goes_along = False

    def write(self) -> AbstractContextManager[Connection]:
        """A write transaction; one within another takes back its own part alone when it fails.

        Raises `ProjectMoved` where the file is no longer in its place (4 us): what is written to it may be lost.
        """
        if not self.database.conn.in_transaction:
            if not self._goes_along:
                self.check_place()
            self.writes += 1
        return write_transaction(self.database)

    def changed(self, label: str, *tables: str, ids: tuple[int, ...] = ()) -> Changes:
        """What the write that is open touched, or the last one."""
        return Changes(frozenset(tables), label, ids, self.writes)

    def reading(self) -> AbstractContextManager[None]:
        """All that is read within is as of one moment, whatever others write."""
        return read_transaction(self.database)

    def without_waiting(self) -> AbstractContextManager[None]:
        """What is written within is left out where somebody else writes just then, or nothing can be written."""
        return without_waiting(self.database)

    def set_patience(self, seconds: float) -> None:
        """How long a write waits for another writer before it fails."""
        set_patience(self.database, seconds)

    def setting(self, key: str, default: Any = None) -> Any:
        text = self.database.value("select value from settings where key = ?", key)
        if text is None:
            return default
        kind = object if default is None else type(default)
        return cells.read(text, kind, f"The setting {key}")

    def set_setting(self, key: str, value: Any) -> Changes:
        with self.write():
            self.database.execute(
                "insert into settings (key, value) values (?, ?)"
                " on conflict (key) do update set value = excluded.value",
                (key, json.dumps(value)),
            )
        return self.changed("Change setting", "settings")

    def edits(self, table: str) -> int:
        """How often rows of `table` were changed or deleted, which its newest row does not tell."""
        return int(self.setting(f"edits/{table}", 0))

    def count_edit(self, table: str) -> None:
        """Let others who have the project open see that rows changed; part of the operation's transaction."""
        with self.write():
            self.set_setting(f"edits/{table}", self.edits(table) + 1)

    @property
    def name(self) -> str:
        """What people call it; its folder's name where none can be read."""
        try:
            return str(self.setting("name", self.folder.name))
        except ProjectError:
            return self.folder.name

    def run_folder(self, job_id: int) -> Path:
        """Where the run's adapter and checkpoints lie; it may not exist yet. Raises `BadInput` for a link."""
        return inside(self.folder, "runs", str(job_id))

    def run_file(self, job_id: int, name: str) -> Path:
        """A file that the run keeps beside its checkpoints; it may not be there. Raises `BadInput` for a link and for a
        file with a second name."""
        return own_file(self.folder, "runs", str(job_id), name)

    def make_run_folder(self, job_id: int) -> Path:
        """The same, made where need be; the project's own folder is never made anew. Raises `BadInput` where it holds a
        link: what a job writes there would go elsewhere. A file that has a second name looks like any other, so that
        files there are never written to but replaced (`core/store/files/beside.py`)."""
        folder = self.run_folder(job_id)
        folder.parent.mkdir(exist_ok=True)
        folder.mkdir(exist_ok=True)
        for path in folder.rglob("*"):
            if path.is_symlink():
                inside(self.folder, path.relative_to(self.folder).as_posix())
        return folder

    @property
    def has_moved(self) -> bool:
        """Is its path gone by now, or another's?"""
        return place_of(self.folder, self.folder / DATABASE) != self._place

    def moved(self) -> ProjectMoved:
        gone = f"The project is no longer in {self.folder}"
        now_there = place_of(self.folder, self.folder / DATABASE)
        if now_there and self._place and now_there[0] == self._place[0]:
            aside = " and ".join(backups.beside(self.folder))
            return ProjectMoved(
                f"{gone}: another {DATABASE} took its place. Keep a copy of what you typed and close the project"
                + (f"; put {aside} aside, which are of the file before it, and open it again." if aside else ".")
            )
        return ProjectMoved(
            f"{gone}: open it where it is now, and do this again, or resume; everything saved before is kept there."
        )

    def check_place(self) -> None:
        """Raises `ProjectMoved` before anything is written: that goes where its file went."""
        if self.has_moved:
            raise self.moved()

    def again(self) -> "Project":
        """The same project over a connection of its own, as another thread needs. Raises `ProjectMoved` where its
        place is empty, or another's, by now."""
        self.check_place()
        found = open_project(self.folder)
        if found._place != self._place:
            found.close()
            raise self.moved()
        return found

    def read_only(self) -> "Project":
        """The same project over a connection that cannot write to its database."""
        found = self.again()
        found.database.execute("pragma query_only = on")
        return found

    def go_along(self) -> None:
        """Write to the file wherever it went: a job says there how it ended."""
        self._goes_along = True

    def close(self) -> None:
        self.database.close()


def create_project(
    folder: Path, name: str = "", model: str = "embedded", fill: Callable[[Project], object] = lambda project: None
) -> Project:
    """Make a project in `folder`, which must be new or empty, with what `fill` puts into it: all of it, or nothing.

    Raises `BadInput` if something is already there.
    """
    folder = folder.expanduser().resolve()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadInput(f"{folder} is not empty: choose a new folder for the project.")
    try:
        with beside.folder(folder) as made:
            (made / "runs").mkdir()
            with closing(Project(made, connect(made / DATABASE))) as project, project.write() as database:
                make_tables(database)
                project.set_setting("name", name or readable(folder.name))
                project.set_setting("model", model)
                project.set_setting("created_at", now())
                fill(project)
        return Project(folder, connect(folder / DATABASE))
    except (OSError, sqlite3.Error) as error:
        raise known(error) or ProjectError(f"{folder} cannot be made into a project: {error}.") from error


def open_project(folder: Path, *, synchronous: str = "FULL") -> Project:
    """Open the project in `folder`; an older one is migrated after a backup beside it.

    Raises `ProjectError` when the folder is unreadable, foreign, damaged, of a newer version, or when its database
    holds anything that Plumbline did not make.
    """
    folder = folder.expanduser().resolve()
    path = folder / DATABASE
    try:
        if not path.is_file():
            raise ProjectError(f"{folder} is not a Plumbline project: it has no {DATABASE}. Choose another folder.")
        database = connect(path, synchronous=synchronous)
        try:
            if forget_statistics(database, path):
                database.close()
                database = connect(path, synchronous=synchronous)
            migrate(database, path)
        except BaseException:
            database.close()
            raise
    except (sqlite3.Error, OSError, UnicodeDecodeError) as error:
        found = known(error)
        if isinstance(found, DamagedProject) or isinstance(error, UnicodeDecodeError):  # SQLite quotes what is damaged
            found = backups.damaged(folder)
        raise found or ProjectError(
            f"{path} cannot be read as a project: restore it from a backup or choose another folder."
        ) from error
    return Project(folder, database)
