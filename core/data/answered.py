"""Rows with all answers that they hold, one that stands alone too: to be learnt or scored, and not to be ranked.

The common readers read them. Of those whose rows are plain objects each is taken by itself: a question with a pair,
with several answers, or with one (`completion`, `response`, `output`, `answer`, or the end of its dialogue), whatever
the others say of the same question.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.conversation import Message
from core.data import (
    answers,
    dialogue,
    fields,
    hh,
    llama_factory,
    long_tables,
    mapping,
    reading,
    sides,
    source,
    tables,
    thumbs,
    trl,
)
from core.data.reading import ReadOptions, Tell
from core.data.rows import Answer, Refused, Row, whole
from core.records import Verdict

#: What may hold a dialogue that its answer ends, beside a prompt that is its first question.
DIALOGUES = ("messages", "conversations", "conversation")
FLAGS = ("flag", "prompt_flag")
MODELS = ("chosen_model", "model_chosen", "rejected_model", "model_rejected", "model_name")
PLAIN_OBJECTS = {llama_factory.NAME, long_tables.NAME, tables.NAME, trl.NAME}
NOTHING: tuple[Any, ...] = (None, "", [])


def read(path: Path, tell: Tell | None = None, options: ReadOptions = reading.AS_IT_IS) -> Iterator[Row | Refused]:
    """As `reading.read`, which says what it raises."""
    return reading.read(path, tell, options, _items)


def _items(plain: Path, options: ReadOptions) -> Iterator[Row | Refused]:
    if options.columns is not None:
        found = mapping.objects(plain, options.columns)
        return (item if isinstance(item, Refused) else source.row(item[0], parse, item[1]) for item in found)
    reader = reading.reader_of(plain)
    if reader.NAME not in PLAIN_OBJECTS:
        return reader.read(plain)
    return (tables.rows if source.is_table(plain) else source.rows)(plain, parse)


def parse(line: int, value: dict[str, Any]) -> Row | Refused:
    """A pair, several answers, one or none. Raises `Unusable`."""
    better, worse = fields.first(value, fields.CHOSEN), fields.first(value, fields.REJECTED)
    if worse is not None or (better is None and "chosen" in value):
        return trl.pair(line, value, better, worse)
    if better is not None:
        asked, text = hh.ended(better) if hh.is_dialogue(value, better) else sides.of(value, better, better)[:2]
        return _judged(Row(line, asked, answers=(Answer(text),), ranked=False), value, fields.CHOSEN)
    return answers.several(line, value) or _one(line, value) or trl.parse(line, value)


def _one(line: int, value: dict[str, Any]) -> Row | None:
    """The answer beside its question, or at the end of its dialogue; None where there is none."""
    said = [name for name in fields.ONE if value.get(name) not in NOTHING]
    ended = [name for name in (*DIALOGUES, *fields.PROMPTS) if _is_answered(value.get(name))]
    if said:
        row = Row(line, fields.asked(value), answers=(answers.one(_only(value[said[0]])),), ranked=False)
        return _judged(row, value, said[:1])
    if ended:
        return _judged(_ended(line, value, ended[0]), value, ended[:1])
    several = next((name for name in fields.LISTS if len(dialogue.listed(value.get(name))) == 1), None)
    if several is not None:
        row = Row(line, fields.asked(value), answers=(answers.one(dialogue.listed(value[several])[0]),), ranked=False)
        return _judged(row, value, (several,))
    empty = next((name for name in fields.ONE if isinstance(value.get(name), str)), None)
    return None if empty is None else Row(line, fields.asked(value), answers=(Answer(""),), ranked=False)


def _only(item: Any) -> Any:
    """The text of a list of one."""
    return item[0] if isinstance(item, list) and len(item) == 1 and isinstance(item[0], str) else item


def _is_answered(item: Any) -> bool:
    found = item.get("messages") if isinstance(item, dict) else dialogue.decoded(item)
    return isinstance(found, list) and len(found) > 1 and dialogue.is_answer(found[-1])


def _ended(line: int, value: dict[str, Any], name: str) -> Row:
    """A dialogue up to its last answer, and that."""
    talk = dialogue.decoded(value[name])
    beside = {other: item for other, item in value.items() if other not in DIALOGUES}
    if fields.first(value, fields.PROMPTS) is not value[name]:
        asked, text, _ = sides.of(beside, talk, talk)
    else:
        turns = dialogue.messages(talk)
        asked, text = fields.asked(value, list(map(Message.data, turns[:-1]))), dialogue.said(turns[-1])
    return Row(line, asked, answers=(Answer(text),), ranked=False)


def _judged(row: Row, value: dict[str, Any], read: Iterable[str]) -> Row:
    """The row of one answer with all that the file says of it, as far as that is known: `held` are the fields that may
    say more of it, or hold another answer."""
    (answer,) = row.answers
    said = {name: found for name, given in thumbs.given(value).items() if (found := _verdict(name, given))}
    verdict: Verdict | None = "bad" if "bad" in said.values() else "good" if said else None
    flag = fields.first(value, FLAGS)
    more = _more(row, value, {*read, *said})
    held = tuple(name for name in more if fields.decides(fields.canonical(name), value[name]))
    lost = (f"`{name}`" for name in more if name not in held)
    return replace(
        row, tags=fields.tags_of(value), split=fields.split_of(value), flag=None if flag is None else str(flag),
        answers=(replace(answer, rank=whole(value.get("rank")), verdict=verdict),), held=held,
        lost=(*fields.scored(value), *lost),
    )  # fmt: skip


def _verdict(name: str, given: float | bool) -> Verdict | None:
    """What a column says, where it can be nothing but a verdict: a word, or what a mapping calls one."""
    return thumbs.verdict(given) if isinstance(given, bool) or name == "verdict" else None


def _more(row: Row, value: dict[str, Any], read: set[str]) -> list[str]:
    """Fields that may hold answers or a judgement, without what was read and what says the same."""
    used = {*read, *FLAGS, *fields.SYSTEM, *fields.MODELS, *MODELS, "rank", "history", "tools", "input"}
    question = fields.first(value, fields.PROMPTS)
    said = {row.answers[0].text.strip(), *(turn.content.strip() for turn in row.conversation.messages)}
    return [
        name for name in fields.held(value, used)
        if (item := value[name]) is not question and not (isinstance(item, str) and item.strip() in said)
        and not fields.SCORED.fullmatch(fields.canonical(name))
    ]  # fmt: skip
