"""The work of people: append-only, on disk before the next item is shown, never overwritten."""

import random
import uuid
from collections.abc import Container, Iterable, Mapping
from typing import Any, get_args

from core.errors import BadInput
from core.records import Labeler, NewRanking, Ranking, Verdict
from core.store import Changes, Project, completions, guidelines, now

#: How an order was given: placed by hand, derived from pairwise answers, or only the best and the worst.
METHODS = ("order", "pairwise", "best-worst")
VERDICTS = get_args(Verdict)

NOBODY: Mapping[int, int] = {}
ADD = """
    insert into rankings (id, group_id, labeler_id, guidelines_id, flag, comment, seconds, created_at, uid, method,
        repeat_of, adjudicates, strength)
    values (:id, :group_id, :labeler_id, :guidelines_id, :flag, :comment, :seconds, :created_at, :uid, :method,
        :repeat_of, :adjudicates, :strength)
"""
ADD_ITEM = """
    insert into ranking_items (ranking_id, completion_id, rank, flag, position, verdict) values (?, ?, ?, ?, ?, ?)
"""
ADD_CRITERION = "insert into criterion_ranks (ranking_id, criterion, completion_id, rank) values (?, ?, ?, ?)"


def add(project: Project, new: NewRanking, guidelines_id: int = 0) -> Changes:
    """Store one ranking, durably, under the newest guidelines or another version; its ranks are stored without holes.

    Raises `BadInput` when completions are missing, foreign, or nothing is said of any of them.
    """
    check_stored(project, new)
    with project.write() as database:
        ranking_id = database.insert(ADD, row_of(new, guidelines_id or guidelines.current_id(project), now()))
        database.many(ADD_ITEM, items(ranking_id, new))
        database.many(ADD_CRITERION, criterion_ranks(ranking_id, new))
    return project.changed("Rank", "rankings", ids=(ranking_id,))


def check_stored(project: Project, new: NewRanking) -> None:
    """As `check`, of a group that is in the project."""
    check(new, completions.ids(project, new.group_id), completions.written_by_hand(project, new.group_id))


def check(new: NewRanking, completion_ids: Iterable[int], by_hand: Container[int] = ()) -> None:
    """Raises `BadInput` for what cannot be stored of a group of these completions, of which those `by_hand` need not be
    ranked."""
    orders = (new.ranks, *new.criteria.values())
    expected = set(new.ranks)
    missing = expected.symmetric_difference(completion_ids)
    if (
        any(order.keys() != expected for order in orders)
        or not new.flags.keys() <= expected
        or not new.verdicts.keys() <= expected
        or any(item not in by_hand for item in missing)
    ):
        raise BadInput("A ranking must name each completion of its prompt once, and no others.")
    if new.flag is None and not new.flags and not new.verdicts and all(value is None for value in new.ranks.values()):
        raise BadInput("Nothing is ranked: give at least one completion a rank or a verdict, or set a flag.")
    if not set(new.verdicts.values()) <= set(VERDICTS):
        raise BadInput("A verdict is good or bad.")
    if any(value is not None and value < 1 for order in orders for value in order.values()):
        raise BadInput("Ranks start at 1, the best.")
    if new.method not in METHODS:
        raise BadInput(f"There is no way to rank called {new.method!r}: choose one of {', '.join(METHODS)}.")


def row_of(new: NewRanking, guidelines_id: int, created_at: str, id: int | None = None) -> dict[str, Any]:
    """What is stored of a ranking beside its items and criteria; without an `id` it is given the next one."""
    return {
        "id": id, "group_id": new.group_id, "labeler_id": new.labeler_id, "guidelines_id": guidelines_id,
        "flag": new.flag, "comment": new.comment, "seconds": new.seconds, "created_at": created_at,
        "uid": uuid.uuid4().hex, "method": new.method, "repeat_of": new.repeat_of, "adjudicates": new.adjudicates,
        "strength": new.strength,
    }  # fmt: skip


