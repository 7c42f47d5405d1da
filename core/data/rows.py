"""What readers yield and what imports and exports report."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from core.conversation import Conversation, looks_like_turns
from core.errors import NothingToDo
from core.records import MOST_COMPLETIONS, STRONGEST, LabelerKind, Split, Verdict
from core.store.rankings import METHODS, VERDICTS

T = TypeVar("T")
#: What a row of unexpected values can raise while it is taken apart.
WRONG_KIND = (TypeError, LookupError, ValueError, AttributeError, ArithmeticError, RecursionError)

#: Seconds that a ranking may take: a year, for whoever leaves it lying.
LONGEST = 366 * 86_400

#: Reasons that are named where nothing is left.
NAMED = 3
SURROGATE = re.compile("[\ud800-\udfff]")
NO_PROMPT = "it has no prompt"
EMPTY = "one of its answers is empty"
SAME = "both of its answers are the same"
TWICE = "it ranks the same answer twice, at different places"
DIFFERENT = "its two sides have different prompts"
ALONE = "it has fewer than two answers"
#: What a file of pairs cannot say.
PAIRS_LACK = ("ties", "partial orders", "flags", "comments")


@dataclass(frozen=True)
class Answer:
    """A completion with its rank (1 is best, equal is tied, None is unranked), whether it is good or bad by itself, and
    which model wrote it, or who wrote it by hand, if a file says that. `is_fit` is false where it says that the answer
    is not one to learn, however it is ranked."""

    text: str
    rank: int | None = None
    flag: str | None = None
    model: str = ""
    by_hand: str = ""
    verdict: Verdict | None = None
    is_fit: bool = True


class Unusable(ValueError):
    """A value that no row can be made of; its sentence goes on from "line 3:"."""


@dataclass(frozen=True)
class Row:
    """What is asked, and its answers if there are any. `line` counts from 1.

    Answers that are not `ranked` are to be. `criteria` holds further orders by criterion, each with one rank for each
    answer. `strength` is how much better the better of two answers is: 1 is slightly, 3 is much, as `margin` counts
    places. `guidelines` is the digest of the version that it was ranked under. `lost` names what the file says of the
    row and a project has no place for; `held` names fields that may hold answers, and were not read; `guessed` says
    what was taken for granted.
    """

    line: int
    conversation: Conversation
    tags: tuple[str, ...] = ()
    split: Split = "train"
    answers: tuple[Answer, ...] = ()
    flag: str | None = None
    comment: str = ""
    labeler: str = ""
    labeler_kind: LabelerKind = "person"
    labeler_detail: str = ""
    criteria: Mapping[str, tuple[int | None, ...]] = field(default_factory=dict)
    method: str = "order"
    seconds: float | None = None
    strength: float | None = None
    guidelines: str = ""
    ranked: bool = True
    lost: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    guessed: str = ""

    @property
    def prompt(self) -> str:
        """To read."""
        return self.conversation.text

    @property
    def key(self) -> str:
        """Equal for rows that ask the same."""
        return self.conversation.text if self.conversation.is_plain else self.conversation.key

    @property
    def may_be_turns(self) -> bool:
        """Is it one user turn that looks like several?"""
        return self.conversation.is_plain and "\n\n" in self.prompt and looks_like_turns(self.prompt)


@dataclass(frozen=True, slots=True)
class Refused:
    """A line that was not imported, and why."""

    line: int
    reason: str


@dataclass
class Report:
    """`added` and `known` count what was imported and what was there already; `unranked` of the added are answers that
    are still to be ranked. `notes` are sentences about what was done with some of the rows."""

    what: str
    added: int = 0
    known: int = 0
    unranked: int = 0
    notes: list[str] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)

    @property
    def imported(self) -> str:
        """What is new, by what it is: `12 rankings`, or `3 prompts with answers to rank`."""
        ranked = self.added - self.unranked
        parts = [f"{ranked:,} {self.what}"] if ranked or not self.unranked else []
        if self.unranked:
            parts.append(f"{self.unranked:,} prompts with answers to rank")
        return " and ".join(parts)


@dataclass(frozen=True)
class ExportReport:
    """`lost` counts what the format could not carry, by kind; `guarded` the cells that a spreadsheet might run."""

    what: str
    written: int
    lost: dict[str, int]
    guarded: int = 0

    @property
    def note(self) -> str:
        """What whoever opens the file should know; empty if there is nothing."""
        cells = "1 cell has" if self.guarded == 1 else f"{self.guarded:,} cells have"
        why = "an apostrophe more wherever a spreadsheet could take what follows for a formula"
        return f"{cells} {why}; an import here takes it off again." if self.guarded else ""


def preference(
    line: int, asked: Conversation, chosen: str, rejected: str, *, tie: bool = False, **rest: Any
) -> Row | Refused:
    """One chosen and one rejected answer (or two equal ones), or why they are no pair."""
    if not chosen.strip() or not rejected.strip():
        return Refused(line, EMPTY)
    if chosen == rejected:
        return Refused(line, SAME)
    models = rest.pop("models", ("", ""))
    answers = (Answer(chosen, 1, model=models[0]), Answer(rejected, 1 if tie else 2, model=models[1]))
    return Row(line, asked, answers=answers, **({**rest, "strength": None} if tie else rest))


def nothing(said: str, refused: Sequence[Refused]) -> NothingToDo:
    """An error for a file of which nothing can be used, with the reasons why its first rows cannot."""
    reasons = dict.fromkeys(item.reason for item in refused[:1000])
    named = [f"line {item.line}: {item.reason}" for item in refused if reasons.pop(item.reason, item) is None]
    return NothingToDo(" ".join([said, *(["Left out: " + "; ".join(named[:NAMED]) + "."] if named else [])]))


def attempt(line: int, parse: Callable[..., Row | Refused], *values: Any) -> Row | Refused:
    """`parse(line, *values)`, refused where the values are not what `parse` expects."""
    try:
        return parse(line, *values)
    except Unusable as error:
        return Refused(line, str(error))
    except WRONG_KIND:
        return Refused(line, "its fields are not of the kind that this format has")


def once(pairs: Iterable[tuple[str, T]], what: str = "it places one of its answers twice") -> dict[str, T]:
    """The pairs by their names. Raises `Unusable` where one comes again: which of the two is meant?"""
    found: dict[str, T] = {}
    for name, item in pairs:
        if name in found:
            raise Unusable(what)
        found[name] = item
    return found


def string(value: Any) -> str:
    """`value` if it is text, and nothing for None. Raises `TypeError` for all else."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def whole(value: Any) -> int | None:
    """A rank or a choice: a whole number, or None where there is none. Raises `ValueError` for all else."""
    if value is None or value == "":
        return None
    if float(value) != int(float(value)):
        raise ValueError(f"{value!r} is no whole number")
    return int(float(value))


