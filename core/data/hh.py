"""Anthropic's hh-rlhf: JSON lines, gzipped or not, whose two dialogues differ in the last answer."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO, cast

from core.data import dialogue, jsonlines, source
from core.data.outgoing import ALL_LOST, losses
from core.data.rows import DIFFERENT, PAIRS_LACK, ExportReport, Refused, Row, preference
from core.store import Project, pairs

NAME = "hh"
LACKS = PAIRS_LACK
ANSWER = "\n\nAssistant:"
NAMES = {"user": "Human", "assistant": "Assistant", "system": "System"}


def sniff(head: str, path: Path) -> bool:
    first = jsonlines.first(head)
    chosen = first.get("chosen")
    return "prompt" not in first and isinstance(chosen, str) and ANSWER in chosen


def read(path: Path) -> Iterator[Row | Refused]:
    return source.rows(path, _row)


def _row(line: int, value: dict[str, Any]) -> Row | Refused:
    """The compared answer is what follows the last `Assistant:`; a common prefix would swallow its first words."""
    sides = [value.get(name) for name in ("chosen", "rejected")]
    if not all(isinstance(side, str) and ANSWER in side for side in sides):
        return Refused(line, "one of its sides is no dialogue with an answer")
    (prompt, chosen), (other, rejected) = (str(side).rsplit(ANSWER, 1) for side in sides)
    if prompt.strip() != other.strip():
        return Refused(line, DIFFERENT)
    return preference(line, _dialogue(prompt), chosen, rejected)


def _dialogue(prompt: str) -> str:
    """A single question without its `Human:`; a longer dialogue as it is."""
    text = prompt.strip()
    return text if "\n\nHuman:" in text or ANSWER in text else text.removeprefix("Human:").strip()


def write(project: Project, path: Path) -> ExportReport:
    """One line for each pair; a pair whose texts would read back otherwise is left out and counted."""
    written, left = 0, 0
    with gzip.open(path, "wt", encoding="utf-8") if path.suffix == ".gz" else path.open("w", encoding="utf-8") as found:
        file = cast(TextIO, found)
        for prompt, chosen, rejected in pairs.texts(project):
            before = "".join(f"\n\n{NAMES[role]}: {content}" for role, content in dialogue.turns(prompt)) + ANSWER
            row = {"chosen": f"{before} {chosen}", "rejected": f"{before} {rejected}"}
            if _same(row, prompt, chosen, rejected):
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
                written += 1
            else:
                left += 1
    return ExportReport(
        "pairs", written, {**losses(project, *ALL_LOST), "pairs whose texts hold turns of a dialogue": left}
    )


def _same(row: dict[str, str], prompt: str, chosen: str, rejected: str) -> bool:
    back = _row(0, row)
    return (
        isinstance(back, Row)
        and dialogue.turns(back.prompt) == dialogue.turns(prompt)
        and [answer.text for answer in back.answers] == [chosen.strip(), rejected.strip()]
    )
