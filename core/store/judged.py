"""What judges said: their rankings and votes go in, and come out again as pairs of verdicts to be measured."""

from dataclasses import asdict
from typing import NamedTuple

from core.conversation import same_words
from core.events import JudgedGroup, JudgedPair, Said
from core.records import NewRanking
from core.store import Project, arena_votes, completions, groups, guidelines, labelers, rankings
from core.store.arena_votes import Asked, NewVote

#: Both orders of two answers as a judge read them, of the rankings that count, or of the votes on an arena.
BOTH = (
    "select j.id, {unit}, a.first_id, a.second_id, a.won, b.won from {of} j join judge_answers a on a.{key} = j.id"
    " join judge_answers b on b.{key} = j.id and b.first_id = a.second_id and b.second_id = a.first_id"
    " {more} where j.labeler_id = :labeler and a.id < b.id and a.won is not null and b.won is not null {which}"
    " order by a.id"
)
OF_RANKINGS = BOTH.format(
    unit="g.prompt_id", of="current_rankings", key="ranking_id", which="",
    more="join completion_groups g on g.id = j.group_id",
)  # fmt: skip
OF_VOTES = BOTH.format(
    unit="c.arena_prompt_id", of="arena_votes", key="vote_id",
    which="and j.retracted_at is null and p.arena_id = :arena",
    more="join arena_answers c on c.id = j.first_id join arena_policies p on p.id = c.policy_id",
)  # fmt: skip


class BothOrders(NamedTuple):
    """Two answers to a prompt, and what the one that a judge read first got in each order: `forward` where `first_id`
    stood first, `backward` where `second_id` did. `of` is the ranking or the vote that came of it."""

    of: int
    prompt_id: int
    first_id: int
    second_id: int
    forward: float
    backward: float


def add_ranking(project: Project, found: JudgedGroup) -> bool:
    """Store a judge's order over a group, unless the group is another by now than the judge read: returns whether."""
    with project.write():
        there = project.database.column("select id from completions where group_id = ?", found.group_id)
        if not there or set(there) != set(found.read) or completions.texts(project, there) != found.read:
            return False
        if not same_words(found.prompt, groups.prompt_text(project, found.group_id)):
            return False
        who = labelers.named(project, found.judge, kind="judge", detail=found.detail)
        new = NewRanking(found.group_id, who.id, found.ranks, method=found.method)
        (ranking_id,) = rankings.add(project, new, found.guidelines_id).ids
        arena_votes.add_asked(project, list(map(_asked, found.said)), ranking_id=ranking_id)
    return True


def add_vote(project: Project, found: JudgedPair) -> bool:
    """Store a judge's vote, unless one of the answers is not in the arena any more: returns whether."""
    with project.write():
        if not arena_votes.can_be_cast(project, found.first_id, found.second_id):
            return False
        who = labelers.named(project, found.judge, kind="judge", detail=found.detail)
        asked = tuple(map(_asked, found.said))
        version = found.guidelines_id or guidelines.current_id(project)
        vote = NewVote(found.first_id, found.second_id, who.id, version, found.won, asked=asked)
        arena_votes.cast(project, [vote])
    return True


def _asked(said: Said) -> Asked:
    return Asked(**asdict(said))


def in_both_orders(project: Project, labeler_id: int, arena_id: int | None = None) -> list[BothOrders]:
    """What a judge said of the pairs behind its rankings that count, or of an arena."""
    sql = OF_RANKINGS if arena_id is None else OF_VOTES
    rows = project.database.execute(sql, {"labeler": labeler_id, "arena": arena_id})
    return list(map(BothOrders._make, rows))


def prompts_of_groups(project: Project) -> dict[int, int]:
    """The prompt that each group answers."""
    return dict(project.database.execute("select id, prompt_id from completion_groups").fetchall())
