"""A file as rows: which reader takes it, and what may be said about it beforehand."""

import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import Context
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Protocol, TypeVar, cast

from core import stopping
from core.data import encodings, guessing, mapping, source
from core.data.mapping import Columns
from core.data.rows import Refused, Row, checked, sound
from core.errors import BadInput, known

T = TypeVar("T")
#: How Git names a large file that it did not fetch.
POINTER = b"version https://git-lfs.github.com/spec/"
#: Lines that are refused one by one, and kept to be told.
MOST_REFUSED = 1_000_000
#: Told how many rows were read so far; what it raises ends the reading.
Tell = Callable[[int], object]


class Reader(Protocol):
    """A module that reads files of one format."""

    NAME: str
    LACKS: tuple[str, ...]

    def sniff(self, head: str, path: Path) -> bool: ...
    def read(self, path: Path) -> Iterator[Row | Refused]: ...


#: Modules of this package, asked in this order; the first that recognises the file reads it.
READERS: tuple[Reader, ...] = tuple(
    cast(Reader, import_module(f"core.data.{name}"))
    for name in (
        "hh", "plumbline", "label_studio", "argilla", "open_webui", "potato", "message_pairs", "llama_factory",
        "comparisons", "long_tables", "tables", "trl", "plain",
    )
)  # fmt: skip


@dataclass(frozen=True)
class ReadOptions:
    """What is known about a file beforehand: its `columns`, its `encoding` where it is not UTF-8 or 16, `more` files
    that go on where it ends, and the `source` that its rows are said to come from, if that is not its name."""

    columns: Columns | None = None
    encoding: str = ""
    more: tuple[Path, ...] = ()
    source: str = ""

    def name(self, path: Path) -> str:
        """What the file is called where its rows are kept."""
        return self.source or path.name


AS_IT_IS = ReadOptions()
#: What a file in an encoding that need not be named holds.
Items = Callable[[Path, ReadOptions], Iterator[Row | Refused]]


def read(
    path: Path, tell: Tell | None = None, options: ReadOptions = AS_IT_IS, items: Items | None = None
) -> Iterator[Row | Refused]:
    """Rows of a file in whichever format it is, and of those that go on where it ends, by lines counted through all of
    them. `tell` hears of each how many there were, and between two of them, too, so that it can end what brings no row.
    They are to be ranked, unless they are read as other `items`. Raises `BadInput` if one cannot be read at all."""
    number = refused = before = last = 0
    heeding = stopping.heeding(lambda: tell and tell(number))
    for part in (path, *options.more):
        for item in _one(part, options, heeding, items):
            number += 1
            last = max(last, before + item.line)
            if tell is not None:
                tell(number)
            refused += isinstance(item, Refused)
            if refused > MOST_REFUSED:
                raise BadInput(f"More than {MOST_REFUSED:,} lines of {path.name} cannot be used: choose another file.")
            yield replace(item, line=before + item.line) if before else item
        before = last


def _one(path: Path, options: ReadOptions, heeding: Context, items: Items | None) -> Iterator[Row | Refused]:
    check = checked if items is None else sound
    with ExitStack() as stack:
        plain = heeding.run(stack.enter_context, _plain(path, options.encoding))
        found = guarded(path, lambda: heeding.run(items or _items, plain, options))
        while (item := guarded(path, lambda: heeding.run(next, found, None))) is not None:
            yield check(item) if isinstance(item, Row) else item


def _items(plain: Path, options: ReadOptions) -> Iterator[Row | Refused]:
    if options.columns is not None:
        return mapping.read(plain, options.columns)
    return reader_of(plain).read(plain)


def reader_of(plain: Path) -> Reader:
    """The first that recognises the file."""
    head = source.head(plain)
    return next(module for module in READERS if module.sniff(head, plain))


def format_of(path: Path, options: ReadOptions = AS_IT_IS) -> tuple[str, tuple[str, ...]]:
    """The name of a file's format, and what it has no place for."""
    if options.columns is not None:
        return mapping.NAME, mapping.LACKS
    with _plain(path, options.encoding) as plain:
        found = guarded(path, lambda: reader_of(plain))
        return found.NAME, found.LACKS


def beginning(path: Path, options: ReadOptions = AS_IT_IS, limit: int = 20) -> list[dict[str, object]]:
    """The first objects of a file under their own names, to choose columns by; none of a text."""
    with _plain(path, options.encoding) as plain:
        return guarded(path, lambda: guessing.beginning(plain, limit))


@contextmanager
def _plain(path: Path, encoding: str) -> Iterator[Path]:
    """The file in an encoding that need not be named. Raises `BadInput` where it is not there, or damaged."""
    check_there(path)
    with ExitStack() as stack:
        yield guarded(path, lambda: stack.enter_context(encodings.recoded(path, encoding)))


def check_there(path: Path) -> None:
    """Raises `BadInput` for what is no file, or only stands for one."""
    if not path.is_file():
        raise BadInput(f"{path} is not a file: choose a file to import.")
    if guarded(path, lambda: _begins_with(path, POINTER)):
        raise BadInput(f"{path.name} is a pointer of Git LFS, and not the data: fetch them with `git lfs pull`.")


def _begins_with(path: Path, mark: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(len(mark)) == mark


def guarded(path: Path, step: Callable[[], T]) -> T:
    """`step()`, with a sentence for a file that cannot be read."""
    try:
        return step()
    except UnicodeDecodeError as error:
        raise guarded(path, lambda: encodings.WrongEncoding(path)) from error
    except (OSError, EOFError, zlib.error) as error:
        raise known(error) or BadInput(
            f"{path} is damaged and cannot be read to its end: nothing of it was imported."
        ) from error
