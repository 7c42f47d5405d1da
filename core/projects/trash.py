"""Deleted projects and runs: moved aside, listed, put back, or deleted for good.

The trash is Plumbline's own and not the desktop's. The desktop's cannot say on every system what of ours lies in it
and where it came from, it may be emptied by somebody else, and a whole folder would go there, other people's files
included. Here, only what Plumbline wrote into the folder is moved (`core.projects.summary.OWN`); anything else stays
where it is, and so does the folder then. A move is a rename: it copies nothing, follows no link, and needs no space.
Where the data folder is on another disk than the project, the trash is a hidden folder beside the project; a note in
the data folder says so.

Of a run its folder goes there, and its rows in a file beside it.
"""

import errno
import json
import shutil
import sqlite3
import stat
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from core.errors import BadInput, KnownError, ProjectError, known
from core.jobs import lock, queue
from core.machine import base_models
from core.projects.summary import own, size, size_of, summary
from core.runs import dependents
from core.store import now, open_project
from core.store.files import closed
from core.store.runs import run_rows

BESIDE = ".plumbline-trash"
#: Seconds in which a worker that left closes the project.
CLOSING = 2.0
#: The file that holds a run's rows.
ROWS = "run.db"


@dataclass(frozen=True)
class Deleted:
    """A project in the trash: where it was, where it lies now, its bytes, and the folder's permissions. Or a `run` of
    the project in `folder`."""

    id: str
    name: str
    folder: str
    place: str
    deleted_at: str
    bytes: int
    mode: int
    run: int = 0


def delete(folder: Path) -> Deleted:
    """Move the project in `folder` to the trash; files that are not its own stay, and the folder with them.

    Raises `KnownError` if it is no project, if a worker is at work on it, or if another window has it open.
    """
    folder = folder.expanduser().resolve()
    found = summary(folder)
    if found is None:
        raise ProjectError(f"{folder} is not a Plumbline project: nothing is deleted.")
    with _sentences(folder):
        guard = lock.take_over(folder)
        if guard is None:
            raise BadInput(f"A worker is at work on “{found.name}”: stop its jobs, or wait until they are done.")
        with closing(guard):
            _alone(folder, found.name)
            paths = [path for path in own(folder) if not path.name.startswith(lock.LOCK)]
            deleted = _put_aside(folder, found.name, paths, size(folder))
        (folder / lock.LOCK).unlink(missing_ok=True)  # it is empty, and made again
        with suppress(OSError):  # somebody else's files are in it
            folder.rmdir()
        return deleted


def delete_run(folder: Path, job_id: int) -> Deleted:
    """Move a run of the project in `folder` to the trash: its record, checkpoints and adapters.

    Raises `KnownError` where something uses it.
    """
    folder = folder.expanduser().resolve()
    with _sentences(folder), closing(open_project(folder)) as project:
        source, deleted = project.run_folder(job_id), None
        try:
            with project.write():  # nobody can come to use it meanwhile
                if reason := dependents.why_kept(project, queue.get(project, job_id)):
                    raise BadInput(reason)
                run_rows.forget(project, job_id)
                deleted = _put_aside(
                    folder, f"Run {job_id} of {project.name}", [source] if source.is_dir() else [], size_of(source),
                    run=job_id, fill=lambda place: run_rows.keep(project, job_id, place / ROWS),
                )  # fmt: skip
        except BaseException:
            if deleted is not None:
                _put_run_back(deleted, source)
            raise
        return deleted


def _alone(folder: Path, name: str) -> None:
    """Raises `BadInput` if somebody else has the project open; otherwise nothing waits in the WAL any more."""
    deadline = time.monotonic() + CLOSING
    while closed.is_open_elsewhere(folder):
        if time.monotonic() > deadline:
            raise BadInput(f"“{name}” is open in another window or command: close it there first.")
        time.sleep(0.05)


def _put_aside(
    folder: Path, name: str, paths: list[Path], taken: int, *, run: int = 0,
    fill: Callable[[Path], None] = lambda place: None,
) -> Deleted:  # fmt: skip
    """Move entries of the project to a new place, which `fill` may write to before."""
    number = uuid.uuid4().hex
    mode = stat.S_IMODE(folder.stat().st_mode)
    for place in (_notes() / number, folder.parent / BESIDE / number):
        deleted = Deleted(number, name, str(folder), str(place), now(), taken, mode, run)
        try:
            place.mkdir(parents=True)
            _notes().mkdir(parents=True, exist_ok=True)
            _note(number).write_text(json.dumps(asdict(deleted)), encoding="utf-8")
            fill(place)
            _move(place, paths)
        except (OSError, sqlite3.Error) as error:
            (place / ROWS).unlink(missing_ok=True)
            _forget(deleted)
            if getattr(error, "errno", None) != errno.EXDEV:
                raise
        else:
            return deleted
    raise KnownError(f"{folder} is a disk of its own, which cannot be moved: delete it with your file manager.")


def _move(target: Path, paths: list[Path]) -> None:
    """Rename entries of a folder into `target`: all of them, or after an error none."""
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
    """Move a project or a run back to where it was. What is there now is never written over.

    Returns the project's folder.
    """
    folder, place = Path(deleted.folder), _place(deleted)
    with _sentences(folder):
        if deleted.run:
            if summary(folder) is None:
                raise BadInput(f"The project of “{deleted.name}” is not in {folder} any more: put that back first.")
            with closing(open_project(folder)) as project:
                if not run_rows.belong_to(project, place / ROWS):
                    raise BadInput(f"{folder} holds another project now: “{deleted.name}” cannot be put back there.")
                target = project.run_folder(deleted.run)
                if target.exists() and (place / target.name).exists():  # else it is back already, but for its entry
                    raise BadInput(f"{target} is in the way: move it away, then put “{deleted.name}” back.")
                run_rows.bring_back(project, place / ROWS)
            _put_run_back(deleted, target)
            return folder
        entries = sorted(place.iterdir())
        if taken := [entry.name for entry in entries if (folder / entry.name).exists()]:
            raise BadInput(f"{folder} holds another {taken[0]} now: move that away, then put “{deleted.name}” back.")
        if not folder.exists():
            folder.mkdir(parents=True)
            folder.chmod(deleted.mode)
        _move(folder, entries)
        _forget(deleted)
    return folder


def _put_run_back(deleted: Deleted, target: Path) -> None:
    """Move a run's folder back to `target`; its rows are in the project by now."""
    place = Path(deleted.place)
    if (place / target.name).exists():
        target.parent.mkdir(exist_ok=True)
        _move(target.parent, [place / target.name])
    _note(deleted.id).unlink(missing_ok=True)  # first: an entry without its rows could never be put back
    (place / ROWS).unlink(missing_ok=True)
    _forget(deleted)


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
    return base_models.data_folder().resolve() / "trash"


def _note(number: str) -> Path:
    return _notes() / f"{number}.json"


@contextmanager
def _sentences(folder: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise known(error) or KnownError(f"{folder} cannot be moved ({error}): nothing is lost.") from error
