"""LLaMA-Factory's ranking files: alpaca (instruction, input; the older ones with an `output` of two, the better one
first) and sharegpt (conversations)."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from core.conversation import Conversation, Message
from core.data import answers, dialogue, fields, jsonlines, source
from core.data.outgoing import ALL_LOST, Turned, has_tools, losses, strengths_lost, write_array
from core.data.rows import PAIRS_LACK, Answer, ExportReport, Refused, Row, Unusable, preference, string
from core.store import Project, pairs

NAME = "llama-factory"
LACKS = PAIRS_LACK
FIRST_IS_BETTER = "two answers in `output`, of which the first is taken for the better one, as LLaMA-Factory has it"
#: Rows that are looked at to tell pairs from samples that nobody ranked.
LOOKED_AT = 1000


def sniff(head: str, path: Path) -> bool:
    first = jsonlines.first(head)
    if "instruction" in first and "chosen" not in first:
        return len(dialogue.listed(first.get("output"))) > 1
    if "rejected" not in first or isinstance(first.get("chosen", []), list):  # dialogues are others'
        return False
    return "instruction" in first or bool(first.get("conversations"))


def read(path: Path) -> Iterator[Row | Refused]:
    paired = _are_pairs(path)
    return source.rows(path, lambda line, value: _row(line, value, paired))


def _are_pairs(path: Path) -> bool:
    """Does `output` always hold two? Other files hold samples that nobody ranked."""
    found = (item[1] for item in islice(source.objects(path), LOOKED_AT) if not isinstance(item, Refused))
    counts = {len(dialogue.listed(value.get("output"))) for value in found if "chosen" not in value}
    return counts <= {0, 2}


def _row(line: int, value: dict[str, Any], paired: bool) -> Row | Refused:
    asked = _asked(value)
    rest: dict[str, Any] = {"split": fields.split_of(value), "tags": fields.tags_of(value)}
    outputs = dialogue.listed(value.get("output"))
    if "chosen" not in value and outputs:
        texts = [dialogue.answer(item) for item in outputs]
        if not paired:
            return answers.unranked(Row(line, asked, answers=tuple(map(Answer, texts)), **rest))
        if len(texts) != 2:
            raise Unusable("its `output` does not hold two answers")
        return preference(line, asked, texts[0], texts[1], guessed=FIRST_IS_BETTER, **rest)
    return preference(line, asked, _answer(value.get("chosen")), _answer(value.get("rejected")), **rest)


def _asked(value: dict[str, Any]) -> Conversation:
    if "conversations" in value:
        turns: Sequence[Message] = dialogue.messages(value["conversations"])
    else:
        turns = _turns(value)
    listed = [turn.data() for turn in turns]
    if not listed:
        raise Unusable("it has no prompt")
    return dialogue.conversation(listed, system=fields.first(value, fields.SYSTEM), tools=value.get("tools"))


def _turns(value: dict[str, Any]) -> list[Message]:
    """History and question; the question is the instruction and the input below it."""
    turns = dialogue.history(value.get("history"))
    parts = [string(value.get(name)) for name in ("instruction", "input")]
    asked = "\n".join(part for part in parts if part.strip())
    return [*turns, Message("user", asked)] if asked else []


def _answer(value: Any) -> str:
    return dialogue.answer([value] if isinstance(value, dict) else value)


def write(project: Project, path: Path) -> ExportReport:
    """One alpaca object for each pair; turns that are not question and answer by turns are written as one text."""
    turned = Turned()
    rows = (
        {**_fields(pair.conversation, turned), "chosen": pair.chosen, "rejected": pair.rejected}
        for pair in pairs.preferences(project)
    )
    return ExportReport(
        "pairs", write_array(path, rows), losses(project, *ALL_LOST) | turned.lost | strengths_lost(project)
    )


def _fields(asked: Conversation, turned: Turned) -> dict[str, Any]:
    system = asked.messages[0].content if asked.messages[0].role == "system" else ""
    talk = asked.messages[1:] if system else asked.messages
    by_turns = all(turn.role == ("user", "assistant")[place % 2] for place, turn in enumerate(talk))
    if has_tools(asked) or not by_turns or len(talk) % 2 == 0:
        return {"instruction": turned.text(asked), "input": ""}
    history = [[one.content, other.content] for one, other in zip(talk[:-1:2], talk[1::2], strict=False)]
    rest: dict[str, Any] = ({"system": system} if system else {}) | ({"history": history} if history else {})
    return {"instruction": talk[-1].content, "input": "", **rest}
