"""JSON lines and JSON arrays, gzipped or not, as objects with their line numbers."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.data.rows import Refused


def objects(path: Path) -> Iterator[tuple[int, dict[str, Any]] | Refused]:
    """Each object with its line; for an array the position in it counts as line. A broken line is refused."""
    with (
        gzip.open(path, "rt", encoding="utf-8-sig") if path.suffix == ".gz" else path.open(encoding="utf-8-sig") as file
    ):
        if path.suffix == ".json":
            yield from _array(file.read())
            return
        for line, text in enumerate(file, start=1):
            if text.strip():
                yield _object(line, text)


def _array(text: str) -> Iterator[tuple[int, dict[str, Any]] | Refused]:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        yield Refused(1, f"the file is not JSON ({error})")
        return
    for place, value in enumerate(values if isinstance(values, list) else [values], start=1):
        yield (place, value) if isinstance(value, dict) else Refused(place, "it is not a JSON object")


def _object(line: int, text: str) -> tuple[int, dict[str, Any]] | Refused:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return Refused(line, "it is not valid JSON")
    return (line, value) if isinstance(value, dict) else Refused(line, "it is not a JSON object")


def first(head: str) -> dict[str, Any]:
    """The first object of the head of a file, or an empty one."""
    text = head.lstrip()
    if text.startswith("["):
        text = text[1:].lstrip()
    try:
        value, _ = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
