"""What readers yield and what imports and exports report."""

from dataclasses import dataclass, field
from typing import Literal

from core.records import Prompt, Split


@dataclass(frozen=True)
class Answer:
    """A completion with its rank (1 is best, equal is tied, None is unranked)."""

    text: str
    rank: int | None = None
    flag: str | None = None


@dataclass(frozen=True)
class Row:
    """A prompt, and its answers if they are ranked. `line` counts from 1."""

    line: int
    prompt: str
    tags: tuple[str, ...] = ()
    split: Split = "train"
    answers: tuple[Answer, ...] = ()
    flag: str | None = None
    comment: str = ""
    labeler: str = ""
    labeler_kind: Literal["person", "scripted"] = "person"
    labeler_detail: str = ""


@dataclass(frozen=True)
class Refused:
    """A line that was not imported, and why."""

    line: int
    reason: str


@dataclass
class Report:
    """`added` and `known` count what was imported and what was there already."""

    what: str
    added: int = 0
    known: int = 0
    refused: list[Refused] = field(default_factory=list)
    prompts: list[Prompt] = field(default_factory=list)


@dataclass(frozen=True)
class ExportReport:
    """`lost` counts what the format could not carry, by kind."""

    what: str
    written: int
    lost: dict[str, int]


def preference(line: int, prompt: str, chosen: str, rejected: str) -> Row | Refused:
    """One chosen and one rejected answer, or why they are no pair."""
    if not prompt.strip():
        return Refused(line, "it has no prompt")
    if not chosen.strip() or not rejected.strip():
        return Refused(line, "one of its answers is empty")
    if chosen.strip() == rejected.strip():
        return Refused(line, "both of its answers are the same")
    return Row(line, prompt.strip(), answers=(Answer(chosen.strip(), 1), Answer(rejected.strip(), 2)))
