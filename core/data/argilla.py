"""Argilla's rankings: records of 1.x, which keep ties, and flattened records of 2.x, where the order is the rank."""

import re
import uuid
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.data import dialogue, jsonlines, source
from core.data import fields as names
from core.data.outgoing import BESIDES_ORDER, UNRANKED, Turned, Whole, grouped, losses, strengths_lost, write_array
from core.data.rows import Answer, ExportReport, Refused, Row, string, whole
from core.store import Project

NAME = "argilla"
LACKS = ("flags", "comments")
RESPONSES = ".responses"
PROMPTS = ("prompt", "instruction", "question", "text", "input")
QUESTION = "response_ranking"
NUMBER = re.compile(r"(?<!\d)\d+\Z")


def sniff(head: str, path: Path) -> bool:
    first = jsonlines.first(head)
    return ("fields" in first and "responses" in first) or any(name + ".users" in first for name in _flat(first))


def _flat(value: dict[str, Any]) -> list[str]:
    return [name for name in value if name.endswith(RESPONSES)]


def read(path: Path) -> Iterator[Row | Refused]:
    for item in source.objects(path):
        if isinstance(item, Refused):
            yield item
            continue
        line, value = item
        fields = value.get("fields", value)
        responses = _nested(value) if "fields" in value else _flattened(value)
        for number, (status, user, order) in enumerate(responses, start=1):
            if status not in ("submitted", None):
                yield Refused(line, f"its response {number} is {status}, not submitted")
            else:
                yield source.row(line, _row, fields, user, order)
        if not responses:
            yield Refused(line, "it has no responses")


def _nested(value: dict[str, Any]) -> list[tuple[Any, Any, Any]]:
    """Status, user and ranking of each response of 1.x; the ranking is the first list among its values. In 2.x the
    responses lie under their questions, of which the first that is answered with lists is the ranking."""
    found = []
    responses = value.get("responses")
    if isinstance(responses, dict):
        return _by_question(responses)
    for item in responses if isinstance(responses, list) else ():
        response = item if isinstance(item, dict) else {}
        values = response.get("values")
        answers = [part.get("value") for part in (values.values() if isinstance(values, dict) else ()) if
                   isinstance(part, dict)]  # fmt: skip
        ranking = next((part for part in answers if isinstance(part, list)), None)
        found.append((response.get("status"), response.get("user_id"), ranking))
    return found


def _by_question(questions: dict[str, Any]) -> list[tuple[Any, Any, Any]]:
    for responses in questions.values():
        given = [item for item in responses if isinstance(item, dict)] if isinstance(responses, list) else []
        if any(isinstance(item.get("value"), list) for item in given):
            return [(item.get("status"), item.get("user_id"), item.get("value")) for item in given]
    return []


def _flattened(value: dict[str, Any]) -> list[tuple[Any, Any, Any]]:
    """The same of 2.x, from the first question whose responses are lists."""
    for name in _flat(value):
        orders, users, statuses = (value.get(name + part) for part in ("", ".users", ".status"))
        if not isinstance(orders, list) or not any(isinstance(order, list) for order in orders):
            continue
        users = users if isinstance(users, list) else []
        statuses = statuses if isinstance(statuses, list) else []
        return [
            (statuses[place] if place < len(statuses) else None, users[place] if place < len(users) else None, order)
            for place, order in enumerate(orders)
        ]
    return []


def _row(line: int, fields: dict[str, Any], user: Any, order: Any) -> Row | Refused:
    if not order:
        return Refused(line, "one of its responses ranks nothing")
    ranks: dict[str, int | None] = {}
    numbered = _numbered(fields)
    for place, item in enumerate(order, start=1):
        name = _field(fields, numbered, string(item if isinstance(item, str) else item["value"]))
        if name is None or name in ranks:
            return Refused(line, "a response ranks an answer that the record does not have, or one twice")
        ranks[name] = place if isinstance(item, str) else whole(item["rank"])
    asked = names.asked(
        fields, fields.get(next((name for name in PROMPTS if name in fields and name not in ranks), ""), "")
    )
    alike = {NUMBER.sub("", name) for name in ranks if NUMBER.search(name)}
    answers = tuple(
        Answer(dialogue.answer(item), ranks.get(name))
        for name, item in fields.items()
        if name in ranks or (item and NUMBER.search(name) and NUMBER.sub("", name) in alike)
    )
    labeler = f"argilla {user}" if user else ""
    return Row(line, asked, answers=answers, labeler=labeler)


def _numbered(fields: dict[str, Any]) -> dict[str, list[str]]:
    """The fields by the number at their end."""
    found = defaultdict(list)
    for name in fields:
        if number := NUMBER.search(name):
            found[number[0]].append(name)
    return found


def _field(fields: dict[str, Any], numbered: dict[str, list[str]], name: str) -> str | None:
    """The field that a ranked value names: itself, or the only one with the same number at its end."""
    if name in fields:
        return name
    number = NUMBER.search(name)
    found = numbered.get(number[0], []) if number else []
    return found[0] if len(found) == 1 else None


def write(project: Project, path: Path) -> ExportReport:
    """Records of 1.x, one for all who ranked the same answers. Unranked ones share the last place; flagged ones are
    left out."""
    lost, turned = losses(project, UNRANKED, *BESIDES_ORDER) | strengths_lost(project), Turned()
    written = 0

    def records() -> Iterator[dict[str, Any]]:
        nonlocal written
        for ranked in grouped(project):
            written += len(ranked)
            texts = enumerate(ranked[0].comparable, start=1)
            asked = ranked[0].row.conversation
            prompt: Any = asked.text if dialogue.of_text(asked.text) == asked else turned.turns(asked)
            fields = {"prompt": prompt, **{f"response-{place}": answer.text for place, answer in texts}}
            yield {"fields": fields, "responses": [_response(ranking) for ranking in ranked]}

    write_array(path, records())
    return ExportReport("rankings", written, lost | turned.lost)


def _response(ranking: Whole) -> dict[str, Any]:
    last = 1 + max(answer.rank or 0 for answer in ranking.comparable)
    order = [
        {"value": f"response-{place}", "rank": answer.rank or last}
        for place, answer in enumerate(ranking.comparable, start=1)
    ]
    user = uuid.uuid5(uuid.NAMESPACE_URL, f"plumbline:{ranking.row.labeler}")
    return {"user_id": str(user), "values": {QUESTION: {"value": order}}, "status": "submitted"}
