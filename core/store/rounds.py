"""What the rounds of a project are counted from: who wrote each group, when it was ranked, and its pairs."""

from core.store import Project


def writers(project: Project) -> dict[int, list[int | None]]:
    """By group: the runs whose policies wrote its completions; None is the base, or nobody here."""
    found: dict[int, list[int | None]] = {}
    for row in project.rows("select distinct group_id, policy_job from completions"):
        found.setdefault(row["group_id"], []).append(row["policy_job"])
    return found


def first_ranked(project: Project) -> dict[int, str]:
    """By group: when it was ranked first."""
    rows = project.rows("select group_id, min(created_at) as first from rankings group by group_id")
    return {row["group_id"]: row["first"] for row in rows}


def pairs(project: Project, since: str) -> dict[int, tuple[int, int]]:
    """By group: its pairs, and those of them that were ranked after a moment."""
    rows = project.rows(
        "select p.group_id, count(*) as n, count(*) filter (where r.created_at > ?) as newer"
        " from pairs p join rankings r on r.id = p.ranking_id group by 1",
        since,
    )
    return {row["group_id"]: (row["n"], row["newer"]) for row in rows}


def written_by(project: Project, job_id: int) -> int:
    """How many completions the policy of a run wrote."""
    return int(project.value("select count(*) from completions where policy_job = ?", job_id))
