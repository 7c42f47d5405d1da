"""TRL's rows in JSON lines, JSON or Parquet, standard and conversational, and whatever else has a question with a
chosen and a rejected answer, with several answers that nobody ranked, or alone."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from core.conversation import Message
from core.data import answers, dialogue, fields, outgoing, parquet, sides, source
from core.data.outgoing import ALL_LOST, Turned, losses
from core.data.rows import PAIRS_LACK, ExportReport, Refused, Row, Unusable, preference
from core.store import Project, counting, pairs

NAME = "trl"
LACKS = PAIRS_LACK
COLUMNS = ("prompt", "chosen", "rejected")
NO_PROMPT = "it has no `prompt`"
SCORED_BELOW = "a chosen answer that is scored below the rejected one, and counts as the better one all the same"


def sniff(head: str, path: Path) -> bool:
    return source.suffix(path) in (".jsonl", ".json", ".ndjson", ".parquet")


def read(path: Path) -> Iterator[Row | Refused]:
    return source.rows(path, parse)


def parse(line: int, value: dict[str, Any]) -> Row | Refused:
    if fields.is_prompt_alone(value):
        return Row(line, dialogue.conversation(value["prompt"]), fields.tags_of(value), fields.split_of(value))
    chosen, rejected = fields.first(value, fields.CHOSEN), fields.first(value, fields.REJECTED)
    if chosen is not None or rejected is not None or "chosen" in value:
        return pair(line, value, chosen, rejected)
    return answers.parse(line, value) or _asked(line, value)


def pair(line: int, value: dict[str, Any], chosen: Any, rejected: Any) -> Row | Refused:
    if chosen != rejected and (_has(value, fields.CHOSEN, rejected) or _has(value, fields.REJECTED, chosen)):
        raise Unusable("it says of one answer both that it is the better and that it is the worse one")
    asked, better, worse = sides.of(value, chosen, rejected)
    scores, margin = fields.rated(value), fields.number(value.get("margin"))
    return preference(
        line, asked, better, worse, tie=scores is not None and scores[0] == scores[1], tags=fields.tags_of(value),
        split=fields.split_of(value), models=fields.models_of(value),
        lost=fields.scored(value),
        strength=1 + margin if margin is not None and margin >= 0 else None,
        guessed=SCORED_BELOW if (scores is not None and scores[0] < scores[1]) or (margin or 0) < 0 else "",
    )  # fmt: skip


def _has(value: dict[str, Any], names: Sequence[str], side: Any) -> bool:
    return side is not None and any(value.get(name) == side for name in names)


def _asked(line: int, value: dict[str, Any]) -> Row | Refused:
    """The question alone; a dialogue that ends with an answer holds more."""
    prompt = fields.first(value, fields.PROMPTS)
    if prompt is None:
        return Refused(line, NO_PROMPT)
    used = {name for name in ("prompt", "text", "question") if value.get(name) is prompt}
    if isinstance(prompt, (list, dict)):
        used |= {name for name in fields.PROMPTS if value.get(name) is prompt}
        turns = dialogue.messages(prompt)
        if turns and turns[-1].role == "assistant":
            asked = fields.asked(value, list(map(Message.data, turns[:-1])))
            held = tuple(name for name in fields.PROMPTS if value.get(name) is prompt)
            return Row(line, asked, fields.tags_of(value), fields.split_of(value), held=held)
    if "instruction" in value:
        used |= {"instruction", "input"}
    if dialogue.listed(value.get("history")):
        used |= {"history"}
    asked = fields.asked(value)
    if asked.text.strip() == "":
        return Refused(line, NO_PROMPT)
    held = fields.held(value, used)
    return Row(line, asked, fields.tags_of(value), fields.split_of(value), held=held)


def write(project: Project, path: Path) -> ExportReport:
    """One row for each pair, with an explicit prompt; Parquet where the path ends in `.parquet`."""
    turned, margins = Turned(), counting.strengths(project) > 0
    rows = (
        {"prompt": turned.text(pair.conversation), "chosen": pair.chosen, "rejected": pair.rejected}
        | margin(pair.strength, margins)
        for pair in pairs.preferences(project)
    )
    written = save(path, rows, conversational=False, margins=margins)
    return ExportReport("pairs", written, losses(project, *ALL_LOST) | turned.lost)


def margin(strength: float | None, wanted: bool) -> dict[str, float]:
    """TRL's margin: what `strength` adds to the one place that all pairs are apart."""
    return {"margin": max(0.0, (strength or 1.0) - 1.0)} if wanted else {}


def save(path: Path, rows: Iterator[dict[str, Any]], *, conversational: bool, margins: bool = False) -> int:
    """Write rows of pairs; returns how many there were."""
    extra = {"margin": "float64"} if margins else {}
    return save_columns(path, rows, COLUMNS, extra, conversational=conversational)


def save_columns(
    path: Path, rows: Iterator[dict[str, Any]], texts: Sequence[str], others: Mapping[str, str], *, conversational: bool
) -> int:
    """Write rows of `texts`, which are messages where it is `conversational`, and of `others`, whose Arrow types are
    named; returns how many there were."""
    if source.suffix(path) == ".parquet":
        import pyarrow

        kind = pyarrow.string()
        if conversational:
            kind = pyarrow.list_(pyarrow.struct([("role", kind), ("content", kind)]))
        named = {name: pyarrow.type_for_alias(alias) for name, alias in others.items()}
        return parquet.write(path, rows, dict.fromkeys(texts, kind) | named)
    written = 0
    with outgoing.written(path) as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            written += 1
    return written
