"""Numbers and names in a person's words, the same wherever they are said."""

import os


def readable(name: str) -> str:
    """A file's name as text, which it need not be: what is not UTF-8 in it becomes a replacement character."""
    return os.fsencode(name).decode("utf-8", errors="replace")


def duration(seconds: float) -> str:
    """`45 s`, `12 min`, `3.5 h`; never nothing at all."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def size(count: int) -> str:
    """`34 kB`, `0.5 MB`, `1.2 GB`, of bytes: decimal, as file managers say it; never nothing at all."""
    if count < 100_000:
        return f"{max(1, round(count / 1e3))} kB"
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
