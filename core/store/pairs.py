"""Pairs (prompt, chosen, rejected), as they follow from the rankings that count: a view, nothing is stored twice."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import NamedTuple

from core.conversation import Conversation
from core.records import Pair, Split
from core.store import Project, cells, completions, rankings


@dataclass(frozen=True)
class Counts:
    """How many rankings there are and what became of them."""

    rankings: int
    ranked_prompts: int
    pairs: int
    ties: int
    flagged: int
    scripted: int
    judged: int = 0
    """Rankings of judges."""


@dataclass(frozen=True)
class Filter:
    """Which pairs: by labeler (0 is anybody), version of the guidelines (0 is any), tag, split, least distance of
    ranks, and the criterion whose order they follow from (empty is the overall one)."""

    labeler_id: int = 0
    version: int = 0
    tag: str = ""
    split: str = ""
    margin: int = 1
    criterion: str = ""
    search: str = ""

    @property
    def empty(self) -> bool:
        return self == Filter()

    @property
    def conditions(self) -> str:
        """What a pair `p` of a prompt `q` must satisfy; the values are the filter's own, by name."""
        chosen = [CONDITIONS[name] for name, value in asdict(self).items() if value != getattr(Filter(), name)]
        return " where " + " and ".join(chosen or ["1"])


CONDITIONS = {
    "labeler_id": "p.labeler_id = :labeler_id",
    "version": "p.guidelines_id = :version",
    "tag": "exists (select 1 from json_each(q.tags) where value = :tag)",
    "split": "q.split = :split",
    "margin": "p.gap >= :margin",
    "criterion": "p.criterion = :criterion",
    "search": "instr(lower(q.text), lower(:search))",
}
#: By whether the pairs follow from an order by criterion.
SOURCE = {
    False: " from pairs p join prompts q on q.id = p.prompt_id",
    True: " from criterion_pairs p join prompts q on q.id = p.prompt_id",
}
TEXTS = " join completions c on c.id = p.chosen_id join completions d on d.id = p.rejected_id"
RANKING = " join rankings r on r.id = p.ranking_id"
PAIR = (
    "select p.prompt_id, q.text as prompt, p.chosen_id, c.text as chosen, p.rejected_id, d.text as rejected, p.gap,"
    " p.labeler_id, p.ranking_id"
)
AMONG = " and p.ranking_id > :after and p.ranking_id <= :last"
IN_ORDER = " order by p.ranking_id, p.chosen_id, p.rejected_id"


def listed(project: Project, chosen: Filter | None = None, *, limit: int = 0) -> list[Pair]:
    """Pairs in the order of their rankings; at most `limit` unless it is 0.

    With a limit the rankings are looked through from the first on, more at a time as long as they give too few: to
    order all pairs of a large project takes seconds.
    """
    chosen = chosen or Filter()
    sql = PAIR + SOURCE[bool(chosen.criterion)] + TEXTS + chosen.conditions + AMONG + IN_ORDER + " limit :limit"
    newest = rankings.newest_id(project)
    found, after, width = list[Pair](), 0, limit or newest
    while after < newest and (not limit or len(found) < limit):
        found += project.database.records(
            Pair, sql, limit=limit - len(found) if limit else -1, after=after, last=after + width, **asdict(chosen)
        )
        after, width = after + width, 8 * width
    return _with_writers(found, completions.writers_by_hand(project))


def _with_writers(found: list[Pair], names: dict[int, str]) -> list[Pair]:
    """With the names of those who wrote answers by hand."""
    if not names:
        return found
    return [
        replace(pair, chosen_by=names.get(pair.chosen_id, ""), rejected_by=names.get(pair.rejected_id, ""))
        for pair in found
    ]


def by_hand(project: Project) -> int:
    """How many pairs hold an answer that was written by hand: all of a ranking without those among its other answers,
    both counted as in `counts`."""
    return int(project.database.value(
        "with hands as materialized (select id, group_id from completions where written_by is not null), sizes as ("
        "  select c.id, count(*) as s, sum(i.completion_id not in (select id from hands)) as o"
        "  from counting_rankings c join ranking_items i on i.ranking_id = c.id"
        "  where c.flag is null and i.flag is null and c.group_id in (select group_id from hands)"
        "  group by c.id, i.rank"
        "), sums as ("
        "  select (sum(s) * sum(s) - sum(s * s)) / 2 - (sum(o) * sum(o) - sum(o * o)) / 2 as pairs"
        "  from sizes group by id"
        ") select coalesce(sum(pairs), 0) from sums"
    ))  # fmt: skip