def items(ranking_id: int, new: NewRanking) -> list[tuple[Any, ...]]:
    """For `ADD_ITEM`."""
    places = {completion: place for place, completion in enumerate(new.shown, start=1)}
    return [
        (ranking_id, completion, rank, new.flags.get(completion), places.get(completion), new.verdicts.get(completion))
        for completion, rank in dense(new.ranks).items()
    ]


def criterion_ranks(ranking_id: int, new: NewRanking) -> list[tuple[Any, ...]]:
    """For `ADD_CRITERION`."""
    return [
        (ranking_id, criterion, completion, rank)
        for criterion, order in new.criteria.items()
        for completion, rank in dense(order).items()
    ]


def dense(ranks: Mapping[int, int | None]) -> dict[int, int | None]:
    """The same order without holes: 2, 5, 5 becomes 1, 2, 2."""
    values = sorted({value for value in ranks.values() if value is not None})
    place = {value: index for index, value in enumerate(values, start=1)}
    return {item: None if value is None else place[value] for item, value in ranks.items()}


def criteria(project: Project) -> list[str]:
    """The criteria by which something was ordered, besides the overall order."""
    return project.database.column("select distinct criterion from criterion_ranks order by 1")


def retract(project: Project, ranking_id: int) -> Changes:
    """Undo a ranking: it stays in the file, but the labeler's earlier one (if any) counts again."""
    with project.write():
        project.database.execute(
            "update rankings set retracted_at = ? where id = ? and retracted_at is null", (now(), ranking_id)
        )
        project.count_edit("rankings")
    return project.changed("Undo ranking", "rankings", ids=(ranking_id,))


def restore(project: Project, ranking_id: int) -> Changes:
    """Redo a ranking that was retracted."""
    with project.write():
        project.database.execute("update rankings set retracted_at = null where id = ?", (ranking_id,))
        project.count_edit("rankings")
    return project.changed("Redo ranking", "rankings", ids=(ranking_id,))


def latest(project: Project, labeler_id: int) -> Ranking | None:
    """The labeler's last ranking that stands: what undo takes back, after a restart too."""
    ranking_id = project.database.value(
        "select id from rankings where labeler_id = ? and retracted_at is null order by id desc limit 1", labeler_id
    )
    return get(project, ranking_id) if ranking_id else None


def newest_of(project: Project, group_id: int, labeler_id: int) -> int:
    """The id of the labeler's newest ranking of a group that stands, one that repeats another included; 0 is none."""
    return int(project.database.value(
        "select coalesce(max(id), 0) from rankings where group_id = ? and labeler_id = ? and retracted_at is null",
        group_id, labeler_id,
    ))  # fmt: skip


def get(project: Project, ranking_id: int) -> Ranking:
    row = project.database.one(
        "select r.*, l.name, l.kind, l.detail from rankings r join labelers l on l.id = r.labeler_id where r.id = ?",
        ranking_id,
    )
    if row is None:
        raise BadInput(f"There is no ranking {ranking_id}.")
    items = project.database.rows(
        "select completion_id, rank, flag, verdict from ranking_items where ranking_id = ?", ranking_id
    )
    criteria: dict[str, dict[int, int | None]] = {}
    for criterion, completion, rank in project.database.execute(
        "select criterion, completion_id, rank from criterion_ranks where ranking_id = ?", (ranking_id,)
    ):
        criteria.setdefault(criterion, {})[completion] = rank
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
        verdicts={item["completion_id"]: item["verdict"] for item in items if item["verdict"]},
    )


def find(project: Project, ranking_id: int) -> Ranking | None:
    """The ranking, if it stands."""
    stands = project.database.value("select 1 from rankings where id = ? and retracted_at is null", ranking_id)
    return get(project, ranking_id) if stands else None


def newest_id(project: Project) -> int:
    """The id of the ranking that was made last, whatever became of it; 0 is none."""
    return int(project.database.value("select coalesce(max(id), 0) from rankings"))


def exist(project: Project) -> bool:
    """Was ever anything ranked?"""
    return bool(project.database.value("select exists (select 1 from rankings)"))


