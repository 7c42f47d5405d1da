"""Which rankings a run learnt from and which it was tested on, by their numbers: a small file in its folder.

Numbers that follow each other are kept as one range, so that a hundred thousand of them are read in no time.
"""

from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass

from core.errors import BadInput
from core.jobs.context import JobContext
from core.store import Project
from core.store.files import plain

#: The file in a run's folder.
KEPT = "learnt-rankings.json"
#: Bytes of it: a million rankings of which no two follow each other.
MOST = 32 << 20
#: No ranking has a larger number.
LARGEST = 2**53

Ranges = tuple[tuple[int, int], ...]
"""First and last number of each range, in order and apart from each other."""


@dataclass(frozen=True)
class LearntRankings:
    learnt: Ranges = ()
    tested: Ranges = ()


def keep(context: JobContext, learnt: Collection[int], tested: Collection[int]) -> None:
    """Write it when a run begins; a run that is resumed keeps what it has."""
    context.pinned(KEPT, lambda: {"learnt": ranges(learnt), "tested": ranges(tested)}, came_later=True)


def of_run(project: Project, job_id: int) -> LearntRankings | None:
    """None where nobody kept it, as in earlier versions, or it is not as it was written."""
    with suppress(OSError, BadInput, TypeError, ValueError, LookupError):
        found = plain.parsed(project.run_file(job_id, KEPT), MOST)
        return LearntRankings(_read(found["learnt"]), _read(found["tested"]))
    return None


def ranges(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """`[3, 1, 2, 9]` as `[(1, 3), (9, 9)]`."""
    found: list[tuple[int, int]] = []
    for number in sorted(set(numbers)):
        if found and found[-1][1] == number - 1:
            found[-1] = found[-1][0], number
        else:
            found.append((number, number))
    return found


def contains(found: Ranges, number: int) -> bool:
    return any(first <= number <= last for first, last in found)


def _read(values: object) -> Ranges:
    """Raises `ValueError` or `TypeError` for what `ranges` never gives."""
    found, before = [], 0
    for first, last in values if isinstance(values, list) else [values]:  # type: ignore[misc]
        if type(first) is not int or type(last) is not int or not before < first <= last < LARGEST:
            raise ValueError("no ranges of numbers")
        found.append((first, last))
        before = last
    return tuple(found)
