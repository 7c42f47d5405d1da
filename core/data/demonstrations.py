"""Questions with one answer each, as sets for supervised tuning have them: it is there to be learnt, not ranked.

JSON, tables and Parquet with a question (`prompt`, `instruction` with `input`, `question`) and an answer (`completion`,
`response`, `output`, `answer`), or dialogues that end with the assistant (`messages`). Of a pair the chosen answer is
learnt, in whichever form the importers of pairs read it, and the rejected one is left out.
"""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from core import stopping
from core.conversation import Conversation, Message
from core.data import dialogue, encodings, fields, hh, message_pairs, reading, source, trl
from core.data.importing import Importer
from core.data.mapping import Columns
from core.data.reading import ReadOptions, Tell
from core.data.rows import Answer, Refused, Report, Row, Unusable, checked
from core.errors import BadInput, NothingToDo
from core.records import Split
from core.store import Project

ANSWERS = ("completion", "response", "output", "answer", "demonstration", "target")
BETTER, WORSE = message_pairs.OPENAI
CHOSEN = (*fields.CHOSEN, "chosen_messages", BETTER)
REJECTED = (*fields.REJECTED, "rejected_messages", WORSE)
#: TRL's and LLaMA-Factory's unpaired sets say by these whether an answer is good.
THUMBS = ("label", "kto_tag")
BAD = "its answer was judged bad, so that it is not one to learn"
NO_ANSWER = "it has no answer to learn"
LEFT = "a rejected answer"
LEFT_OUT = "Rejected answers beside these are left out: {:,}. An import with --preferences keeps both, to be ranked by."
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
    names |= {"chosen": "chosen", "rejected": "rejected", "answers": "completion"}
    found = {name: columns.value(row, part) for part, name in names.items() if part in columns.of}
    return {name: value for name, value in found.items() if value is not None}


def parse(line: int, value: dict[str, Any]) -> Row | Refused:
    """One question with its answer."""
    text, better = fields.first(value, ANSWERS), fields.first(value, CHOSEN)
    if isinstance(text, list) and len(text) > 1 and all(isinstance(each, str) for each in text):
        raise Unusable(SEVERAL)
    if any(value.get(name) is False for name in THUMBS):
        raise Unusable(BAD)
    asked, answer = _chosen(value, better) if text is None and better is not None else _alone(value, text)
    if not answer.strip():
        raise Unusable(NO_ANSWER)
    left = () if fields.first(value, REJECTED) is None else (LEFT,)
    return Row(
        line, asked, fields.tags_of(value), fields.split_of(value), (Answer(answer),), ranked=False, lost=left
    )  # fmt: skip


def _alone(value: dict[str, Any], text: Any) -> tuple[Conversation, str]:
    """The question and the answer beside it, or at its end."""
    asked = fields.first(value, fields.PROMPTS)
    turns = dialogue.messages(asked) if isinstance(asked, list) else ()
    if text is None and turns and turns[-1].role == "assistant":
        return fields.asked(value, list(map(Message.data, turns[:-1]))), dialogue.said(turns[-1])
    return dialogue.after(value.get("history"), fields.asked(value)), dialogue.answer(text)


def _chosen(value: dict[str, Any], better: Any) -> tuple[Conversation, str]:
    """The question and the better answer of a pair: a text, a message, or the end of a dialogue."""
    if BETTER in value:
        return message_pairs.openai_asked(value), dialogue.answer(better)
    if hh.is_dialogue(value, better):
        return hh.ended(better)
    asked, answer, _ = trl.sides(value, better, better)
    return dialogue.after(value.get("history"), asked), answer


def import_demonstrations(
    project: Project, path: Path, *, split: Split | None = None, tell: Tell | None = None,
    options: ReadOptions = reading.AS_IT_IS,
) -> Report:  # fmt: skip
    """Add every row's question with its answer; what is there already is counted as known. One transaction.

    Raises `NothingToDo` if there is none in it.
    """
    report, left = Report("demonstrations"), 0
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
                left += isinstance(row, Row) and LEFT in row.lost
        importer.finish()
        if not report.added and not report.known:
            raise NothingToDo(
                f"{path.name} holds no demonstrations: give rows with a `prompt` and a `completion`, or `messages` "
                "that end with an answer."
            )
    report.notes = importer.noticed.sentences + ([LEFT_OUT.format(left)] if left else [])
    return report
