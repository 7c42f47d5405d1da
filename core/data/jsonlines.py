"""JSON lines and JSON arrays as objects with their line numbers."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, TextIO

from core.data.rows import Refused
from core.errors import BadInput

#: Characters of a line, and of a file that is read whole.
LINE, LONGEST = 1 << 24, 1 << 28
#: Lists and objects of a file that is read whole, and commas, each outside of texts: a few bytes are a value.
CONTAINERS, COMMAS = 3_000_000, 20_000_000
TEXT = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)

#: A byte order mark, which is in the middle too where files were put together.
MARK = "\ufeff"
EMPTY = " \t\r\n\0" + MARK
#: What JSON takes for one: U+2028 and U+0085 are part of a text.
LINE_END = re.compile(r"\r\n|\n|\r")

Object = tuple[int, dict[str, Any]]


def bounded(file: TextIO) -> Iterator[str]:
    """The lines of a file. Raises `BadInput` for one that no data set has, which may be a few bytes unpacked."""
    while text := file.readline(LINE):
        if len(text) == LINE:
            raise BadInput(f"A line is longer than {LINE:,} characters: choose another file.")
        yield text


def lines(file: Iterable[str]) -> Iterator[Object | Refused]:
    """Each object with its line; a broken line is refused."""
    for line, text in enumerate(file, start=1):
        if text.strip(EMPTY):
            yield _object(line, text.lstrip(MARK))


def array(file: TextIO) -> Iterator[Object | Refused]:
    """Each object of an array with its place in it. Lines under the name of an array are read as lines."""
    text = file.read(LONGEST)
    if len(text) == LONGEST:
        raise BadInput(f"The file holds more than {LONGEST:,} characters of JSON: give it as JSON lines.")
    if _is_large(text) and _is_large(TEXT.sub("", text)):
        raise BadInput("The file holds more values than fit into memory at once: give it as JSON lines.")
    try:
        values = json.loads(text.lstrip(MARK))
    except (ValueError, RecursionError) as error:
        found = text.lstrip(EMPTY).split("\n", 1)
        if len(found) > 1 and not isinstance(_object(1, found[0]), Refused):
            yield from lines(text.split("\n"))
        else:
            yield Refused(1, f"the file is not JSON ({error})")
        return
    for place, value in enumerate(values if isinstance(values, list) else [values], start=1):
        yield (place, value) if isinstance(value, dict) else Refused(place, "it is not a JSON object")


class Twice(Exception):
    """A name stands twice in an object: which of its values is meant?"""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise Twice(next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)[:100])
    return found


DECODER = json.JSONDecoder(object_pairs_hook=_unique)


def _is_large(text: str) -> bool:
    """Would it be more values than memory holds?"""
    return text.count("[") + text.count("{") > CONTAINERS or text.count(",") > COMMAS


def _object(line: int, text: str) -> Object | Refused:
    try:
        value = DECODER.decode(text)
    except Twice as error:
        return Refused(line, f"it says `{error}` twice")
    except (ValueError, RecursionError):
        return Refused(line, "it is not valid JSON")
    return (line, value) if isinstance(value, dict) else Refused(line, "it is not a JSON object")


@lru_cache(maxsize=1)
def first(head: str) -> dict[str, Any]:
    """The first object of the head of a file, past broken lines, or an empty one."""
    text = head.lstrip(EMPTY)
    starts = [text[1:].lstrip()] if text.startswith("[") else [text, *LINE_END.split(text, 20)[1:20]]
    for start in starts:
        try:
            value, _ = json.JSONDecoder().raw_decode(start.lstrip(MARK))
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            return value
    return {}
