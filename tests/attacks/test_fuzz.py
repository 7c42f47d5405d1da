"""Files made of any bytes, by every door that takes files: never a traceback, never a hang, never a file outside.

A few are tried each time and more with `slow`; `python -m tests.attacks.fuzz` goes on for as long as one likes. What it
found once is kept in `FOUND`.
"""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.guidance.guidelines_checks import missing
from core.store import guidelines
from tests.attacks.fuzz_targets import TARGETS, limited, try_one

QUIET = settings(
    deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
#: How many examples a second's worth of each is.
EXAMPLES = {"imports": 40, "archive": 8, "pack": 8, "answers": 8, "texts": 20, "project": 8, "rows": 4}
FOUND: tuple[tuple[str, str], ...] = (("archive", "fdff"), ("project", "adbc0f443eadc9b448a104"))


@pytest.mark.parametrize(("name", "data"), FOUND)
def test_what_was_found_stays_mended(sandbox, name, data):
    try_one(name, bytes.fromhex(data), sandbox)


@pytest.mark.parametrize("name", TARGETS)
def test_any_bytes_end_in_a_sentence(sandbox, name):
    _fuzz(sandbox, name, EXAMPLES[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_many_bytes_end_in_a_sentence(sandbox, name):
    _fuzz(sandbox, name, 50 * EXAMPLES[name])


@pytest.mark.parametrize(
    "text", ["- " + " " * 50_000 + "x", "\n" * 50_000 + "- x", "1. **" + "a " * 50_000, "- " + "order " * 20_000]
)
def test_guidelines_of_a_line_that_never_ends_are_read_at_once(text):
    found = replace(guidelines.EMPTY, criteria=text, flags=text, examples=text)
    with limited("reading the guidelines"):
        assert not guidelines.flags(found)
        assert not guidelines.criteria(found)
        missing(found)


def test_a_meaning_may_stand_below_its_name():
    found = replace(
        guidelines.EMPTY,
        criteria="1. **Kind.**\n   to all\n2. **Short.**\n- last",
        flags="- odd:\n  strange\n* **bad:** no",
    )
    assert guidelines.criteria(found) == {"kind": "to all", "short": ""}
    assert guidelines.flags(found) == {"odd": "strange", "bad": "no"}


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("हानिकारक", "हानिकारक"),
        ("คำหยาบ", "คำหยาบ"),
        ("نمی\u200cدانم", "نمی\u200cدانم"),
        ("Mal\u00a0dit", "mal dit"),
        ("Can't judge", "can't judge"),
        ("Rude/harsh", "rude/harsh"),
    ],
)
def test_names_of_any_script_are_those_of_flags_and_criteria(typed, name):
    lines = f"- {typed}: why\n- {typed}\u00a0: twice\n* **{typed}:** thrice"
    assert guidelines.flags(replace(guidelines.EMPTY, flags=lines)) == {name: "thrice"}
    for text in (f"1. **{typed}.** why\n", f"- **{typed}:** why", f"- {typed}: why\n- {typed}\u00a0: why"):
        assert guidelines.criteria(replace(guidelines.EMPTY, criteria=text)) == {name: "why"}


@pytest.mark.parametrize("typed", ["http", "\u202eevil", "\x1b[2J", "x" * 300, "—", "* *"])
def test_what_names_nothing_or_turns_the_text_is_no_name(typed):
    text = f"- {typed}://a" if typed == "http" else f"- {typed}: why"
    assert not guidelines.criteria(replace(guidelines.EMPTY, criteria=text))
    if typed != "http":
        assert not guidelines.flags(replace(guidelines.EMPTY, flags=text))


def _fuzz(sandbox, name, examples):
    @settings(QUIET, max_examples=examples)
    @given(data=st.binary(max_size=60))
    def attempt(data):
        try_one(name, data, sandbox)

    attempt()
