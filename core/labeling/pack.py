"""Labeling packs: one file with prompts, completions and guidelines, to be ranked on a machine without the model.

A pack is a small project of its own (SQLite). It is unpacked into a folder, ranked there like any project, packed
again and merged. Merging never overwrites: a ranking is known by its uid, so merging twice changes nothing; where
a labeler ranked the same prompt in both places, both rankings stay and somebody chooses.
"""

import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import NamedTuple

from core.errors import AlteredProject, BadInput, KnownError, ProjectError, known
from core.humanize import readable
from core.labeling.pack_begun import BegunWork
from core.labeling.pack_merge import Merge
from core.labeling.pack_merge import Merged as Merged
from core.store import DATABASE, Project, assignments, labelers, open_project, packed_rankings, rankings
from core.store.files import beside, closed, snapshots
from core.store.packed_rankings import PACK

SUFFIX = ".plumbpack"


def pack(project: Project, path: Path, labeler: str) -> int:
    """Write a pack for one labeler to `path`; returns how many prompts wait in it.

    It holds what is assigned to the labeler (everything if nothing is assigned), the calibration set and the
    labeler's own rankings, never those of others. Raises `BadInput` if there is nothing to rank.
    """
    person = labelers.named(project, labeler)
    queue = assignments.queue(project, person.id)
    mine = set(queue.waiting) | rankings.groups_of(project, person.id) | queue.calibration
    if not queue.waiting and project.setting(PACK) is None:
        raise BadInput(f"There is nothing for {labeler} to rank: generate completions or assign prompts first.")
    if _holds_work(project, path):
        raise BadInput(f"{path} has work in it that is not merged yet: merge it first, or choose another name.")
    try:
        with beside.file(path) as made:
            snapshots.write(project, made)
            snapshots.reduce_to_pack(made, person.id, person.name, mine)
    except (OSError, sqlite3.Error) as error:
        raise known(error) or BadInput(f"{path} cannot be written: choose another place.") from error
    return len(queue.waiting)


def _holds_work(project: Project, path: Path) -> bool:
    """Is there a pack of this project with rankings that are not known here? Within a pack nobody merges: it is
    written over, as it was before."""
    if not path.is_file() or project.setting(PACK) is not None:
        return False
    try:
        with _reading(path) as packed:
            name = packed.setting(PACK)
            if packed.setting("uid") != project.setting("uid") or not isinstance(name, str):
                return False
            here = packed_rankings.known(project)
            return any(each.uid not in here for each in packed_rankings.listed(packed, name))
    except (KnownError, sqlite3.Error, UnicodeError):
        return False  # no pack, which a person may write over


def unpack(path: Path, folder: Path) -> Path:
    """Make a project of a pack in `folder`. A folder with work of the same pack in it is left as it is.

    Raises `BadInput` for a folder with anything else in it, an earlier pack of the same labeler too.
    """
    return _unpack(path, folder)[0]


def _unpack(path: Path, folder: Path, earlier: Sequence[Path] = ()) -> tuple[Path, Merged]:
    """With what was ranked and begun in `earlier` packs of the labeler; all of it, or nothing."""
    report = Merged()
    folder = folder.expanduser().resolve()
    with _reading(path) as packed:
        labeler = _labeler(packed, path)
        if (folder / DATABASE).is_file():
            with closing(open_project(folder)) as there:
                if (found := _identity(there)) == _identity(packed):
                    return folder, report
            if found[:2] == _identity(packed)[:2]:
                raise BadInput(f"{folder} holds another pack for {labeler}: choose a new folder for this one.")
            raise BadInput(f"{folder} holds another project: choose a new folder for the pack.")
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise BadInput(f"{folder} is not empty: choose a new folder for the pack.")
        try:
            with beside.folder(folder) as made:
                (made / "runs").mkdir()
                snapshots.write(packed, made / DATABASE)
                snapshots.rest(made / DATABASE)
                for each in earlier:
                    report += _brought_along(made, each)
                for each in reversed(earlier):  # where several have something begun, the newest
                    report += _begun_along(made, each)
        except (OSError, sqlite3.Error) as error:
            raise known(error) or BadInput(f"{folder} cannot be written ({error}): choose another place.") from error
    return folder, report


