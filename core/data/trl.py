"""TRL's prompt and preference rows in JSON lines, JSON or Parquet, standard and conversational."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.data import dialogue, parquet, source
from core.data.outgoing import ALL_LOST, losses
from core.data.rows import DIFFERENT, PAIRS_LACK, ExportReport, Refused, Row, preference
from core.store import Project, pairs

NAME = "trl"
LACKS = PAIRS_LACK
HELDOUT = ("heldout", "test", "eval", "validation")
COLUMNS = ("prompt", "chosen", "rejected")


def sniff(head: str, path: Path) -> bool:
    return source.suffix(path) in (".jsonl", ".json", ".ndjson", ".parquet")


def read(path: Path) -> Iterator[Row | Refused]:
    return source.rows(path, parse)


def parse(line: int, value: dict[str, Any]) -> Row | Refused:
    if value.get("chosen") is not None or value.get("rejected") is not None:
        return _pair(line, value)
    prompt = dialogue.text(value.get("prompt", value.get("text", "")))
    if not prompt:
        return Refused(line, "it has no `prompt`")
    tags, split = value.get("tags") or (), value.get("split")
    names = (tags,) if isinstance(tags, str) else tuple(str(tag) for tag in tags)
    return Row(line, prompt, names, "heldout" if split in HELDOUT else "train")


def _pair(line: int, value: dict[str, Any]) -> Row | Refused:
    chosen, rejected, prompt = value.get("chosen"), value.get("rejected"), value.get("prompt")
    if prompt is None and isinstance(chosen, list) and isinstance(rejected, list):
        if not chosen or chosen[:-1] != rejected[:-1]:
            return Refused(line, DIFFERENT)
        prompt, chosen, rejected = chosen[:-1], chosen[-1:], rejected[-1:]
    if prompt is None:
        return Refused(line, "it has no `prompt` of its own")
    chosen, rejected = _answer(prompt, chosen), _answer(prompt, rejected)
    return preference(line, dialogue.text(prompt), dialogue.text(chosen), dialogue.text(rejected))


def _answer(prompt: Any, side: Any) -> Any:
    """A side without the prompt, which some files say in it once more, as UltraFeedback does."""
    repeated = isinstance(side, list) and len(side) > 1 and dialogue.text(side[:-1]) == dialogue.text(prompt)
    return side[-1:] if repeated else side


def write(project: Project, path: Path) -> ExportReport:
    """One row for each pair, with an explicit prompt; Parquet where the path ends in `.parquet`."""
    rows = (dict(zip(COLUMNS, pair, strict=True)) for pair in pairs.texts(project))
    return ExportReport("pairs", save(path, rows, conversational=False), losses(project, *ALL_LOST))


def save(path: Path, rows: Iterator[dict[str, Any]], *, conversational: bool) -> int:
    """Write the rows; returns how many there were."""
    if source.suffix(path) == ".parquet":
        import pyarrow

        kind = pyarrow.string()
        if conversational:
            kind = pyarrow.list_(pyarrow.struct([("role", kind), ("content", kind)]))
        return parquet.write(path, rows, dict.fromkeys(COLUMNS, kind))
    written = 0
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            written += 1
    return written
