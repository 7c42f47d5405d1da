"""Questions with one answer each, as sets for supervised tuning have them: it is there to be learnt, not ranked.

JSON, tables and Parquet with a question (`prompt`, `instruction` with `input`, `question`) and an answer (`completion`,
`response`, `output`, `answer`, or the `chosen` one), or dialogues that end with the assistant (`messages`).
"""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from core import stopping
from core.conversation import Message
from core.data import dialogue, encodings, fields, reading, source
from core.data.importing import Importer
from core.data.mapping import Columns
from core.data.reading import ReadOptions, Tell
from core.data.rows import Answer, Refused, Report, Row, Unusable, checked
from core.errors import BadInput, NothingToDo
from core.records import Split
from core.store import Project

ANSWERS = ("completion", "response", "output", "answer", "demonstration", "target", *fields.CHOSEN)
NO_ANSWER = "it has no answer to learn"
SEVERAL = "it has several answers, and says of none that it is the one to learn: import them to be ranked"


def read(path: Path, columns: Columns | None = None) -> Iterator[Row | Refused]:
    """By its `columns`, where they were named. Raises `BadInput` for a file that cannot be read, or of which too many
    lines are none."""

    def by_columns(line: int, value: dict[str, Any]) -> Row | Refused:
        return parse(line, value if columns is None else _named(value, columns))

    items = source.rows(path, by_columns)
    refused = 0
    while (item := reading.guarded(path, lambda: next(items, None))) is not None:
        stopping.heed()
        found = checked(item) if isinstance(item, Row) else item
        refused += isinstance(found, Refused)
        if refused > reading.MOST_REFUSED:
            raise BadInput(f"Too many lines of {path.name} hold no question with an answer: choose another file.")
        yield found


def _named(row: dict[str, Any], columns: Columns) -> dict[str, Any]:
    """The row under the names that are known here."""
    names = {"prompt": "prompt", "messages": "messages", "system": "system", "split": "split"}
    names |= {"chosen": "completion", "answers": "completion"}
    found = {name: columns.value(row, part) for part, name in names.items() if part in columns.of}
    return {name: value for name, value in found.items() if value is not None}


def parse(line: int, value: dict[str, Any]) -> Row | Refused:
    """One question with its answer."""
    asked = fields.first(value, fields.PROMPTS)
    turns = dialogue.messages(asked) if isinstance(asked, list) else ()
    text: Any = fields.first(value, ANSWERS)
    if text is None and turns and turns[-1].role == "assistant":
        text = dialogue.said(turns[-1])
        conversation = fields.asked(value, list(map(Message.data, turns[:-1])))
    else:
        conversation = fields.asked(value)
    if isinstance(text, list) and len(text) > 1 and all(isinstance(each, str) for each in text):
        raise Unusable(SEVERAL)
    answer = dialogue.answer(text)
    if not answer.strip():
        raise Unusable(NO_ANSWER)
    return Row(line, conversation, fields.tags_of(value), fields.split_of(value), (Answer(answer),), ranked=False)


def import_demonstrations(
    project: Project, path: Path, *, split: Split | None = None, tell: Tell | None = None,
    options: ReadOptions = reading.AS_IT_IS,
) -> Report:  # fmt: skip
    """Add every row's question with its answer; what is there already is counted as known. One transaction.

    Raises `NothingToDo` if there is none in it.
    """
    report = Report("demonstrations")
    if not path.is_file():
        raise BadInput(f"{path} is not a file: choose a file to import.")
    with project.write(), encodings.recoded(path, options.encoding) as plain:
        importer = Importer(project, options.name(path), "", split)
        for number, row in enumerate(
            chain.from_iterable(read(part, options.columns) for part in (plain, *options.more)), 1
        ):
            if tell is not None:
                tell(number)
            new = row if isinstance(row, Refused) else importer.add(row)
            if isinstance(new, Refused):
                report.refused.append(new)
            else:
                report.added, report.known = report.added + bool(new), report.known + (not new)
        importer.finish()
        if not report.added and not report.known:
            raise NothingToDo(
                f"{path.name} holds no demonstrations: give rows with a `prompt` and a `completion`, or `messages` "
                "that end with an answer."
            )
    return report
