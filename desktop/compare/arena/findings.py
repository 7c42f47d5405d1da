"""What the votes of an arena say, as the results page shows it. Read in a thread of its own."""

from dataclasses import dataclass

from core.store import Project
from desktop.compare.arena.interval_bars import Bar


@dataclass(frozen=True)
class JudgeLine:
    """A judge beside people, in words."""

    name: str
    votes: int
    agreement: str
    position: str


@dataclass(frozen=True)
class Findings:
    """`said` stands at the top: what can and cannot be said yet. `pairs` are sentences, `matrix` win rates by row."""

    number: int
    said: str
    bars: tuple[Bar, ...]
    heads: tuple[str, ...]
    names: tuple[str, ...]
    matrix: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]
    judges: tuple[JudgeLine, ...]
    tags: tuple[str, ...]
    voters: tuple[tuple[str, str], ...]
    votes: int


def read(project: Project, arena_id: int, number: int, voters: str, tag: str) -> Findings:
    raise NotImplementedError
