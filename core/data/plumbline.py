"""Our own JSON lines: one ranking a line, whole, with ties, flags, criteria, comment and labeler.

Loses nothing that counts: of rankings that an adjudication overruled, only the verdicts that count on.
"""

import json
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any, cast

from core.conversation import Conversation, of_named_turns
from core.data import dialogue, fields, jsonlines, outgoing, source
from core.data.outgoing import Whole, listed, verdicts_alone
from core.data.rows import Answer, ExportReport, Refused, Row, labeler_kind, seconds, string, whole
from core.records import Verdict
from core.store import Project, counting, guidelines

NAME = "plumbline"
LACKS: tuple[str, ...] = ()


def sniff(head: str, path: Path) -> bool:
    return "completions" in jsonlines.first(head) and "labeler" in jsonlines.first(head)


def read(path: Path) -> Iterator[Row | Refused]:
    return source.rows(path, _row)


def _row(line: int, value: dict[str, Any]) -> Row | Refused:
    answers = tuple(
        Answer(
            string(item["text"]),
            whole(item.get("rank")),
            string(item.get("flag")) or None,
            by_hand=string(item.get("written_by")),
            verdict=cast(Verdict, string(item.get("verdict"))) or None,
        )
        for item in value["completions"]
    )
    labeler = value["labeler"]
    criteria = {name: tuple(map(whole, order)) for name, order in (value.get("criteria") or {}).items()}
    if any(len(order) != len(answers) for order in criteria.values()):
        return Refused(line, "an order by criterion does not rank each completion once")
    if not string(labeler["name"]).strip() or not answers:
        return Refused(line, "it lacks a labeler or completions")
    return Row(
        line,
        _conversation(value),
        tags=tuple(map(string, value.get("tags") or ())),
        split="heldout" if value.get("split") == "heldout" else "train",
        answers=answers,
        flag=string(value.get("flag")) or None,
        comment=string(value.get("comment")),
        labeler=labeler["name"],
        labeler_kind=labeler_kind(labeler.get("kind")),
        labeler_detail=string(labeler.get("detail")),
        criteria=criteria,
        method=string(value.get("method", "order")),
        seconds=seconds(value.get("seconds")),
        strength=fields.number(value.get("strength")),
        guidelines=string(value.get("guidelines_sha256")),
    )


def _conversation(value: dict[str, Any]) -> Conversation:
    """Its turns, or the text of a file from before there were any. Raises `Unusable`."""
    if value.get("messages") is not None:
        return dialogue.read(value["messages"])
    text = string(value["prompt"])
    return of_named_turns(text) or Conversation.of_text(text)


def write(project: Project, path: Path) -> ExportReport:
    written = 0
    versions = {each.id: guidelines.digest(each) for each in guidelines.versions(project)}
    with outgoing.written(path) as file:
        for ranking in chain(listed(project), verdicts_alone(project)):
            file.write(json.dumps(_object(ranking, versions[ranking.guidelines_id]), ensure_ascii=False) + "\n")
            written += 1
    return ExportReport("rankings", written, {"rankings overruled by adjudication": counting.overruled(project)})


def _object(ranking: Whole, version: str) -> dict[str, Any]:
    row = ranking.row
    return {
        "prompt": row.prompt,
        "messages": row.conversation.data(),
        "tags": list(row.tags),
        "split": row.split,
        "completions": [
            {"text": item.text, "rank": item.rank, "flag": item.flag}
            | ({"written_by": item.by_hand} if item.by_hand else {})
            | ({"verdict": item.verdict} if item.verdict else {})
            for item in row.answers
        ],
        "flag": row.flag,
        "comment": row.comment,
        "criteria": {name: list(order) for name, order in row.criteria.items()},
        "method": row.method,
        "seconds": row.seconds,
        "strength": row.strength,
        "labeler": {"name": row.labeler, "kind": row.labeler_kind, "detail": row.labeler_detail},
        "guidelines": ranking.guidelines_id,
        "guidelines_sha256": version,
        "ranked_at": ranking.created_at,
    }
