"""Texts that say nearly the same, and those that only look so to who looks for words."""

import time

import pytest

from core.preferences.differences import comparable, differences
from core.preferences.similar import near_duplicates, near_identical


@pytest.mark.parametrize(
    "texts", [["🏠", "💀"], ["😀 😀 😀", "💣?", "What is it?"], ["???", "!"], ["2 + 2 = ∀", "2 × 2 ≠ ∃"]]
)
def test_signs_alone_are_not_all_the_same(texts):
    assert near_duplicates(texts) == [] and near_identical(texts) == {}


def test_the_same_words_or_signs_are():
    texts = ["What is it?", "what is it", "🏠🏠🏠", "🏠 🏠 🏠!", "???", "? ? ?"]
    assert sorted(near_duplicates(texts)) == [[0, 1], [2, 3], [4, 5]]


def test_a_text_that_repeats_itself_is_not_compared_for_ever():
    began = time.process_time()
    assert not comparable("a " * 1400, "a b " * 700) and differences("a " * 1400, "a b " * 700) == []
    assert time.process_time() - began < 0.5
    assert differences("so it goes " * 20, "so it goes " * 20 + "on") == [(220, 222)]
