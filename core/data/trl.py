"""TRL's prompt and preference rows in JSON lines, standard and conversational."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.data import jsonlines
from core.data.rows import ExportReport, Refused, Row, preference
from core.preferences import pairs
from core.store import Project

NAME = "trl"


def sniff(head: str, path: Path) -> bool:
    return path.name.lower().endswith((".jsonl", ".json", ".jsonl.gz", ".ndjson"))


def read(path: Path) -> Iterator[Row | Refused]:
    for item in jsonlines.objects(path):
        yield item if isinstance(item, Refused) else _row(*item)


def _row(line: int, value: dict[str, Any]) -> Row | Refused:
    try:
        if "chosen" in value or "rejected" in value:
            return _pair(line, value)
        prompt = _text(value.get("prompt", value.get("text", "")))
        if not prompt:
            return Refused(line, "it has no `prompt`")
        tags = value.get("tags") or ()
        split = "heldout" if value.get("split") in ("heldout", "test", "eval", "validation") else "train"
        return Row(line, prompt, tuple(str(tag) for tag in tags), split)  # type: ignore[arg-type]
    except (TypeError, KeyError, AttributeError):
        return Refused(line, "its fields are not of the kind that this format has")


def _pair(line: int, value: dict[str, Any]) -> Row | Refused:
    chosen, rejected, prompt = value.get("chosen"), value.get("rejected"), value.get("prompt")
    if prompt is None and isinstance(chosen, list) and isinstance(rejected, list):
        if not chosen or chosen[:-1] != rejected[:-1]:
            return Refused(line, "its two sides have different prompts")
        prompt, chosen, rejected = chosen[:-1], chosen[-1:], rejected[-1:]
    if prompt is None:
        return Refused(line, "it has no `prompt` of its own")
    return preference(line, _text(prompt), _text(chosen), _text(rejected))


def _text(value: Any) -> str:
    """A string as it is; a conversation as its only message, or with a name before each turn."""
    if isinstance(value, str):
        return value.strip()
    turns = [(str(turn["role"]), str(turn["content"]).strip()) for turn in value or ()]
    if len(turns) == 1:
        return turns[0][1]
    return "\n\n".join(f"{role.capitalize()}: {content}" for role, content in turns)


def write(project: Project, path: Path) -> ExportReport:
    """One line for each pair: the explicit-prompt preference format."""
    written = pairs.listed(project)
    with path.open("w", encoding="utf-8") as file:
        for pair in written:
            row = {"prompt": pair.prompt, "chosen": pair.chosen, "rejected": pair.rejected}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    counts = pairs.counts(project)
    lost = {
        "tied pairs": counts.ties,
        "flagged prompts": counts.flagged,
        "labelers' names": counts.rankings,
        "comments": int(project.value("select count(*) from current_rankings where comment != ''")),
    }
    return ExportReport("pairs", len(written), lost)
