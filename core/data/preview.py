"""What a file holds, before it is imported: its first rows, every line that cannot be used, and what to know."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from core.data.mapping import Columns
from core.data.noticed import have, left_behind
from core.data.reading import ReadOptions
from core.data.rows import DIFFERENT, EMPTY, NO_PROMPT, SAME, Refused, Row
from core.errors import BadInput
from core.texts import one_line

#: A ranking that took less is likely an order that nobody touched.
QUICK_SECONDS = 3.0

REFUSALS = {
    DIFFERENT: "prompts that differ between the sides",
    EMPTY: "an empty answer",
    SAME: "the same answer on both sides",
    NO_PROMPT: "no prompt",
}
#: Fields that are named one by one.
NAMED = 6


@dataclass
class Preview:
    """`total` counts the usable rows, `rows` are the first of them, `hazards` are sentences. `held` are fields that may
    hold answers and would be lost: `question` asks about them. `what` is "answers" where nobody ranked any."""

    format: str
    what: Literal["prompts", "rankings", "answers"] = "prompts"
    total: int = 0
    rows: list[Row] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    hazards: list[str] = field(default_factory=list)
    lacks: tuple[str, ...] = ()
    held: tuple[str, ...] = ()

    @property
    def note(self) -> str:
        """What rankings in this format cannot say, as a sentence; empty where it can say everything."""
        if self.what != "rankings" or not self.lacks:
            return ""
        listed = " and ".join([", ".join(self.lacks[:-1]), self.lacks[-1]])
        return f"This format has no place for {listed}: if there were any, they are not in the file."

    @property
    def question(self) -> str:
        """What has to be answered before the file may be imported; empty where there is nothing to ask."""
        return question(self.held, self.what) if self.held else ""


@dataclass(frozen=True)
class Inspection:
    """A file read with `options`: its `preview`, or what is wrong with it; its first `rows` and their `names` as they
    are in the file, with what the columns may be. `encoding` is a guess that was used, for a person to check."""

    options: ReadOptions
    preview: Preview | None
    fault: BadInput | None
    rows: tuple[dict[str, Any], ...]
    names: tuple[str, ...]
    columns: Columns
    encoding: str = ""

    @property
    def is_understood(self) -> bool:
        """Is there anything in it that could be imported, and no question about the rest?"""
        return self.preview is not None and self.preview.total > 0 and not self.preview.held


def question(held: tuple[str, ...], what: str) -> str:
    """Asks about fields that would be lost where a file is read as `what`."""
    named = ", ".join(f"`{one_line(name, 40)}`" for name in held[:NAMED]) + (", …" if len(held) > NAMED else "")
    if what == "answers":
        return (
            f"Its answers would be read as not ranked, but {named} may say which is better: say which column is what."
        )
    return (
        f"Only its prompts would be read, but {named} may hold answers: say which column is what, or that the prompts "
        "are enough."
    )


def look(name: str, items: Iterable[Row | Refused], limit: int, lacks: tuple[str, ...] = ()) -> Preview:
    """Read all of `items`; `name` is the format's, which has no place for what it `lacks`."""
    found, kinds = Preview(name, lacks=lacks), Counter[str]()
    seen: set[int] = set()
    splits: dict[int, str] = {}
    held: dict[str, None] = {}
    for item in items:
        if isinstance(item, Refused):
            found.refused.append(item)
            kinds[item.reason] += 1
            continue
        found.total += 1
        if len(found.rows) < limit:
            found.rows.append(item)
        kinds.update(_kinds(item))
        held.update(dict.fromkeys(item.held))
        asked = hash(item.key)
        key = hash((asked, item.labeler, item.answers))
        kinds["again"] += key in seen
        seen.add(key)
        kinds["leaked"] += splits.setdefault(asked, item.split) != item.split
    found.what = "rankings" if kinds["ranked"] else "answers" if kinds["unranked"] else "prompts"
    found.held = tuple(held)
    found.hazards = _hazards(found, kinds)
    return found


def _kinds(row: Row) -> list[str]:
    found = [] if not row.answers else ["ranked"] if row.ranked else ["unranked"]
    ranks = [answer.rank for answer in row.answers if answer.rank is not None and not answer.flag]
    if len(set(ranks)) < len(ranks) and row.method != "best-worst":
        found.append("ties")
    if row.seconds is not None and row.seconds < QUICK_SECONDS:
        found.append("quick")
    if row.may_be_turns:
        found.append("turns")
    if row.guessed:
        found.append(f"guessed {row.guessed}")
    return found + [f"lost {what}" for what in row.lost]


def _hazards(found: Preview, kinds: Counter[str]) -> list[str]:
    sentences = [f"{have(kinds[reason])} {what}: left out." for reason, what in REFUSALS.items() if kinds[reason]]
    answered = kinds["ranked"] + kinds["unranked"]
    if found.what == "rankings" and answered < found.total:
        sentences.append(f"{have(found.total - answered)} no ranked answers: only their prompts are usable.")
    if kinds["unranked"]:
        sentences.append(f"{have(kinds['unranked'])} answers that nobody ranked: they wait in Rank.")
    if kinds["again"]:
        sentences.append(f"Rows that repeat an earlier one, and count once: {kinds['again']:,}.")
    if kinds["ties"]:
        sentences.append(f"{have(kinds['ties'])} ties, which give no pair.")
    if kinds["leaked"]:
        sentences.append(f"{have(kinds['leaked'])} a prompt that is on the other side of the split too.")
    if kinds["turns"]:
        sentences.append(f"{have(kinds['turns'])} a prompt that looks like several turns, and stays one.")
    for kind, count in sorted(kinds.items()):
        if kind.startswith("guessed "):
            sentences.append(f"{have(count)} {kind.removeprefix('guessed ')}.")
        if kind.startswith("lost "):
            sentences.append(left_behind(kind.removeprefix("lost "), count))
    if found.format == "label-studio" and kinds["quick"]:
        sentences.append(
            "Label Studio cannot tell an untouched order from a real one: "
            f"{kinds['quick']:,} {'row was' if kinds['quick'] == 1 else 'rows were'} finished in under "
            f"{QUICK_SECONDS:.0f} seconds."
        )
    if found.format == "argilla" and found.total and not kinds["ties"]:
        sentences.append("Argilla 2 writes ties as an order: equal answers cannot be told from ordered ones.")
    return sentences
