"""LLaMA-Factory's ranking files: alpaca (instruction, input) and sharegpt (conversations)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.data import dialogue, jsonlines, source
from core.data.outgoing import ALL_LOST, losses, write_array
from core.data.rows import PAIRS_LACK, ExportReport, Refused, Row, preference, string
from core.store import Project, pairs

NAME = "llama-factory"
LACKS = PAIRS_LACK


def sniff(head: str, path: Path) -> bool:
    first = jsonlines.first(head)
    return "chosen" in first and "rejected" in first and ("instruction" in first or "conversations" in first)


def read(path: Path) -> Iterator[Row | Refused]:
    return source.rows(path, _row)


def _row(line: int, value: dict[str, Any]) -> Row | Refused:
    prompt = dialogue.text(value["conversations"]) if "conversations" in value else dialogue.joined(_turns(value))
    return preference(line, prompt, _answer(value.get("chosen")), _answer(value.get("rejected")))


def _turns(value: dict[str, Any]) -> dialogue.Turns:
    """System, history and question; the question is the instruction and the input below it."""
    turns = [("system", string(value.get("system")).strip())] if value.get("system") else []
    for question, answer in value.get("history") or ():
        turns += [("user", string(question).strip()), ("assistant", string(answer).strip())]
    parts = [string(value.get(name)).strip() for name in ("instruction", "input")]
    asked = "\n".join(part for part in parts if part)
    return [*turns, ("user", asked)] if asked else []


def _answer(value: Any) -> str:
    return dialogue.text([value] if isinstance(value, dict) else value)


def write(project: Project, path: Path) -> ExportReport:
    """One alpaca object for each pair."""
    rows = (
        {"instruction": prompt, "input": "", "chosen": chosen, "rejected": rejected}
        for prompt, chosen, rejected in pairs.texts(project)
    )
    return ExportReport("pairs", write_array(path, rows), losses(project, *ALL_LOST))
