"""Is a ranking that came in a pack one that could have been made of its group? Whoever packs may write anything."""

import re
from collections.abc import Callable, Collection
from datetime import datetime

from core.preferences.judged_groups import OVERALL
from core.records import STRONGEST
from core.store.guidelines import is_name
from core.store.packed_rankings import PackedRanking
from core.store.rankings import METHODS

UID = re.compile("[0-9a-f]{32}")
#: Seconds that a ranking may take: a year.
LONGEST = 366 * 86_400
#: Rankings of one prompt by one labeler, those that were taken back included.
MOST_OF_ONE = 1_000
#: Criteria of one ranking that no guidelines of the project need to name, and letters of their names and of a flag's.
MOST_CRITERIA = 100
LONGEST_NAME = 200
#: Letters that can be typed as a comment, and of one that comes home: what several windows typed is joined.
LONGEST_COMMENT, MOST_COMMENT = 100_000, 1_000_000
#: Years in which a ranking can have been made, with a clock that is wrong.
YEARS = range(1970, 2200)


def fault(
    ranking: PackedRanking, completions: Collection[int], by_hand: Collection[int] = (), *, decides: bool = False,
    criteria: Callable[[], Collection[str]] = tuple,
) -> str:  # fmt: skip
    """What is wrong with a ranking of a group with these completions, as the end of a sentence; empty if nothing is.

    Those that people wrote may have come after it, so that it goes without them. Only who `decides` between labelers
    in the project may decide again. `criteria` gives those that the project's guidelines name or named.
    """
    if not _named(ranking, criteria):
        return "its flags or criteria have names that no guidelines give"
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
    if ranking.flag is None and all(item[1:3] == (None, None) and item.verdict is None for item in ranking.items):
        return "nothing is ranked in it"
    if ranking.adjudicates and not decides:
        return "it decides between labelers, which is done in the project itself"
    if len(ranking.comment) > MOST_COMMENT:
        return f"its comment has more than {MOST_COMMENT:,} letters"
    if not _made(ranking):
        return "its record is damaged"
    return ""


def _place(number: int | None, completions: Collection[int]) -> bool:
    return number is None or 1 <= number <= len(completions)


def _named(ranking: PackedRanking, known: Callable[[], Collection[str]]) -> bool:
    """Could a person have given these names? Flags may be typed, and the guidelines may have changed since."""
    criteria = {rank.criterion for rank in ranking.criteria}
    flags = {flag for flag in (ranking.flag, *(item.flag for item in ranking.items)) if flag is not None}
    if len(criteria) > MOST_CRITERIA and not criteria <= set(known()):
        return False
    named = all(len(name) <= LONGEST_NAME and is_name(name) for name in criteria | flags)
    return named and all(name.lower() != OVERALL for name in criteria)


def _made(ranking: PackedRanking) -> bool:
    """Do its uid, way, times and duration look as ours do?"""
    seconds, strength = ranking.seconds, ranking.strength
    return (
        UID.fullmatch(ranking.uid or "") is not None
        and ranking.method in METHODS
        and (seconds is None or 0 <= seconds <= LONGEST)
        and (strength is None or 0 <= strength <= STRONGEST)
        and is_time(ranking.created_at)
        and (ranking.retracted_at is None or is_time(ranking.retracted_at))
    )


def is_time(text: str) -> bool:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return False
    return found.tzinfo is not None and found.year in YEARS