def labeler_kind(value: object) -> LabelerKind:
    """Who ranked, as a file says it; a person where it says nothing that is known."""
    return "scripted" if value == "scripted" else "judge" if value == "judge" else "person"


def seconds(value: Any) -> float | None:
    """A duration, or None for whatever is none."""
    try:
        found = float(value)
    except WRONG_KIND:
        return None
    return found if 0 <= found <= LONGEST else None


def checked(row: Row) -> Row | Refused:
    """The row if a project can hold it, with its answers as a ranking or to be ranked."""
    found = sound(row)
    return _answered(found) if isinstance(found, Row) and found.answers else found


def sound(row: Row) -> Row | Refused:
    """The row if its texts are any that a project can hold."""
    texts = [*row.tags, row.comment, row.labeler, row.labeler_detail, row.flag or "", *row.criteria]
    texts += [text for answer in row.answers for text in (answer.text, answer.flag or "", answer.model)]
    texts += [turn.content for turn in row.conversation.messages]
    try:
        together = "".join(texts) + ("" if row.conversation.is_plain else row.conversation.key)
    except WRONG_KIND:
        return Refused(row.line, "its conversation holds what is no JSON")
    if "\0" in together:
        return Refused(row.line, "it holds binary data")
    if not together.isascii() and SURROGATE.search(together):
        return Refused(row.line, "it holds half of a character pair, which is no text")
    if not row.prompt.strip():
        return Refused(row.line, NO_PROMPT)
    return row


def _answered(row: Row) -> Row | Refused:
    if len(row.answers) < 2 and row.ranked and row.answers[0].verdict is None:
        return Refused(row.line, ALONE)
    if len(row.answers) > MOST_COMPLETIONS:
        return Refused(row.line, f"it has {len(row.answers):,} answers, and a ranking may have {MOST_COMPLETIONS}")
    if not row.ranked:
        return row
    if any(answer.verdict not in (None, *VERDICTS) for answer in row.answers):
        return Refused(row.line, "one of its verdicts is neither good nor bad")
    if not row.flag and all(
        answer.rank is None and not answer.flag and answer.verdict is None for answer in row.answers
    ):
        return Refused(row.line, "nothing in it is ranked, judged or flagged")
    if _ranked_twice(row.answers):
        return Refused(row.line, TWICE)
    ranks = [answer.rank for answer in row.answers] + [rank for order in row.criteria.values() for rank in order]
    if any(rank is not None and rank < 1 for rank in ranks):
        return Refused(row.line, "one of its ranks is below 1, the best")
    if row.strength is not None and not 0 <= row.strength <= STRONGEST:
        return Refused(row.line, f"its strength is {row.strength:g}: give one from 0 to {STRONGEST:,}")
    if row.method not in METHODS:
        return Refused(row.line, f"there is no way to rank called {row.method!r}")
    return row


def _ranked_twice(answers: Sequence[Answer]) -> bool:
    if len({answer.text for answer in answers}) == len(answers):
        return False
    places = {(answer.text, answer.rank) for answer in answers if answer.rank is not None}
    return len(places) > len({text for text, _ in places})
