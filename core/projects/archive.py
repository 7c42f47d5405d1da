"""A project copied whole: to another folder, into one archive file, and out of one again.

What is copied is what a project needs: its database, through `vacuum into` so that what waits in the WAL comes along,
and `runs/` with adapters and checkpoints. Locks, logs and the backups made before a migration stay where they are.
In a copy nothing is at work: a job that ran is interrupted there and a queued one stopped; both can be resumed.
A copy appears whole or not at all.
"""

import os
import shutil
import sqlite3
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import IO
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from core.errors import BadInput, KnownError, known
from core.humanize import readable
from core.projects import archive_entries, archive_names
from core.projects.archive_entries import SUFFIX as SUFFIX
from core.projects.source import Source, opened
from core.store import DATABASE, Project, open_project
from core.store.files import beside, closed, snapshots
from core.store.files.inside import inside as within
from core.store.files.own import RUNS
from core.store.runs import checkpoints
from core.trust import gate

CHUNK = 1 << 20
#: How often a copy is begun again because a run saved a checkpoint meanwhile.
TRIES = 3
#: The setting in which a project keeps of which archives it knows, the newest last, and how many.
ARCHIVES, MOST_ARCHIVES = "archives", 1_000

Progress = Callable[[int, int], None]
"""Told the bytes done and the bytes in all, some times a second; what it raises ends the copying."""


def _quiet(done: int, total: int) -> None:
    pass


def duplicate(source: Source, target: Path, *, name: str = "", progress: Progress = _quiet) -> Path:
    """Copy a project to `target`, a new or empty folder, and call the copy `name` if one is given."""
    target = _free(target)
    with _sentences(target), closing(opened(source)) as project:
        if target.is_relative_to(project.folder):
            raise BadInput(f"{target} lies in the project itself: choose a folder outside it.")
        with beside.folder(target) as partial:

            def attempt() -> None:
                shutil.rmtree(partial / RUNS, ignore_errors=True)
                (partial / RUNS).mkdir()
                files = _to_copy(project, partial / DATABASE, name)
                meter = _Meter(sum(path.stat().st_size for path, _ in files), progress)
                for path, inside in files[1:]:
                    with path.open("rb") as reading:
                        meter.write(reading, partial / inside)

            _steadily(project, attempt)
        with closing(open_project(target)) as copy:
            gate.hand_on(project, copy)
    return target


def archive(source: Source, path: Path, *, with_checkpoints: bool = True, progress: Progress = _quiet) -> Path:
    """Write a project to the file `path`, which appears once it is complete, in place of an earlier archive of the same
    project. Without checkpoints all that runs measured and wrote is in it, and no weights: whoever asks for those
    there is told that they are not there. Raises `BadInput` for a file that carries another project, or a pack, and for
    one with work or weights that the new one would not have."""
    path = path.expanduser().resolve()
    if path.suffix.lower() != ".zip":
        raise BadInput(f"{path.name} is no name for an archive: call it {path.stem or 'project'}{SUFFIX}.")
    if not path.parent.is_dir():
        raise BadInput(f"{path.parent} is not there: choose another place for the archive.")
    with _sentences(path), closing(opened(source)) as project:
        if path.is_relative_to(project.folder):
            raise BadInput(f"{path} lies in the project itself: choose a place outside it.")
        looked_into = path.is_file() and _is_archive_of(project, path, with_checkpoints)
        with beside.file(path, looked_into=looked_into) as made, beside.scratch(path.parent) as scratch:
            with project.write():
                made_before = project.setting(ARCHIVES, [])[-MOST_ARCHIVES:]
                project.set_setting(ARCHIVES, [*made_before, uuid.uuid4().hex])
            _steadily(project, lambda: _write(project, made, scratch / DATABASE, with_checkpoints, progress))
    return path


