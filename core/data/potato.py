"""Potato: a list of items with what an annotator selected among them, on a scale or in an order."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.data import comparisons, dialogue, fields, jsonlines, source
from core.data.rows import Answer, Refused, Row, once

NAME = "potato"
LACKS = ("flags", "comments")
ITEMS = (*fields.LISTS, "items", "translations", "summaries")
#: The text of an item is what was asked, and what else belongs to it stands beside.
PROMPTS = (*(name for name in fields.PROMPTS if name != "context"), "context")
SAID = ("selection", "scale_value", "rank_order")
WHO = ("annotator", "user_id", "user", "annotator_id")


def sniff(head: str, path: Path) -> bool:
    first = jsonlines.first(head)
    return _items(first) is not None and _said(first) is not None


def _items(value: dict[str, Any]) -> list[Any] | None:
    return next((found for name in ITEMS if len(found := dialogue.listed(value.get(name))) > 1), None)


def _said(value: dict[str, Any]) -> tuple[str, Any] | None:
    """How it was judged, and the judgement: in an object under the scheme's name, or in a flat `scheme:::selection`."""
    found = value.get("label_annotations")
    for name, item in {**value, **(found if isinstance(found, dict) else {})}.items():
        inside = item if isinstance(item, dict) else {name.replace(":::", ".").rsplit(".", 1)[-1]: item}
        for kind in SAID:
            if kind in inside:
                return kind, inside[kind]
    return None


def read(path: Path) -> Iterator[Row | Refused]:
    return source.rows(path, _row)


def _row(line: int, value: dict[str, Any]) -> Row | Refused:
    items, said = _items(value), _said(value)
    if items is None or said is None or said[1] in (None, ""):
        return Refused(line, "nobody has annotated it")
    asked, texts = fields.asked(value, fields.first(value, PROMPTS)), [dialogue.answer(item) for item in items]
    who = fields.first(value, WHO)
    rest: dict[str, Any] = {"labeler": f"potato {who}" if who else "", "split": fields.split_of(value)}
    if said[0] == "rank_order":
        return _ordered(line, asked, texts, str(said[1]), rest)
    if len(texts) != 2:
        return Refused(line, "it chooses among more than two items")
    if said[0] == "scale_value":
        return comparisons.by_strength(line, asked, (texts[0], texts[1]), said[1], **rest)
    better = comparisons.better_of(said[1])
    if better not in ("a", "b", comparisons.TIE):
        return Refused(line, comparisons.NOBODY_WON)
    choice = None if better == comparisons.TIE else int(better == "b")
    return comparisons.chosen(line, asked, (texts[0], texts[1]), choice, **rest)


def _ordered(line: int, asked: Any, texts: list[str], order: str, rest: dict[str, Any]) -> Row | Refused:
    """`B,D=A,C`: B is best, D and A are tied."""
    places = once(
        (name.strip().lower(), place)
        for place, tied in enumerate(order.split(","), start=1)
        for name in tied.split("=")
    )
    letters = [chr(ord("a") + number) for number in range(len(texts))]
    if not set(places) <= set(letters):
        return Refused(line, "it ranks an item that it does not have")
    answers = tuple(Answer(text, places.get(letter)) for text, letter in zip(texts, letters, strict=True))
    return Row(line, asked, answers=answers, **rest)
