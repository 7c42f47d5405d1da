"""Labeling packs: one file with prompts, completions and guidelines, to be ranked on a machine without the model.

A pack is a small project of its own (SQLite). It is unpacked into a folder, ranked there like any project, packed
again and merged. Merging never overwrites: a ranking is known by its uid, so merging twice changes nothing; where
a labeler ranked the same prompt in both places, both rankings stay and somebody chooses.
"""

import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from itertools import count
from pathlib import Path
from typing import NamedTuple

from core.errors import BadInput, KnownError, known
from core.labeling import pack_begun, pack_earlier, pack_merge, pack_reading, pack_remarks, page_answers
from core.labeling.pack_reading import SUFFIX as SUFFIX
from core.labeling.pack_report import Merged as Merged
from core.store import DATABASE, Project, arenas, assignments, labelers, open_project, packed_rankings, rankings
from core.store.files import beside, snapshots
from core.store.files import own as own_files
from core.store.packed_rankings import PACK


def pack(project: Project, path: Path, labeler: str, arena: str = "") -> int:
    """Write a pack for one labeler to `path`; returns how many prompts wait in it.

    It holds what is assigned to the labeler (everything if nothing is assigned), the calibration set and the
    labeler's own rankings and answers, never rankings of others; and the arena of that name, if one is given, to be
    voted on without knowing whose the answers are. Raises `BadInput` if there is nothing to rank or to vote on, or if
    `path` holds work that would be lost.
    """
    carried = arenas.called(project, arena).id if arena else None
    if carried is None and project.setting(PACK) is not None:  # it goes back with what was voted
        carried = next((each.id for each in arenas.listed(project)), None)
    person = labelers.named(project, labeler)
    queue = assignments.queue(project, person.id)
    mine = set(queue.waiting) | rankings.groups_of(project, person.id) | queue.calibration
    mine |= set(packed_rankings.answered(project, person.name))
    votes = carried is not None and arenas.who_asked(project, carried)
    if not queue.waiting and not votes and project.setting(PACK) is None:
        raise BadInput(f"There is nothing for {labeler} to rank: generate completions or assign prompts first.")
    _refuse_to_lose(project, path)
    try:
        if project.setting(PACK) is not None:
            packed_rankings.note_packing(project)
        with beside.file(path, looked_into=True) as made:
            snapshots.write(project, made)
            snapshots.reduce_to_pack(made, person.id, person.name, mine, carried)
    except (OSError, sqlite3.Error) as error:
        raise known(error) or BadInput(f"{path} cannot be written: choose another place.") from error
    with suppress(KnownError, sqlite3.Error):  # else what it takes along counts as news of it, which loses nothing
        pack_remarks.note_handed_out(project, person)
    return len(queue.waiting)


def _refuse_to_lose(project: Project, path: Path) -> None:
    """Raises `BadInput` for a pack with something in it that a merge would bring here, and for any other file of
    Plumbline's: whether that is work which lies nowhere else cannot be known here, or not now. Within a pack what its
    labeler packed before is written over, but not what lies in another copy of it alone."""
    own_files.refuse(path)
    try:
        if not path.is_file() or not own_files.says_ours(path):
            return  # which a person may write over
        with pack_reading.reading(path) as packed:
            name, own = packed.setting(PACK), project.setting(PACK)
            mine = packed.setting("uid") == project.setting("uid") and isinstance(name, str) and own in (None, name)
            holds = pack_merge.holds_news if own is None else pack_merge.holds_more
            holds_work = mine and holds(project, packed, name)
    except OSError as error:
        raise known(error) or BadInput(f"{path} cannot be looked into ({error}): choose another name.") from error
    except pack_reading.SPOILT as error:
        pack_reading.raise_if_of_the_machine(error)
        raise BadInput(
            f"What is in {path} cannot be read here, and may be work that is not merged yet: choose another name."
        ) from error
    if not mine:
        raise BadInput(f"{path} is another project's, or another labeler's work: choose another name.")
    if holds_work and own is not None:
        raise BadInput(
            f"{path} has work in it from another copy of this pack, which is not here: choose another name, and send "
            "both back."
        )
    if holds_work:
        raise BadInput(f"{path} has work in it that is not merged yet: merge it first, or choose another name.")


def unpack(path: Path, folder: Path) -> Path:
    """Make a project of a pack in `folder`. A folder with work of the same pack in it is left as it is.

    Raises `BadInput` for a folder with anything else in it, an earlier pack of the same labeler too.
    """
    return _unpack(path, folder)[0]


def _unpack(path: Path, folder: Path, earlier: Sequence[Path] = ()) -> tuple[Path, Merged]:
    """With what was ranked and begun in `earlier` packs of the labeler; all of it, or nothing."""
    report = Merged()
    folder = folder.expanduser().resolve()
    with pack_reading.reading(path) as packed:
        labeler = pack_reading.labeler(packed, path)
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
                if earlier:
                    with closing(open_project(made)) as project:
                        report = pack_earlier.bring_along(project, earlier)
        except (OSError, sqlite3.Error) as error:
            raise known(error) or BadInput(f"{folder} cannot be written ({error}): choose another place.") from error
    return folder, report


def folder_name(path: Path) -> str:
    """What a project is called that is made of a pack: by a name of the file that leads nowhere else."""
    return path.stem.strip(". ") or "pack"


def take_up(path: Path, folder: Path) -> tuple[Path, Merged]:
    """Make a project of a pack in `folder`, or beside it where something else is; one that was made of this very pack
    is taken up again. What its labeler ranked or began in earlier packs that lie there comes along: returns what was
    merged. What lies there and cannot be read is named: it may be an earlier one."""
    with pack_reading.reading(path) as packed:
        mine = _identity(packed)
    place, earlier = folder, list[Path]()
    for number in count(2):
        if not place.exists() or (there := _identity_in(place)) == mine:
            break
        unread = there is None and (place / DATABASE).is_file()
        if unread or (there is not None and there[:2] == mine[:2]):
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
    except pack_reading.SPOILT as error:
        pack_reading.raise_if_of_the_machine(error)
        return None


def labeler_of(path: Path) -> str:
    """Whose pack it is."""
    with pack_reading.reading(path) as packed:
        return pack_reading.labeler(packed, path)


def merge(project: Project, path: Path) -> Merged:
    """Take over the rankings of a pack and the answers that were written in it, or what was ranked in a page, in one
    transaction. Of what is only begun its comments come along, and the rest is told of.

    Raises `BadInput` for a pack of another project, or of nobody who ranks here. A ranking of a prompt that is not
    there any more, that has other completions now, or that is none of its prompt, is named and left out.
    """
    if page_answers.is_page_or_answers(path):
        return page_answers.merge(project, path)
    with pack_reading.reading(path) as packed, project.write():
        report = pack_merge.merge(project, packed, path) + pack_remarks.of_pack(project, packed, path)
        return report + Merged(begun_left=pack_begun.not_merged(project, packed, pack_reading.labeler(packed, path)))