def _is_archive_of(project: Project, path: Path, with_runs: bool) -> bool:
    """Does the archive at `path` hold this project, by the name that it has? A copy of it is another one. Raises
    `BadInput` where it has what the new one would not."""
    try:
        with beside.scratch(path.parent) as scratch, archive_entries.opened(path) as packed:
            entries = archive_entries.entries(packed, path)
            database = [each for each in entries if each.filename == DATABASE]
            meter = _Meter(archive_entries.bounded(database, path, scratch), _quiet)
            with packed.open(DATABASE) as reading:
                meter.write(reading, scratch / DATABASE)
            found = closed.settings(scratch, "uid", "name", "identity", "copy_of", ARCHIVES) or {}
            if (found.get("uid"), found.get("name")) != (project.setting("uid"), project.name):
                return False
            of_another = _is_of_another(project, found)
            lost = _lost(scratch, project, goes_on=_goes_on(project, found))
            weights = _with_weights(scratch, (each.filename for each in entries))
    except (KnownError, sqlite3.Error, ValueError, RecursionError):
        return False
    if of_another:
        raise BadInput(
            f"{path.name} is the archive of another copy of this project, and may have work that is not here: choose "
            "another name for the new archive."
        )
    if lost:
        raise BadInput(
            f"{path.name} has {', '.join(lost)}, {sum(lost.values()):,} in all, that this project does not have, "
            "perhaps of another copy of it or of a later day: choose another name for the new archive."
        )
    weights -= _with_weights(project.folder, (inside for _, inside in _of_runs(project, with_runs)))
    if weights:
        raise BadInput(
            f"{path.name} has the weights of runs, {len(weights):,} in all, that the new archive would not have: "
            "choose another name."
        )
    return True


def _lost(archived: Path, project: Project, *, goes_on: bool) -> dict[str, int]:
    """How much of what people made is in the archive alone, by what it is called. What a project that `goes_on` from
    the archive does not have any more was taken away in it, or is done with."""
    here = closed.work(project.folder)
    found = {
        each.title: len(made - here.get(each, set()))
        for each, made in closed.work(archived).items()
        if not (goes_on and each.goes)
    }
    return {title: count for title, count in found.items() if count}


def _goes_on(project: Project, archived: dict[str, object]) -> bool:
    """Was the archive made of this project as it was earlier? One that was put back from an older copy knows nothing of
    it. Archives of earlier versions do not say."""
    said = archived.get(ARCHIVES)
    return isinstance(said, list) and said[-1:] != [] and said[-1] in project.setting(ARCHIVES, [])


def _is_of_another(project: Project, archived: dict[str, object]) -> bool:
    """Was the archive made of another copy, and is it not the one that this was restored from? Archives of earlier
    versions do not say."""
    made_of, own = archived.get("copy_of"), snapshots.fingerprint(project.setting("identity"))
    came_from = snapshots.fingerprint(archived.get("identity"))
    return bool(made_of) and made_of != own and project.setting("copy_of") != came_from


def _with_weights(folder: Path, names: Iterable[str]) -> set[tuple[int, str | None]]:
    """Runs of the project in `folder`, by their numbers and when they were made, of which these files hold weights."""
    made = closed.jobs(folder)
    parts = (name.split("/") for name in names if name.endswith(".safetensors"))
    numbers = {int(part[1]) for part in parts if part[0] == RUNS and part[1].isdecimal()}
    return {(number, made.get(number)) for number in numbers}


def _write(project: Project, made: Path, snapshot: Path, with_runs: bool, progress: Progress) -> None:
    files = _to_copy(project, snapshot, with_runs=with_runs)
    twice = archive_names.clashes(inside for _, inside in files)
    for path, inside in files:
        if archive_names.fault(inside) or inside in twice:
            raise BadInput(f"{readable(str(path))} has a name that no archive can hold: rename it.")
    if len(files) > archive_entries.MOST_FILES:
        raise BadInput(f"The runs have {len(files):,} files, more than an archive may hold: remove some runs first.")
    if closed.fault(snapshot):
        raise BadInput("The project's database is damaged, and no archive of it could be restored: copy its folder.")
    total = sum(path.stat().st_size for path, _ in files)
    for packing in (ZIP_DEFLATED, ZIP_STORED):
        _pack(files, made, packing, _Meter(total, progress))
        if not archive_entries.grows(total, made.stat().st_size):
            break  # else it repeats itself so much that whoever restores it takes it for a bomb


def _pack(files: list[tuple[Path, str]], made: Path, packing: int, meter: "_Meter") -> None:
    with made.open("wb") as file:
        with ZipFile(file, "w", strict_timestamps=False) as packed:
            for path, inside in files:
                with path.open("rb") as reading:
                    entry = ZipInfo.from_file(path, inside, strict_timestamps=False)
                    # Adapters are numbers that hardly get smaller.
                    entry.compress_type = ZIP_STORED if path.suffix == ".safetensors" else packing
                    with packed.open(entry, "w") as writing:
                        meter.copy(reading, writing)
        file.flush()
        os.fsync(file.fileno())


