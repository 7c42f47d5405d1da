"""The calibration set: prompts with the author's own rankings, which a new labeler ranks first.

Agreement with them shows whether the guidelines are read as they were meant, before real labeling starts.
"""

from core.errors import BadInput
from core.store import Changes, Project, changed


def add(project: Project, ranking_id: int) -> Changes:
    """Make a ranking the key of its group. Raises `BadInput` for one without an order."""
    row = project.one("select * from current_rankings where id = ?", ranking_id)
    if row is None:
        raise BadInput(f"Ranking {ranking_id} does not stand any more: choose the newest one of its prompt.")
    ranks = project.value("select count(distinct rank) from ranking_items where ranking_id = ?", ranking_id)
    if row["flag"] is not None or ranks < 1:
        raise BadInput("A flagged prompt has no order to compare with: choose a ranking with one.")
    with project.write() as database:
        database.conn.execute(
            "insert into calibration (group_id, ranking_id) values (?, ?)"
            " on conflict (group_id) do update set ranking_id = excluded.ranking_id",
            (row["group_id"], ranking_id),
        )
        project.count_edit("rankings")
    return changed("Add to the calibration set", "calibration", "rankings", ids=(ranking_id,))


def remove(project: Project, group_id: int) -> Changes:
    with project.write() as database:
        database.conn.execute("delete from calibration where group_id = ?", (group_id,))
        project.count_edit("rankings")
    return changed("Remove from the calibration set", "calibration", "rankings", ids=(group_id,))


def keys(project: Project) -> dict[int, int]:
    """The author's ranking of each group in the set."""
    rows = project.rows("select group_id, ranking_id from calibration order by group_id")
    return {row["group_id"]: row["ranking_id"] for row in rows}
