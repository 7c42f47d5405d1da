"""Passes over what is stored, in an order that is a function of the seed and the place alone."""

import random
from functools import lru_cache


def at(place: int, count: int, seed: str) -> tuple[int, int]:
    """Which of `count` things stands at a place in passes over a shuffled order, and the number of its pass."""
    turn, number = divmod(place, count)
    return _order(count, f"{seed}/{turn}")[number], turn


def dealt(step: int, size: int, count: int, seed: str) -> list[int]:
    """Which of `count` things step number `step` takes, `size` at a time."""
    return [at(place, count, seed)[0] for place in range(step * size, (step + 1) * size)]


def first_with(number: int, size: int, count: int, seed: str) -> tuple[int, ...]:
    """Those with which the first pass deals this one, `size` at a time."""
    order = _order(count, f"{seed}/0")
    start = order.index(number) // size * size
    return order[start : start + size]


@lru_cache(maxsize=4)
def _order(count: int, seed: str) -> tuple[int, ...]:
    order = list(range(count))
    random.Random(seed).shuffle(order)
    return tuple(order)
