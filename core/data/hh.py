"""Anthropic's hh-rlhf: JSON lines, gzipped or not, whose two dialogues differ in the last answer."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.conversation import Conversation
from core.data import dialogue, fields, jsonlines, outgoing, source
from core.data.dialogue import HH_ANSWER, HH_ROLES
from core.data.outgoing import ALL_LOST, losses, strengths_lost
from core.data.rows import DIFFERENT, NO_PROMPT, PAIRS_LACK, ExportReport, Refused, Row, Unusable, preference
from core.store import Project, pairs

NAME = "hh"
LACKS = PAIRS_LACK
NAMES = {role: name for name, role in HH_ROLES.items()}
TORN = "pairs whose texts hold turns of a dialogue"


def sniff(head: str, path: Path) -> bool:
    first = jsonlines.first(head)
    return all(is_dialogue(first, first.get(name)) for name in ("chosen", "rejected"))


def is_dialogue(value: dict[str, Any], side: Any) -> bool:
    """Is the side of a pair a whole dialogue, rather than an answer in which one stands?"""
    asked = any(name in value for name in fields.PROMPTS)
    return isinstance(side, str) and HH_ANSWER in side and (not asked or side.lstrip().startswith("Human:"))


def read(path: Path) -> Iterator[Row | Refused]:
    return source.rows(path, _row)


def _row(line: int, value: dict[str, Any]) -> Row | Refused:
    """The compared answer is what follows the last `Assistant:`; a common prefix would swallow its first words."""
    sides = [value.get(name) for name in ("chosen", "rejected")]
    if not all(isinstance(side, str) and HH_ANSWER in side for side in sides):
        return Refused(line, "one of its sides is no dialogue with an answer")
    (prompt, chosen), (other, rejected) = (str(side).rsplit(HH_ANSWER, 1) for side in sides)
    if prompt.strip() != other.strip():
        return Refused(line, DIFFERENT)
    if not prompt.strip():
        return Refused(line, NO_PROMPT)
    return preference(line, asked(prompt), chosen.removeprefix(" "), rejected.removeprefix(" "))


def ended(side: str) -> tuple[Conversation, str]:
    """What was asked in a dialogue, and its last answer. Raises `Unusable`."""
    prompt, _, answer = side.rpartition(HH_ANSWER)
    if not prompt.strip():
        raise Unusable(NO_PROMPT)
    return asked(prompt), answer.removeprefix(" ")


def asked(prompt: str) -> Conversation:
    """The dialogue before the answer as turns; what has no names before its turns is one. Raises `Unusable`."""
    turns = dialogue.of_hh(prompt)
    return dialogue.whole(turns) if turns else Conversation.of_text(prompt)


def write(project: Project, path: Path) -> ExportReport:
    """One line for each pair; a pair whose texts would read back otherwise is left out and counted."""
    written, left = 0, 0
    with outgoing.written(path) as file:
        for pair in pairs.preferences(project):
            turns = pair.conversation.messages
            before = "".join(f"\n\n{NAMES.get(turn.role, turn.role)}: {turn.content}" for turn in turns) + HH_ANSWER
            row = {"chosen": f"{before} {pair.chosen}", "rejected": f"{before} {pair.rejected}"}
            if _same(row, pair.conversation, pair.chosen, pair.rejected):
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
                written += 1
            else:
                left += 1
    return ExportReport("pairs", written, {**losses(project, *ALL_LOST), TORN: left} | strengths_lost(project))


def _same(row: dict[str, str], conversation: Conversation, chosen: str, rejected: str) -> bool:
    try:
        back = _row(0, row)
    except Unusable:
        return False
    return (
        isinstance(back, Row)
        and back.conversation == conversation
        and [answer.text for answer in back.answers] == [chosen, rejected]
    )
