"""Plain text: one prompt a line."""

from collections.abc import Iterator
from pathlib import Path

from core.conversation import Conversation
from core.data import jsonlines, source
from core.data.rows import Refused, Row

NAME = "text"
LACKS: tuple[str, ...] = ()


def sniff(head: str, path: Path) -> bool:
    return True


def read(path: Path) -> Iterator[Row | Refused]:
    with source.opened(path) as file:
        for line, said in enumerate(jsonlines.bounded(file), start=1):
            text = said.lstrip("\ufeff")
            if "\0" in text:
                yield Refused(line, "it holds binary data")
            elif text.strip():
                yield Row(line, Conversation.of_text(text.strip()))
