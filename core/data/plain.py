"""Plain text: one prompt a line."""

from collections.abc import Iterator
from pathlib import Path

from core.data.rows import Refused, Row

NAME = "text"
LACKS: tuple[str, ...] = ()


def sniff(head: str, path: Path) -> bool:
    return True


def read(path: Path) -> Iterator[Row | Refused]:
    with path.open(encoding="utf-8-sig") as file:
        for line, text in enumerate(file, start=1):
            if "\0" in text:
                yield Refused(line, "it holds binary data")
            elif text.strip():
                yield Row(line, text.strip())
