"""Where one text differs from another, word by word."""

import re
from collections import Counter
from difflib import SequenceMatcher
from itertools import islice

from core.preferences.similar import likeness

#: Beyond this many words a comparison would be felt; long texts are compared up to here.
MOST_WORDS = 1500
#: Texts that share fewer words than this have nothing to compare: to highlight everything would say nothing.
LEAST_ALIKE = 0.15
#: Two texts whose words are found more often than so in each other, pair by pair, repeat themselves: what fits to what
#: is arbitrary then, and takes cubic time to be found. 1500 words of English have some 25,000 such pairs.
MOST_PAIRS = 100_000


def comparable(reference: str, text: str) -> bool:
    """Do they share so many words, and repeat so few, that `differences` compares them?"""
    return _comparable([word for _, _, word in _words(reference)], [word for _, _, word in _words(text)])


def differences(reference: str, text: str) -> list[tuple[int, int]]:
    """The parts of `text`, as (start, end) in characters, that `reference` has not; whole words. None where the two are
    not `comparable`."""
    before = [word for _, _, word in _words(reference)]
    places = _words(text)
    after = [word for _, _, word in places]
    if not _comparable(before, after):
        return []
    steps = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    return [(places[low][0], places[high - 1][1]) for kind, _, _, low, high in steps if kind != "equal" and high > low]


def _comparable(before: list[str], after: list[str]) -> bool:
    there, here = Counter(before), Counter(after)
    pairs = sum(count * here[word] for word, count in there.items())
    return pairs <= MOST_PAIRS and likeness(before, after) >= LEAST_ALIKE


def _words(text: str) -> list[tuple[int, int, str]]:
    """Where each word begins and ends, and the word as it is compared."""
    found = islice(re.finditer(r"\w+|[^\w\s]", text), MOST_WORDS)
    return [(match.start(), match.end(), match[0].casefold()) for match in found]