def _brought_along(folder: Path, earlier: Path) -> Merged:
    with closing(open_project(folder)) as project:
        try:
            return merge(project, earlier)
        except BadInput as error:  # it stays where it is, and the new one can be ranked all the same
            return Merged(refused=[str(error)])


def _begun_along(folder: Path, earlier: Path) -> Merged:
    with closing(open_project(folder)) as project:
        try:
            with _reading(earlier) as packed:
                name = _labeler(packed, earlier)
                here, there = labelers.find(project, name), labelers.find(packed, name)
                return BegunWork(project, here, packed, there).bring() if here and there else Merged()
        except BadInput as error:
            return Merged(refused=[str(error)])


def take_up(path: Path, folder: Path) -> tuple[Path, Merged]:
    """Make a project of a pack in `folder`, or beside it where something else is; one that was made of this very pack
    is taken up again. What its labeler ranked or began in earlier packs that lie there comes along: returns what was
    merged."""
    with _reading(path) as packed:
        mine = _identity(packed)
    place, earlier = folder, list[Path]()
    for number in count(2):
        if not place.exists() or (there := _identity_in(place)) == mine:
            break
        if there is not None and (there.uid, there.labeler) == (mine.uid, mine.labeler):
            earlier.append(place)
        place = folder.with_name(f"{folder.name} {number}")
    return _unpack(path, place, earlier)


class _Identity(NamedTuple):
    uid: object
    labeler: object
    handed_out: str


def _identity(packed: Project) -> _Identity:
    """Of which project, for whom, and which of several."""
    return _Identity(packed.setting("uid"), packed.setting(PACK), packed_rankings.handed_out(packed).id)


def _identity_in(folder: Path) -> _Identity | None:
    """None where there is no pack that can be opened."""
    try:
        with closing(open_project(folder)) as there:
            return _identity(there)
    except ProjectError:
        return None


def labeler_of(path: Path) -> str:
    """Whose pack it is."""
    with _reading(path) as packed:
        return _labeler(packed, path)


def _labeler(packed: Project, path: Path) -> str:
    """Whose pack it is. Raises `BadInput` for a project that is none."""
    name = packed.setting(PACK)
    if not isinstance(name, str) or not name.strip():
        raise BadInput(f"{path.name} is a project and no labeling pack: choose a file that `pack` made ({SUFFIX}).")
    return name


@contextmanager
def _reading(path: Path) -> Iterator[Project]:
    """A pack (or a project's folder) as a project that may be read; the file itself is not touched."""
    source = path / DATABASE if path.is_dir() else path
    if not source.is_file():
        raise BadInput(f"{path} is not a file: choose a labeling pack ({SUFFIX}).")
    with beside.scratch(Path(tempfile.gettempdir())) as folder, closing(_copied(path, source, folder)) as packed:
        yield packed


def _copied(path: Path, source: Path, folder: Path) -> Project:
    try:
        snapshots.copy(source, folder / DATABASE)
        if closed.fault(folder / DATABASE, references=False):
            raise ProjectError("what it holds contradicts itself")
        return open_project(folder)
    except AlteredProject:
        raise
    except (OSError, sqlite3.Error, ProjectError) as error:
        found = known(error)
        if found is not None and not isinstance(found, BadInput):  # the disk here is full, or may not be written
            raise found from error
        raise BadInput(f"{path} is no labeling pack, or it is damaged: ask for it again.") from error


def merge(project: Project, path: Path) -> Merged:
    """Take over the rankings of a pack and the answers that were written in it, in one transaction.

    Raises `BadInput` for a pack of another project, or of nobody who ranks here. A ranking of a prompt that is not
    there any more, that has other completions now, or that is none of its prompt, is named and left out.
    """
    with _reading(path) as packed:
        name = _labeler(packed, path)
        if packed.setting("uid") != project.setting("uid"):
            raise BadInput(f"{path.name} was made from another project: open that one to merge it.")
        person = next((each for each in labelers.listed(project) if each.name == name), None)
        if person is None:
            raise BadInput(f"{path.name} is for “{name}”, for whom no pack was made here: merge it where it was made.")
        try:
            found = packed_rankings.listed(packed, name)
        except (sqlite3.Error, UnicodeError) as error:
            raise BadInput(f"{path} is no labeling pack, or it is damaged: ask for it again.") from error
        with project.write():
            return Merge(project, packed, person, readable(path.name)).run(found)
