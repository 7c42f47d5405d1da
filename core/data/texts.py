"""Texts to learn as they are: a plain text as a whole, or the `text` of each row of JSON, a table or Parquet."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from core.data import jsonlines, reading, source
from core.data.encodings import WrongEncoding
from core.data.rows import SURROGATE, Refused
from core.errors import BadInput

#: The column that holds a text.
COLUMN = "text"
#: What is known by its name to have rows.
ROWS = {".json", ".jsonl", ".ndjson", ".parquet", *source.TABLES}
#: Rows that are looked at.
MOST_ROWS = 1_000_000


@dataclass(frozen=True)
class Texts:
    """`without` counts the rows that have no text; of a file that is `cut` only the beginning was read."""

    texts: tuple[str, ...] = ()
    without: int = 0
    cut: bool = False


def read(path: Path, most: int) -> Texts:
    """The file's texts, `most` characters together. Raises `BadInput` for a file that cannot be read, or has none."""
    reading.check_there(path)
    try:
        found = reading.guarded(path, lambda: _rows(path, most) if _has_rows(path) else _whole(path, most))
    except WrongEncoding as error:
        raise BadInput(f"{path} is not text in UTF-8: save it as UTF-8.") from error
    if not found.texts:
        raise BadInput(f"{path} has no text to learn: name a plain text, or rows with a `{COLUMN}`.")
    return found


def _has_rows(path: Path) -> bool:
    """A text may also begin with an object that has a text."""
    if source.suffix(path) in ROWS:
        return True
    with source.opened(path) as file:
        head = file.read(source.LINE)
    return head.startswith("{") and COLUMN in jsonlines.first(head)


def _whole(path: Path, most: int) -> Texts:
    with source.opened(path) as file:
        text = file.read(most + 1)
    if "\0" in text:
        raise BadInput(f"{path} holds binary data: name a plain text, or rows with a `{COLUMN}`.")
    return Texts((text[:most],) if text.strip() else (), cut=len(text) > most)


def _rows(path: Path, most: int) -> Texts:
    texts, without, left, cut = list[str](), 0, most, False
    for number, item in enumerate(islice(_objects(path), MOST_ROWS + 1)):
        cut = left == 0 or number == MOST_ROWS
        if cut:
            break
        text = None if isinstance(item, Refused) else item[1].get(COLUMN)
        if not isinstance(text, str) or not text.strip() or SURROGATE.search(text):
            without += 1
            continue
        texts.append(text[:left])
        cut = len(text) > left
        left -= len(texts[-1])
    return Texts(tuple(texts), without, cut)


def _objects(path: Path) -> Iterator[tuple[int, dict[str, Any]] | Refused]:
    if source.suffix(path) in ROWS:
        yield from source.objects(path)
    else:
        with source.opened(path) as file:
            yield from jsonlines.lines(jsonlines.bounded(file))
