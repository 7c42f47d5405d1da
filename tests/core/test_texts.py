"""What hides in a text is named, what belongs to a script stays; what is long is cut and says so."""

import time

import pytest

from core import texts
from core.texts import MARKDOWN, PAGE, beginning, breakable, cut_note, one_line, shown, visible

MB = 1024 * 1024
HIDING = [
    *range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20), *range(0x7F, 0xA0), 0x200B, *range(0x202A, 0x202F),
    0x2060, *range(0x2066, 0x206A), 0x3164, 0xFEFF, 0xDC80, 0xE0001, *range(0xE0020, 0xE0080), 0xE0142,
]  # fmt: skip


@pytest.mark.parametrize("code", HIDING, ids=hex)
def test_each_sign_that_hides_or_turns_is_named(code):
    assert visible(f"pay{chr(code)}pal") == f"pay‹U+{code:04X}›pal"


@pytest.mark.parametrize(
    "text", ["a\u200db", "a\u200cb", "x\ufe0f", "🏴\U000e0067\U000e0062\U000e007f", "\u200d😀", "😀\u200d"]
)
def test_joiners_and_selectors_without_a_use_are_named(text):
    assert "‹U+" in visible(text)


@pytest.mark.parametrize(
    "text",
    [
        "plain\twords\nand lines\r\n",
        "👩‍👩‍👧‍👦 👩🏽‍💻 🏳️‍🌈 ❤️‍🔥 1️⃣ ☎️ ©️",
        "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f Scotland",
        "می‌خواهم کتاب‌ها را بخوانم",
        "ه‍ \u200fسلام, world\u200e",
        "क्‍ष and क्‌ष, ශ්‍රී, ക്‍ ",
        "ភាសា\u200bខ្មែរ",
        "葛\U000e0100城 and “quotes”—naïve café",
        "שלום עולם",
    ],
)
def test_what_a_script_needs_stays_as_it_is(text):
    assert visible(text) == text


def test_a_long_text_is_cut_and_says_so():
    assert beginning("short") == "short" and cut_note("short") == "" and shown("short") == "short"
    long = "x" * (PAGE.letters + 1)
    assert beginning(long) == long[:-1]
    assert shown(long, "Copy it.").endswith("[Cut here: 20,000 of 20,001 characters are shown. Copy it.]")
    many = "a\n" * 5000
    assert beginning(many).count("\n") == PAGE.lines - 1
    assert "Cut here: 1,999 of 10,000 characters" in shown(many)
    assert len(shown("\u202e" * MB)) < 2 * PAGE.letters
    assert beginning("|" * 5000, MARKDOWN) == "|" * MARKDOWN.marks


@pytest.mark.parametrize(
    "text", ["x" * 10 * MB, "a b " * (10 * MB // 4), "\n" * 10 * MB, "\u202e" * MB, "x" * 199 + " "]
)
def test_what_is_shown_of_10_mb_is_found_at_once(text):
    began = time.process_time()
    for _ in range(3):
        shown(text), breakable(beginning(text)), one_line(text), texts.has_long_run(beginning(text))
    assert (time.process_time() - began) / 3 < 0.05


def test_a_line_is_one_line():
    assert one_line(" a\n\tb  c ") == "a b c"
    assert one_line("x" * 500) == "x" * 399 + "…"
    assert one_line("a\x1b[2J") == "a‹U+001B›[2J"


def test_a_piece_without_a_break_is_given_some():
    assert breakable("x" * 200) == "x" * 200
    assert breakable("x" * 500).replace("\u200b", "") == "x" * 500 and "\u200b" in breakable("x" * 500)
    assert breakable("漢" * 500) == "漢" * 500
