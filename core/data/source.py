"""A file of any kind as objects: what each reader takes apart, whether it came as JSON, a table or Parquet."""

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

from core.data import dialogue, encodings, fields, jsonlines, parquet, unfit, unread
from core.data.jsonlines import Object
from core.data.rows import Refused, Row, Unusable, attempt
from core.data.unpacked import binary

TABLES = {".csv": ",", ".tsv": "\t"}
#: What stands between the cells, in countries where the comma is in numbers too.
DELIMITERS = (",", ";", "\t", "|")
HEAD = 1 << 20
#: Characters of a table's first line that are looked at.
LINE = 1 << 16
#: The columns of our own table of rankings.
OURS = {"ranking", "completion", "rank"}
MORE = "it has more cells than the table has columns"
UNCLOSED = "a quotation mark opens in it that never closes, up to the end of the file"

csv.field_size_limit(jsonlines.LINE)


def suffix(path: Path) -> str:
    """The suffix in small letters, without `.gz`."""
    return Path(path.name.lower().removesuffix(".gz")).suffix


def opened(path: Path, newline: str | None = None) -> TextIO:
    """The file as text, unpacked if it is gzipped."""
    return io.TextIOWrapper(binary(path), encoding=encodings.of(path), newline=newline)


def is_table(path: Path) -> bool:
    """Is it a table by its name, or a text whose first line names columns as Excel's "Unicode text" does?"""
    kind = suffix(path)
    if kind in TABLES:
        return True
    if kind not in ("", ".txt"):
        return False
    try:
        with opened(path, newline="") as file:
            _, names = _dialect(file.readline(LINE), ",")
    except (OSError, EOFError, UnicodeError):
        return False
    return len(names) > 1 and sum(map(_is_known, names)) > 1


def head(path: Path) -> str:
    """The beginning of the file; for a table or Parquet its first row as JSON."""
    if suffix(path) == ".parquet":
        return parquet.head(path)
    if is_table(path):
        first: Object = next((item for item in table(path) if not isinstance(item, Refused)), (0, {}))
        return json.dumps(dict.fromkeys(header(path), "") | first[1])
    with binary(path) as file:
        return file.read(HEAD).decode(encodings.of(path), errors="ignore").lstrip("\ufeff")


def objects(path: Path) -> Iterator[Object | Refused]:
    """Each object with its line, its place in the array or its row."""
    if suffix(path) == ".parquet":
        yield from parquet.objects(path)
    elif is_table(path):
        yield from table(path)
    else:
        with opened(path) as file:
            yield from jsonlines.array(file) if _is_array(path) else jsonlines.lines(jsonlines.bounded(file))


def _is_array(path: Path) -> bool:
    """A file of JSON lines may be an array all the same."""
    if suffix(path) == ".json":
        return True
    with opened(path) as file:
        return file.read(LINE).lstrip("\ufeff \t\r\n").startswith("[")


def header(path: Path) -> list[str]:
    """The names of a table's columns; known ones in small letters."""
    with opened(path, newline="") as file:
        return _begin(file, path)[2]


def _begin(file: TextIO, path: Path) -> tuple["Lines", Any, list[str]]:
    """The lines and a reader of the rows after the header, and the names of the columns."""
    line = file.readline(LINE).lstrip("\ufeff")
    if line.strip().lower().startswith("sep=") and len(line.strip()) == 5:
        delimiter, line = line.strip()[4], ""
    else:
        delimiter, _ = _dialect(line, TABLES.get(suffix(path), ","))
    lines = Lines(_again(line, file))
    rows = csv.reader(lines, delimiter=delimiter)
    return lines, rows, _named([name.strip().lstrip("\ufeff") for name in next(rows, [])])


def _again(line: str, file: TextIO) -> Iterator[str]:
    if line:
        yield line
    yield from jsonlines.bounded(file)


