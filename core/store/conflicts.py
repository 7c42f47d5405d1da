"""Two rankings of one prompt by one labeler, made in two places: both stay, and somebody chooses."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

from core.errors import BadInput
from core.store import Changes, Project, now


@dataclass(frozen=True)
class Conflict:
    id: int
    group_id: int
    prompt: str
    labeler: str
    ours: int
    theirs: int
    taken: str | None


class RankedSince(BadInput):
    """Another ranking, `newest`, counts by now than the two that whoever decides has seen, and would be taken back."""

    def __init__(self, newest: int) -> None:
        super().__init__(
            f"Ranking {newest} of the same labeler was made since, and would be taken back: look at it first."
        )
        self.newest = newest


class Sides(NamedTuple):
    """The conflict `id` of a ranking that came in a pack: the ranking `ours` that it is in conflict with, and which of
    them was taken."""

    id: int
    ours: int
    taken: str | None


def add(project: Project, ours: int, theirs: int) -> int:
    """Returns its number."""
    sql = "insert into conflicts (ours, theirs, created_at) values (:ours, :theirs, :now)"
    with project.write() as database:
        return database.insert(sql, {"ours": ours, "theirs": theirs, "now": now()})


def set_sides(project: Project, conflict_id: int, ours: int, theirs: int) -> None:
    """Let one that nobody decided be between these two."""
    with project.write() as database:
        database.execute("update conflicts set ours = ?, theirs = ? where id = ?", (ours, theirs, conflict_id))


def by_theirs(project: Project) -> dict[int, Sides]:
    """The newest of each ranking that came."""
    found = project.database.execute("select theirs, id, ours, taken from conflicts order by id")
    return {theirs: Sides(*row) for theirs, *row in found}


def undecided(project: Project) -> set[int]:
    """The rankings that came and count for nobody until somebody decides."""
    return {theirs for theirs, sides in by_theirs(project).items() if not sides.taken}


#: Where another ranking `w` of the labeler counts by now, it is the side that stood.
LISTED = """
    select k.id, r.group_id, p.text as prompt, l.name as labeler, k.taken,
        iif(k.taken is not 'theirs' and w.id not in (k.ours, k.theirs), w.id, k.ours) as ours,
        iif(k.taken is 'theirs' and w.id not in (k.ours, k.theirs), w.id, k.theirs) as theirs
    from conflicts k join rankings r on r.id = k.theirs join completion_groups g on g.id = r.group_id
    join prompts p on p.id = g.prompt_id join labelers l on l.id = r.labeler_id
    left join current_rankings w on w.group_id = r.group_id and w.labeler_id = r.labeler_id
    where k.taken is null or not ? order by k.id
"""
#: What would count instead of a ranking, because it is newer.
NEWER = """
    select n.id from rankings n join rankings k on k.group_id = n.group_id and k.labeler_id = n.labeler_id
    where k.id = ? and n.id > k.id and n.retracted_at is null and n.repeat_of is null
"""


def listed(project: Project, *, open_only: bool = True) -> list[Conflict]:
    """Each between what counts by now and the other side: a labeler may have revised it since."""
    return project.database.records(Conflict, LISTED, open_only)


def sides(project: Project, conflict_id: int) -> tuple[int, ...]:
    """The rankings that it was between when it arose, or was decided last; none where there is no such conflict."""
    return next(iter(project.database.execute("select ours, theirs from conflicts where id = ?", (conflict_id,))), ())


def resolve(project: Project, conflict_id: int, taken: str, seen: Collection[int] | None = None) -> Changes:
    """Let one of two conflicting rankings count: `ours` or `theirs`, as they are `listed`. The other one, and
    whatever else would count instead, stays in the file. Raises `RankedSince` where a side is none of the rankings that
    were `seen`."""
    found = next((each for each in listed(project, open_only=False) if each.id == conflict_id), None)
    if found is None or taken not in ("ours", "theirs"):
        raise BadInput(f"There is no conflict {conflict_id} with a side {taken!r}: `conflicts` lists them.")
    if seen is not None and (unseen := {found.ours, found.theirs}.difference(seen)):
        raise RankedSince(max(unseen))
    keep, leave = (found.ours, found.theirs) if taken == "ours" else (found.theirs, found.ours)
    with project.write() as database:
        at = now()
        for each in {leave, *database.column(NEWER, keep)}:
            database.execute("update rankings set retracted_at = ? where id = ?", (at, each))
        database.execute("update rankings set retracted_at = null where id = ?", (keep,))
        set_sides(project, conflict_id, found.ours, found.theirs)
        database.execute("update conflicts set taken = ? where id = ?", (taken, conflict_id))
        project.count_edit("rankings")
    return project.changed("Resolve conflict", "rankings", "conflicts", ids=(keep,))
