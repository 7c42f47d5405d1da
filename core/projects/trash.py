"""Deleted projects and runs: moved aside, listed, put back, or deleted for good.

The trash is Plumbline's own and not the desktop's. The desktop's cannot say on every system what of ours lies in it
and where it came from, it may be emptied by somebody else, and a whole folder would go there, other people's files
included. Here, only what Plumbline wrote into the folder is moved (`core.projects.summary.OWN`); anything else stays
where it is, and so does the folder then. A move is a rename: it copies nothing, follows no link, and needs no space.
Where the data folder is on another disk than the project, the trash is a hidden folder beside the project; a note in
the data folder says so.

Of a run its folder goes there, and its rows in a file beside it. What a process that was killed left half moved is
finished or taken back by the next start (`settle`).
"""

import errno
import os
import shutil
import sqlite3
import stat
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from core.errors import BadInput, KnownError, ProjectError, known
from core.jobs import lock, queue
from core.projects import trash_notes, trash_origin
from core.projects.source import Source, folder_of, opened
from core.projects.summary import own, size, size_of, summary
from core.projects.trash_notes import BESIDE as BESIDE
from core.projects.trash_notes import Deleted as Deleted
from core.projects.trash_notes import State
from core.projects.trash_origin import ROWS
from core.projects.trash_origin import is_of as is_of
from core.runs import dependents
from core.store import Project, jobs, now, open_project
from core.store.files import beside, closed
from core.store.runs import run_rows
from core.trust import gate

#: Seconds in which a worker that left closes the project.
CLOSING = 2.0
#: What lies in a project's folder as long as somebody looks at it: empty files, which are made again.
NOTHING = (lock.LOCK, f"{lock.LOCK}-journal", lock.LEAVE)


def delete(folder: Path) -> Deleted:
    """Move the project in `folder` to the trash; files that are not its own stay, and the folder with them.

    Raises `KnownError` if it is no project, if a worker is at work on it, or if another window has it open.
    """
    folder = folder.expanduser().resolve()
    found = summary(folder)
    if found is None:
        raise ProjectError(f"{folder} is not a Plumbline project: nothing is deleted.")
    with _sentences(folder), _at_work():
        guard = lock.take_over(folder)
        if guard is None:
            raise BadInput(f"A worker is at work on “{found.name}”: stop its jobs, or wait until they are done.")
        with closing(guard):
            _alone(folder, found.name)
            paths = [path for path in own(folder) if not path.name.startswith(lock.LOCK)]
            deleted = _put_aside(folder, found.name, paths, size(folder))
        _clear(folder)
        trash_notes.turn(deleted, State.MOVING, State.DELETED)
        return deleted


def delete_run(of: Source, job_id: int) -> Deleted:
    """Move a run of a project to the trash: its record, checkpoints and adapters.

    Raises `KnownError` where something uses it.
    """
    folder = folder_of(of)
    with _sentences(folder), _at_work(), closing(opened(of)) as project:
        source, deleted = project.run_folder(job_id), None
        try:
            with project.write():  # nobody can come to use it meanwhile
                if reason := dependents.why_kept(project, queue.get(project, job_id)):
                    raise BadInput(reason)
                run_rows.forget(project, job_id)
                mark = trash_origin.mark(project)
                deleted = _put_aside(
                    folder, f"Run {job_id} of {project.name}", [source] if source.is_dir() else [], size_of(source),
                    run=job_id, mark=mark, fill=lambda place: _keep_rows(project, job_id, place, mark),
                )  # fmt: skip
        except BaseException:
            if deleted is not None:
                _put_run_back(deleted, source)
            raise
        trash_notes.turn(deleted, State.MOVING, State.DELETED)
        return deleted


def _keep_rows(project: Project, job_id: int, place: Path, mark: str) -> None:
    with beside.file(place / ROWS) as made:
        run_rows.keep(project, job_id, made, mark)


def _alone(folder: Path, name: str) -> None:
    """Raises `BadInput` if somebody else has the project open; otherwise nothing waits in the WAL any more."""
    deadline = time.monotonic() + CLOSING
    while closed.is_open_elsewhere(folder):
        if time.monotonic() > deadline:
            raise BadInput(f"“{name}” is open in another window or command: close it there first.")
        time.sleep(0.05)


