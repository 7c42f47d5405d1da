"""What a labeling pack brings back, whatever its form: a project of its own, or the answers of a page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from core.store import Project, conflicts, guidelines, packed_rankings
from core.store.packed_rankings import GroupText, HandedOut, PackedRanking


@dataclass(frozen=True)
class Brought:
    """`rankings` are its labeler's, oldest first, and `text_of` gives the group that they are of. `versions` are the
    ids and digests of its guidelines, newest first; `answered` the groups in which the labeler wrote answers;
    `undecided` rankings that only a merge into it took back, until somebody decides. `refused` names what cannot be
    taken, a sentence for each. What is `unpacked` is newer than all that was packed of it."""

    rankings: Sequence[PackedRanking]
    handed_out: HandedOut
    text_of: Callable[[int], GroupText | None]
    versions: Sequence[tuple[int, str]]
    answered: Sequence[int] = ()
    undecided: frozenset[int] = frozenset()
    refused: tuple[str, ...] = ()
    unpacked: bool = False


def of_project(packed: Project, labeler: str, *, unpacked: bool = False) -> Brought:
    """What the labeler did in a pack that is a project."""
    return Brought(
        packed_rankings.listed(packed, labeler),
        packed_rankings.handed_out(packed),
        partial(packed_rankings.group_text, packed),
        [(each.id, guidelines.digest(each)) for each in guidelines.versions(packed)],
        packed_rankings.answered(packed, labeler),
        frozenset(conflicts.undecided(packed)),
        unpacked=unpacked,
    )
