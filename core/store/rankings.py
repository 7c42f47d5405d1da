"""The work of people: append-only, on disk before the next item is shown, never overwritten."""

import random
from collections.abc import Mapping
from typing import Any

from core.errors import BadInput
from core.records import Labeler, Ranking
from core.store import Changes, Project, changed, completions, guidelines, now


def labeler(project: Project, name: str, *, kind: str = "person", detail: str = "") -> Labeler:
    """The labeler called `name`, made if there is none. A name stays a person's or a script's for good."""
    name = name.strip()
    if not name:
        raise BadInput("A labeler needs a name.")
    with project.write():
        row = project.one("select * from labelers where name = ?", name)
        if row is None:
            project.db.conn.execute("insert into labelers (name, kind, detail) values (?, ?, ?)", (name, kind, detail))
            row = project.one("select * from labelers where name = ?", name)
    assert row is not None
    if row["kind"] != kind:
        raise BadInput(f"{name!r} is a {row['kind']} labeler: choose another name.")
    return Labeler(**row)


def labelers(project: Project) -> list[Labeler]:
    return [Labeler(**row) for row in project.rows("select * from labelers order by id")]


def rank(
    project: Project,
    group_id: int,
    labeler_id: int,
    ranks: Mapping[int, int | None],
    *,
    flag: str | None = None,
    flags: Mapping[int, str] | None = None,
    comment: str = "",
    seconds: float | None = None,
) -> Changes:
    """Store one ranking, durably, under the newest guidelines.

    `ranks` maps every completion of the group to its rank: 1 is best, equal ranks are a tie, None is
    unranked. Ranks are stored without holes. With a prompt-level `flag` the order does not count.
    Raises `BadInput` when completions are missing, foreign, or none is ranked and nothing flagged.
    """
    flags = flags or {}
    group = completions.group(project, group_id)
    expected = {completion.id for completion in group.completions}
    if set(ranks) != expected or not set(flags) <= expected:
        raise BadInput("A ranking must name each completion of its prompt once, and no others.")
    if flag is None and not flags and all(value is None for value in ranks.values()):
        raise BadInput("Nothing is ranked: give at least one completion a rank, or set a flag.")
    if any(value is not None and value < 1 for value in ranks.values()):
        raise BadInput("Ranks start at 1, the best.")
    dense = {value: index + 1 for index, value in enumerate(sorted({v for v in ranks.values() if v is not None}))}
    with project.write():
        version = guidelines.current(project).id
        if not version:
            guidelines.save(project, criteria="", ties="", flags="", examples="")
            version = guidelines.current(project).id
        cursor = project.db.conn.execute(
            "insert into rankings (group_id, labeler_id, guidelines_id, flag, comment, seconds, created_at)"
            " values (?, ?, ?, ?, ?, ?, ?)",
            (group_id, labeler_id, version, flag, comment, seconds, now()),
        )
        ranking_id = int(cursor.lastrowid or 0)
        project.db.conn.executemany(
            "insert into ranking_items (ranking_id, completion_id, rank, flag) values (?, ?, ?, ?)",
            [
                (ranking_id, completion, None if value is None else dense[value], flags.get(completion))
                for completion, value in ranks.items()
            ],
        )
    return changed("Rank", "rankings", ids=(ranking_id,))


def retract(project: Project, ranking_id: int) -> Changes:
    """Undo a ranking: it stays in the file, but the labeler's earlier one (if any) counts again."""
    with project.write():
        project.db.conn.execute(
            "update rankings set retracted_at = ? where id = ? and retracted_at is null", (now(), ranking_id)
        )
    return changed("Undo ranking", "rankings", ids=(ranking_id,))


def restore(project: Project, ranking_id: int) -> Changes:
    """Redo a ranking that was retracted."""
    with project.write():
        project.db.conn.execute("update rankings set retracted_at = null where id = ?", (ranking_id,))
    return changed("Redo ranking", "rankings", ids=(ranking_id,))


def latest(project: Project, labeler_id: int) -> Ranking | None:
    """The labeler's last ranking that counts: what undo takes back, after a restart too."""
    ranking_id = project.value("select max(id) from current_rankings where labeler_id = ?", labeler_id)
    return get(project, ranking_id) if ranking_id else None


def get(project: Project, ranking_id: int) -> Ranking:
    row = project.one(
        "select r.*, l.name, l.kind, l.detail from rankings r join labelers l on l.id = r.labeler_id where r.id = ?",
        ranking_id,
    )
    if row is None:
        raise BadInput(f"There is no ranking {ranking_id}.")
    return _ranking(project, row)


def current(project: Project, *, labeler_id: int | None = None) -> list[Ranking]:
    """Each labeler's ranking of each group that counts now, oldest first."""
    rows = project.rows(
        "select r.*, l.name, l.kind, l.detail from current_rankings r join labelers l on l.id = r.labeler_id"
        " where ? is null or r.labeler_id = ? order by r.id",
        labeler_id,
        labeler_id,
    )
    return [_ranking(project, row) for row in rows]


def _ranking(project: Project, row: dict[str, Any]) -> Ranking:
    items = project.rows("select * from ranking_items where ranking_id = ?", row["id"])
    return Ranking(
        id=row["id"],
        group_id=row["group_id"],
        labeler=Labeler(row["labeler_id"], row["name"], row["kind"], row["detail"]),
        guidelines_id=row["guidelines_id"],
        ranks={item["completion_id"]: item["rank"] for item in items},
        flag=row["flag"],
        flags={item["completion_id"]: item["flag"] for item in items if item["flag"]},
        comment=row["comment"],
        created_at=row["created_at"],
    )


def shown_order(group_id: int, labeler_id: int, completion_ids: list[int]) -> list[int]:
    """The order in which a labeler sees a group: shuffled so that position says nothing, the same each time."""
    order = list(completion_ids)
    random.Random(f"{group_id}/{labeler_id}").shuffle(order)
    return order
