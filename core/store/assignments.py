"""Who ranks what: a labeler's queue of groups.

Without an assignment everybody ranks everything. With one, each group goes to k of the n labelers; what a
labeler is asked to rank again (new guidelines) or unannounced a second time (to see how steady they are)
comes on top. The calibration set comes first: it shows whether a labeler reads the guidelines as meant; then
comes what somebody sent to be ranked from where it was seen.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from core.errors import BadInput, ProjectError
from core.store import Changes, Project, calibration, cells, drafts, groups, now, rankings

ASSIGNED = "assigned"
REPEAT_EVERY = "repeat_every"
#: A repeat comes at least this many rankings after the first time, so that it is judged and not remembered.
REPEAT_AFTER = 10


@dataclass(frozen=True)
class Queue:
    """`waiting` in the order to rank; `total` counts them and what is ranked already.

    `repeats` maps a waiting group to the ranking that it repeats, `calibration` holds those of the set, and `sent` what
    somebody sent to be ranked first.
    """

    waiting: tuple[int, ...]
    total: int
    repeats: dict[int, int]
    calibration: frozenset[int]
    sent: tuple[int, ...] = ()


#: Groups `g` that a labeler is to rank: all, or those that are assigned, or begun before they were given to others, and
#: the calibration set.
EVERYBODY = "select g.id from completion_groups g"
ASSIGNED_TO = (
    "select g.id from completion_groups g where g.id in (select group_id from assignments"
    " where labeler_id = :labeler and reason = 'overlap') or g.id in (select group_id from (" + calibration.KEYS + "))"
    " or g.id in (select value from json_each(:begun))"
)
#: Sent from where answers are compared or scored, which makes them groups only then, or asked for to be ranked first.
SENT = (
    "select g.id from completion_groups g join jobs j on j.id = g.job_id where j.kind in ('compare', 'score')"
    " or j.kind = 'generate' and iif(json_valid(j.config), json_extract(j.config, '$.rank_first'), 0)"
    " order by g.id desc"
)
UNRANKED = (
    " m where not exists (select 1 from rankings r where r.group_id = m.id and r.labeler_id = :labeler"
    " and r.retracted_at is null and r.repeat_of is null)"
)
#: Of an assignment `a`: was its group skipped for good since?
SKIPPED = (
    "exists (select 1 from assignments s where s.group_id = a.group_id and s.labeler_id = a.labeler_id"
    " and s.reason = 'skipped' and s.id > a.id)"
)
#: Is the ranking repeated that it wants to see again?
REPEATED = (
    "exists (select 1 from rankings r where r.repeat_of = a.after_ranking and r.retracted_at is null"
    " and r.group_id = a.group_id and r.labeler_id = a.labeler_id)"
)
#: Is that ranking still the one of its labeler that counts?
COUNTS = "exists (select 1 from current_rankings r where r.id = a.after_ranking)"


def queue(project: Project, labeler_id: int) -> Queue:
    """What this labeler has still to rank."""
    _assign_new(project)
    database = project.database
    mine = ASSIGNED_TO if plan(project)[0] else EVERYBODY
    unrankable = groups.unrankable(project)
    begun = json.dumps([group_id for group_id, who in drafts.begun_by(project).items() if labeler_id in who])
    left = database.column("select m.id from (" + mine + ")" + UNRANKED, labeler=labeler_id, begun=begun)
    passed = (skipped(project, labeler_id) | unrankable).intersection(left)
    left = [group_id for group_id in left if group_id not in passed]
    again = [group_id for group_id in _again(project, labeler_id) if group_id not in unrankable]
    first = calibration.keys(project)
    doubts = priorities(project)
    waits = set(left)
    sent = [item for item in database.column(SENT) if item in waits and item not in first]
    order = [*(item for item in left if item in first), *sent]
    order += sorted((item for item in left if item not in first), key=lambda item: -doubts.get(item, -1.0))
    waiting = dict.fromkeys([*order, *again])
    asked = _repeats(project, labeler_id).items()
    repeats = {item: of for item, of in asked if item not in unrankable and item not in waiting}
    places = list(waiting)
    for number, group_id in enumerate(repeats):
        places.insert(min(len(places), 2 + 5 * number), group_id)
    every = database.value("select count(*) from (" + mine + ")", labeler=labeler_id, begun=begun)
    repeated = database.value(
        "select count(*) from assignments a where a.labeler_id = ? and a.reason = 'repeat' and " + REPEATED, labeler_id
    )  # with those done, so that the count does not betray a repeat
    total = every + repeated + len(repeats) - len(passed)
    return Queue(tuple(places), total, repeats, frozenset(first), tuple(sent))


def sent_first(project: Project) -> set[int]:
    """Groups that are ranked first by whoever has them to rank."""
    return set(project.database.column(SENT))


def priorities(project: Project) -> dict[int, float]:
    """How much (nats) a reward model is in doubt about groups; what is least sure is ranked first."""
    return dict(project.database.execute("select group_id, doubt from priorities").fetchall())


def forget_priorities(project: Project) -> Changes:
    """Rank in the usual order again."""
    with project.write() as database:
        database.execute("delete from priorities")
    return project.changed("Usual order", "assignments")


def _again(project: Project, labeler_id: int) -> list[int]:
    return project.database.column(
        "select a.group_id from assignments a where a.labeler_id = ? and a.reason = 'again' and not exists ("
        " select 1 from rankings r where r.group_id = a.group_id and r.labeler_id = a.labeler_id"
        " and r.id > a.after_ranking and r.retracted_at is null and r.repeat_of is null)"
        " and not " + SKIPPED + " order by a.id",
        labeler_id,
    )


def _repeats(project: Project, labeler_id: int) -> dict[int, int]:
    """A ranking is repeated as long as it is the one that counts."""
    found = project.database.execute(
        "select a.group_id, a.after_ranking from assignments a where a.labeler_id = ? and a.reason = 'repeat'"
        " and not " + REPEATED + " and not " + SKIPPED + " and " + COUNTS + " order by a.id",
        (labeler_id,),
    )
    return dict(found.fetchall())


def assigned(project: Project) -> dict[int, int]:
    """How many groups to rank each labeler got; empty while everybody ranks everything."""
    people, _ = plan(project)
    if not people:
        return {}
    found = project.database.execute(
        "select a.labeler_id, count(*) from assignments a join completion_groups g on g.id = a.group_id"
        " where a.reason = 'overlap' and " + groups.RANKABLE + " group by a.labeler_id"
    )
    return dict.fromkeys(people, 0) | {who: count for who, count in found if who in people}


def assign(project: Project, labeler_ids: Iterable[int], overlap: int) -> Changes:
    """Give each group to `overlap` of the labelers, evenly; later groups are given out in the same way.

    What a labeler has already ranked or begun stays with them and counts as theirs. Raises `BadInput` when the overlap
    is more than there are labelers.
    """
    people = sorted(set(labeler_ids))
    if not 1 <= overlap <= len(people):
        raise BadInput(f"Each prompt can go to 1 up to {len(people)} of these labelers, not to {overlap}.")
    with project.write() as database:
        database.execute("delete from assignments where reason = 'overlap'")
        project.set_setting(ASSIGNED, {"labelers": people, "overlap": overlap})
        _assign_new(project)
        project.count_edit("rankings")
    return project.changed("Assign prompts", "assignments", "rankings")


def unassign(project: Project) -> Changes:
    """Everybody ranks everything again."""
    with project.write() as database:
        database.execute("delete from assignments where reason = 'overlap'")
        project.set_setting(ASSIGNED, None)
        project.count_edit("rankings")
    return project.changed("End assignment", "assignments", "rankings")


def plan(project: Project) -> tuple[list[int], int]:
    """Who ranks, and how many of them each group; nobody while everybody ranks everything. Raises `ProjectError`."""
    found = project.setting(ASSIGNED)
    if not found:
        return [], 0
    match found:
        case {"labelers": list(people), "overlap": int(overlap)} if {*map(type, people)} == {int}:
            known = set(project.database.column("select id from labelers"))
            return [each for each in people if each in known], overlap
    raise ProjectError(f"The setting {ASSIGNED} {cells.DAMAGED}")


def _new(project: Project) -> list[int]:
    """Groups that are to be shared out and were given to nobody yet."""
    if not plan(project)[0]:
        return []
    return project.database.column(
        "select g.id from completion_groups g where g.id not in (select group_id from assignments"
        " where reason = 'overlap') and g.id not in (select group_id from (" + calibration.KEYS + "))"
        " and " + groups.RANKABLE + " order by g.id"
    )


def _assign_new(project: Project) -> None:
    if not _new(project):
        return
    with project.write() as database:  # another program may have shared them out, or begun to, just before
        people, overlap = plan(project)
        load, begun = assigned(project), drafts.begun_by(project)
        for group_id in _new(project):
            done = database.column("select labeler_id from current_rankings where group_id = ?", group_id)
            at_it = begun.get(group_id, set())
            # Who ranked it already keeps it, or began to; then who has least; the turn rotates so that every two meet.
            turn = people[group_id % len(people) :] + people[: group_id % len(people)]
            chosen = sorted(turn, key=lambda who: (who not in done, who not in at_it, load[who]))[:overlap]
            for who in chosen:
                load[who] += 1
            database.many(
                "insert into assignments (group_id, labeler_id, reason, created_at) values (?, ?, 'overlap', ?)",
                [(group_id, who, now()) for who in chosen],
            )


def skipped(project: Project, labeler_id: int) -> set[int]:
    """Groups that this labeler will not be shown any more."""
    return set(project.database.column(
        "select group_id from assignments where labeler_id = ? and reason = 'skipped'", labeler_id
    ))  # fmt: skip


def skip(project: Project, labeler_id: int, *group_ids: int) -> Changes:
    """Leave groups unranked for good; `unskip` brings them back."""
    with project.write() as database:
        database.many(
            "insert into assignments (group_id, labeler_id, reason, created_at)"
            " select id, ?, 'skipped', ? from completion_groups where id = ?",  # one may have gone meanwhile
            [(labeler_id, now(), group_id) for group_id in group_ids],
        )
    return project.changed("Skip prompt", "assignments", ids=group_ids)


def unskip(project: Project, labeler_id: int, group_id: int | None = None) -> Changes:
    """Bring back one skipped group, or all of them."""
    with project.write() as database:
        database.execute(
            "delete from assignments where labeler_id = ? and reason = 'skipped' and (? is null or group_id = ?)",
            (labeler_id, group_id, group_id),
        )
    return project.changed("Bring back skipped prompts", "assignments")


def older(project: Project, labeler_id: int | None = None) -> list[int]:
    """Rankings by people that were made under an older version of the guidelines and are not queued again."""
    return project.database.column(
        "select r.id from current_rankings r join labelers l on l.id = r.labeler_id"
        " where l.kind = 'person' and r.guidelines_id < (select max(id) from guidelines)"
        " and (:labeler is null or r.labeler_id = :labeler) and not exists (select 1 from assignments a"
        " where a.group_id = r.group_id and a.labeler_id = r.labeler_id and a.reason = 'again'"
        " and a.after_ranking >= r.id) order by r.id",
        labeler=labeler_id,
    )


def older_by_version(project: Project) -> list[tuple[int, str, int]]:
    """Of what is `older`: the version of the guidelines, the labeler, how many rankings; the oldest first."""
    rows = project.database.rows(
        "select r.guidelines_id as version, l.name, count(*) as number from rankings r"
        " join labelers l on l.id = r.labeler_id where r.id in (select value from json_each(?))"
        " group by r.guidelines_id, l.id order by r.guidelines_id, l.name",
        json.dumps(older(project)),
    )
    return [(row["version"], row["name"], row["number"]) for row in rows]


def queue_again(project: Project, ranking_ids: Iterable[int]) -> Changes:
    """Put ranked groups back into their labelers' queues; the earlier ranking counts until the new one is made."""
    ids = list(ranking_ids)
    with project.write() as database:
        newest = rankings.newest_id(project)
        for ranking_id in ids:
            database.execute(
                "insert into assignments (group_id, labeler_id, reason, after_ranking, created_at)"
                " select group_id, labeler_id, 'again', ?, ? from rankings where id = ?",
                (newest, now(), ranking_id),
            )
        project.count_edit("rankings")
    return project.changed("Queue again", "assignments", "rankings", ids=tuple(ids))


