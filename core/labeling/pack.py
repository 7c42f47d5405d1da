"""Labeling packs: one file with prompts, completions and guidelines, to be ranked on a machine without the model.

A pack is a small project of its own (SQLite). It is unpacked into a folder, ranked there like any project, packed
again and merged. Merging never overwrites: a ranking is known by its uid, so merging twice changes nothing; where
a labeler ranked the same prompt in both places, both rankings stay and somebody chooses.
"""

import sqlite3
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from core.errors import AlteredProject, BadInput, ProjectError, known
from core.humanize import readable
from core.labeling import pack_answers, pack_check
from core.records import Guidelines, Labeler
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
from core.store.files import beside, closed, snapshots
from core.store.packed_rankings import PACK, GroupText, PackedRanking

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
    try:
        with beside.file(path) as made:
            snapshots.write(project, made)
            snapshots.reduce_to_pack(made, person.id, person.name, mine)
    except (OSError, sqlite3.Error) as error:
        raise known(error) or BadInput(f"{path} cannot be written: choose another place.") from error
    return len(queue.waiting)


def unpack(path: Path, folder: Path) -> Path:
    """Make a project of a pack in `folder`. A folder with work of the same pack in it is left as it is."""
    folder = folder.expanduser().resolve()
    with _reading(path) as packed:
        labeler = _labeler(packed, path)
        if (folder / DATABASE).is_file():
            with closing(open_project(folder)) as there:
                if there.setting("uid") == packed.setting("uid") and there.setting(PACK) == labeler:
                    return folder
            raise BadInput(f"{folder} holds another project: choose a new folder for the pack.")
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise BadInput(f"{folder} is not empty: choose a new folder for the pack.")
        try:
            with beside.folder(folder) as made:
                (made / "runs").mkdir()
                snapshots.write(packed, made / DATABASE)
                snapshots.rest(made / DATABASE)
        except (OSError, sqlite3.Error) as error:
            raise known(error) or BadInput(f"{folder} cannot be written ({error}): choose another place.") from error
    return folder


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
    """Take over the rankings of a pack, in one transaction.

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
            return _Merge(project, packed, person, readable(path.name)).run(found)


class _Merge:
    def __init__(self, project: Project, packed: Project, person: Labeler, origin: str) -> None:
        self.project, self.packed, self.person, self.origin = project, packed, person, origin
        self.report = Merged()
        self.there = packed_rankings.known(project)
        self.ours: dict[int, int] = {}
        """The ids here of rankings of the pack."""
        self.versions: dict[int, int] = {}
        """The ids here of versions of the guidelines in the pack."""

    def run(self, found: list[PackedRanking]) -> Merged:
        by_group: dict[int, list[PackedRanking]] = defaultdict(list)
        for ranking in found:
            by_group[ranking.group_id].append(ranking)
        for group_id, rankings_of_it in by_group.items():
            if len(rankings_of_it) > pack_check.MOST_OF_ONE:
                self.report.refused.append(f"Group {group_id} is left out: nobody ranks a prompt so often.")
            elif text := self._same_group(group_id):
                self._take(text, rankings_of_it)
        return self.report

    def _same_group(self, group_id: int) -> GroupText | None:
        """The group here that the pack has, too, with the same completions."""
        ours, theirs = (packed_rankings.group_text(each, group_id) for each in (self.project, self.packed))
        if ours is not None and theirs is not None and pack_answers.is_same(ours, theirs, self.person.name):
            return theirs
        prompt = f"“{_short(theirs.prompt)}”" if theirs else f"Group {group_id}"
        self.report.refused.append(f"{prompt} is not in this project any more, or has other completions now.")
        return None

    def _take(self, text: GroupText, found: list[PackedRanking]) -> None:
        good: list[PackedRanking] = []
        for each in found:
            if not self._refused(each, text, {other.id for other in good}):
                good.append(each)
        ours = packed_rankings.standing(self.project, found[0].group_id, self.person.id)
        clash = ours if ours is not None and ours.uid not in {each.uid for each in good} else None
        here: dict[int, int] = {}
        if any(each.uid not in self.there for each in good):
            here = pack_answers.numbers(self.project, found[0].group_id, text, self.person)
        current = next((each for each in reversed(good) if each.could_count), None)
        for each in good:
            if each.uid in self.there:
                self._known(each)
                continue
            new = self._add(each, here, now() if clash and not each.repeat_of else None)
            if clash and each is current:
                conflicts.add(self.project, clash.id, new)
                self.report.conflicts += 1
            elif not each.retracted_at:
                self.report.added += 1

    def _refused(self, ranking: PackedRanking, text: GroupText, earlier: set[int]) -> bool:
        """Is it nothing that the labeler could have made of this group? One that is here already says nothing new."""
        mine = self.there.get(ranking.uid)
        if mine is not None:
            same = (mine.group_id, mine.labeler_id) == (ranking.group_id, self.person.id)
            reason = "" if same else "it goes by the number of another ranking"
            if ranking.retracted_at and not pack_check.is_time(ranking.retracted_at):
                reason = "its record is damaged"
        else:
            reason = pack_check.fault(ranking, text.completions, text.by_hand)
        if ranking.repeat_of is not None and ranking.repeat_of not in earlier:
            reason = reason or "it repeats a ranking that is not in the pack"
        if reason:
            self.report.refused.append(f"A ranking of “{_short(text.prompt)}” is left out: {reason}.")
        return bool(reason)

    def _known(self, ranking: PackedRanking) -> None:
        mine = self.ours[ranking.id] = self.there[ranking.uid].id
        self.report.known += 1
        if ranking.retracted_at and packed_rankings.retract(self.project, mine, ranking.retracted_at):
            self.report.retracted += 1

    def _add(self, ranking: PackedRanking, here: dict[int, int], retracted: str | None) -> int:
        new = replace(
            ranking.of_completions(here), labeler_id=self.person.id, guidelines_id=self._version(ranking.guidelines_id),
            retracted_at=ranking.retracted_at or retracted,
            repeat_of=self.ours.get(ranking.repeat_of) if ranking.repeat_of else None, origin=self.origin,
        )  # fmt: skip
        self.ours[ranking.id] = packed_rankings.add(self.project, new)
        return self.ours[ranking.id]

    def _version(self, guidelines_id: int) -> int:
        if guidelines_id not in self.versions:
            self.versions[guidelines_id] = self._matching(guidelines_id)
        return self.versions[guidelines_id]

    def _matching(self, guidelines_id: int) -> int:
        """The same version of the guidelines here; for one that only the pack has, the newest that both have."""
        ours = {_texts(each): each.id for each in reversed(guidelines.versions(self.project))}
        for theirs in guidelines.versions(self.packed):
            if theirs.id <= guidelines_id and _texts(theirs) in ours:
                return ours[_texts(theirs)]
        raise BadInput("The pack was made under guidelines that this project never had: merge it where it was made.")


def _short(prompt: str) -> str:
    return " ".join(prompt.split())[:60]


def _texts(version: Guidelines) -> Guidelines:
    """What it says, whenever it was saved."""
    return replace(version, id=0, created_at="")
