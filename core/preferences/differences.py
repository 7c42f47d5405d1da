"""Where one text differs from another, word by word."""

import re
from difflib import SequenceMatcher
from itertools import islice

from core.preferences.similar import likeness

#: Beyond this many words a comparison would be felt; long texts are compared up to here.
MOST_WORDS = 1500
#: Texts that share fewer words than this have nothing to compare: to highlight everything would say nothing.
LEAST_ALIKE = 0.15


def comparable(reference: str, text: str) -> bool:
    """Do they share so many words that `differences` compares them?"""
    return likeness([word for _, _, word in _words(reference)], [word for _, _, word in _words(text)]) >= LEAST_ALIKE


def differences(reference: str, text: str) -> list[tuple[int, int]]:
    """The parts of `text`, as (start, end) in characters, that `reference` has not; whole words."""
    before = [word for _, _, word in _words(reference)]
    places = _words(text)
    after = [word for _, _, word in places]
    if likeness(before, after) < LEAST_ALIKE:
        return []
    steps = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    return [(places[low][0], places[high - 1][1]) for kind, _, _, low, high in steps if kind != "equal" and high > low]


def _words(text: str) -> list[tuple[int, int, str]]:
    """Where each word begins and ends, and the word as it is compared."""
    found = islice(re.finditer(r"\w+|[^\w\s]", text), MOST_WORDS)
    return [(match.start(), match.end(), match[0].casefold()) for match in found]