def restore(path: Path, folder: Path, *, progress: Progress = _quiet) -> Path:
    """Make a project in `folder`, new or empty, of the archive `path`.

    Raises `BadInput` for a file that is no archive, is damaged, holds anything that no project has, or was made by
    a newer Plumbline.
    """
    path, target = path.expanduser(), _free(folder)
    if not path.is_file():
        raise BadInput(f"{path} is not a file: choose an archive ({SUFFIX}).")
    with _sentences(target), archive_entries.opened(path) as packed:
        entries = archive_entries.entries(packed, path)
        meter = _Meter(archive_entries.bounded(entries, path, target), progress)
        with beside.folder(target) as partial:
            (partial / RUNS).mkdir()
            for entry in entries:
                with packed.open(entry) as reading:
                    meter.write(reading, partial / entry.filename)
            archive_entries.check(partial / DATABASE, path)
            snapshots.rest(partial / DATABASE)
    return target


def _to_copy(project: Project, snapshot: Path, name: str = "", *, with_runs: bool = True) -> list[tuple[Path, str]]:
    """Write a snapshot of the database; return it and the files under runs/, each with its place in the copy."""
    snapshot.unlink(missing_ok=True)
    snapshots.write(project, snapshot)
    snapshots.rest(snapshot, name)
    found = [(snapshot, DATABASE), *_of_runs(project, with_runs)]
    _refuse_second_names([path for path, _ in found])
    return found


def _of_runs(project: Project, with_runs: bool) -> list[tuple[Path, str]]:
    """The files under runs/; without them, of each run the few that say from what it began and what it learnt from."""
    runs, found = within(project.folder, RUNS), list[tuple[Path, str]]()
    for path in _below(runs) if runs.is_dir() else ():
        inside = path.relative_to(runs)
        if with_runs or (len(inside.parts) == 2 and inside.suffix == ".json"):
            found.append((path, f"{RUNS}/{inside.as_posix()}"))
    return found


def _refuse_second_names(paths: list[Path]) -> None:
    """A file with more names (hard links) than are copied is one that lies elsewhere, too: whoever made the project may
    have meant the copy to carry it off. Raises `BadInput` for it."""
    found = [(path, path.stat()) for path in paths]
    names = Counter((each.st_dev, each.st_ino) for _, each in found)
    for path, each in found:
        if each.st_nlink > names[each.st_dev, each.st_ino]:
            raise BadInput(
                f"{readable(str(path))} has a second name elsewhere (a hard link), and may be a file of yours that is "
                "none of the project: delete it there if it is, else put a copy of it in its place."
            )


def _below(runs: Path) -> Iterator[Path]:
    """The files of the runs. A link is not followed; what is half written is left."""
    for base, folders, names in os.walk(runs, onerror=_fail):
        folders[:] = sorted(folder for folder in folders if not folder.endswith(".partial"))
        for path in (Path(base, name) for name in sorted(names) if not name.endswith(".partial")):
            if path.is_file() and not path.is_symlink():
                yield path


def _fail(error: OSError) -> None:
    raise error


def _steadily(project: Project, attempt: Callable[[], None]) -> None:
    """Copy, and begin again if a run saved meanwhile: the database would name checkpoints that are not in the copy."""
    for _ in range(TRIES):
        before = checkpoints.folders(project)
        with suppress(FileNotFoundError):  # the worker keeps the last checkpoints of a run and deletes older ones
            attempt()
            if checkpoints.folders(project) == before:
                return
    raise KnownError("The run saves faster than it can be copied: pause it, then copy the project again.")


class _Meter:
    """Copies files piece by piece and tells how far it is."""

    def __init__(self, total: int, progress: Progress) -> None:
        self.done, self.total, self.progress = 0, total, progress

    def copy(self, reading: IO[bytes], writing: IO[bytes]) -> None:
        while piece := reading.read(CHUNK):
            self.progress(self.done, self.total)
            writing.write(piece)
            self.done += len(piece)

    def write(self, reading: IO[bytes], path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as writing:
            self.copy(reading, writing)
            writing.flush()
            os.fsync(writing.fileno())


def _free(folder: Path) -> Path:
    folder = folder.expanduser().resolve()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadInput(f"{folder} is not empty: choose a new folder.")
    return folder


@contextmanager
def _sentences(target: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise known(error) or KnownError(f"{target} cannot be written ({error}): choose another place.") from error
