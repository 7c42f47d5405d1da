"""Is a ranking that came in a pack one that could have been made of its group? Whoever packs may write anything."""

import re
from collections.abc import Collection
from datetime import datetime

from core.store.packed_rankings import PackedRanking
from core.store.rankings import METHODS

UID = re.compile("[0-9a-f]{32}")
#: Seconds that a ranking may take: a year.
LONGEST = 366 * 86_400


def fault(ranking: PackedRanking, completions: Collection[int], by_hand: Collection[int] = ()) -> str:
    """What is wrong with a ranking of a group with these completions, as the end of a sentence; empty if nothing is.

    Those that people wrote may have come after it, so that it goes without them.
    """
    orders = [[(item.completion_id, item.rank) for item in ranking.items]]
    for criterion in {rank.criterion for rank in ranking.criteria}:
        orders.append([(rank.completion_id, rank.rank) for rank in ranking.criteria if rank.criterion == criterion])
    named = {item.completion_id for item in ranking.items}
    if any(sorted(number for number, _ in order) != sorted(named) for order in orders):
        return "its orders are not of the same completions"
    if not set(completions) - set(by_hand) <= named <= set(completions):
        return "it does not name the completions of its own prompt"
    if not all(_place(rank, completions) for order in orders for _, rank in order):
        return "it has ranks that no order has"
    if not all(_place(item.position, completions) for item in ranking.items):
        return "its completions were shown in places that there are not"
    if ranking.flag is None and all(item.flag is None and item.rank is None for item in ranking.items):
        return "nothing is ranked in it"
    if ranking.adjudicates:
        return "it decides between labelers, which is done in the project itself"
    if not _made(ranking):
        return "its record is damaged"
    return ""


def _place(number: int | None, completions: Collection[int]) -> bool:
    return number is None or 1 <= number <= len(completions)


def _made(ranking: PackedRanking) -> bool:
    """Do its uid, way, times and duration look as ours do?"""
    seconds = ranking.seconds
    return (
        UID.fullmatch(ranking.uid or "") is not None
        and ranking.method in METHODS
        and (seconds is None or 0 <= seconds <= LONGEST)
        and _is_time(ranking.created_at)
        and (ranking.retracted_at is None or _is_time(ranking.retracted_at))
    )


def _is_time(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False