def stand(project: Project) -> bool:
    """Is there a ranking that is not taken back?"""
    return bool(project.database.value("select exists (select 1 from rankings where retracted_at is null)"))


def is_ranked(project: Project, group_id: int, labeler_id: int) -> bool:
    """Does a ranking of the group by this labeler count?"""
    return standing(project, group_id, labeler_id) is not None


def standing(project: Project, group_id: int, labeler_id: int) -> int | None:
    """The labeler's ranking of the group that counts."""
    sql = "select id from current_rankings where group_id = ? and labeler_id = ? limit 1"
    return project.database.value(sql, group_id, labeler_id)


def current(project: Project, group_id: int, labeler_id: int) -> Ranking | None:
    """The labeler's ranking of the group that counts; None where there is none."""
    ranking_id = standing(project, group_id, labeler_id)
    return None if ranking_id is None else get(project, ranking_id)


def adjudicated_by(project: Project, group_id: int, labeler_id: int) -> bool:
    """Is the labeler's ranking of the group that counts one that decides between labelers?"""
    sql = "select adjudicates from current_rankings where group_id = ? and labeler_id = ? limit 1"
    return bool(project.database.value(sql, group_id, labeler_id))


def add_verdicts(project: Project, group_id: int, labeler_id: int, verdicts: Mapping[int, Verdict]) -> None:
    """Put verdicts beside the order in the labeler's ranking of the group that counts, for completions that it says
    nothing of: imports kept no verdicts once."""
    with project.write() as database:
        ranking_id = standing(project, group_id, labeler_id)
        database.many(
            "update ranking_items set verdict = ? where ranking_id = ? and completion_id = ? and verdict is null",
            [(verdict, ranking_id, completion) for completion, verdict in verdicts.items()],
        )
        project.count_edit("rankings")


def count_by_labeler(project: Project) -> dict[int, int]:
    """How many rankings of each labeler count."""
    return dict(project.database.execute("select labeler_id, count(*) from current_rankings group by 1").fetchall())


def guidelines_used(project: Project) -> list[int]:
    """The versions of the guidelines under which the rankings that count were made, oldest first."""
    return project.database.column("select distinct guidelines_id from current_rankings order by 1")


def first_times(project: Project) -> dict[int, str]:
    """When each group that was ranked was ranked first."""
    sql = "select group_id, min(created_at) from rankings group by group_id"
    return dict(project.database.execute(sql).fetchall())


def groups_of(project: Project, labeler_id: int) -> set[int]:
    """The groups that a labeler ever ranked."""
    return set(project.database.column("select group_id from rankings where labeler_id = ?", labeler_id))


def groups_ranked(project: Project, most: int) -> int:
    """How many groups were ranked, counted up to `most`."""
    return int(project.database.value("select count(*) from (select distinct group_id from rankings limit ?)", most))


def groups_ranked_by_people(project: Project, after: int) -> int:
    """How many groups people ranked after the ranking of that id."""
    return int(project.database.value(
        "select count(distinct group_id) from rankings r join labelers l on l.id = r.labeler_id"
        " where r.id > ? and l.kind = 'person' and r.retracted_at is null", after
    ))  # fmt: skip


def shown_order(
    group_id: int,
    labeler_id: int,
    completion_ids: Iterable[int],
    *,
    again: bool = False,
    by_hand: Mapping[int, int] = NOBODY,
) -> list[int]:
    """The order in which a labeler sees a group: shuffled so that position says nothing, the same each time.

    A repeat is shown in another order, so that it is the text that is recognised and not the place. What came `by_hand`
    of somebody moves no other one: it is among them anywhere, and one's own at the end.
    """
    order = [item for item in completion_ids if item not in by_hand]
    seed = f"{group_id}/{labeler_id}" + ("/again" if again else "")
    random.Random(seed).shuffle(order)
    for item in sorted(by_hand, key=lambda item: (by_hand[item] == labeler_id, item)):
        mine = by_hand[item] == labeler_id and not again
        order.insert(len(order) if mine else random.Random(f"{seed}/{item}").randint(0, len(order)), item)
    return order
