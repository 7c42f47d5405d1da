"""Numbers and names in a person's words, the same wherever they are said."""

import os

#: Seconds; what a damaged row says may be without end.
LONGEST = 1e10


def readable(name: str) -> str:
    """A file's name as a line of text, which it need not be: what cannot be shown becomes a replacement character."""
    text = os.fsencode(name).decode("utf-8", errors="replace")
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


def duration(seconds: float) -> str:
    """`45 s`, `12 min`, `3.5 h`; never nothing at all."""
    seconds = min(max(0.0, seconds), LONGEST)
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def size(count: int) -> str:
    """`34 kB`, `0.5 MB`, `1.2 GB`, of bytes: decimal, as file managers say it; never nothing at all."""
    if count < 100_000:
        return f"{max(1, round(count / 1e3))} kB"
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
