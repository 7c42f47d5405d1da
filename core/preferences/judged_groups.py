"""From rankings to what a reward model learns from: each group of completions with everybody's orders over it.

N completions ranked without ties give N(N-1)/2 pairs, the preferred one first; tied completions give no
pair; a flagged prompt gives none, a flagged completion is in none. An unranked completion is below every
ranked one and has no order among the unranked.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice, repeat
from operator import attrgetter

from core.conversation import Conversation
from core.store import Project, cells, counting, judgements, labelers, pairs
from core.store.judgements import JudgedRanking, Order

#: The order that counts as a whole, beside those by criterion.
OVERALL = "overall"
#: Groups that are read together.
BLOCK = 500


@dataclass(frozen=True)
class Judgement:
    """One labeler's order over a group's completions, overall or by one criterion.

    `ranks` has one number for each completion: 1 is best, equal is tied, infinity is unranked (below every rank, with
    no order among its like), nan is not judged (flagged). Without `ties` equal ranks were not compared. Ranks of two
    answers are further apart where the labeler said that one is much better.
    """

    labeler_id: int
    criterion: str
    ranks: tuple[float, ...]
    ties: bool = True
    ranking_id: int = 0
    """0 where earlier versions did not keep it."""


@dataclass(frozen=True)
class JudgedGroup:
    """The completions of one prompt with everybody's orders over them; at least one of them gives a pair. `messages`
    are the prompt's turns as they are stored."""

    group_id: int
    prompt_id: int
    prompt: str
    split: str
    completion_ids: tuple[int, ...]
    completions: tuple[str, ...]
    judgements: tuple[Judgement, ...]
    messages: str | None = None

    @property
    def conversation(self) -> Conversation:
        return cells.conversation(self.prompt, self.messages, self.prompt_id)


def rules(project: Project, found: pairs.Counts | None = None) -> dict[str, int]:
    """What became of the rankings, by the rule that decided it; `found` are the counts of pairs, if they are known."""
    found = found or pairs.counts(project)
    return {
        "pairs": found.pairs,
        "ties, which give no pair": found.ties,
        "flagged prompts, which give none": found.flagged,
        "flagged completions, left out": counting.flagged_completions_alone(project),
        "unranked completions, below the ranked": counting.unranked_completions(project),
        "rankings overruled by adjudication": counting.overruled(project),
        "repeats, which only measure": counting.repeats(project),
    }


def judged_groups(project: Project, *, criteria: bool = True, whose: str = "everybody") -> list[JudgedGroup]:
    """Every group that yields at least one pair, whole, as the reward model's loss wants it; by the rankings of
    everybody, of `people` or of `judges`."""
    return list(one_by_one(project, criteria=criteria, whose=whose))


def one_by_one(project: Project, *, criteria: bool = True, whose: str = "everybody") -> Iterator[JudgedGroup]:
    """The same, read as they are asked for: a project may hold more than memory does."""
    wanted = labelers.ids_of(project, whose)
    counting = (ranking for ranking in judgements.rankings(project) if ranking.labeler_id in wanted)
    by_group = (list(found) for _, found in groupby(counting, key=attrgetter("group_id")))
    while block := list(islice(by_group, BLOCK)):
        yield from _judged(project, block, criteria)


def _judged(project: Project, block: Sequence[Sequence[JudgedRanking]], criteria: bool) -> Iterator[JudgedGroup]:
    """Those of some groups, each with the rankings that count in it, that give a pair."""
    ids = [ranking.id for found in block for ranking in found]
    texts = judgements.answers(project, [found[0].group_id for found in block])
    overall = judgements.orders(project, ids)
    further = judgements.orders_by_criterion(project, ids) if criteria else {}
    for rankings in block:
        first, answers = rankings[0], texts[rankings[0].group_id]
        found: list[Judgement] = []
        for ranking in rankings:
            orders: dict[str, Order] = {OVERALL: overall.get(ranking.id, {}), **further.get(ranking.id, {})}
            for criterion, ranks in orders.items():
                numbers = tuple(map(ranks.get, answers, repeat(math.nan)))
                if criterion == OVERALL and ranking.strength is not None:
                    numbers = apart(numbers, ranking.strength)
                if gives_pairs(numbers):
                    ties = ranking.method != "best-worst"
                    found.append(Judgement(ranking.labeler_id, criterion, numbers, ties, ranking.id))
        if any(judgement.criterion == OVERALL for judgement in found):
            yield JudgedGroup(
                first.group_id, first.prompt_id, first.prompt, first.split,
                tuple(answers), tuple(answers.values()), tuple(found), first.messages,
            )  # fmt: skip


def apart(ranks: tuple[float, ...], strength: float) -> tuple[float, ...]:
    """The ranks of two answers, as many places apart as one is better; those of more or fewer as they are."""
    judged = sorted({rank for rank in ranks if math.isfinite(rank)})
    if len(ranks) != 2 or len(judged) != 2:
        return ranks
    return tuple(judged[0] + max(1.0, strength) if rank == judged[1] else rank for rank in ranks)


def best_of(group: JudgedGroup) -> set[int]:
    """The group's completions that most labelers put first; several where they are tied."""
    return _most_often(group, min)


def worst_of(group: JudgedGroup) -> set[int]:
    """Those that most labelers put last; whatever was left unranked is below all that was ranked."""
    return _most_often(group, max)


def _most_often(group: JudgedGroup, end: Callable[[Iterable[float]], float]) -> set[int]:
    """Those that most labelers put at one end of their order."""
    votes = dict.fromkeys(group.completion_ids, 0)
    for judgement in group.judgements:
        if judgement.criterion == OVERALL:
            there = end(rank for rank in judgement.ranks if rank == rank)
            for number, rank in zip(group.completion_ids, judgement.ranks, strict=True):
                votes[number] += rank == there
    most = max(votes.values())
    return {number for number, count in votes.items() if count == most}


def gives_pairs(ranks: tuple[float, ...]) -> bool:
    """Are two of the judged completions in different places?"""
    return len({rank for rank in ranks if rank == rank}) > 1
