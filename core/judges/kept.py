"""What a judge has answered so far, in a file of the job: whoever resumes it asks nothing twice."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO

from core.errors import BadInput
from core.judges.question import Question
from core.judges.verdict import Answer
from core.store.files import beside, plain

NAME = "answers.jsonl"
#: Bytes of what an interrupted job may have left.
MOST = 256 << 20
OTHER = "This job was begun by {!r}, and {!r} would go on: begin a new one, or let the first one be found again."


@dataclass(frozen=True)
class Begun:
    """A job at its beginning: its judge, with the weights that score where there are such, and the numbers of what it
    judges (groups, or prompts of an arena), where so many votes were there `before`."""

    judge: str
    weights: dict[str, Any]
    items: list[int]
    before: int = 0


class Kept:
    """Answers by the question, after a first line about the job as it was begun. To be closed."""

    def __init__(self, path: Path, begun: Begun, rows: Sequence[dict[str, Any]]) -> None:
        """`rows` are what `read` found. Raises `BadInput` where another judge began."""
        first = rows[0] if rows else asdict(begun)
        if first["judge"] != begun.judge:
            raise BadInput(OTHER.format(first["judge"], begun.judge))
        self._known = {row["question"]: Answer(row["said"], row["won"], row["mass"]) for row in rows[1:]}
        self._file = _anew(path, [first, *rows[1:]])

    def __enter__(self) -> "Kept":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def find(self, question: Question) -> Answer | None:
        return self._known.get(_key(question))

    def of(self, question: Question) -> Answer:
        """Of a question that was answered."""
        return self._known[_key(question)]

    @property
    def mass(self) -> float | None:
        """The mean probability that was given to the three verdicts, where it is known."""
        known = [answer.mass for answer in self._known.values() if answer.mass is not None]
        return sum(known) / len(known) if known else None

    def add(self, question: Question, answer: Answer) -> None:
        self._known[_key(question)] = answer
        self._file.write(json.dumps({"question": _key(question)} | asdict(answer)) + "\n")
        self._file.flush()


def read(path: Path) -> list[dict[str, Any]]:
    """The lines of an interrupted job, without one that was cut off. Raises `BadInput` for what no job wrote."""
    if not path.is_file():
        return []
    text = plain.content(path, MOST)
    try:
        found = [json.loads(line) for line in text[: text.rfind(b"\n") + 1].split(b"\n")[:-1]]
        if found:
            first = Begun(**found[0])
            if not isinstance(first.judge, str) or not all(
                isinstance(each, int) for each in (*first.items, first.before)
            ):
                raise ValueError
        for row in found[1:]:
            whole = isinstance(row["question"], str) and isinstance(row["said"], str)
            numbers = [row["won"], row["mass"]]
            if not whole or not all(each is None or 0 <= each <= 1.001 for each in numbers):
                raise ValueError
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise BadInput(f"{path} is damaged: delete it, then resume.") from error
    return found


def _anew(path: Path, rows: Sequence[dict[str, Any]]) -> TextIO:
    """A new file in place of the one that held the rows, which might have a second name; to add to."""
    with beside.of_project(path) as made, made.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    return path.open("a", encoding="utf-8")


def _key(question: Question) -> str:
    """Of the answers' numbers too: two answers may be word for word the same."""
    text = f"{question.first_id} {question.second_id} {question.text}"
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
