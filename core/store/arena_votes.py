"""Votes on two answers of an arena: of people, of scripts that stand in for them, and of judges."""

import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from core.errors import BadInput
from core.records import LabelerKind
from core.store import Changes, Project, now
from core.store.undo.steps import PlaceTaken

COUNTING = (
    "select v.id, v.uid, v.first_id, v.second_id, v.labeler_id, v.guidelines_id, v.won, v.both_bad, v.ballot,"
    " v.comment, v.seconds, a.arena_prompt_id, a.policy_id as first_policy, b.policy_id as second_policy,"
    " l.name as labeler, l.kind as kind from arena_votes v join arena_answers a on a.id = v.first_id"
    " join arena_answers b on b.id = v.second_id join arena_policies p on p.id = a.policy_id"
    " join labelers l on l.id = v.labeler_id"
    " where v.retracted_at is null and p.arena_id = :arena order by v.id"
)
OUTCOMES = (
    "select a.arena_prompt_id, a.policy_id, b.policy_id, v.won, v.labeler_id, l.kind from arena_votes v"
    " join arena_answers a on a.id = v.first_id join arena_answers b on b.id = v.second_id"
    " join arena_policies p on p.id = a.policy_id join labelers l on l.id = v.labeler_id"
    " where v.retracted_at is null and p.arena_id = :arena order by v.id"
)
NEWEST = (
    "with own as (select v.id, v.ballot from arena_votes v join arena_answers a on a.id = v.first_id"
    " join arena_policies p on p.id = a.policy_id"
    " where v.retracted_at is null and v.labeler_id = :labeler and p.arena_id = :arena),"
    " last as (select id, ballot from own order by id desc limit 1)"
    " select own.id from own, last where own.id = last.id or (last.ballot != '' and own.ballot = last.ballot)"
    " order by own.id"
)
#: A vote of the same labeler on the same two answers, in either order.
FORMER = (
    "update arena_votes set retracted_at = max(:at, created_at) where labeler_id = :labeler_id and retracted_at is null"
    " and (first_id, second_id) in (values (:first_id, :second_id), (:second_id, :first_id))"
)
#: Another vote that counts by the same labeler on the answers of a vote, in either order.
STANDS_AGAIN = (
    "select 1 from arena_votes v join arena_votes o on o.labeler_id = v.labeler_id and o.id != v.id"
    " and o.retracted_at is null and (o.first_id, o.second_id) in (values (v.first_id, v.second_id),"
    " (v.second_id, v.first_id)) where v.id = ?"
)
#: The comment of the labeler's newest vote on two answers; null where that counts.
TAKEN_BACK = (
    "select case when retracted_at is not null then comment end from arena_votes where labeler_id = ?"
    " and (first_id, second_id) in (values (?, ?), (?, ?)) order by id desc limit 1"
)
#: When a vote that was taken back was given or taken back last, by whichever machine's clock.
LAST = "select max(created_at, retracted_at) from arena_votes where id = ?"
OF_ONE_PROMPT = (
    "select count(*) from arena_answers a join arena_answers b on b.arena_prompt_id = a.arena_prompt_id"
    " and b.policy_id != a.policy_id where a.id = ? and b.id = ?"
)


@dataclass(frozen=True)
class Asked:
    """What a model as judge was asked about two answers, in the order in which it read them, and what it said. `won` is
    what the one that it read first got, None where nothing could be read from its words."""

    first_id: int
    second_id: int
    asked: str
    answer: str
    won: float | None = None


@dataclass(frozen=True)
class NewVote:
    """`won` is what the answer that was shown first got: 1, 0.5 for a tie, 0, or what lies between for a judge that
    gives a probability. Votes of one `ballot` were given together, as an order of several answers. One that came from
    elsewhere says when it was given there, and when it was taken back if it was."""

    first_id: int
    second_id: int
    labeler_id: int
    guidelines_id: int
    won: float
    both_bad: bool = False
    ballot: str = ""
    comment: str = ""
    seconds: float | None = None
    uid: str = ""
    origin: str = ""
    retracted_at: str | None = None
    created_at: str = ""
    asked: Sequence[Asked] = ()


@dataclass(frozen=True)
class Vote:
    """A vote that counts, with the policies behind the answers."""

    id: int
    uid: str
    first_id: int
    second_id: int
    labeler_id: int
    guidelines_id: int
    won: float
    both_bad: bool
    ballot: str
    comment: str
    seconds: float | None
    arena_prompt_id: int
    first_policy: int
    second_policy: int
    labeler: str = ""
    kind: LabelerKind = field(default="person")


