"""A file of any kind as objects: what each reader takes apart, whether it came as JSON, a table or Parquet."""

import csv
import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO, cast

from core.data import jsonlines, parquet
from core.data.jsonlines import Object
from core.data.rows import Refused, Row, attempt

TABLES = {".csv": ",", ".tsv": "\t"}
HEAD = 1 << 20

csv.field_size_limit(jsonlines.LINE)


def suffix(path: Path) -> str:
    """The suffix in small letters, without `.gz`."""
    return Path(path.name.lower().removesuffix(".gz")).suffix


def opened(path: Path, newline: str | None = None) -> TextIO:
    """The file as text, unpacked if it is gzipped."""
    if path.suffix.lower() == ".gz":
        return cast(TextIO, gzip.open(path, "rt", encoding="utf-8-sig", newline=newline))
    return path.open(encoding="utf-8-sig", newline=newline)


def head(path: Path) -> str:
    """The beginning of the file; for a table or Parquet its first row as JSON."""
    kind = suffix(path)
    if kind == ".parquet":
        return parquet.head(path)
    if kind in TABLES:
        first: Object = next((item for item in table(path) if not isinstance(item, Refused)), (0, {}))
        return json.dumps(dict.fromkeys(header(path), "") | first[1])
    with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
        return file.read(HEAD).decode("utf-8-sig", errors="ignore")


def objects(path: Path) -> Iterator[Object | Refused]:
    """Each object with its line, its place in the array or its row."""
    kind = suffix(path)
    if kind == ".parquet":
        yield from parquet.objects(path)
    elif kind in TABLES:
        yield from table(path)
    else:
        with opened(path) as file:
            yield from jsonlines.array(file) if kind == ".json" else jsonlines.lines(jsonlines.bounded(file))


def header(path: Path) -> list[str]:
    """The names of a table's columns."""
    with opened(path, newline="") as file:
        return [name.strip() for name in next(csv.reader(jsonlines.bounded(file), delimiter=TABLES[suffix(path)]), [])]


class Lines:
    """The lines of a table, which say whether they `ended`: no row needs that to be known but one within quotes."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self.ended = False

    def __iter__(self) -> "Lines":
        return self

    def __next__(self) -> str:
        try:
            return next(self._lines)
        except StopIteration:
            self.ended = True
            raise


def table(path: Path) -> Iterator[Object | Refused]:
    """The rows of a table by their columns' names, without the empty cells."""
    with opened(path, newline="") as file:
        lines = Lines(jsonlines.bounded(file))
        rows = csv.reader(lines, delimiter=TABLES[suffix(path)])
        try:
            names, before = [name.strip() for name in next(rows, [])], rows.line_num
            for cells in rows:
                first, before = before + 1, rows.line_num
                if lines.ended:
                    yield Refused(first, "a quotation mark opens in it that never closes, up to the end of the file")
                elif any(cells[len(names) :]):
                    yield Refused(rows.line_num, "it has more cells than the table has columns")
                elif any(cells):
                    yield rows.line_num, {name: cell for name, cell in zip(names, cells, strict=False) if cell}
        except csv.Error as error:
            yield Refused(rows.line_num, f"the rest of the file is no CSV ({error})")


def rows(path: Path, parse: Callable[[int, dict[str, Any]], Row | Refused]) -> Iterator[Row | Refused]:
    """Each object of the file through `parse`, which may raise whatever a value of the wrong kind raises."""
    for item in objects(path):
        yield item if isinstance(item, Refused) else attempt(item[0], parse, item[1])
