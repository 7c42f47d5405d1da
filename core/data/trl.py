"""TRL's rows in JSON lines, JSON or Parquet, standard and conversational, and whatever else has a question with a
chosen and a rejected answer, with several answers that nobody ranked, or alone."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from core.conversation import Conversation, Message
from core.data import answers, dialogue, fields, outgoing, parquet, source
from core.data.outgoing import ALL_LOST, Turned, losses
from core.data.rows import DIFFERENT, EMPTY, PAIRS_LACK, ExportReport, Refused, Row, Unusable, preference
from core.store import Project, counting, pairs

NAME = "trl"
LACKS = PAIRS_LACK
COLUMNS = ("prompt", "chosen", "rejected")
NO_PROMPT = "it has no `prompt`"
#: Fields of a file of prompts as most are.
PROMPT_ALONE = {"prompt", "tags", "split", "id"}
#: What belongs to a question, and is not part of what is read of it.
BESIDE = ("context", "input", "passage", "document", "history")


def sniff(head: str, path: Path) -> bool:
    return source.suffix(path) in (".jsonl", ".json", ".ndjson", ".parquet")


def read(path: Path) -> Iterator[Row | Refused]:
    return source.rows(path, parse)


def parse(line: int, value: dict[str, Any]) -> Row | Refused:
    if value.keys() <= PROMPT_ALONE and isinstance(prompt := value.get("prompt"), str) and prompt.strip():
        return Row(line, dialogue.conversation(prompt), fields.tags_of(value), fields.split_of(value))
    chosen, rejected = fields.first(value, fields.CHOSEN), fields.first(value, fields.REJECTED)
    if chosen is not None or rejected is not None or "chosen" in value:
        return pair(line, value, chosen, rejected)
    return answers.parse(line, value) or _asked(line, value)


def pair(line: int, value: dict[str, Any], chosen: Any, rejected: Any) -> Row | Refused:
    asked, better, worse = sides(value, chosen, rejected)
    scores, margin = fields.rated(value), fields.number(value.get("margin"))
    prompt = fields.first(value, fields.PROMPTS)
    read = {"input"} if "instruction" in value else set()
    lost = [f"`{name}`" for name in BESIDE if name not in read and value.get(name) and value[name] is not prompt]
    return preference(
        line, asked, better, worse, tie=scores is not None and scores[0] == scores[1], tags=fields.tags_of(value),
        split=fields.split_of(value), models=fields.models_of(value), lost=(*fields.scored(value), *lost),
        strength=1 + margin if margin is not None and margin >= 0 else None,
    )  # fmt: skip


def sides(value: dict[str, Any], chosen: Any, rejected: Any) -> tuple[Conversation, str, str]:
    """The question and the two answers. Sides that hold the whole dialogue say themselves what was asked: then the
    `prompt` beside them, which may be its first question only, need but belong to it. Raises `Unusable`."""
    prompt = fields.first(value, fields.PROMPTS)
    left, right = chosen, rejected
    if dialogue.is_encoded(left) and dialogue.is_encoded(right):
        left, right = dialogue.decoded(left), dialogue.decoded(right)
        value = {**value, "prompt": dialogue.decoded(prompt)}
    if not isinstance(left, (list, dict)) or not isinstance(right, (list, dict)):
        if prompt is None:
            raise Unusable("it has no `prompt` of its own")
        return fields.asked(value), dialogue.answer(left), dialogue.answer(right)
    one = dialogue.messages(left)
    same = isinstance(left, list) and isinstance(right, list) and left[:-1] == right[:-1] and len(right) > 0
    other = (*one[:-1], dialogue.message(right[-1])) if same else dialogue.messages(right)
    if not one or not other:
        raise Unusable(EMPTY)
    if one[:-1] != other[:-1]:
        raise Unusable(DIFFERENT)
    return _dialogue(value, prompt, one[:-1]), dialogue.said(one[-1]), dialogue.said(other[-1])


def _dialogue(value: dict[str, Any], prompt: Any, before: tuple[Message, ...]) -> Conversation:
    """What was asked: the turns before the answers, or the prompt and these."""
    if prompt is None:
        return dialogue.conversation(list(map(Message.data, before)), system=fields.first(value, fields.SYSTEM),
                                     tools=value.get("tools"))  # fmt: skip
    asked = fields.asked(value)
    if not any(turn.role == "user" for turn in before):
        return dialogue.whole((*asked.messages, *before), list(asked.tools)) if before else asked
    if not _belongs(asked, before):
        raise Unusable("its prompt is not in the dialogue that its answers end")
    system = asked.messages[:1] if asked.messages[0].role == "system" and before[0].role != "system" else ()
    return dialogue.whole((*system, *before), list(asked.tools))


def _belongs(asked: Conversation, before: tuple[Message, ...]) -> bool:
    said = {turn.content.strip() for turn in before if turn.role == "user"}
    wanted = [turn.content.strip() for turn in asked.messages if turn.role == "user"]
    return any(text in said or any(turn and (turn in text or text in turn) for turn in said) for text in wanted)


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
    asked = fields.asked(value)
    if asked.text.strip() == "":
        return Refused(line, NO_PROMPT)
    return Row(line, asked, fields.tags_of(value), fields.split_of(value), held=fields.held(value, used))


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
