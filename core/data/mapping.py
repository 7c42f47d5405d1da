"""Which column of a file is what, for files of no known shape: said by a person, kept by name.

A row is put under the names that the other readers know, and read by them.
"""

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from core.data import answers, dialogue, fields, long_tables, source, trl
from core.data.jsonlines import Object
from core.data.rows import Refused, Row
from core.errors import BadInput
from core.machine import base_models
from core.resources import data_folder
from core.store.files import beside
from core.texts import one_line

NAME = "columns as said"
LACKS = ("flags", "comments")
#: What a column may be, and how that is told to people.
PARTS: Mapping[str, str] = {
    "prompt": "what is asked, a text or messages",
    "messages": "the conversation, a list of messages",
    "system": "the system prompt",
    "chosen": "the better answer",
    "rejected": "the worse answer",
    "answers": "answers: one list, one a row, or several columns joined by + (a + in a name is written \\+)",
    "scores": "how good each answer is, the higher the better",
    "rank": "the rank of each answer, 1 is the best",
    "verdict": "is the one answer good or bad: true or false, 1 or 0, 1 or -1, up or down",
    "strength": "how much better the chosen one is",
    "model": "which model wrote the answers",
    "labeler": "who judged",
    "tag": "a tag of the prompt",
    "split": "train, or what is held out (test, validation ...)",
}
NOTHING: tuple[Any, ...] = (None, "")
#: Parts that say which answer is better: a row without them is a prompt alone.
JUDGED = {"chosen", "rejected", "answers", "scores", "rank", "verdict"}
#: Parts of which several columns stand beside each other, one for each answer.
BY_ANSWER = ("scores", "rank", "model")
PLUS_IN_NAME = "\\+"
#: What divides the columns of a part, where it is in none of their names.
PLUS = re.compile(r"(?<!\\)\+")
FILE = "mappings.json"


@dataclass(frozen=True)
class Columns:
    """The columns of each part of `PARTS` that the file has; an `a.b` is the `b` in the object `a`."""

    of: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> "Columns":
        """From `chosen=good,rejected=bad`; columns with commas are put in quotes. Raises `BadInput`."""
        found: dict[str, tuple[str, ...]] = {}
        for item in _items_of(text):
            part, equals, names = item.partition("=")
            part = part.strip().lower()
            if not equals or not names.strip() or part not in PARTS:
                raise BadInput(f"{item!r} maps no column: give PART=COLUMN with a part of {', '.join(PARTS)}.")
            found[part] = tuple(name.strip().replace(PLUS_IN_NAME, "+") for name in PLUS.split(names))
            if not all(found[part]):
                raise BadInput(f"{item!r} names a column without a name: a + in a column's name is written \\+.")
        return cls(found).checked()

    def checked(self) -> "Columns":
        """Itself. Raises `BadInput` where no row could be made with it."""
        if not {"prompt", "messages", "chosen"} & self.of.keys():
            raise BadInput("Say which column is the prompt (or messages): prompt=COLUMN.")
        if ("chosen" in self.of) != ("rejected" in self.of):
            raise BadInput("A chosen answer needs a rejected one, and the other way round: chosen=A,rejected=B.")
        if {"scores", "rank", "verdict"} & self.of.keys() and "answers" not in self.of:
            raise BadInput("Scores, ranks and verdicts are of answers: say answers=COLUMN too.")
        count = len(self.of.get("answers", ()))
        for part in BY_ANSWER:
            if count > 1 and len(self.of.get(part, ())) not in (0, 1, count):
                raise BadInput(f"Give {part} as many columns as the answers have, {count}, in the same order.")
        return self

    @property
    def text(self) -> str:
        """As `parse` reads it."""
        items = [
            f"{part}={'+'.join(name.replace('+', PLUS_IN_NAME) for name in names)}" for part, names in self.of.items()
        ]
        return ",".join(f'"{item}"' if "," in item else item for item in items)

    def value(self, row: Mapping[str, Any], part: str) -> Any:
        """What the row has as that part: of several columns a list. An answer that is not there takes what stands in
        its place of the other lists with it."""
        found = self._cells(row, part)
        if len(found) == 1:
            return found[0]
        beside = self._cells(row, "answers") if part in BY_ANSWER else found
        kept = [item for place, item in enumerate(found) if len(beside) != len(found) or beside[place] not in NOTHING]
        return kept if any(item not in NOTHING for item in kept) else None

    def _cells(self, row: Mapping[str, Any], part: str) -> list[Any]:
        return [_inside(row, name) for name in self.of.get(part, ())]


def _items_of(text: str) -> list[str]:
    try:
        return next(csv.reader([text], skipinitialspace=True), [])
    except csv.Error as error:
        raise BadInput(f"{one_line(text, 80)!r} maps no columns: give PART=COLUMN,PART=COLUMN ...") from error


def _inside(row: Mapping[str, Any], name: str) -> Any:
    if name in row or "." not in name:
        return row.get(name)
    outer, _, inner = name.partition(".")
    found = row.get(outer)
    return _inside(found, inner) if isinstance(found, Mapping) else None


