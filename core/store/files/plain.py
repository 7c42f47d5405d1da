"""The one way to read a file that came with somebody's folder: a plain file, and no more of it than it may have.

A pipe would be waited for, a device has no end, and JSON of empty lists takes thirty times its size in memory.
"""

import json
import os
import stat
from io import BufferedReader
from pathlib import Path
from typing import Any

from core.errors import BadInput, first_line

#: Bytes of notes, and values (or commas in texts) of JSON, which take some hundred bytes each.
MOST_NOTE, MOST_VALUES = 1 << 20, 10_000_000
#: Not waited for, and read as it is, where the system tells pipes and texts apart.
PLAIN = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def opened(path: Path) -> BufferedReader:
    """For reading. Raises `BadInput` for what is no plain file, wherever a link leads, `OSError` for none."""
    file = open(path, "rb", opener=lambda name, flags: os.open(name, flags | PLAIN))  # noqa: SIM115
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise BadInput(f"{path} is no file: remove it, or put what it was in its place.")
    return file


def content(path: Path, most: int = MOST_NOTE) -> bytes:
    """All of a file. Raises `BadInput` for one of more than `most` bytes, and as `opened` does."""
    with opened(path) as file:
        found = file.read(min(most, os.fstat(file.fileno()).st_size) + 1)
    if len(found) > most:
        raise BadInput(f"{path} is larger than {most / 1e6:.0f} MB, as no such file is: take another copy of it.")
    return found


def parsed(path: Path, most: int = MOST_NOTE) -> Any:
    """The JSON in a file. Raises `BadInput` for what is none, or too much, and as `content` does."""
    return value(content(path, most), path)


def value(found: bytes, path: Path) -> Any:
    """The JSON in some bytes of a file. Raises `BadInput` for what is none, or too much."""
    if sum(map(found.count, (b",", b"[", b"{"))) > MOST_VALUES:
        raise BadInput(f"{path} holds more values than any such file: take another copy of it.")
    try:
        return json.loads(found)
    except (ValueError, RecursionError) as error:
        why = "it is too deep" if isinstance(error, RecursionError) else first_line(error)
        raise BadInput(f"{path} is damaged ({why}): take another copy of it.") from error
