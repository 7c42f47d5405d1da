"""Cells of tables for spreadsheets: a text that one would take for a formula begins with an apostrophe.

As OWASP advises (CSV injection). Numbers are left alone, and `unguarded` gives every text back as it was.
"""

import re
from typing import Any

_FORMULA = re.compile("'*[=+\\-@\t\r\n＝＋－＠]")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")


def guarded(cell: Any) -> Any:
    """A cell as it is written; what is no text stays."""
    return f"'{cell}" if isinstance(cell, str) and _would_run(cell) else cell


def unguarded(text: str) -> str:
    """What a cell that was `guarded` held."""
    return text[1:] if text.startswith("'") and _would_run(text[1:]) else text


def _would_run(text: str) -> bool:
    return _FORMULA.match(text) is not None and _NUMBER.fullmatch(text) is None
