"""Texts that say nearly the same: completions that are not worth comparing, prompts that are there twice."""

import re
import unicodedata
from collections import Counter, defaultdict
from functools import lru_cache
from itertools import pairwise
from zlib import crc32

import numpy as np

#: Shares of common words from which on two texts count as nearly the same.
COMPLETIONS = 0.9
PROMPTS = 0.8
HASHES, BANDS = 48, 12


def words(text: str) -> list[str]:
    """Words without case and punctuation; for scripts without spaces each sign counts as one, and so does a symbol such
    as an emoji. Of a text of punctuation alone that is all there is."""
    found = re.findall(r"[぀-ヿ㐀-鿿]|\w+|[^\w\s]", text.casefold())
    return [word for word in found if not _is_punctuation(word)] or found


@lru_cache(maxsize=4096)
def _is_punctuation(word: str) -> bool:
    return len(word) == 1 and unicodedata.category(word).startswith("P")


def likeness(first: list[str], second: list[str]) -> float:
    """The share of words that two texts have in common, counted with repetition; 1 is the same words."""
    a, b = Counter(first), Counter(second)
    union = (a | b).total()
    return (a & b).total() / union if union else 1.0


def near_identical(texts: list[str]) -> dict[int, int]:
    """For each text (by its place) that nearly repeats an earlier one, the place of the first such."""
    found: dict[int, int] = {}
    split = [words(text) for text in texts]
    for place, mine in enumerate(split):
        for other in range(place):
            if other not in found and likeness(mine, split[other]) >= COMPLETIONS:
                found[place] = other
                break
    return found


def near_duplicates(texts: list[str], *, threshold: float = PROMPTS) -> list[list[int]]:
    """Sets of texts (by their places) that are nearly the same, those with the most members first.

    Candidates come from MinHash over words with banding (Broder 1997; Leskovec et al., Mining of Massive
    Datasets, chapter 3), so that 100,000 texts take seconds; each is then compared in full.
    """
    split = [words(text) for text in texts]
    buckets: dict[tuple[int, bytes], list[int]] = defaultdict(list)
    signatures = _signatures(split)
    rows = HASHES // BANDS
    for band in range(BANDS):
        for place, key in enumerate(signatures[:, band * rows : (band + 1) * rows]):
            buckets[band, key.tobytes()].append(place)
    parent = list(range(len(texts)))

    def root(place: int) -> int:
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    for members in buckets.values():
        for one, two in pairwise(members):
            if root(one) != root(two) and likeness(split[one], split[two]) >= threshold:
                parent[root(two)] = root(one)
    sets: dict[int, list[int]] = defaultdict(list)
    for place in range(len(texts)):
        sets[root(place)].append(place)
    return sorted((members for members in sets.values() if len(members) > 1), key=len, reverse=True)


def _signatures(split: list[list[str]]) -> np.ndarray:
    """MinHash signatures, (texts, HASHES) uint64."""
    random = np.random.default_rng(0)
    prime = np.uint64((1 << 31) - 1)
    factors = random.integers(1, int(prime), size=(HASHES, 1), dtype=np.uint64)
    offsets = random.integers(0, int(prime), size=(HASHES, 1), dtype=np.uint64)
    out = np.zeros((len(split), HASHES), dtype=np.uint64)
    known: dict[str, int] = {}
    for place, found in enumerate(split):
        if not found:
            continue
        codes = np.array([known.setdefault(word, crc32(word.encode())) for word in set(found)], dtype=np.uint64)
        out[place] = ((codes % prime * factors + offsets) % prime).min(axis=1)
    return out
