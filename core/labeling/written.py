"""An order as people write it: `2>1=3`, where > is better and = a tie. Numbers count what is shown from 1, or letters
do: `b>a=c`."""

import re
from collections.abc import Callable, Sequence

from core.errors import BadInput
from core.labeling.ordering import Ordering, letter
from core.labeling.pairwise import Tiers


def parse_order(text: str, shown: Sequence[int]) -> dict[int, int | None]:
    """Ranks by completion; those left out are unranked. Raises `BadInput` for anything else."""

    def place(number: str) -> int:
        if not re.fullmatch(r"\d{1,9}", number) or not 1 <= int(number) <= len(shown):
            raise BadInput(
                f"{number!r:.40} is no completion: write an order such as 2>1=3, with numbers up to {len(shown)}."
            )
        return int(number) - 1

    return _ranks(text, shown, place, "completion")


def example(answers: int) -> str:
    """An order of so many by letters, or of three where there are more."""
    return "b>a=c" if answers > 2 else "b>a"


def parse_letters(text: str, shown: Sequence[int]) -> Tiers:
    """An order of all that is shown, by letters of either case. Raises `BadInput` for anything else."""
    letters, like = [letter(index) for index in range(len(shown))], example(len(shown))

    def place(mark: str) -> int:
        if mark.upper() not in letters:
            last = letters[-1].lower()
            raise BadInput(f"{mark!r:.40} is no answer: write an order such as {like}, with letters up to {last}.")
        return letters.index(mark.upper())

    order = Ordering(tuple(shown)).with_ranks(_ranks(text, shown, place, "answer"))
    if order.unranked:
        lacking = " and ".join(letters[order.shown.index(item)].lower() for item in order.unranked)
        raise BadInput(f"The order leaves {lacking} out: name each answer once, such as {like}.")
    return order.tiers


def _ranks(text: str, shown: Sequence[int], place: Callable[[str], int], what: str) -> dict[int, int | None]:
    """`place` reads where it is shown."""
    ranks: dict[int, int | None] = dict.fromkeys(shown)
    for rank, tied in enumerate(text.replace(" ", "").split(">"), start=1):
        for mark in tied.split("="):
            item = shown[place(mark)]
            if ranks[item] is not None:
                raise BadInput(f"{mark} is in the order twice: name each {what} once.")
            ranks[item] = rank
    return ranks


def write_order(ordering: Ordering) -> str:
    """What is placed so far; empty if nothing is."""
    return ">".join("=".join(str(ordering.shown.index(item) + 1) for item in tier) for tier in ordering.tiers)
