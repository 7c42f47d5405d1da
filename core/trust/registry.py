"""What a person decided about the projects on this machine: a small file for each, in the data folder.

A project is known by its identity and by the file that it is, so that a copy that carries the identity is another one:
moved on its disk it stays the same, unpacked or copied it is not known.
"""

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from core.errors import KnownError, ProjectError, known
from core.machine import base_models
from core.store import DATABASE, Project
from core.store.files import beside


@dataclass(frozen=True)
class Place:
    """Which file a project is."""

    identity: str
    path: str
    device: int
    inode: int

    @classmethod
    def of(cls, project: Project) -> "Place":
        found = (project.folder / DATABASE).stat()
        try:
            identity = project.setting("identity", "")
        except ProjectError:  # damaged: it is nobody's that is known
            identity = ""
        return cls(identity, str(project.folder), found.st_dev, found.st_ino)


@dataclass(frozen=True)
class Standing:
    """`made` is a project that the person made here: what they name in it is their own. `allowed` are the keys of what
    the project may do beyond its folder, each with the hash of what it was then."""

    trusted: bool = False
    made: bool = False
    allowed: Mapping[str, str] = field(default_factory=dict)


def standing(place: Place) -> Standing | None:
    """What was decided about it; None for one that was never seen here, or has no identity: the numbers of files that
    were deleted are given to others."""
    if not place.identity:
        return None
    with suppress(OSError, ValueError, TypeError, KeyError):
        kept = json.loads(_file(place).read_text(encoding="utf-8"))
        # Disks are numbered anew when the machine starts: then it must lie where it lay.
        if kept["place"]["device"] == place.device or kept["place"]["path"] == place.path:
            return Standing(kept["trusted"] is True, kept["made"] is True, dict(kept["allowed"]))
    return None


def keep(place: Place, found: Standing) -> None:
    """Raises `KnownError` where the data folder cannot be written."""
    _write(_file(place), {"place": asdict(place)} | asdict(found))


def modules() -> frozenset[str]:
    """Modules whose functions may be named as rewards, in projects that were allowed to."""
    with suppress(OSError, ValueError, TypeError):
        return frozenset(map(str, json.loads(_modules().read_text(encoding="utf-8"))))
    return frozenset()


def set_modules(names: frozenset[str]) -> None:
    """Raises `KnownError` where the data folder cannot be written."""
    _write(_modules(), sorted(names))


def _folder() -> Path:
    return base_models.data_folder() / "trust"


def _modules() -> Path:
    return _folder() / "modules.json"


def _file(place: Place) -> Path:
    key = hashlib.sha256(f"{place.identity} {place.inode}".encode("utf-8", "surrogatepass")).hexdigest()
    return _folder() / f"{key[:32]}.json"


def _write(path: Path, values: Any) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.file(path) as made:
            made.write_text(json.dumps(values), encoding="utf-8")
    except OSError as error:
        raise known(error) or KnownError(f"{path} cannot be written ({error}): see to the data folder.") from error
