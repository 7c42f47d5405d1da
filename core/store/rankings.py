"""The work of people: append-only, on disk before the next item is shown, never overwritten."""

import json
import random
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from core.errors import BadInput
from core.records import Labeler, Ranking
from core.store import Changes, Project, changed, completions, guidelines, now

#: How an order was given: placed by hand, derived from pairwise answers, or only the best and the worst.
METHODS = ("order", "pairwise", "best-worst")


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
    criteria: Mapping[str, Mapping[int, int | None]] | None = None,
    method: str = "order",
    shown: Sequence[int] = (),
    repeat_of: int | None = None,
    adjudicates: bool = False,
    origin: str = "",
) -> Changes:
    """Store one ranking, durably, under the newest guidelines.

    `ranks` maps every completion of the group to its rank: 1 is best, equal ranks are a tie, None is
    unranked. Ranks are stored without holes. With a prompt-level `flag` the order does not count.
    `criteria` holds further orders of the same completions, by criterion (helpful, honest ...).
    `method` is how the order was given; after `best-worst` equal ranks mean "not compared", not "equally good".
    `shown` is the order in which the labeler saw the completions. A repeat (of an earlier ranking) measures
    the labeler and gives no pairs; an adjudicating ranking gives its prompt's pairs instead of all others.
    Raises `BadInput` when completions are missing, foreign, or none is ranked and nothing flagged.
    """
    flags, criteria = flags or {}, criteria or {}
    expected = set(completions.ids(project, group_id))
    if any(set(order) != expected for order in (ranks, *criteria.values())) or not set(flags) <= expected:
        raise BadInput("A ranking must name each completion of its prompt once, and no others.")
    if flag is None and not flags and all(value is None for value in ranks.values()):
        raise BadInput("Nothing is ranked: give at least one completion a rank, or set a flag.")
    if any(value is not None and value < 1 for order in (ranks, *criteria.values()) for value in order.values()):
        raise BadInput("Ranks start at 1, the best.")
    if method not in METHODS:
        raise BadInput(f"There is no way to rank called {method!r}: choose one of {', '.join(METHODS)}.")
    places = {completion: place for place, completion in enumerate(shown, start=1)}
    with project.write():
        version = guidelines.current(project).id
        if not version:
            guidelines.save(project, criteria="", ties="", flags="", examples="")
            version = guidelines.current(project).id
        cursor = project.db.conn.execute(
            "insert into rankings (group_id, labeler_id, guidelines_id, flag, comment, seconds, created_at,"
            " uid, method, repeat_of, adjudicates, origin) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(group_id, labeler_id, version, flag, comment, seconds, now()),
                *(uuid.uuid4().hex, method, repeat_of, int(adjudicates), origin),
            ),
        )
        ranking_id = int(cursor.lastrowid or 0)
        project.db.conn.executemany(
            "insert into ranking_items (ranking_id, completion_id, rank, flag, position) values (?, ?, ?, ?, ?)",
            [
                (ranking_id, completion, rank, flags.get(completion), places.get(completion))
                for completion, rank in dense(ranks).items()
            ],
        )
        project.db.conn.executemany(
            "insert into criterion_ranks (ranking_id, criterion, completion_id, rank) values (?, ?, ?, ?)",
            [
                (ranking_id, criterion, completion, rank)
                for criterion, order in criteria.items()
                for completion, rank in dense(order).items()
            ],
        )
        project.db.conn.execute("delete from drafts where labeler_id = ? and group_id = ?", (labeler_id, group_id))
    return changed("Rank", "rankings", ids=(ranking_id,))


def dense(ranks: Mapping[int, int | None]) -> dict[int, int | None]:
    """The same order without holes: 2, 5, 5 becomes 1, 2, 2."""
    values = sorted({value for value in ranks.values() if value is not None})
    place = {value: index for index, value in enumerate(values, start=1)}
    return {item: None if value is None else place[value] for item, value in ranks.items()}


def criteria(project: Project) -> list[str]:
    """The criteria by which something was ordered, besides the overall order."""
    return [row["criterion"] for row in project.rows("select distinct criterion from criterion_ranks order by 1")]


def retract(project: Project, ranking_id: int) -> Changes:
    """Undo a ranking: it stays in the file, but the labeler's earlier one (if any) counts again."""
    with project.write():
        project.db.conn.execute(
            "update rankings set retracted_at = ? where id = ? and retracted_at is null", (now(), ranking_id)
        )
        project.count_edit("rankings")
    return changed("Undo ranking", "rankings", ids=(ranking_id,))


def restore(project: Project, ranking_id: int) -> Changes:
    """Redo a ranking that was retracted."""
    with project.write():
        project.db.conn.execute("update rankings set retracted_at = null where id = ?", (ranking_id,))
        project.count_edit("rankings")
    return changed("Redo ranking", "rankings", ids=(ranking_id,))


def latest(project: Project, labeler_id: int) -> Ranking | None:
    """The labeler's last ranking that stands: what undo takes back, after a restart too."""
    ranking_id = project.value(
        "select id from rankings where labeler_id = ? and retracted_at is null order by id desc limit 1", labeler_id
    )
    return get(project, ranking_id) if ranking_id else None


def newest_id(project: Project) -> int:
    """The number of the last ranking that anybody made; 0 if there is none."""
    return int(project.value("select coalesce(max(id), 0) from rankings"))


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
    criteria: dict[str, dict[int, int | None]] = {}
    for item in project.rows("select * from criterion_ranks where ranking_id = ?", row["id"]):
        criteria.setdefault(item["criterion"], {})[item["completion_id"]] = item["rank"]
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
        seconds=row["seconds"],
        criteria=criteria,
        method=row["method"],
        repeat_of=row["repeat_of"],
        adjudicates=bool(row["adjudicates"]),
    )


def shown_order(group_id: int, labeler_id: int, completion_ids: list[int], *, again: bool = False) -> list[int]:
    """The order in which a labeler sees a group: shuffled so that position says nothing, the same each time.

    A repeat is shown in another order, so that it is the text that is recognised and not the place.
    """
    order = list(completion_ids)
    random.Random(f"{group_id}/{labeler_id}" + ("/again" if again else "")).shuffle(order)
    return order


def keep_draft(project: Project, labeler_id: int, group_id: int, draft: dict[str, Any] | None) -> None:
    """Store on disk what is begun and not yet saved; None forgets it."""
    with project.write() as database:
        if draft is None:
            database.conn.execute("delete from drafts where labeler_id = ? and group_id = ?", (labeler_id, group_id))
        else:
            database.conn.execute(
                "insert into drafts (labeler_id, group_id, draft) values (?, ?, ?)"
                " on conflict (labeler_id, group_id) do update set draft = excluded.draft",
                (labeler_id, group_id, json.dumps(draft)),
            )


def drafts(project: Project, labeler_id: int) -> dict[int, dict[str, Any]]:
    """What the labeler has begun, by group."""
    rows = project.rows("select group_id, draft from drafts where labeler_id = ?", labeler_id)
    return {row["group_id"]: json.loads(row["draft"]) for row in rows}
