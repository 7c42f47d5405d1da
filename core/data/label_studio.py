"""Label Studio's exports of its Ranker and Pairwise tags: full JSON, and JSON_MIN as far as it says enough.

An order that nobody touched looks like a real one: only the time that it took tells them apart.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.conversation import Conversation
from core.data import dialogue, fields, jsonlines, source
from core.data.outgoing import BESIDES_ORDER, Turned, Whole, grouped, losses, strengths_lost, write_array
from core.data.rows import Answer, ExportReport, Refused, Row, once, preference, seconds, string
from core.store import Project

NAME = "label-studio"
LACKS = ("ties", "flags", "comments")
UNPLACED = "_"
FURTHER = "another order or choice in the same annotation"
PROMPTS = ("messages", "prompt", "instruction", "question", "text", "dialogue", "chat")
SIDES = (("answer1", "answer2"), ("answer_a", "answer_b"), ("response_a", "response_b"), ("left", "right"))


def sniff(head: str, path: Path) -> bool:
    first = jsonlines.first(head)
    return (isinstance(first.get("data"), dict) and "annotations" in first) or "annotation_id" in first


def read(path: Path) -> Iterator[Row | Refused]:
    for item in source.objects(path):
        if isinstance(item, Refused):
            yield item
            continue
        line, value = item
        if "annotation_id" in value:
            yield source.row(line, _minimal, value)
            continue
        annotations, data = value.get("annotations"), value.get("data", {})
        for annotation in annotations if isinstance(annotations, list) else ():
            yield source.row(line, _annotation, data, annotation)
        if not annotations:
            yield Refused(line, "nobody has annotated it")


def _annotation(line: int, data: dict[str, Any], annotation: dict[str, Any]) -> Row | Refused:
    if annotation.get("was_cancelled"):
        return Refused(line, f"its annotation {annotation.get('id')} was skipped by the labeler")
    results = [result["value"] for result in annotation["result"] if result.get("type") in ("ranker", "pairwise")]
    return _row(line, data, results, annotation.get("completed_by"), annotation.get("lead_time"))


def _minimal(line: int, value: dict[str, Any]) -> Row | Refused:
    """JSON_MIN, or the CSV of it: the result is the value that is a choice or names items and nothing else."""
    data = {name: _parsed(item) for name, item in value.items()}
    texts = {*PROMPTS, "items", *(name for names in SIDES for name in names)}
    ids = {str(item["id"]) for item in data.get("items") or ()} - {""}
    results = [
        item
        for name, item in data.items()
        if name not in texts and (_selected(item) or ({name for name, _ in _places(_order(item)) or [("", 0)]} <= ids))
    ]
    return _row(line, data, results, data.get("annotator"), data.get("lead_time"))


def _parsed(value: Any) -> Any:
    return jsonlines.loads(value) if isinstance(value, str) and value[:2] in ("[{", '["', '{"') else value


def _selected(result: Any) -> str | None:
    found = result.get("selected") if isinstance(result, dict) else result
    return found if found in ("left", "right") else None


def _order(result: Any) -> Any:
    found = result.get("ranker", result) if isinstance(result, dict) else result
    return found if isinstance(found, (list, dict)) else []


def _row(line: int, data: dict[str, Any], results: list[Any], who: Any, lead_time: Any) -> Row | Refused:
    """The first of the results that is an order or a choice, over the answers of the task; whatever else was said of
    them is named."""
    if isinstance(who, dict):
        who = who.get("id") or who.get("email")
    rest: dict[str, Any] = {"labeler": "" if who is None else f"label studio {who}", "seconds": seconds(lead_time)}
    if sum(bool(_selected(result) or _order(result)) for result in results) > 1:
        rest["lost"] = (FURTHER,)
    asked = fields.asked(data, next((data[name] for name in PROMPTS if data.get(name)), ""))
    names = next((pair for pair in SIDES if pair[0] in data and pair[1] in data), None)
    for result in results:
        selected = _selected(result)
        if names and selected:
            left, right = (dialogue.answer(data[name]) for name in names)
            chosen, rejected = (left, right) if selected == "left" else (right, left)
            return preference(line, asked, chosen, rejected, **rest)
        order = _order(result)
        if order and "items" in data:
            return _ranked(line, asked, data["items"], order, rest)
    return Refused(line, "an annotation holds no order and no choice")


def _ranked(line: int, asked: Conversation, items: list[Any], order: Any, rest: dict[str, Any]) -> Row | Refused:
    placed = _places(order)
    if placed is None:
        return Refused(line, "its answers lie in several buckets, and the file does not say which is better")
    texts = once(((str(item["id"]), _body(item)) for item in items), "two of its answers have the same id")
    places = once(placed)
    if not set(places) <= set(texts):
        return Refused(line, "an annotation ranks an item that the task does not have")
    return Row(line, asked, answers=tuple(Answer(text, places.get(key)) for key, text in texts.items()), **rest)


def _places(order: Any) -> list[tuple[str, int]] | None:
    """Each placed item with its rank: its place in the one list, or the number of its bucket (`rank-1` ...)."""
    if isinstance(order, list):
        return [(str(item), place) for place, item in enumerate(order, start=1)]
    buckets = {name: items for name, items in order.items() if name != UNPLACED and items}
    if len(buckets) == 1 and not re.fullmatch(r"rank-\d+", *buckets):
        return _places(next(iter(buckets.values())))
    if not all(re.fullmatch(r"rank-[1-9]\d{0,8}", name) for name in buckets):
        return None
    return [(str(item), int(name.removeprefix("rank-"))) for name, items in buckets.items() for item in items]


def _body(item: dict[str, Any]) -> str:
    return string(next((item[name] for name in ("body", "text", "html", "title") if item.get(name)), ""))


def write(project: Project, path: Path) -> ExportReport:
    """A task for all who ranked the same answers. Ties share a bucket `rank-N`, unranked answers are not placed."""
    lost, turned = losses(project, *BESIDES_ORDER) | strengths_lost(project), Turned()
    written = 0

    def tasks() -> Iterator[dict[str, Any]]:
        nonlocal written
        for number, ranked in enumerate(grouped(project), start=1):
            written += len(ranked)
            yield _task(number, ranked, turned)

    write_array(path, tasks())
    return ExportReport("rankings", written, lost | turned.lost)


def _task(number: int, ranked: list[Whole], turned: Turned) -> dict[str, Any]:
    """The prompt to be read, and its turns as messages where it has several."""
    items = [
        {"id": f"answer_{place}", "title": f"Answer {place}", "body": answer.text}
        for place, answer in enumerate(ranked[0].comparable, start=1)
    ]
    asked = ranked[0].row.conversation
    turns = {} if dialogue.of_text(asked.text) == asked else {"messages": turned.turns(asked)}
    data = {"prompt": asked.text, **turns, "items": items}
    annotations = [_given(number, ranking) for ranking in ranked]
    return {"id": number, "data": data, "annotations": annotations, "predictions": []}


def _given(task: int, ranking: Whole) -> dict[str, Any]:
    answers = {f"answer_{place}": answer for place, answer in enumerate(ranking.comparable, start=1)}
    value = {"ranker": _buckets(answers)}
    return {
        "id": ranking.row.line,
        "completed_by": ranking.labeler_id,
        "result": [{"from_name": "rank", "to_name": "results", "type": "ranker", "value": value}],
        "was_cancelled": False,
        "ground_truth": False,
        "created_at": ranking.created_at,
        "lead_time": ranking.row.seconds,
        "task": task,
    }


def _buckets(answers: dict[str, Answer]) -> dict[str, list[str]]:
    placed = sorted((answer.rank, key) for key, answer in answers.items() if answer.rank is not None)
    unplaced = [key for key, answer in answers.items() if answer.rank is None]
    found: dict[str, list[str]] = {UNPLACED: unplaced} if unplaced else {}
    tied = len({rank for rank, _ in placed}) < len(placed)
    for rank, key in placed:
        found.setdefault(f"rank-{rank}" if tied else "rank", []).append(key)
    return found