def _dialect(line: str, usual: str) -> tuple[str, list[str]]:
    """What divides the cells, and the names in the first line: what gives most names that are known, then most at
    all, then the usual one."""

    def names(delimiter: str) -> list[str]:
        try:
            return next(csv.reader([line.lstrip("\ufeff").rstrip("\r\n")], delimiter=delimiter), [])
        except csv.Error:
            return []

    def worth(delimiter: str) -> tuple[int, int, bool]:
        found = names(delimiter)
        return sum(map(_is_known, found)), len(found), delimiter == usual

    best = max(DELIMITERS, key=worth)
    return best, names(best)


def _is_known(name: str) -> bool:
    found = fields.canonical(name)
    return found in fields.MEANT or fields.NUMBERED.fullmatch(found) is not None


def _named(names: list[str]) -> list[str]:
    """The names with the known ones in small letters, as long as each is there once."""
    found = [fields.canonical(name) if _is_known(name) else name for name in names]
    return found if len(set(found)) == len(set(names)) else names


class Lines:
    """The lines of a table, which say whether they `ended`: no row needs that to be known but one within quotes. They
    raise `csv.Error` where a row, from one `begin_row` to the next, does not end."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._left = jsonlines.LINE
        self.ended = False

    def begin_row(self) -> None:
        self._left = jsonlines.LINE

    def __iter__(self) -> "Lines":
        return self

    def __next__(self) -> str:
        try:
            line = next(self._lines)
        except StopIteration:
            self.ended = True
            raise
        self._left -= len(line)
        if self._left < 0:
            raise csv.Error(f"a row is longer than {jsonlines.LINE:,} characters")
        return line


def table(path: Path) -> Iterator[Object | Refused]:
    """The rows of a table by their columns' names, without the empty cells; none where two columns share a name."""
    with opened(path, newline="") as file:
        line = before = 1
        empty = 0
        try:
            lines, rows, names = _begin(file, path)
            again = next((name for name, count in Counter(names).items() if name and count > 1), None)
            if again is not None:
                yield Refused(1, f"two columns are called `{again[:100]}`")
                return
            before = rows.line_num
            for cells in rows:
                first, before, line = before + 1, rows.line_num, rows.line_num
                lines.begin_row()
                if cells and cells[0].startswith("\ufeff"):
                    cells[0] = cells[0].lstrip("\ufeff")
                if lines.ended:
                    yield Refused(first, UNCLOSED)
                elif not any(cells) or list(map(fields.canonical, cells)) == list(map(fields.canonical, names)):
                    empty = jsonlines.passed_over(empty)
                    continue
                elif any(cells[len(names) :]):
                    yield Refused(line, MORE)
                else:
                    yield _record(line, names, cells)
        except csv.Error as error:
            yield Refused(line, f"the rest of the file is no CSV ({error})")


def _record(line: int, names: list[str], cells: list[str]) -> Object | Refused:
    """The cells by their names; those that are lists of messages as such, but in our own table, where no answer is."""
    found: dict[str, Any] = {name: cell for name, cell in zip(names, cells, strict=False) if cell}
    if set(names) >= OURS:
        return line, found
    try:
        return line, {name: dialogue.decoded(cell) for name, cell in found.items()}
    except Unusable as error:
        return Refused(line, str(error))


def rows(path: Path, parse: Callable[[int, dict[str, Any]], Row | Refused]) -> Iterator[Row | Refused]:
    """Each object of the file through `parse`, which may raise whatever a value of the wrong kind raises."""
    for item in objects(path):
        yield item if isinstance(item, Refused) else row(item[0], parse, item[1])


def row(line: int, parse: Callable[..., Row | Refused], value: dict[str, Any], *more: Any) -> Row | Refused:
    """`parse(line, value, *more)`, with what holds of a row whoever reads it: the one door of all that are made of one
    object."""
    return attempt(line, _row, parse, value, *more)


def _row(line: int, parse: Callable[..., Row | Refused], value: dict[str, Any], *more: Any) -> Row | Refused:
    found = parse(line, value, *more)
    if isinstance(found, Refused) or fields.is_prompt_alone(value):
        return found
    lost = unread.of_row(found, value)
    return unfit.marked(replace(found, lost=tuple(dict.fromkeys((*lost, *found.lost)))) if lost else found, value)
