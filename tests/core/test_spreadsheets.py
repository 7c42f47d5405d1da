"""No cell is a formula, and every text comes back as it was."""

import csv
import io
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.spreadsheets import guarded, unguarded


@pytest.mark.parametrize(
    "text", ["=1+1", "+cmd", "-2+3", "@SUM(A1)", "\tx", "\r1", "\n", "＝1", "'=1", "''@x", "-", "-1,5"]
)
def test_what_a_spreadsheet_would_run_begins_with_an_apostrophe(text):
    assert guarded(text) == f"'{text}"
    assert unguarded(guarded(text)) == text


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a;=1", "a;'=1"),
        ("a,@b\t+c", "a,'@b\t'+c"),
        ("Two:\n- x\r\n- A(1)", "Two:\n- x\r\n'- A(1)"),
        ("\t=1", "'\t'=1"),
        ('a;"=1', "a;'\"=1"),
        ("a;'=1", "a;''=1"),
        ("1;-5;-6 x", "1;-5;'-6 x"),
        ("1;-5,=2", "1;'-5,'=2"),
    ],
)
def test_so_does_what_could_be_a_cell_where_others_part_them(text, written):
    assert guarded(text) == written
    assert unguarded(written) == text


@pytest.mark.parametrize(
    "cell",
    [
        "",
        "words = words",
        "-5",
        "+1.5e-3",
        ".5",
        "'quoted'",
        "it's",
        None,
        -5,
        0.5,
        "0\n-1\n-2\n",
        "[0, -1, -2]",
        "a; b",
        "A list:\n- one\n- two",
    ],
)
def test_numbers_and_other_texts_are_left_alone(cell):
    assert guarded(cell) == cell
    assert not isinstance(cell, str) or unguarded(cell) == cell


@given(st.text(st.sampled_from("'\"=+-@\t\r\n;,1.e x"), max_size=9))
def test_every_text_comes_back(text):
    assert unguarded(guarded(text)) == text


@given(st.lists(st.text(st.sampled_from("'\"=-@\t\n;,1x"), max_size=9), min_size=2, max_size=3))
def test_whatever_parts_the_cells_none_is_a_formula(texts):
    file = io.StringIO(newline="")
    csv.writer(file, quoting=csv.QUOTE_NONNUMERIC).writerows([[1, *map(guarded, texts)]] * 2)
    for sign in ",;\t":
        for line in csv.reader(io.StringIO(file.getvalue(), newline=""), delimiter=sign):
            begun = [cell.strip() for cell in line if cell.strip()[:1] in ("=", "@", "-")]
            assert all(re.fullmatch("-[0-9.]+|-( .*)?", cell) for cell in begun), (sign, line)


def test_digits_without_end_cost_no_time():
    began = time.process_time()
    guarded(";-" + "1" * 300_000 + "x")
    assert time.process_time() - began < 1
