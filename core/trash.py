"""Deleted projects: moved aside, listed, put back, or deleted for good.

The trash is Plumbline's own and not the desktop's. The desktop's cannot say on every system what of ours lies in it
and where it came from, it may be emptied by somebody else, and a whole folder would go there, other people's files
included. Here, only what Plumbline wrote into the folder is moved (`core.store.glance.OWN`); anything else stays where
it is, and so does the folder then. A move is a rename: it copies nothing, follows no link, and needs no space. Where
the data folder is on another disk than the project, the trash is a hidden folder beside the project; a note in the data
folder says so.
"""

import errno
import json
import shutil
import sqlite3
import stat
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from core import catalogue
from core.errors import BadInput, KnownError, ProjectError, known
from core.jobs import lock
from core.store import DATABASE, now
from core.store.glance import glance, own, size

BESIDE = ".plumbline-trash"
#: Seconds in which a worker that left closes the project.
CLOSING = 2.0


@dataclass(frozen=True)
class Deleted:
    """A project in the trash: where it was, where it lies now, its bytes, and the folder's permissions."""

    id: str
    name: str
    folder: str
    place: str
    deleted_at: str
    bytes: int
    mode: int


def delete(folder: Path) -> Deleted:
    """Move the project in `folder` to the trash; files that are not its own stay, and the folder with them.

    Raises `KnownError` if it is no project, if a worker is at work on it, or if another window has it open.
    """
    folder = folder.expanduser().resolve()
    found = glance(folder)
    if found is None:
        raise ProjectError(f"{folder} is not a Plumbline project: nothing is deleted.")
    with _sentences(folder):
        guard = lock.take_over(folder)
        if guard is None:
            raise BadInput(f"A worker is at work on “{found.name}”: stop its jobs, or wait until they are done.")
        with closing(guard):
            _alone(folder, found.name)
            deleted = _put_aside(folder, found.name)
        (folder / lock.LOCK).unlink(missing_ok=True)  # it is empty, and made again
        with suppress(OSError):  # somebody else's files are in it
            folder.rmdir()
        return deleted


def _alone(folder: Path, name: str) -> None:
    """Only one connection can have the project to itself: so nobody else has it open, and on closing nothing waits
    in the WAL any more."""
    deadline = time.monotonic() + CLOSING
    while True:
        with closing(sqlite3.connect(folder / DATABASE, timeout=0.1, isolation_level=None)) as database:
            try:
                database.execute("pragma locking_mode = exclusive")
                database.execute("begin immediate")
                database.execute("rollback")
                return
            except sqlite3.OperationalError as error:
                if "locked" not in str(error):
                    raise
                if time.monotonic() > deadline:
                    raise BadInput(f"“{name}” is open in another window or command: close it there first.") from error
        time.sleep(0.05)


def _put_aside(folder: Path, name: str) -> Deleted:
    number = uuid.uuid4().hex
    mode, taken = stat.S_IMODE(folder.stat().st_mode), size(folder)
    for place in (_notes() / number, folder.parent / BESIDE / number):
        deleted = Deleted(number, name, str(folder), str(place), now(), taken, mode)
        try:
            place.mkdir(parents=True)
            _notes().mkdir(parents=True, exist_ok=True)
            _note(number).write_text(json.dumps(asdict(deleted)), encoding="utf-8")
            _move(folder, place, [path for path in own(folder) if not path.name.startswith(lock.LOCK)])
        except OSError as error:
            _forget(deleted)
            if error.errno != errno.EXDEV:
                raise
        else:
            return deleted
    raise KnownError(f"{folder} is a disk of its own, which cannot be moved: delete it with your file manager.")


def _move(source: Path, target: Path, paths: list[Path]) -> None:
    """Rename entries of `source` into `target`: all of them, or after an error none."""
    moved: list[Path] = []
    try:
        for path in paths:
            path.rename(target / path.name)
            moved.append(path)
    except OSError:
        for path in moved:
            (target / path.name).rename(path)
        raise


def listed() -> list[Deleted]:
    """What is in the trash, the latest first."""
    found = []
    for note in _notes().glob("*.json"):
        with suppress(OSError, ValueError, TypeError):
            deleted = Deleted(**json.loads(note.read_text(encoding="utf-8")))
            if deleted.id == note.stem and _is_ours(deleted) and Path(deleted.place).is_dir():
                found.append(deleted)
    return sorted(found, key=lambda deleted: deleted.deleted_at, reverse=True)


def put_back(deleted: Deleted) -> Path:
    """Move a project back to where it was. What is there now is never written over."""
    folder, place = Path(deleted.folder), _place(deleted)
    with _sentences(folder):
        entries = sorted(place.iterdir())
        if taken := [entry.name for entry in entries if (folder / entry.name).exists()]:
            raise BadInput(f"{folder} holds another {taken[0]} now: move that away, then put “{deleted.name}” back.")
        if not folder.exists():
            folder.mkdir(parents=True)
            folder.chmod(deleted.mode)
        _move(place, folder, entries)
        _forget(deleted)
    return folder


def delete_for_good(deleted: Deleted) -> None:
    """Delete a project that is in the trash. A link in it goes, what it leads to stays."""
    place = _place(deleted)
    with _sentences(place):
        shutil.rmtree(place)
        _forget(deleted)


def _place(deleted: Deleted) -> Path:
    place = Path(deleted.place)
    if not _is_ours(deleted) or not place.is_dir() or place.is_symlink():
        raise BadInput(f"“{deleted.name}” is not in the trash any more.")
    return place


def _is_ours(deleted: Deleted) -> bool:
    """A note may be written by anybody: only a place that we would have made counts."""
    return Path(deleted.place) in (_notes() / deleted.id, Path(deleted.folder).parent / BESIDE / deleted.id)


def _forget(deleted: Deleted) -> None:
    """Remove what is left of an entry: its note, its empty place, and the trash beside once it is empty."""
    _note(deleted.id).unlink(missing_ok=True)
    with suppress(OSError):
        Path(deleted.place).rmdir()
    with suppress(OSError):
        (Path(deleted.folder).parent / BESIDE).rmdir()


def _notes() -> Path:
    return catalogue.data_folder().resolve() / "trash"


def _note(number: str) -> Path:
    return _notes() / f"{number}.json"


@contextmanager
def _sentences(folder: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise known(error) or KnownError(f"{folder} cannot be moved ({error}): nothing is lost.") from error
