"""No cell is a formula, and every text comes back as it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.spreadsheets import guarded, unguarded


@pytest.mark.parametrize(
    "text", ["=1+1", "+cmd", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "'=1", "''@x", "-", "-1,5"]
)
def test_what_a_spreadsheet_would_run_begins_with_an_apostrophe(text):
    assert guarded(text) == f"'{text}"
    assert unguarded(guarded(text)) == text


@pytest.mark.parametrize("cell", ["", "words = words", "-5", "+1.5e-3", ".5", "'quoted'", "it's", None, -5, 0.5])
def test_numbers_and_other_texts_are_left_alone(cell):
    assert guarded(cell) == cell
    assert not isinstance(cell, str) or unguarded(cell) == cell


@given(st.text(st.sampled_from("'=+-@\t\r1.e x"), max_size=6))
def test_every_text_comes_back(text):
    assert unguarded(guarded(text)) == text
