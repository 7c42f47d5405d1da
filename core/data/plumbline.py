"""Our own JSON lines: one ranking a line, whole, with ties, flags, comment and labeler. Loses nothing."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.data import jsonlines
from core.data.rows import Answer, ExportReport, Refused, Row
from core.store import Project, completions, rankings

NAME = "plumbline"


def sniff(head: str, path: Path) -> bool:
    return "completions" in jsonlines.first(head) and "labeler" in jsonlines.first(head)


def read(path: Path) -> Iterator[Row | Refused]:
    for item in jsonlines.objects(path):
        yield item if isinstance(item, Refused) else _row(*item)


def _row(line: int, value: dict[str, Any]) -> Row | Refused:
    try:
        answers = tuple(
            Answer(str(item["text"]), None if item.get("rank") is None else int(item["rank"]), item.get("flag"))
            for item in value["completions"]
        )
        labeler = value["labeler"]
        row = Row(
            line, str(value["prompt"]), tuple(str(tag) for tag in value.get("tags", ())),
            "heldout" if value.get("split") == "heldout" else "train", answers, value.get("flag"),
            str(value.get("comment", "")), str(labeler["name"]),
            "scripted" if labeler.get("kind") == "scripted" else "person", str(labeler.get("detail", "")),
        )  # fmt: skip
    except (TypeError, KeyError, ValueError, AttributeError):
        return Refused(line, "its fields are not of the kind that this format has")
    if not row.prompt.strip() or len(answers) < 2 or not row.labeler.strip():
        return Refused(line, "it lacks a prompt, a labeler or two completions")
    judged = row.flag or any(answer.flag or answer.rank is not None for answer in answers)
    if not judged or any(answer.rank is not None and answer.rank < 1 for answer in answers):
        return Refused(line, "nothing in it is ranked or flagged")
    return row


def write(project: Project, path: Path) -> ExportReport:
    found = rankings.current(project)
    with path.open("w", encoding="utf-8") as file:
        for ranking in found:
            group = completions.group(project, ranking.group_id)
            answers = [
                {"text": item.text, "rank": ranking.ranks.get(item.id), "flag": ranking.flags.get(item.id)}
                for item in group.completions
            ]
            labeler = ranking.labeler
            row = {
                "prompt": group.prompt.text,
                "tags": list(group.prompt.tags),
                "split": group.prompt.split,
                "completions": answers,
                "flag": ranking.flag,
                "comment": ranking.comment,
                "labeler": {"name": labeler.name, "kind": labeler.kind, "detail": labeler.detail},
                "guidelines": ranking.guidelines_id,
                "ranked_at": ranking.created_at,
            }
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    return ExportReport("rankings", len(found), {})
