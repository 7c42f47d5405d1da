"""What lies in the trash: a note for each deleted project or run, which says where it was and where it lies now.

The note's ending says how far it is. One that still says that something is being moved, while nobody holds the trash,
was left by a process that was killed: `core.projects.trash.settle` finishes it or takes it back.
"""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, astuple, dataclass, replace
from enum import Enum
from pathlib import Path

from core.errors import BadInput
from core.machine import base_models
from core.store.files import beside, lock_file

BESIDE = ".plumbline-trash"
TRASH = "trash"
#: Seconds that somebody else is given to be done with the trash.
PATIENCE = 10.0


class State(Enum):
    """How far an entry is, as the ending of its note."""

    DELETED = ".json"
    MOVING = ".moving"
    """On its way in, or back."""
    GOING = ".going"
    """Being deleted for good."""


@dataclass(frozen=True)
class Deleted:
    """A project in the trash: where it was, where it lies now, its bytes, and the folder's permissions. Or a `run` of
    the project in `folder`, and the `mark` of that project's file."""

    id: str
    name: str
    folder: str
    place: str
    deleted_at: str
    bytes: int
    mode: int
    run: int = 0
    mark: str = ""


#: What a note says, kind by kind; and the bytes that it has at most.
KINDS = [str, str, str, str, str, int, int, int, str]
LONGEST = 100_000


@contextmanager
def held(wait: float = PATIENCE) -> Iterator[None]:
    """Nobody else moves anything meanwhile. Raises `BadInput` if somebody does for longer than `wait` seconds."""
    folder().parent.mkdir(parents=True, exist_ok=True)
    lock = lock_file.take(folder().with_suffix(".lock"), wait=wait)
    if lock is None:
        raise BadInput("Something else is being deleted or put back: wait until that is done, then try again.")
    with closing(lock):
        yield


def listed(state: State) -> list[Deleted]:
    """The entries that are in this state, the latest first. One that names another place than ours is none."""
    found = []
    for note in folder().glob(f"*{state.value}"):
        with suppress(OSError, ValueError, TypeError, RecursionError):
            deleted = _read(note)
            if deleted.id == note.stem and is_ours(deleted):
                found.append(deleted)
    return sorted(found, key=lambda deleted: deleted.deleted_at, reverse=True)


def _read(note: Path) -> Deleted:
    """Raises `ValueError` or what Python does for what is none."""
    if not note.is_file() or note.stat().st_size > LONGEST:  # a pipe or a device never ends
        raise ValueError(f"{note} is no note")
    deleted = Deleted(**json.loads(note.read_text(encoding="utf-8")))
    if Path(deleted.place).parts[-2:] == (TRASH, note.stem):  # the data folder may have had another path
        deleted = replace(deleted, place=str(folder() / note.stem))
    whole = list(map(type, astuple(deleted))) == KINDS and 0 <= deleted.run < 2**63 and "\0" not in deleted.folder
    if not whole or not Path(deleted.folder).is_absolute():
        raise ValueError(f"{note} says nothing")
    return deleted


def keep(deleted: Deleted, state: State) -> None:
    """Write the note of an entry that is new."""
    folder().mkdir(parents=True, exist_ok=True)
    with beside.file(_note(deleted, state)) as made:
        made.write_text(json.dumps(asdict(deleted)), encoding="utf-8")


def turn(deleted: Deleted, before: State, after: State) -> None:
    _note(deleted, before).replace(_note(deleted, after))


def forget(deleted: Deleted) -> None:
    """Remove what is left of an entry: its empty place, the trash beside once it is empty, and its note."""
    with suppress(OSError):
        Path(deleted.place).rmdir()
    with suppress(OSError):
        if lock_file.is_mine(beside_it := Path(deleted.folder).parent / BESIDE):
            beside_it.rmdir()
    for state in State:
        _note(deleted, state).unlink(missing_ok=True)


def is_ours(deleted: Deleted) -> bool:
    """A note may be written by anybody: only a place that we would have made counts, and no link. A trash beside whose
    disk is away may still be ours."""
    place, beside_it = Path(deleted.place), Path(deleted.folder).parent / BESIDE
    if place.parent == beside_it:
        with suppress(OSError):
            if not lock_file.is_mine(beside_it):
                return False
    return place in (folder() / deleted.id, beside_it / deleted.id) and not place.is_symlink()


def make(deleted: Deleted) -> None:
    """The place of an entry that is new. Raises `BadInput` where a trash beside is a link or somebody else's, who could
    take away, or exchange, whatever is put there."""
    place = Path(deleted.place)
    if place.parent != folder():
        with suppress(FileExistsError):
            place.parent.mkdir(0o700)
        if not lock_file.is_mine(place.parent):
            raise BadInput(
                f"{place.parent} is a link or somebody else's, and nothing is put there: move it away, or the project "
                "to a folder of your own, then try again. Nothing was deleted."
            )
    place.mkdir()


def folder() -> Path:
    return base_models.data_folder().resolve() / TRASH


def _note(deleted: Deleted, state: State) -> Path:
    return folder() / f"{deleted.id}{state.value}"
