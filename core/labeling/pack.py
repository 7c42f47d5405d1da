"""Labeling packs: one file with prompts, completions and guidelines, to be ranked on a machine without the model.

A pack is a small project of its own (SQLite). It is unpacked into a folder, ranked there like any project, packed
again and merged. Merging never overwrites: a ranking is known by its uid, so merging twice changes nothing; where
a labeler ranked the same prompt in both places, both rankings stay and somebody chooses.
"""

import shutil
import sqlite3
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from core.errors import AlteredProject, BadInput, ProjectError, known
from core.records import Guidelines
from core.store import (
    DATABASE,
    Project,
    assignments,
    conflicts,
    guidelines,
    labelers,
    now,
    open_project,
    packed_rankings,
    rankings,
)
from core.store.files import closed, snapshots
from core.store.packed_rankings import PACK, PackedRanking

SUFFIX = ".plumbpack"


@dataclass
class Merged:
    """What a merge did: rankings added and known already, retractions taken over, conflicts to look at, and a
    sentence for each ranking that could not be taken."""

    added: int = 0
    known: int = 0
    retracted: int = 0
    conflicts: int = 0
    refused: list[str] = field(default_factory=list)


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
    partial = path.with_name(path.name + ".partial")
    try:
        partial.unlink(missing_ok=True)
        snapshots.write(project, partial)
        snapshots.reduce_to_pack(partial, person.id, labeler, mine)
        partial.replace(path)
    except (OSError, sqlite3.Error) as error:
        raise known(error) or BadInput(f"{path} cannot be written: choose another place.") from error
    finally:
        partial.unlink(missing_ok=True)
    return len(queue.waiting)


def unpack(path: Path, folder: Path) -> Path:
    """Make a project of a pack in `folder`. A folder with work of the same pack in it is left as it is."""
    folder = folder.expanduser().resolve()
    if (folder / DATABASE).is_file():
        with closing(open_project(folder)) as there, _reading(path) as packed:
            if there.setting("uid") == packed.setting("uid") and there.setting(PACK) == packed.setting(PACK):
                return folder
        raise BadInput(f"{folder} holds another project: choose a new folder for the pack.")
    if folder.exists() and any(folder.iterdir()):
        raise BadInput(f"{folder} is not empty: choose a new folder for the pack.")
    with _reading(path):
        pass  # it is one
    try:
        (folder / "runs").mkdir(parents=True)
        shutil.copyfile(path, folder / DATABASE)
    except OSError as error:
        raise known(error) or error from error
    return folder


def labeler_of(path: Path) -> str:
    """Whose pack it is."""
    with _reading(path) as packed:
        return str(packed.setting(PACK) or "")


@contextmanager
def _reading(path: Path) -> Iterator[Project]:
    """A pack (or a project's folder) as a project that may be read; the file itself is not touched."""
    source = path / DATABASE if path.is_dir() else path
    if not source.is_file():
        raise BadInput(f"{path} is not a file: choose a labeling pack ({SUFFIX}).")
    folder = Path(tempfile.mkdtemp(prefix="plumbline-pack-"))
    try:
        with closing(_copied(path, source, folder)) as packed:
            yield packed
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _copied(path: Path, source: Path, folder: Path) -> Project:
    try:
        snapshots.copy(source, folder / DATABASE)
        if closed.fault(folder / DATABASE):
            raise ProjectError("what it holds contradicts itself")
        return open_project(folder)
    except AlteredProject:
        raise
    except (sqlite3.Error, ProjectError) as error:
        raise BadInput(f"{path} is no labeling pack, or it is damaged: ask for it again.") from error


def merge(project: Project, path: Path) -> Merged:
    """Take over the rankings of a pack, in one transaction.

    Raises `BadInput` for a pack of another project. A ranking of a prompt that is not there any more, or that has
    other completions now, is named and left out.
    """
    with _reading(path) as packed:
        if packed.setting("uid") != project.setting("uid"):
            raise BadInput(f"{path.name} was made from another project: open that one to merge it.")
        with project.write():
            return _Merge(project, packed, path.name).run()


class _Merge:
    def __init__(self, project: Project, packed: Project, name: str) -> None:
        self.project, self.packed, self.name = project, packed, name
        self.report = Merged()
        self.there = packed_rankings.ids(project)
        self.ours: dict[int, int] = {}
        """The ids here of rankings of the pack."""

    def run(self) -> Merged:
        by_group: dict[tuple[int, int], list[PackedRanking]] = defaultdict(list)
        for ranking in packed_rankings.listed(self.packed):
            by_group[ranking.group_id, ranking.labeler_id].append(ranking)
        for (group_id, _), found in by_group.items():
            if self._same_group(group_id):
                self._take(group_id, found)
        return self.report

    def _same_group(self, group_id: int) -> bool:
        theirs = packed_rankings.group_text(self.packed, group_id)
        if theirs is None or packed_rankings.group_text(self.project, group_id) == theirs:
            return theirs is not None
        prompt = " ".join(theirs.prompt.split())[:60]
        self.report.refused.append(f"“{prompt}” is not in this project any more, or has other completions now.")
        return False

    def _take(self, group_id: int, found: list[PackedRanking]) -> None:
        person = labelers.named(self.project, found[0].name, kind=found[0].kind, detail=found[0].detail)
        ours = packed_rankings.standing(self.project, group_id, person.id)
        clash = ours if ours is not None and ours.uid not in {each.uid for each in found} else None
        current = next((each for each in reversed(found) if each.could_count), None)
        for each in found:
            if each.uid in self.there:
                self._known(each)
                continue
            new = self._add(each, person.id, now() if clash and not each.repeat_of else None)
            if clash and each is current:
                conflicts.add(self.project, clash.id, new)
                self.report.conflicts += 1
            elif not each.retracted_at:
                self.report.added += 1

    def _known(self, ranking: PackedRanking) -> None:
        mine = self.ours[ranking.id] = self.there[ranking.uid]
        self.report.known += 1
        if ranking.retracted_at and packed_rankings.retract(self.project, mine, ranking.retracted_at):
            self.report.retracted += 1

    def _add(self, ranking: PackedRanking, labeler_id: int, retracted: str | None) -> int:
        new = replace(
            ranking, labeler_id=labeler_id, guidelines_id=self._version(ranking.guidelines_id),
            retracted_at=ranking.retracted_at or retracted,
            repeat_of=self.ours.get(ranking.repeat_of) if ranking.repeat_of else None, origin=self.name,
        )  # fmt: skip
        self.ours[ranking.id] = packed_rankings.add(self.project, self.packed, new)
        return self.ours[ranking.id]

    def _version(self, guidelines_id: int) -> int:
        """The same version of the guidelines here; for one that only the pack has, the newest that both have."""
        ours = {_texts(each): each.id for each in reversed(guidelines.versions(self.project))}
        for theirs in guidelines.versions(self.packed):
            if theirs.id <= guidelines_id and _texts(theirs) in ours:
                return ours[_texts(theirs)]
        raise BadInput("The pack was made under guidelines that this project never had: merge it where it was made.")


def _texts(version: Guidelines) -> Guidelines:
    """What it says, whenever it was saved."""
    return replace(version, id=0, created_at="")
