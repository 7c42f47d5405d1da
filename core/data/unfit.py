"""Answers that the file says not to learn, though they may be ranked: turns that trainers are told to leave out
(OpenAI's `weight`, LLaMA-Factory's `loss_weight`, ms-swift's `loss`, axolotl's `train`), and answers that a field of
their own judges (PKU-SafeRLHF's `is_response_0_safe`)."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from core.data import answers, dialogue, fields, thumbs
from core.data.rows import Row

#: What a message or a row says of its being learnt, and what of its being left out.
LEARNT = ("weight", "loss_weight", "loss", "train", "training", "trainable")
LEFT_OUT = ("mask", "masked")
SIGNS = {*LEARNT, *LEFT_OUT}
GOOD = "safe|harmless|appropriate|acceptable|correct|valid|good|helpful"
BAD = "unsafe|harmful|toxic|inappropriate|unacceptable|incorrect|invalid|bad|flagged|spam"
#: `is_response_0_safe`, `chosen_is_toxic`, `is_safe_response_0`.
JUDGED = re.compile(rf"(?:is_)?(?P<answer>.+?)_(?:is_)?(?P<word>{GOOD}|{BAD})|is_(?P<first>{GOOD}|{BAD})_(?P<other>.+)")


def marked(row: Row, value: Mapping[str, Any]) -> Row:
    """The row with the answers marked that the object it was read from says not to learn."""
    if not row.answers:
        return row
    texts = set[str]()
    for name, item in value.items():
        if not isinstance(item, str):
            texts.update(_left_out(item))
        found = judged(name)
        said = None if found is None else _judges(item)
        if found is not None and said is not None and said is not found[1]:
            texts.update(answers.texts(value.get(found[0])))
    is_all = _is_left_out(value)
    if not is_all and not texts:
        return row
    found_answers = (
        replace(answer, is_fit=False) if is_all or answer.text.strip() in texts else answer for answer in row.answers
    )
    return replace(row, answers=tuple(found_answers))


@lru_cache(maxsize=4096)
def judged(name: str) -> tuple[str, bool] | None:
    """The field whose answer is judged by one of this name, and what that says of one that is to be learnt."""
    match = JUDGED.fullmatch(fields.canonical(name))
    if match is None:
        return None
    word = match["word"] or match["first"]
    return match["answer"] or match["other"], word in GOOD.split("|")


def _left_out(item: Any) -> Iterator[str]:
    """The texts of the messages that are not to be learnt; of a dialogue only its end is an answer."""
    if isinstance(item, Mapping):
        yield from answers.texts(item) if _is_left_out(item) else _left_out(item.get("messages"))
    elif isinstance(item, list) and item:
        for part in item[-1:] if dialogue.begins_with_question(item) else item:
            yield from _left_out(part)


def _is_left_out(item: Mapping[str, Any]) -> bool:
    return not SIGNS.isdisjoint(item) and (
        any(_says(item.get(name)) is False for name in LEARNT) or any(_says(item.get(name)) for name in LEFT_OUT)
    )


def _judges(item: Any) -> bool | None:
    """Yes or no; a number between is a probability or a score, of which nobody says from where on it is bad."""
    return _says(item) if fields.number(item) in (None, 0, 1) else None


def _says(item: Any) -> bool | None:
    """Yes or no, also as a number or a word; None where it is neither."""
    said = thumbs.word(item)
    number = fields.number(item) if said is None else None
    return said if number is None else number > 0
