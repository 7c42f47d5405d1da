"""What a person decided about the projects on this machine: a small file for each, in the data folder.

A project is known by its identity and by the file that it is, so that a copy that carries the identity is another one:
moved on its disk it stays the same, unpacked or copied it is not known. Each time it is opened a new word is left in
the project and here: a file that others were given before and that is written over it does not know the newest.
"""

import hashlib
import json
import sqlite3
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from core.errors import KnownError, ProjectError, known
from core.machine import base_models
from core.store import DATABASE, Project
from core.store.files import beside, lock_file

#: The setting that holds the newest word.
WORD = "visit"


@dataclass(frozen=True)
class ProjectFile:
    """Which file a project is."""

    identity: str
    path: str
    device: int
    inode: int
    word: str = ""

    @classmethod
    def of(cls, project: Project) -> "ProjectFile":
        found = (project.folder / DATABASE).stat()
        try:
            identity, word = project.setting("identity", ""), project.setting(WORD, "")
        except ProjectError:  # damaged: it is nobody's that is known
            identity, word = "", ""
        return cls(identity, str(project.folder), found.st_dev, found.st_ino, word)

    @property
    def key(self) -> str:
        return hashlib.sha256(f"{self.identity} {self.inode}".encode("utf-8", "surrogatepass")).hexdigest()[:32]

    @property
    def mark(self) -> str:
        """By this a note elsewhere knows the file again (`is_marked`); empty for one that has no identity."""
        return f"{self.key} {self.device}" if self.identity else ""

    def is_marked(self, mark: str, path: str) -> bool:
        """Is it the file that had this mark when it lay at `path`?"""
        key, _, device = mark.partition(" ")
        return bool(self.identity) and key == self.key and self.is_at(device, path)

    def is_at(self, device: object, path: object) -> bool:
        """Disks are numbered anew when the machine starts: then it must lie where it lay."""
        return str(device) == str(self.device) or path == self.path


@dataclass(frozen=True)
class Standing:
    """`made` is a project that the person made here: what they name in it is their own. `allowed` are the keys of what
    the project may do beyond its folder, each with the hash of what it was then."""

    trusted: bool = False
    made: bool = False
    allowed: Mapping[str, str] = field(default_factory=dict)


def standing(file: ProjectFile) -> Standing | None:
    """What was decided about it; None for one that was never seen here, or has no identity: the numbers of files that
    were deleted are given to others."""
    kept = _read(file) if file.identity else None
    return kept[0] if kept is not None and file.word in (kept[1] or [file.word]) else None


def keep(file: ProjectFile, found: Standing) -> None:
    """Raises `KnownError` where the data folder cannot be written."""
    change(file, lambda _: found)


def change(file: ProjectFile, changed: Callable[[Standing], Standing]) -> None:
    """Keep what `changed` makes of what was decided so far. Raises `KnownError` where the data folder cannot be
    written."""
    with _alone():
        kept, words = _read_to_change(file) or (None, [])
        if kept is None or (words and file.word not in words):
            kept, words = Standing(), [file.word]
        _keep(file, changed(kept), words)


def leave_word(project: Project) -> None:
    """A new word in the project and here. Raises `KnownError` or `sqlite3.OperationalError` where one of them cannot
    be written: then the old ones count."""
    with _alone():
        file = ProjectFile.of(project)
        if standing(file) is None:
            return
        found, _ = _read_to_change(file) or (Standing(), [])
        word = uuid.uuid4().hex
        words = [file.word, word]  # the new one may be lost with the power
        _keep(file, found, words)
        project.set_setting(WORD, word)
        _keep(file, found, [each for each in words if each])  # now one without a word is another


def _read(file: ProjectFile) -> tuple[Standing, list[str]] | None:
    """None for what cannot be read, which is allowed nothing meanwhile."""
    with suppress(OSError):
        return _kept(file)
    return None


def _read_to_change(file: ProjectFile) -> tuple[Standing, list[str]] | None:
    """Raises `KnownError` for what cannot be read: it is not written over as if nothing had been decided."""
    try:
        return _kept(file)
    except OSError as error:
        raise _not_read(_file(file), error) from error


def _kept(file: ProjectFile) -> tuple[Standing, list[str]] | None:
    with suppress(FileNotFoundError, NotADirectoryError, ValueError, TypeError, KeyError):
        kept = json.loads(_file(file).read_text(encoding="utf-8"))
        if file.is_at(kept["place"]["device"], kept["place"]["path"]):
            found = Standing(kept["trusted"] is True, kept["made"] is True, dict(kept["allowed"]))
            return found, list(kept.get("words", []))
    return None


def _keep(file: ProjectFile, found: Standing, words: list[str]) -> None:
    _write(_file(file), {"place": asdict(file), "words": words} | asdict(found))


@contextmanager
def _alone() -> Iterator[None]:
    """What is read within is still so when it is written. Raises `KnownError` where the data folder cannot be
    written, or another program holds it."""
    try:
        lock = lock_file.hold(_folder() / "lock")
    except (OSError, sqlite3.Error) as error:
        raise _not_written(_folder(), error) from error
    try:
        yield
    finally:
        lock.close()


def modules() -> frozenset[str]:
    """Modules whose functions may be named as rewards, in projects that were allowed to.

    Raises `KnownError` where the list is there and cannot be read: whoever adds to it would write over it.
    """
    try:
        return frozenset(map(str, json.loads(_modules().read_text(encoding="utf-8"))))
    except (FileNotFoundError, NotADirectoryError, ValueError, TypeError):
        return frozenset()
    except OSError as error:
        raise _not_read(_modules(), error) from error


def choose_modules(names: frozenset[str], *, revoke: bool = False) -> None:
    """Add to them, or take away. Raises `KnownError` where the data folder cannot be written."""
    with _alone():
        _write(_modules(), sorted(modules() - names if revoke else modules() | names))


def _folder() -> Path:
    return base_models.data_folder() / "trust"


def _modules() -> Path:
    return _folder() / "modules.json"


def _file(file: ProjectFile) -> Path:
    return _folder() / f"{file.key}.json"


def _write(path: Path, values: Any) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.file(path) as made:
            made.write_text(json.dumps(values), encoding="utf-8")
    except OSError as error:
        raise _not_written(path, error) from error


def _not_read(path: Path, error: OSError) -> KnownError:
    return known(error) or KnownError(f"{path} cannot be read ({error}): see to the data folder.")


def _not_written(path: Path, error: Exception) -> KnownError:
    return known(error) or KnownError(f"{path} cannot be written ({error}): see to the data folder.")