def count(project: Project, chosen: Filter) -> int:
    """How many pairs pass the filter."""
    if chosen.empty:
        return counts(project).pairs
    sql = "select count(*)" + SOURCE[bool(chosen.criterion)] + chosen.conditions
    return int(project.database.value(sql, **asdict(chosen)))


#: Each ranking that counts with the ranks of its completions without a flag, as one text, and whether they differ.
ORDERS = """
    with orders as materialized (
        select c.group_id, c.labeler_id, c.method, o.ranks, o.differ from (
            select ranking_id, group_concat(coalesce(rank, '')) as ranks,
                min(coalesce(rank, 1 << 62)) < max(coalesce(rank, 1 << 62)) as differ
            from ranking_items where flag is null group by ranking_id
        ) o join counting_rankings c on c.id = o.ranking_id where c.flag is null
    )
"""
#: How many rankings say the same, and in the last row how many prompts give pairs.
SAME_ORDERS = (
    ORDERS
    + """
    select ranks, method, count(*) from orders group by ranks, method union all
    select null, null, count(distinct g.prompt_id) from orders o join completion_groups g on g.id = o.group_id
        where o.differ
"""
)


def counts(project: Project) -> Counts:
    """Counted from the sizes of the ranks, without listing the pairs: n completions of which s_1, s_2 ... share
    a rank (or are unranked) give (n^2 - s_1^2 - s_2^2 ...) / 2 pairs. Rankings that say the same are counted together.
    """
    pairs = ties = prompts = 0
    for ranks, method, number in project.database.execute(SAME_ORDERS):
        if ranks is None:
            prompts = number
            continue
        sizes = Counter(ranks.split(","))
        pairs += number * (sizes.total() ** 2 - sum(size * size for size in sizes.values())) // 2
        if method != "best-worst":
            ties += number * sum(size * (size - 1) // 2 for rank, size in sizes.items() if rank)
    standing, flagged, scripted, judged = project.database.execute(
        "select count(*), coalesce(sum(flag is not null), 0),"
        " coalesce(sum(labeler_id in (select id from labelers where kind = 'scripted')), 0),"
        " coalesce(sum(labeler_id in (select id from labelers where kind = 'judge')), 0) from current_rankings"
    ).fetchone()
    return Counts(standing, prompts, pairs, ties, flagged, scripted, judged)


class JudgedHead(NamedTuple):
    """What of a group that gives pairs decides where it belongs."""

    group_id: int
    prompt_id: int
    split: Split


def groups(project: Project, labeler_ids: Iterable[int]) -> list[JudgedHead]:
    """The groups that give a pair by the rankings of these labelers, in the order of their ids."""
    rows = project.database.execute(
        ORDERS + "select distinct o.group_id, g.prompt_id, q.split from orders o"
        " join completion_groups g on g.id = o.group_id join prompts q on q.id = g.prompt_id"
        " where o.differ and o.labeler_id in (select value from json_each(?)) order by o.group_id",
        (json.dumps(list(labeler_ids)),),
    )
    return list(map(JudgedHead._make, rows))


def are_there(project: Project, labeler_ids: Iterable[int]) -> bool:
    """Does any ranking of these labelers give a pair?"""
    among = json.dumps(list(labeler_ids))
    sql = "select exists (select 1 from pairs where labeler_id in (select value from json_each(?)))"
    return bool(project.database.value(sql, among))


#: Each two completions in the order of each ranking of a group that several labelers ranked, of which some differ.
OPPOSED = """
    with several as materialized (
        select id from counting_rankings where flag is null and group_id in (
            select group_id from rankings where retracted_at is null and repeat_of is null
            group by group_id having count(distinct labeler_id) > 1
        )
    ), orders as (
        select a.completion_id as one, b.completion_id as other,
            coalesce(a.rank, 9e999) - coalesce(b.rank, 9e999) as apart
        from several s cross join ranking_items a on a.ranking_id = s.id
        cross join ranking_items b on b.ranking_id = s.id and b.completion_id > a.completion_id
        where a.flag is null and b.flag is null
    )
    select count(*) from (select 1 from orders group by one, other having min(apart) < 0 and max(apart) > 0)
"""


def contradictions(project: Project) -> int:
    """Pairs that different labelers put in opposite orders."""
    return int(project.database.value(OPPOSED))


class Preference(NamedTuple):
    """A pair with all that is asked."""

    conversation: Conversation
    chosen: str
    rejected: str
    strength: float | None


def preferences(project: Project) -> Iterator[Preference]:
    """Every pair that counts, with the turns of the prompts."""
    sql = "select q.id, q.text, q.messages, c.text, d.text, r.strength" + SOURCE[False] + TEXTS + RANKING + IN_ORDER
    for prompt_id, text, messages, chosen, rejected, strength in project.database.execute(sql):
        yield Preference(cells.conversation(text, messages, prompt_id), chosen, rejected, strength)


class LengthDifference(NamedTuple):
    """How many characters the chosen one of a pair is longer."""

    prompt_id: int
    longer: int


def length_differences(project: Project, labeler_id: int | None = None) -> Iterator[LengthDifference]:
    """Of each pair, by one labeler, or all, read as they are asked for."""
    rows = project.database.execute(
        "select p.prompt_id, length(c.text) - length(d.text) from pairs p join completions c on c.id = p.chosen_id"
        " join completions d on d.id = p.rejected_id where :labeler is null or p.labeler_id = :labeler",
        {"labeler": labeler_id},
    )
    return map(LengthDifference._make, rows)


class LongerChosen(NamedTuple):
    """How many pairs there are whose completions differ in characters, and in how many the longer one is chosen."""

    pairs: int
    longer: int


def longer_chosen(project: Project) -> LongerChosen:
    """Of all labelers: what `length_differences` comes to."""
    row = project.database.execute(
        "select count(*), coalesce(sum(longer > 0), 0) from (select length(c.text) - length(d.text) longer from pairs p"
        " join completions c on c.id = p.chosen_id join completions d on d.id = p.rejected_id) where longer != 0"
    ).fetchone()
    return LongerChosen(*row)


class Lengths(NamedTuple):
    """In characters."""

    chosen: int
    rejected: int


def lengths_trained(project: Project, job_id: int, limit: int) -> list[Lengths]:
    """Lengths of the pairs that a run of a reward model does not hold out."""
    rows = project.database.execute(
        "select length(c.text), length(d.text) from pairs p"
        " join completions c on c.id = p.chosen_id join completions d on d.id = p.rejected_id"
        " where p.prompt_id not in (select g.prompt_id from scores s join completions k on k.id = s.completion_id"
        "  join completion_groups g on g.id = k.group_id where s.job_id = ? and s.part = 'heldout') limit ?",
        (job_id, limit),
    )
    return list(map(Lengths._make, rows))


class Since(NamedTuple):
    """How many pairs a group gives, and how many of them came after a moment."""

    pairs: int
    newer: int


def by_group(project: Project, since: str) -> dict[int, Since]:
    rows = project.database.execute(
        "select p.group_id, count(*), count(*) filter (where r.created_at > ?)"
        " from pairs p join rankings r on r.id = p.ranking_id group by 1",
        (since,),
    )
    return {group_id: Since(pairs, newer) for group_id, pairs, newer in rows}


class HeldOutPair(NamedTuple):
    """`longer` is how many characters the chosen one is longer."""

    ranking_id: int
    prompt_id: int
    chosen_id: int
    rejected_id: int
    labeler_id: int
    gap: int
    longer: int


HELD_OUT = (
    "select ranking_id, prompt_id, chosen_id, rejected_id, labeler_id, gap,"
    " (select length(text) from completions where id = chosen_id)"
    " - (select length(text) from completions where id = rejected_id) "
)
OF_SCORED = (
    " group_id in (select c.group_id from completions c where c.id in ("
    "select completion_id from scores where job_id = :job and part = 'heldout'))"
    " order by ranking_id, chosen_id, rejected_id"
)
HELD_OUT_OVERALL = HELD_OUT + "from pairs where" + OF_SCORED
HELD_OUT_BY_CRITERION = HELD_OUT + "from criterion_pairs where criterion = :criterion and" + OF_SCORED


def held_out(project: Project, job_id: int, criterion: str = "") -> list[HeldOutPair]:
    """The pairs, as they are ranked today, of the groups that a run scored as held out; by a criterion, or overall."""
    sql = HELD_OUT_BY_CRITERION if criterion else HELD_OUT_OVERALL
    return list(map(HeldOutPair._make, project.database.execute(sql, {"job": job_id, "criterion": criterion})))


class Prompts(NamedTuple):
    """How many prompts give pairs, and how many of them are marked as held out."""

    ranked: int
    held_out: int


def prompts(project: Project) -> Prompts:
    row = project.database.execute(
        "select count(distinct prompt_id), count(distinct prompt_id)"
        " filter (where prompt_id in (select id from prompts where split = 'heldout')) from pairs"
    ).fetchone()
    return Prompts(*row)
