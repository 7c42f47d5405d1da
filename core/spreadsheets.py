"""Cells of tables for spreadsheets: before what one would take for a formula stands an apostrophe.

As OWASP advises (CSV injection). What parts the cells depends on the country, and where that is another sign than ours
our quotation marks count for nothing: a cell may begin after each such sign within a text, too. Numbers are left alone,
and `unguarded` gives every text back as it was.
"""

import re
from typing import Any

#: What may part cells, or rows.
PARTS = r",;\t\r\n"
SIGNED = r"[+-](?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"


def _before_formulas(mark: str) -> re.Pattern[str]:
    """Finds `mark` where a cell may begin and a formula follows. That is one whatever apostrophes it begins with, so
    that a guard more never makes it none; nor does a quotation mark, which is written twice and so is empty. Within a
    text a line of a list (`- one`) is none: it would have to call, or to look elsewhere, to do anything."""
    formula = r"""(?=['"]*[=+\-@＝＋－＠])"""
    does_something = r"""(?=['"]*(?:[=@＝＠]|[+\-＋－](?!\ )|[+\-＋－][^\r\n]*[|(!]))"""
    first = rf"\A{mark}(?:{formula}(?!{SIGNED}\Z)|(?='*[\t\r\n]))"
    within = rf"(?<=([{PARTS}])){mark}{does_something}(?!{SIGNED}(?:[\r\n]|\1))"
    return re.compile(f"{first}|{within}")


_UNGUARDED, _GUARDED = _before_formulas(""), _before_formulas("'")


def guarded(cell: Any) -> Any:
    """A cell as it is written; what is no text stays."""
    return _UNGUARDED.sub("'", cell) if isinstance(cell, str) else cell


def unguarded(text: str) -> str:
    """What a cell that was `guarded` held."""
    return _GUARDED.sub("", text)