def cast(project: Project, votes: Sequence[NewVote]) -> tuple[list[int], Changes]:
    """Store votes, all or none; one on the same two answers by the same labeler takes the former's place. One whose
    `uid` is there already is left out. Returns the numbers of those that were stored.

    Raises `BadInput` for answers of different prompts, or of one policy.
    """
    stored = []
    with project.write() as database:
        for vote in votes:
            if not can_be_cast(project, vote.first_id, vote.second_id):
                raise BadInput("A vote is on answers of two policies to one prompt.")
            uid = vote.uid or uuid.uuid4().hex
            if database.value("select 1 from arena_votes where uid = ?", uid):
                continue
            row = {
                "uid": uid, "first_id": vote.first_id, "second_id": vote.second_id, "labeler_id": vote.labeler_id,
                "guidelines_id": vote.guidelines_id, "won": float(vote.won), "both_bad": int(vote.both_bad),
                "ballot": vote.ballot, "comment": vote.comment, "seconds": vote.seconds, "origin": vote.origin,
                "retracted_at": vote.retracted_at, "created_at": vote.created_at or now(), "at": now(),
            }  # fmt: skip
            if vote.retracted_at is None:
                pair = {name: row[name] for name in ("labeler_id", "first_id", "second_id")}
                database.execute(FORMER, pair | {"at": now()})
                project.count_edit("arena_votes")
            number = database.insert(
                "insert into arena_votes (uid, first_id, second_id, labeler_id, guidelines_id, won, both_bad, ballot,"
                " comment, seconds, origin, retracted_at, created_at) values (:uid, :first_id, :second_id, :labeler_id,"
                " :guidelines_id, :won, :both_bad, :ballot, :comment, :seconds, :origin, :retracted_at, :created_at)",
                row,
            )  # fmt: skip
            stored.append(number)
            add_asked(project, vote.asked, vote_id=number)
    return stored, project.changed("Vote", "arena_votes", ids=tuple(stored))


def can_be_cast(project: Project, first_id: int, second_id: int) -> bool:
    """Are these answers of two policies to one prompt, and still there?"""
    return bool(project.database.value(OF_ONE_PROMPT, first_id, second_id))


def retract(project: Project, vote_ids: Sequence[int], at: str | None = None) -> Changes:
    """Take votes back, now or as of `at`, but never before they were given, which may have been by another machine's
    clock. They stay in the file, as rankings do."""
    with project.write() as database:
        for vote_id in vote_ids:
            database.execute(
                "update arena_votes set retracted_at = max(?, created_at) where id = ? and retracted_at is null",
                (at or now(), vote_id),
            )
        project.count_edit("arena_votes")
    return project.changed("Take the vote back", "arena_votes", ids=tuple(vote_ids))


def give_again(project: Project, vote_ids: Sequence[int], at: str | None = None) -> Changes:
    """Give votes that were taken back once more, all or none, now or as of `at`: of two copies of a vote the one that
    was given or taken back last is right. Raises `PlaceTaken` where their labeler has voted on the same two answers
    since."""
    with project.write() as database:
        for vote_id in vote_ids:
            if database.value(STANDS_AGAIN, vote_id):
                raise PlaceTaken("there is another vote on these answers")
            database.execute(
                "update arena_votes set created_at = ?, retracted_at = null where id = ? and retracted_at is not null",
                (at or _after(database.value(LAST, vote_id)), vote_id),
            )
        project.count_edit("arena_votes")
    return project.changed("Vote again", "arena_votes", ids=tuple(vote_ids))


def _after(time: str | None) -> str:
    """Now, or just after another time, whatever the clock says."""
    found = now()
    with suppress(ValueError, OverflowError):
        if time and time >= found:
            later = datetime.fromisoformat(time) + timedelta(milliseconds=1)
            return later.isoformat(timespec="milliseconds")
    return found


def exist(project: Project, vote_ids: Sequence[int]) -> bool:
    """Are these in the file, whether they count or not?"""
    return all(project.database.value("select 1 from arena_votes where id = ?", vote_id) for vote_id in vote_ids)


def pairs(project: Project, vote_ids: Sequence[int]) -> list[frozenset[int]]:
    """The answers that each of these is on."""
    rows = [
        project.database.rows("select first_id, second_id from arena_votes where id = ?", each) for each in vote_ids
    ]
    return [frozenset((row["first_id"], row["second_id"])) for found in rows for row in found]


def comment_taken_back(project: Project, labeler_id: int, first_id: int, second_id: int) -> str:
    """What the labeler remarked with their newest vote on two answers, where that was taken back."""
    found = project.database.value(TAKEN_BACK, labeler_id, first_id, second_id, second_id, first_id)
    return found or ""


def counting(project: Project, arena_id: int) -> list[Vote]:
    """The votes that count, in their order."""
    rows = project.database.rows(COUNTING, arena=arena_id)
    return [Vote(**row | {"both_bad": bool(row["both_bad"])}) for row in rows]


def outcomes(project: Project, arena_id: int) -> list[tuple[int, int, int, float, int, LabelerKind]]:
    """Prompt, first and second policy, what the first got, labeler and their kind of the votes that count, for whoever
    looks through thousands."""
    return project.database.conn.execute(OUTCOMES, {"arena": arena_id}).fetchall()


def newest_of(project: Project, arena_id: int, labeler_id: int) -> list[int]:
    """The numbers of the labeler's newest vote, or of all of its ballot; none where they have not voted."""
    return project.database.column(NEWEST, arena=arena_id, labeler=labeler_id)


def add_asked(
    project: Project, asked: Sequence[Asked], *, vote_id: int | None = None, ranking_id: int | None = None
) -> None:
    """Keep what a judge was asked and said, with the vote or the ranking that came of it."""
    with project.write() as database:
        database.conn.executemany(
            "insert into judge_answers (vote_id, ranking_id, first_id, second_id, asked, answer, won, created_at)"
            " values (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (vote_id, ranking_id, each.first_id, each.second_id, each.asked, each.answer, each.won, now())
                for each in asked
            ],
        )


def asked(project: Project, *, vote_id: int | None = None, ranking_id: int | None = None) -> list[Asked]:
    """What the judge behind a vote or a ranking was asked, in the order in which it was."""
    return project.database.records(
        Asked,
        "select first_id, second_id, asked, answer, won from judge_answers"
        " where vote_id = :vote or ranking_id = :ranking order by id",
        vote=vote_id, ranking=ranking_id,
    )  # fmt: skip
