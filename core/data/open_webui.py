"""Open WebUI's feedback: an answer that was rated, within its chat. It is a pair where it was shown beside others."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.conversation import Message
from core.data import dialogue, jsonlines, source
from core.data.rows import Answer, Refused, Row

NAME = "open-webui"
LACKS = ("ties", "partial orders", "flags")
ALONE = "it rates one answer alone: there is no other to compare it with"


def sniff(head: str, path: Path) -> bool:
    first = jsonlines.first(head)
    return isinstance(first.get("snapshot"), dict) and isinstance(first.get("data"), dict)


def read(path: Path) -> Iterator[Row | Refused]:
    for item in source.objects(path):
        yield item if isinstance(item, Refused) else source.row(item[0], _row, item[1])


def _row(line: int, value: dict[str, Any]) -> Row | Refused:
    """The rated answer over those that were shown beside it, or under them where the thumb is down."""
    data, meta = value["data"], value["meta"]
    messages = value["snapshot"]["chat"]["chat"]["history"]["messages"]
    rated = messages[meta["message_id"]]
    models = data.get("sibling_model_ids") or ()
    beside = [
        messages[name]
        for name in messages[rated["parentId"]].get("childrenIds") or ()
        if name in messages and name != meta["message_id"] and messages[name].get("model") in models
    ]
    if not beside:
        return Refused(line, ALONE)
    if data.get("rating") not in (1, -1):
        return Refused(line, "it has no rating")
    good = data["rating"] == 1
    asked = dialogue.whole(_before(messages, rated["parentId"]))
    answers = (_answer(rated, 1 if good else 2), *(_answer(item, 2 if good else 1) for item in beside))
    labeler = f"open webui {value['user_id']}" if value.get("user_id") else ""
    comment = str(data.get("comment") or "")
    method = "order" if len(answers) == 2 else "best-worst"
    return Row(line, asked, answers=answers, labeler=labeler, comment=comment, method=method)


def _before(messages: dict[str, Any], name: Any) -> list[Message]:
    """The turns from the first one to that of this name."""
    found: list[Message] = []
    while name is not None and len(found) < len(messages):
        found.append(dialogue.message(messages[name]))
        name = messages[name].get("parentId")
    return found[::-1]


def _answer(item: dict[str, Any], rank: int) -> Answer:
    return Answer(dialogue.said(dialogue.message(item)), rank, model=str(item.get("model") or "")[:200])