def read(path: Path, columns: Columns) -> Iterator[Row | Refused]:
    """The rows of a file by its columns; each says for itself whether it holds one answer or several. Raises `BadInput`
    where no row has anything in the columns that say which answer is better."""
    yield from long_tables.gather(_items(path, columns), ranked=bool({"scores", "rank", "verdict"} & columns.of.keys()))


def _items(path: Path, columns: Columns) -> Iterator[Object | Row | Refused]:
    """Rows, and the objects that hold one answer, which only the others to the same question make a row."""
    for item in objects(path, columns):
        if isinstance(item, Refused) or item[1].get("completion") not in (None, ""):
            yield item
        else:
            yield source.row(item[0], _row, item[1])


def objects(path: Path, columns: Columns) -> Iterator[Object | Refused]:
    """The objects of a file under the names that readers know. Raises as `read` does."""
    names: dict[str, None] = {}
    unseen = columns.of.keys() & JUDGED
    for item in source.objects(path):
        if isinstance(item, Refused):
            yield item
            continue
        line, value = item
        if not names and not any(columns.value(value, part) is not None for part in columns.of):
            raise BadInput(f"{path.name} has no such columns: it has {_listed(value)}.")
        names = names or dict.fromkeys(value)
        unseen = {part for part in unseen if columns.value(value, part) in (None, "")}
        yield line, _known(value, columns)
    if names and unseen:
        empty = ", ".join(one_line("+".join(columns.of[part]), 40) for part in sorted(unseen))
        raise BadInput(f"No row of {path.name} has anything in {empty}: its first row has {_listed(names)}.")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(one_line(str(name), 40) for name in islice(names, 20))


def _known(row: Mapping[str, Any], columns: Columns) -> dict[str, Any]:
    """The row under the names that readers know."""
    names = {
        "prompt": "prompt", "messages": "messages", "system": "system", "chosen": "chosen", "rejected": "rejected",
        "answers": "completions", "scores": "scores", "rank": "ranks", "model": "models", "labeler": "labeler",
        "split": "split", "strength": "strength", "verdict": "verdict",
    }  # fmt: skip
    found = {name: columns.value(row, part) for part, name in names.items() if part in columns.of}
    tag = columns.value(row, "tag")
    if tag not in (None, "", []):
        found["tags"] = [str(item) for item in tag] if isinstance(tag, list) else [str(tag)]
    if "answers" in columns.of and not dialogue.listed(found["completions"]):
        found |= {"completion": found.pop("completions"), "score": found.get("scores"), "rank": found.get("ranks")}
        found |= {"model": found.get("models")}
    return {name: item for name, item in found.items() if item is not None}


def _row(line: int, value: dict[str, Any]) -> Row | Refused:
    if "verdict" in value:
        return Refused(line, "its verdict is of one answer, and it has none or several")
    if "chosen" in value or "rejected" in value:
        found = trl.pair(line, value, value.get("chosen"), value.get("rejected"))
    elif "completions" in value:
        found = answers.parse(line, value) or Refused(line, "it has fewer than two answers")
    else:
        found = trl.parse(line, value)
    if isinstance(found, Refused):
        return found
    strength = fields.number(value.get("strength"))
    return replace(
        found, labeler=str(value.get("labeler") or found.labeler), held=(),
        strength=found.strength if strength is None else strength,
    )  # fmt: skip


def kept() -> dict[str, Columns]:
    """The mappings that this user keeps, by name; what cannot be read of them is left out."""
    try:
        found = _stored()
    except BadInput:
        return {}
    named: dict[str, Columns] = {}
    for name, text in found.items():
        try:
            named[name] = Columns.parse(str(text))
        except (BadInput, csv.Error):
            continue
    return named


def _stored() -> dict[str, Any]:
    """All entries as they are, those of newer versions too. Raises `BadInput` for a file that cannot be read."""
    path = data_folder() / FILE
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise BadInput(f"{path} cannot be read, and would be lost with all that it holds: mend it, or move it away.")
    return found


def keep(name: str, columns: Columns | None) -> None:
    """Keep a mapping by name, or with None forget it; the others stay as they are. Raises `KnownError` where the data
    folder cannot be written."""
    name = name.strip()
    if not name or "=" in name:
        raise BadInput("A mapping needs a name without =.")
    if columns is not None and Columns.parse(columns.text) != columns:
        raise BadInput("A column's name has blanks around it or a \\ at its end: this mapping cannot be kept.")
    with base_models.changing_data():
        found = {other: text for other, text in _stored().items() if other != name}
        if columns is not None:
            found[name] = columns.text
        with beside.file(data_folder() / FILE) as made:
            made.write_text(json.dumps(found, indent=1, ensure_ascii=False), encoding="utf-8")


def named(text: str) -> Columns:
    """`chosen=good,rejected=bad`, or the name of one that is kept. Raises `BadInput`."""
    if "=" in text:
        return Columns.parse(text)
    found = kept()
    if text.strip() not in found:
        have = f"there are {', '.join(found)}" if found else "none is kept yet"
        raise BadInput(f"No mapping is called {text.strip()!r}: {have}. Give one as prompt=COLUMN,chosen=COLUMN ...")
    return found[text.strip()]
