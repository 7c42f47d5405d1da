"""JSON lines and JSON arrays as objects with their line numbers."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import chain, count, repeat
from typing import Any, TextIO

from core.data.rows import Refused, Unusable
from core.errors import BadInput

#: Characters of a line, of an object of an array, or of a row of a table.
LINE = 1 << 24
#: Lines of nothing that follow each other.
NOTHING = 1_000_000
#: Characters that are read at once of an array.
PIECE = 1 << 18

#: A byte order mark, which is in the middle too where files were put together.
MARK = "\ufeff"
EMPTY = " \t\r\n\0" + MARK
#: What JSON takes for one: U+2028 and U+0085 are part of a text.
LINE_END = re.compile(r"\r\n|\n|\r")

BLANKS = re.compile(f"[{EMPTY}]*")
#: Characters of the longest value that is no text, list or object: `-Infinity`.
LITERAL = 10
BROKEN = "from here on the file is not JSON"

Object = tuple[int, dict[str, Any]]


def bounded(file: TextIO) -> Iterator[str]:
    """The lines of a file. Raises `BadInput` for what no data set has, which may be a few bytes unpacked: a line
    without end, or empty ones without end."""
    empty = 0
    while text := file.readline(LINE):
        if len(text) == LINE:
            raise BadInput(f"A line is longer than {LINE:,} characters: choose another file.")
        empty = 0 if text.strip(EMPTY) else passed_over(empty)
        yield text


def passed_over(count: int) -> int:
    """One more line with nothing in it. Raises `BadInput` for more than any data set has."""
    if count == NOTHING:
        raise BadInput(f"More than {NOTHING:,} empty lines follow each other: choose another file.")
    return count + 1


def lines(file: Iterable[str]) -> Iterator[Object | Refused]:
    """Each object with its line; a broken line is refused."""
    for line, text in enumerate(file, start=1):
        if text.strip(EMPTY):
            yield _object(line, text.lstrip(MARK))


def array(file: TextIO) -> Iterator[Object | Refused]:
    """Each object of an array with its place in it, one by one, so that no file is too large. Lines under the name of
    an array are read as lines."""
    empty = 0
    while (begin := file.readline(LINE)) and not begin.strip(EMPTY):
        empty = passed_over(empty)
    text = begin.lstrip(EMPTY)
    if text.startswith("{") and _is_whole(text):
        yield from lines(chain(repeat("", empty), (begin,), bounded(file)))
    else:
        yield from _values(Window(file, begin))


def _is_whole(text: str) -> bool:
    try:
        JSON.decode(text)
    except (ValueError, RecursionError):
        return False
    return True


def _values(window: "Window") -> Iterator[Object | Refused]:
    """Of an array its objects, or the one that stands alone. What follows a broken one cannot be found."""
    is_array = window.take("[")
    for place in count(1):
        if is_array and window.take("]"):
            break
        try:
            value = window.value()
        except (ValueError, RecursionError) as error:
            why = error.msg if isinstance(error, json.JSONDecodeError) else error
            yield Refused(place, f"{BROKEN} ({why})")
            return
        why = str(value) if isinstance(value, Twice) else "it is not a JSON object"
        yield (place, value) if isinstance(value, dict) else Refused(place, why)
        if not is_array:
            break
        if not window.take(",") and window.next() != "]":
            yield Refused(place + 1, f"{BROKEN} (neither a comma nor the end of the array)")
            return
    if window.next():
        yield Refused(place + 1, f"{BROKEN} (it goes on after its end)")


class Window:
    """The part of a file of JSON that is at hand, from which values are taken one by one."""

    def __init__(self, file: TextIO, begin: str) -> None:
        self._file, self._text, self._place = file, begin, 0

    def next(self) -> str:
        """The next sign that is no blank; empty at the end."""
        while True:
            self._place = BLANKS.match(self._text, self._place).end()  # type: ignore[union-attr]  # it may be empty
            if self._place < len(self._text) or not self._more():
                return self._text[self._place : self._place + 1]

    def take(self, sign: str) -> bool:
        """Is this the next sign? Then it is passed."""
        found = self.next() == sign
        self._place += found
        return found

    def value(self) -> Any:
        """The next value, or a `Twice` in its place. Raises `ValueError` or `RecursionError` where there is none,
        `BadInput` for one too long."""
        self.next()
        while True:
            try:
                value, end = _next(self._text, self._place)
            except json.JSONDecodeError as error:
                is_cut = error.msg.startswith("Unterminated") or error.pos > len(self._text) - LITERAL
                if not is_cut or not self._more():
                    raise
            else:
                _check_length(end - self._place)
                if end < len(self._text) or not self._more():
                    self._place = end
                    return value

    def _more(self) -> bool:
        """Read as much again as is left; false at the end. Raises `BadInput` where too much is left already."""
        rest = self._text[self._place :]
        _check_length(len(rest))
        new = self._file.read(max(PIECE, len(rest)))
        if new:
            self._text, self._place = rest + new, 0
        return bool(new)


def _check_length(count: int) -> None:
    if count > LINE:
        raise BadInput(f"An object is longer than {LINE:,} characters: choose another file.")


class Twice(Unusable):
    """A name stands twice in an object: which of its values is meant?"""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        name = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        raise Twice(f"it says `{name[:100]}` twice")
    return found


def loads(text: str) -> Any:
    """The value that a text of JSON says. Raises `ValueError`, as a `Twice` for two that it may mean."""
    return DECODER.decode(text)


def _next(text: str, place: int) -> tuple[Any, int]:
    """The value that begins there, or a `Twice` in its place, and where it ends. Raises `ValueError`."""
    try:
        return DECODER.raw_decode(text, place)
    except Twice as error:
        return error, JSON.raw_decode(text, place)[1]


DECODER, JSON = json.JSONDecoder(object_pairs_hook=_unique), json.JSONDecoder()


def _object(line: int, text: str) -> Object | Refused:
    try:
        value = loads(text)
    except Twice as error:
        return Refused(line, str(error))
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
            value, _ = JSON.raw_decode(start.lstrip(MARK))
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            return value
    return {}
