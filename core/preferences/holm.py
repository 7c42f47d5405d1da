"""Several comparisons at once: of many, one looks like a difference by chance."""

from collections.abc import Sequence


def adjusted(p_values: Sequence[float], family: int | None = None) -> list[float]:
    """Each p-value such that the chance that any of those without a difference is below 0.05 is at most 5 % (Holm 1979,
    Scandinavian Journal of Statistics 6). `family` is how many comparisons were made or could be, if more than these.
    """
    count = max(len(p_values), family or 0)
    found, so_far = [1.0] * len(p_values), 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        so_far = max(so_far, min(1.0, (count - rank) * p_values[place]))
        found[place] = so_far
    return found