def asked_again(project: Project, labeler_id: int) -> set[int]:
    """The rankings of this labeler that a repeat was ever asked for."""
    return set(project.database.column(
        "select after_ranking from assignments where labeler_id = ? and reason = 'repeat'", labeler_id
    ))  # fmt: skip


def mix_in_repeat(project: Project, labeler_id: int) -> int | None:
    """After each n-th ranking (the setting `repeat_every`), queue one that the labeler made a while ago.

    Returns the ranking that will be repeated, or None.
    """
    every = int(project.setting(REPEAT_EVERY, 0))
    if every < 1:
        return None
    made = project.database.execute(
        "select id, group_id from current_rankings where labeler_id = ? and flag is null order by id", (labeler_id,)
    ).fetchall()
    if len(made) % every or len(made) <= REPEAT_AFTER:
        return None
    asked = asked_again(project, labeler_id)
    found = next((each for each in made[:-REPEAT_AFTER] if each[0] not in asked), None)
    if found is None:
        return None
    ranking_id, group_id = found
    with project.write() as database:
        database.execute(
            "insert into assignments (group_id, labeler_id, reason, after_ranking, created_at)"
            " values (?, ?, 'repeat', ?, ?)",
            (group_id, labeler_id, ranking_id, now()),
        )
    return int(ranking_id)