def _put_aside(
    folder: Path, name: str, paths: list[Path], taken: int, *, run: int = 0, mark: str = "",
    fill: Callable[[Path], None] = lambda place: None,
) -> Deleted:  # fmt: skip
    """Move entries of the project to a new place, which `fill` may write to before. It counts as moving still."""
    number = uuid.uuid4().hex
    mode = stat.S_IMODE(folder.stat().st_mode)
    for place in (trash_notes.folder() / number, folder.parent / trash_notes.BESIDE / number):
        deleted = Deleted(number, name, str(folder), str(place), now(), taken, mode, run, mark)
        try:
            trash_notes.keep(deleted, State.MOVING)
            trash_notes.make(deleted)
            fill(place)
            _move(place, paths)
        except (OSError, sqlite3.Error, BadInput) as error:
            with suppress(OSError):
                (place / ROWS).unlink()
            if place.is_dir() and any(place.iterdir()):
                raise  # the way back failed, too: with its note, `settle` goes it later
            trash_notes.forget(deleted)
            if getattr(error, "errno", None) != errno.EXDEV:
                raise
        else:
            return deleted
    raise KnownError(f"{folder} is a disk of its own, which cannot be moved: delete it with your file manager.")


def _move(target: Path, paths: list[Path]) -> None:
    """Rename entries of a folder into `target`: all of them, or after an error none, as far as they can go back."""
    moved: list[Path] = []
    try:
        for path in paths:
            path.rename(target / path.name)
            moved.append(path)
    except OSError:
        for path in moved:
            with suppress(OSError):
                (target / path.name).rename(path)
        raise


def listed() -> list[Deleted]:
    """What is in the trash, the latest first."""
    return [deleted for deleted in trash_notes.listed(State.DELETED) if Path(deleted.place).is_dir()]


def put_back(deleted: Deleted, moved: Path | None = None) -> Path:
    """Move a project or a run back to where it was. What is there now is never written over.

    A run goes to the project in `moved`, if it is of that very one. Returns the project's folder. Raises `KnownError`.
    """
    folder = Path(deleted.folder)
    if moved is not None and is_of(deleted, moved):
        folder = moved
    with _sentences(folder), _at_work():
        place = _place(deleted)
        trash_notes.turn(deleted, State.DELETED, State.MOVING)
        try:
            if deleted.run:
                _bring_run_back(deleted, place, folder)
            else:
                _bring_back(deleted, place)
        except BaseException:
            trash_notes.turn(deleted, State.MOVING, State.DELETED)
            raise
    return folder


def _bring_run_back(deleted: Deleted, place: Path, folder: Path) -> None:
    if summary(folder) is None:
        raise BadInput(
            f"The project of “{deleted.name}” is not in {folder} any more: put that back first, or open it where it is "
            "now and put this back there."
        )
    with closing(open_project(folder)) as project:
        trash_origin.check(deleted, project)
        target = project.run_folder(deleted.run)
        if target.exists() and (place / target.name).exists():  # else it is back already, but for its entry
            raise BadInput(f"{target} is in the way: move it away, then put “{deleted.name}” back.")
        if not trash_origin.is_very(deleted, project):
            gate.ask_from_now_on(project)
        if not run_rows.bring_back(project, place / ROWS):
            raise BadInput(
                f"{folder} has another run {deleted.run} now: remove that one first, then put “{deleted.name}” back."
            )
    _put_run_back(deleted, target)


def _bring_back(deleted: Deleted, place: Path) -> None:
    folder, entries = Path(deleted.folder), sorted(place.iterdir())
    if taken := [entry.name for entry in entries if (folder / entry.name).exists()]:
        raise BadInput(f"{folder} holds another {taken[0]} now: move that away, then put “{deleted.name}” back.")
    if not folder.exists():
        try:
            folder.mkdir(parents=True)
        except OSError as error:
            raise BadInput(
                f"{folder} cannot be made ({error.strerror}): the project lies whole in {deleted.place}, move that to "
                "where you want it."
            ) from error
        folder.chmod(deleted.mode & 0o777)
    _move(folder, entries)
    trash_notes.forget(deleted)


