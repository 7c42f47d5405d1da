"""Which rankings a run learnt from and which it was tested on, by their numbers: a small file in its folder.

A bit for each number, as hexadecimal digits: of a hundred thousand rankings it is read in no time.
"""

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from core.errors import BadInput
from core.jobs.context import JobContext
from core.store import Project, trail
from core.store.files import plain

#: The file in a run's folder.
KEPT = "learnt-rankings.json"
#: Bytes of it: eight million rankings, learnt or tested.
MOST = 4 << 20
#: No ranking has a larger number.
LARGEST = 2**53
DIGITS = re.compile("[0-9a-f]{1,4000000}")
#: Ranges of such numbers: two million rankings of which every tenth is held out have fewer.
MOST_RANGES = 400_000

Ranges = tuple[tuple[int, int], ...]
"""First and last number of each range, in order and apart from each other."""


@dataclass(frozen=True)
class Numbers:
    """Numbers of rankings: those whose bit is set."""

    bits: int = 0

    @classmethod
    def of(cls, numbers: Iterable[int]) -> "Numbers":
        known = sorted(numbers)
        row = bytearray((known[-1] >> 3) + 1 if known else 0)
        for number in known:
            row[number >> 3] |= 1 << (number & 7)
        return cls(int.from_bytes(row, "little"))

    def __contains__(self, number: int) -> bool:
        return bool(self.bits >> number & 1)

    def __len__(self) -> int:
        return self.bits.bit_count()

    @property
    def ranges(self) -> Ranges:
        row = f"{self.bits:b}"[::-1]
        return tuple((found.start(), found.end() - 1) for found in re.finditer("1+", row))


@dataclass(frozen=True)
class LearntRankings:
    learnt: Numbers = Numbers()
    tested: Numbers = Numbers()

    @property
    def others(self) -> Ranges:
        """The numbers of all rankings that the run did not look at: what stands in place of one that it learnt from is
        among them."""
        known = self.learnt.bits | self.tested.bits | 1  # none has the number 0
        gaps = Numbers(~known & ((1 << known.bit_length()) - 1))
        return (*gaps.ranges, (known.bit_length(), LARGEST))


def keep(context: JobContext, learnt: Iterable[int], tested: Iterable[int]) -> None:
    """Write it when a run begins; a run that is resumed keeps what it has."""
    parts = {"learnt": learnt, "tested": tested}
    context.pinned(KEPT, lambda: {name: f"{Numbers.of(part).bits:x}" for name, part in parts.items()}, came_later=True)


def of_run(project: Project, job_id: int) -> LearntRankings | None:
    """None where nobody kept it, as in earlier versions, or it is not as it was written."""
    with suppress(OSError, BadInput, TypeError, ValueError, LookupError):
        found, newest = plain.parsed(project.run_file(job_id, KEPT), MOST), trail.newest_ranking(project)
        return LearntRankings(_read(found["learnt"], newest), _read(found["tested"], newest))
    return None


def _read(digits: object, newest: int) -> Numbers:
    """Raises `ValueError` for what `keep` never writes, such as numbers that no ranking ever had: to look those up
    would take as long as there are of them."""
    if not isinstance(digits, str) or not DIGITS.fullmatch(digits):
        raise ValueError("no numbers of rankings")
    bits = int(digits, 16)
    if bits.bit_length() > newest + 1:
        raise ValueError("no ranking ever had such a number")
    if (bits & ~(bits << 1)).bit_count() > MOST_RANGES:
        raise ValueError("more ranges than any rankings have")
    return Numbers(bits)
