"""Line ends of a text that is edited: Qt has one of its own, and whoever changes a word does not mean these."""

import re
from collections import Counter
from itertools import takewhile

#: What a field makes a line's end of.
_END = re.compile("(\r\n|[\n\r\u2028\u2029\ufdd0\ufdd1])")


def lines(text: str) -> list[str]:
    """Those that a field shows: a page break or a soft one of a word processor is none of its line ends."""
    return _END.split(text)[::2]


def restored(typed: str, original: str) -> str:
    """`typed`, as a field has it, with the line ends that the `original` had: each that is still there, and for new
    ones those that most of it has."""
    here, before = lines(typed), _END.split(original)
    known, ends = before[::2], before[1::2]
    usual = Counter(ends).most_common(1)[0][0] if ends else "\n"
    first = _alike(here, known)
    last = min(_alike(here[::-1], known[::-1]), min(len(here), len(known)) - first)
    kept = [*ends[:first], *[usual] * len(here)][: len(here) - last] + ends[len(known) - last :]
    return "".join(line + end for line, end in zip(here, [*kept[: len(here) - 1], ""], strict=True))


def _alike(some: list[str], others: list[str]) -> int:
    """How many of them begin alike."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(some, others, strict=False)))
