"""What a file holds, before it is imported: its first rows, every line that cannot be used, and what to know."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from core.data.rows import DIFFERENT, EMPTY, NO_PROMPT, SAME, Refused, Row

#: A ranking that took less is likely an order that nobody touched.
QUICK_SECONDS = 3.0

REFUSALS = {
    DIFFERENT: "prompts that differ between the sides",
    EMPTY: "an empty answer",
    SAME: "the same answer on both sides",
    NO_PROMPT: "no prompt",
}


@dataclass
class Preview:
    """`total` counts the usable rows, `rows` are the first of them, `hazards` are sentences."""

    format: str
    what: Literal["prompts", "rankings"] = "prompts"
    total: int = 0
    rows: list[Row] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    hazards: list[str] = field(default_factory=list)
    lacks: tuple[str, ...] = ()

    @property
    def note(self) -> str:
        """What rankings in this format cannot say, as a sentence; empty where it can say everything."""
        if self.what == "prompts" or not self.lacks:
            return ""
        listed = " and ".join([", ".join(self.lacks[:-1]), self.lacks[-1]])
        return f"This format has no place for {listed}: if there were any, they are not in the file."


def look(name: str, items: Iterable[Row | Refused], limit: int, lacks: tuple[str, ...] = ()) -> Preview:
    """Read all of `items`; `name` is the format's, which has no place for what it `lacks`."""
    found, seen, kinds = Preview(name, lacks=lacks), set(), Counter[str]()
    for item in items:
        if isinstance(item, Refused):
            found.refused.append(item)
            kinds[item.reason] += 1
            continue
        found.total += 1
        if len(found.rows) < limit:
            found.rows.append(item)
        kinds.update(_kinds(item))
        key = hash((item.prompt.strip(), item.labeler, item.answers))
        kinds["again"] += key in seen
        seen.add(key)
    found.what = "rankings" if kinds["ranked"] else "prompts"
    found.hazards = _hazards(found, kinds)
    return found


def _kinds(row: Row) -> list[str]:
    found = ["ranked"] if row.answers else []
    ranks = [answer.rank for answer in row.answers if answer.rank is not None and not answer.flag]
    if len(set(ranks)) < len(ranks) and row.method != "best-worst":
        found.append("ties")
    if row.seconds is not None and row.seconds < QUICK_SECONDS:
        found.append("quick")
    return found


def _hazards(found: Preview, kinds: Counter[str]) -> list[str]:
    sentences = [f"{_have(kinds[reason])} {what}: left out." for reason, what in REFUSALS.items() if kinds[reason]]
    if found.what == "rankings" and kinds["ranked"] < found.total:
        sentences.append(f"{_have(found.total - kinds['ranked'])} no ranked answers: only their prompts are usable.")
    if kinds["again"]:
        sentences.append(f"Rows that repeat an earlier one, and count once: {kinds['again']:,}.")
    if kinds["ties"]:
        sentences.append(f"{_have(kinds['ties'])} ties, which give no pair.")
    if found.format == "label-studio" and kinds["quick"]:
        sentences.append(
            "Label Studio cannot tell an untouched order from a real one: "
            f"{kinds['quick']:,} {'row was' if kinds['quick'] == 1 else 'rows were'} finished in under "
            f"{QUICK_SECONDS:.0f} seconds."
        )
    if found.format == "argilla" and found.total and not kinds["ties"]:
        sentences.append("Argilla 2 writes ties as an order: equal answers cannot be told from ordered ones.")
    return sentences


def _have(count: int) -> str:
    return f"{count:,} rows have" if count != 1 else "1 row has"
