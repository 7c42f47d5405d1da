"""What a labeler ranked and began in earlier packs comes along to a newer one, which opens whatever they are."""

from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from core.errors import BadInput, ProjectError
from core.labeling import pack_merge, pack_reading
from core.labeling.pack_begun import BegunWork
from core.labeling.pack_report import Merged
from core.store import Project, labelers, packed_rankings


def bring_along(project: Project, earlier: Sequence[Path]) -> Merged:
    """From the projects of earlier packs, the oldest first. What cannot be taken from one of them is named, and stays
    where it is; an error of the disk is raised."""
    report = Merged()
    with ExitStack() as opened:
        packs = list[tuple[Project, Path]]()
        for folder in earlier:
            try:
                packs.append((opened.enter_context(pack_reading.reading(folder)), folder))
            except pack_reading.SPOILT as error:
                report.refused.append(_refusal(error, folder, "ranked and begun"))
        for packed, folder in packs:
            report += _ranked(project, packed, folder)
        done = defaultdict[str, set[str]](set)
        for packed, folder in reversed(packs):  # where several have something begun, the newest
            report += _begun(project, packed, folder, done)
    if done:
        packed_rankings.note_begun_in(project, done)
    return report


def _ranked(project: Project, packed: Project, folder: Path) -> Merged:
    try:
        return pack_merge.merge(project, packed, folder)
    except pack_reading.SPOILT as error:
        return Merged(refused=[_refusal(error, folder, "ranked")])


def _begun(project: Project, packed: Project, folder: Path, done: defaultdict[str, set[str]]) -> Merged:
    """What is `done` of each pack went on in a newer one: it may be finished there, or thrown away, and does not come
    again. What came along now is added to it."""
    try:
        name, pack_id = pack_reading.labeler(packed, folder), packed_rankings.handed_out(packed).id
        here, there = labelers.find(project, name), labelers.find(packed, name)
        if here is None or there is None:
            return Merged()
        before = packed_rankings.begun_in(packed)
        work = BegunWork(project, here, packed, there, folder.name, done[pack_id])
        report = work.bring()
        for each, digests in (before | {pack_id: work.looked_at}).items():
            done[each] |= digests
        return report
    except pack_reading.SPOILT as error:
        return Merged(begun_left=[_refusal(error, folder, "begun")])


def _refusal(error: Exception, folder: Path, work: str) -> str:
    """Why nothing that was `work` comes from an earlier pack. Raises what is no fault of the pack's."""
    pack_reading.raise_if_of_the_machine(error)
    if isinstance(error, BadInput) and not isinstance(error, ProjectError) and error.__cause__ is None:
        return str(error)
    why = "its file is damaged, or of a newer Plumbline"
    return f"What was {work} in the earlier project “{folder.name}” stays there: {why}."
