"""Anthropic's hh-rlhf: JSON lines, gzipped or not, whose two dialogues differ in the last answer."""

from collections.abc import Iterator
from pathlib import Path

from core.data import jsonlines
from core.data.rows import Refused, Row, preference

NAME = "hh"
ANSWER = "\n\nAssistant:"


def sniff(head: str, path: Path) -> bool:
    first = jsonlines.first(head)
    chosen = first.get("chosen")
    return "prompt" not in first and isinstance(chosen, str) and ANSWER in chosen


def read(path: Path) -> Iterator[Row | Refused]:
    """The compared answer is what follows the last `Assistant:`; a common prefix would swallow its first words."""
    for item in jsonlines.objects(path):
        if isinstance(item, Refused):
            yield item
            continue
        line, value = item
        sides = [value.get(name) for name in ("chosen", "rejected")]
        if not all(isinstance(side, str) and ANSWER in side for side in sides):
            yield Refused(line, "one of its sides is no dialogue with an answer")
            continue
        (prompt, chosen), (other, rejected) = (str(side).rsplit(ANSWER, 1) for side in sides)
        if prompt.strip() != other.strip():
            yield Refused(line, "its two sides have different prompts")
        else:
            yield preference(line, _dialogue(prompt), chosen, rejected)


def _dialogue(prompt: str) -> str:
    """A single question without its `Human:`; a longer dialogue as it is."""
    text = prompt.strip()
    return text.removeprefix("Human:").strip() if text.count("Human:") == 1 else text