def _put_run_back(deleted: Deleted, target: Path) -> None:
    """Move a run's folder back to `target`; its rows are in the project by now."""
    place = Path(deleted.place)
    if (place / target.name).exists():
        target.parent.mkdir(exist_ok=True)
        _move(target.parent, [place / target.name])
    (place / ROWS).unlink(missing_ok=True)
    trash_notes.forget(deleted)


def delete_for_good(deleted: Deleted) -> None:
    """Delete a project that is in the trash. A link in it goes, what it leads to stays."""
    with _sentences(Path(deleted.place)), _at_work():
        place = _place(deleted)
        trash_notes.turn(deleted, State.DELETED, State.GOING)
        shutil.rmtree(place)
        trash_notes.forget(deleted)


def _place(deleted: Deleted) -> Path:
    place = Path(deleted.place)
    if not trash_notes.is_ours(deleted) or not place.is_dir():
        raise BadInput(f"“{deleted.name}” is not in the trash any more.")
    return place


@contextmanager
def _at_work() -> Iterator[None]:
    """Nobody else moves anything meanwhile, and what the dead left half moved is settled."""
    with trash_notes.held():
        _settle()
        yield


def settle() -> None:
    """Finish or take back what was being moved by processes that are gone, unless somebody is at it just now."""
    with suppress(KnownError, OSError, sqlite3.Error):
        if trash_notes.listed(State.MOVING) or trash_notes.listed(State.GOING):
            with trash_notes.held(wait=0.0):
                _settle()


def _settle() -> None:
    for deleted in filter(_is_within_reach, trash_notes.listed(State.GOING)):
        shutil.rmtree(deleted.place, ignore_errors=True)
        trash_notes.forget(deleted)
    for deleted in filter(_is_within_reach, trash_notes.listed(State.MOVING)):
        with suppress(KnownError, OSError, sqlite3.Error):  # what cannot be settled now waits
            _settle_run(deleted) if deleted.run else _settle_project(deleted)


def _is_within_reach(deleted: Deleted) -> bool:
    """Is the disk there on which it lies? What is only away for now is not taken for gone."""
    place = Path(deleted.place)
    return place.parent == trash_notes.folder() or os.path.isdir(place.parent.parent)


def _settle_run(deleted: Deleted) -> None:
    """The project's rows say whether the run is there; its folder follows them."""
    place = Path(deleted.place)
    if not (place / ROWS).is_file():  # nothing was moved before its rows were whole
        shutil.rmtree(place, ignore_errors=True)
        trash_notes.forget(deleted)
    elif summary(Path(deleted.folder)) is None:
        trash_notes.turn(deleted, State.MOVING, State.DELETED)
    else:
        with closing(open_project(Path(deleted.folder))) as project:
            target = project.run_folder(deleted.run)
            there = trash_origin.may_come(deleted, project) and deleted.run in jobs.ids(project)
        if there and not (target.exists() and (place / target.name).exists()):
            _put_run_back(deleted, target)
        else:
            trash_notes.turn(deleted, State.MOVING, State.DELETED)


def _settle_project(deleted: Deleted) -> None:
    """One that is half moved goes back; one of which nothing is left in its folder is deleted."""
    folder, place = Path(deleted.folder), Path(deleted.place)
    left = [path for path in own(folder) if path.name not in NOTHING] if folder.is_dir() else []
    if not place.is_dir():  # it was not made yet, or everything was back
        trash_notes.forget(deleted)
    elif left and not any((folder / entry.name).exists() for entry in place.iterdir()):
        _bring_back(deleted, place)
    else:
        _clear(folder)
        trash_notes.turn(deleted, State.MOVING, State.DELETED)


def _clear(folder: Path) -> None:
    """Nothing of the project is left in its folder, which goes unless somebody else's files are in it."""
    with suppress(OSError):
        for name in NOTHING:
            (folder / name).unlink(missing_ok=True)
        folder.rmdir()


@contextmanager
def _sentences(folder: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise known(error) or KnownError(f"{folder} cannot be moved ({error}): nothing is lost.") from error
