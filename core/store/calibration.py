"""The calibration set: prompts with the author's own rankings, which a new labeler ranks first.

Agreement with them shows whether the guidelines are read as they were meant, before real labeling starts.
"""

from typing import NamedTuple

from core.errors import BadInput
from core.store import Changes, Project

#: The author's ranking of each group in the set, as it counts now: one that was taken back is no key, and a newer one
#: of its author stands in its place.
KEYS = (
    "select c.group_id, a.id as ranking_id, a.labeler_id from calibration c"
    " cross join rankings k on k.id = c.ranking_id"
    " cross join current_rankings a on a.group_id = c.group_id and a.labeler_id = k.labeler_id where a.flag is null"
    " and exists (select 1 from ranking_items o where o.ranking_id = a.id and o.rank is not null)"
)


def add(project: Project, ranking_id: int) -> Changes:
    """Make a ranking the key of its group. Raises `BadInput` for one without an order."""
    row = project.database.one("select group_id, flag from current_rankings where id = ?", ranking_id)
    if row is None:
        raise BadInput(f"Ranking {ranking_id} does not stand any more: choose the newest one of its prompt.")
    ranks = project.database.value("select count(distinct rank) from ranking_items where ranking_id = ?", ranking_id)
    if row["flag"] is not None or ranks < 1:
        raise BadInput("A flagged prompt has no order to compare with: choose a ranking with one.")
    with project.write() as database:
        database.execute(
            "insert into calibration (group_id, ranking_id) values (?, ?)"
            " on conflict (group_id) do update set ranking_id = excluded.ranking_id",
            (row["group_id"], ranking_id),
        )
        project.count_edit("rankings")
    return project.changed("Add to the calibration set", "calibration", "rankings", ids=(ranking_id,))


def remove(project: Project, group_id: int) -> Changes:
    with project.write() as database:
        database.execute("delete from calibration where group_id = ?", (group_id,))
        project.count_edit("rankings")
    return project.changed("Remove from the calibration set", "calibration", "rankings", ids=(group_id,))


def keys(project: Project) -> dict[int, int]:
    """The author's ranking of each group in the set."""
    found = project.database.execute("select group_id, ranking_id from (" + KEYS + ") order by group_id")
    return dict(found.fetchall())


class KeyItem(NamedTuple):
    """A completion of the set as its author ranked it, and as a labeler did; `ranking` is the labeler's, if any."""

    group_id: int
    prompt: str
    completion_id: int
    key: int | None
    key_flag: str | None
    ranking: int | None
    theirs: int | None
    their_flag: str | None


def compared(project: Project, labeler_id: int) -> list[KeyItem]:
    """The whole set, without the labeler's own keys, in the order of groups and completions."""
    return project.database.records(
        KeyItem,
        "select c.group_id, p.text as prompt, k.completion_id, k.rank as key, k.flag as key_flag, r.id as ranking,"
        " i.rank as theirs, iif(i.ranking_id is null, 'absent', i.flag) as their_flag"
        " from (" + KEYS + ") c"
        " join completion_groups g on g.id = c.group_id join prompts p on p.id = g.prompt_id"
        " join ranking_items k on k.ranking_id = c.ranking_id"
        " left join current_rankings r on r.group_id = c.group_id and r.labeler_id = :labeler and r.flag is null"
        " left join ranking_items i on i.ranking_id = r.id and i.completion_id = k.completion_id"
        " where c.labeler_id != :labeler order by c.group_id, k.completion_id",
        labeler=labeler_id,
    )
