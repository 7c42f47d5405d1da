"""A project copied whole: to another folder, into one archive file, and out of one again.

What is copied is what a project needs: its database, through `vacuum into` so that what waits in the WAL comes along,
and `runs/` with adapters and checkpoints. Locks, logs and the backups made before a migration stay where they are.
In a copy nothing is at work: a job that ran is interrupted there and a queued one stopped; both can be resumed.
A copy appears whole or not at all.
"""

import os
import shutil
import sqlite3
import stat
import struct
import uuid
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import IO
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from core.errors import DISK_FULL, BadInput, KnownError, ProjectError, known
from core.projects.summary import RUNS
from core.store import DATABASE, Project, open_project
from core.store.files import closed, snapshots
from core.store.files.closed import Fault
from core.store.runs import checkpoints
from core.trust import gate

SUFFIX = ".plumbline.zip"
CHUNK = 1 << 20
#: How often a copy is begun again because a run saved a checkpoint meanwhile.
TRIES = 3

Progress = Callable[[int, int], None]
"""Told the bytes done and the bytes in all, some times a second; what it raises ends the copying."""


def _quiet(done: int, total: int) -> None:
    pass


def duplicate(source: Path, target: Path, *, name: str = "", progress: Progress = _quiet) -> Path:
    """Copy the project in `source` to `target`, a new or empty folder, and call the copy `name` if one is given."""
    target = _free(target)
    with _sentences(target), closing(open_project(source)) as project:
        if target.is_relative_to(project.folder):
            raise BadInput(f"{target} lies in the project itself: choose a folder outside it.")
        with _appearing(target) as partial:

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


def archive(folder: Path, path: Path, *, progress: Progress = _quiet) -> Path:
    """Write the project in `folder` to the file `path`, which appears (or is replaced) once it is complete."""
    path = path.expanduser().resolve()
    if path.suffix.lower() != ".zip":
        raise BadInput(f"{path.name} is no name for an archive: call it {path.stem or 'project'}{SUFFIX}.")
    if not path.parent.is_dir():
        raise BadInput(f"{path.parent} is not there: choose another place for the archive.")
    with _sentences(path), closing(open_project(folder)) as project:
        if path.is_relative_to(project.folder):
            raise BadInput(f"{path} lies in the project itself: choose a place outside it.")
        with _scratch(path.parent) as scratch:
            _steadily(project, lambda: _write(project, scratch, progress))
            (scratch / "archive").replace(path)
    return path


def _write(project: Project, scratch: Path, progress: Progress) -> None:
    files = _to_copy(project, scratch / DATABASE)
    meter = _Meter(sum(path.stat().st_size for path, _ in files), progress)
    with (scratch / "archive").open("wb") as file:
        with ZipFile(file, "w", strict_timestamps=False) as packed:
            for path, inside in files:
                with path.open("rb") as reading:
                    entry = ZipInfo.from_file(path, inside, strict_timestamps=False)
                    # Adapters are numbers that hardly get smaller.
                    entry.compress_type = ZIP_STORED if path.suffix == ".safetensors" else ZIP_DEFLATED
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
    with _sentences(target), _unpacking(path) as packed:
        entries = _entries(packed, path)
        there = next(parent for parent in target.parents if parent.exists())
        total = sum(entry.file_size for entry in entries)
        if total > shutil.disk_usage(there).free:
            raise KnownError(DISK_FULL)
        meter = _Meter(total, progress)
        with _appearing(target) as partial:
            (partial / RUNS).mkdir()
            for entry in entries:
                with packed.open(entry) as reading:
                    meter.write(reading, partial / entry.filename)
            _check(partial / DATABASE, path)
            snapshots.rest(partial / DATABASE)
    return target


def _entries(packed: ZipFile, path: Path) -> list[ZipInfo]:
    """The files in an archive, all of which a project may have and none of which would leave its folder."""
    entries = [entry for entry in packed.infolist() if not entry.is_dir()]
    names = Counter(entry.filename for entry in entries)
    if DATABASE not in names:
        raise BadInput(f"{path.name} is not a Plumbline archive: choose a file that ends in {SUFFIX}.")
    for entry in entries:
        parts = PurePosixPath(entry.filename).parts
        ours = entry.filename == DATABASE or (parts[0] == RUNS and len(parts) > 1)
        strange = ".." in parts or any(mark in entry.filename for mark in "\\:") or names[entry.filename] > 1
        kind = stat.S_IFMT(entry.external_attr >> 16)
        plain = kind in (0, stat.S_IFREG) and not entry.flag_bits & 1
        if not ours or strange or not plain or entry.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
            raise BadInput(f"{path.name} holds “{entry.filename}”, which no project has: nothing is taken out of it.")
    return entries


def _check(database: Path, path: Path) -> None:
    """Is it a whole project that this version can open? Migrations wait until somebody opens it."""
    match closed.fault(database):
        case Fault.FOREIGN:
            raise BadInput(f"{path.name} is not a Plumbline archive: choose a file that ends in {SUFFIX}.")
        case Fault.NEWER:
            raise ProjectError(f"{path.name} was made by a newer Plumbline: update Plumbline to restore it.")
        case Fault.DAMAGED:
            raise BadInput(f"{path.name} is damaged or cut short: take another copy of it.")


@contextmanager
def _unpacking(path: Path) -> Iterator[ZipFile]:
    """The archive, with everything that zipfile says about a damaged one as a sentence."""
    try:
        with ZipFile(path) as packed:
            yield packed
    except (BadZipFile, zlib.error, EOFError, struct.error, ValueError, NotImplementedError, RuntimeError) as error:
        with path.open("rb") as file:
            begun = file.read(2) == b"PK"
        what = "is damaged or cut short: take another copy of it" if begun else "is not a Plumbline archive"
        raise BadInput(f"{path.name} {what}.") from error


def _to_copy(project: Project, snapshot: Path, name: str = "") -> list[tuple[Path, str]]:
    """Write a snapshot of the database; return it and the files under runs/, each with its place in the copy."""
    snapshot.unlink(missing_ok=True)
    snapshots.write(project, snapshot)
    snapshots.rest(snapshot, name)
    runs = project.folder / RUNS
    found = [(snapshot, DATABASE)]
    for path in _below(runs) if runs.is_dir() else ():
        found.append((path, f"{RUNS}/{path.relative_to(runs).as_posix()}"))
    return found


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
def _appearing(target: Path) -> Iterator[Path]:
    """A folder beside `target` that becomes it at the end; after an error nothing is left, not even new parents."""
    made = [parent for parent in target.parents if not parent.exists()]
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _scratch(target.parent) as partial:
            yield partial
            if target.exists():
                target.rmdir()
            partial.rename(target)
    except BaseException:
        for parent in made:
            with suppress(OSError):
                parent.rmdir()
        raise


@contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    """A hidden folder within `folder`, on the same disk, gone at the end."""
    scratch = folder / f".plumbline-{uuid.uuid4().hex[:8]}.partial"
    scratch.mkdir()
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


@contextmanager
def _sentences(target: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise known(error) or KnownError(f"{target} cannot be written ({error}): choose another place.") from error
