"""What the cards of models have in common: Markdown that is sent to strangers, with texts of others in it."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import PureWindowsPath

from core.texts import one_line, visible

#: Signs that Markdown or HTML would take for their own.
MARKS = re.compile(r"([\\`*_\[\]<>&#|~!$])")
RUNS = re.compile("`+")
#: Letters of a name in a sentence.
LONGEST = 200


def front(values: Mapping[str, str | Sequence[str]]) -> str:
    """The block of YAML that a card begins with, where hubs look; JSON's texts are YAML's."""
    lines = (f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in values.items() if value)
    return "---\n" + "\n".join(lines) + "\n---\n"


def plain(text: str) -> str:
    """A name or a line of somebody's, which in a sentence of ours is only the text that it is."""
    return MARKS.sub(r"\\\1", one_line(text, LONGEST))


def block(text: str, language: str = "") -> str:
    """A text as it stands, in a block that it cannot end."""
    fence = "`" * max(3, 1 + max((len(run) for run in RUNS.findall(text)), default=0))
    return f"{fence}{language}\n{visible(text)}\n{fence}\n"


def literal(value: object) -> str:
    """Python for a value of somebody's, which is that very value where it is copied from a block."""
    found = repr(value)
    return found if visible(found) == found else ascii(value)


def last_name(path: str) -> str:
    """Of a place, on whichever system: folders of the person's own machine are nobody's business."""
    return PureWindowsPath(path).name or path


def span(text: str) -> str:
    """A short text to the letter, inside a sentence or a table."""
    fence = "`" * (1 + max((len(run) for run in RUNS.findall(text)), default=0))
    inside = one_line(text, LONGEST).replace("|", "\\|")
    return f"{fence}{inside}{fence}" if len(fence) == 1 else f"{fence} {inside} {fence}"


def table(rows: list[tuple[str, str]]) -> str:
    """Rows of a name and what is there; whatever is written in them is Markdown already."""
    return "| | |\n| --- | --- |\n" + "".join(f"| {name} | {value} |\n" for name, value in rows)


def learnt(pairs: int | None, prompts: int | None) -> str:
    return f"{pairs:,} pairs of {prompts:,} prompts" if None not in (pairs, prompts) else ""


def ordered(accuracy: float) -> str:
    """How well a reward model knows its labelers."""
    return f"orders {accuracy:.1%} of the held-out pairs as the labelers did (chance is 50%)"
