"""An order as people write it: `2>1=3`, where numbers count the shown completions from 1, > is better and = a tie."""

import re
from collections.abc import Sequence

from core.errors import BadInput
from core.labeling.ordering import Ordering


def parse_order(text: str, shown: Sequence[int]) -> dict[int, int | None]:
    """Ranks by completion; those left out are unranked. Raises `BadInput` for anything else."""
    ranks: dict[int, int | None] = dict.fromkeys(shown)
    for rank, tied in enumerate(text.replace(" ", "").split(">"), start=1):
        for number in tied.split("="):
            if not re.fullmatch(r"\d{1,9}", number) or not 1 <= int(number) <= len(shown):
                raise BadInput(
                    f"{number!r} is no completion: write an order such as 2>1=3, with numbers up to {len(shown)}."
                )
            if ranks[shown[int(number) - 1]] is not None:
                raise BadInput(f"{number} is in the order twice: name each completion once.")
            ranks[shown[int(number) - 1]] = rank
    return ranks


def write_order(ordering: Ordering) -> str:
    """What is placed so far; empty if nothing is."""
    return ">".join("=".join(str(ordering.shown.index(item) + 1) for item in tier) for tier in ordering.tiers)
