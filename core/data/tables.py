"""CSV and TSV with a header: prompts, preferences (`chosen`, `rejected`), or our table of rankings.

The table of rankings has a row for each completion; the rows of one ranking follow each other and share its id.
"""

import csv
import json
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, cast

from core.conversation import Conversation, of_named_turns
from core.data import dialogue, fields, jsonlines, outgoing, source, trl
from core.data.jsonlines import Object
from core.data.outgoing import listed
from core.data.rows import Answer, ExportReport, Refused, Row, attempt, labeler_kind, seconds, whole
from core.records import Verdict
from core.spreadsheets import guarded, unguarded
from core.store import Project, rankings
from core.texts import one_line

NAME = "csv"
LACKS: tuple[str, ...] = ()
BY = "rank by "
#: Criteria that have a column each; more of them share one, as JSON.
MOST_COLUMNS, CRITERIA = 20, "criteria"
PLAIN = ("comment", "labeler", "labeler_kind", "labeler_detail", "method", "seconds", "strength", "split")


def sniff(head: str, path: Path) -> bool:
    return source.is_table(path)


def read(path: Path) -> Iterator[Row | Refused]:
    yield from rows(path, trl.parse)


def rows(path: Path, parse: Callable[[int, dict[str, Any]], Row | Refused]) -> Iterator[Row | Refused]:
    """The rows of our table of rankings, or each of another through `parse`."""
    columns = source.header(path)
    if set(columns) >= fields.RANKINGS_TABLE:
        yield from _rankings(path)
    elif not any(name in columns for name in fields.PROMPTS):
        named = ", ".join(f"`{one_line(name, 40)}`" for name in columns[:12]) or "nothing"
        yield Refused(1, f"the first line names no column `prompt`: it names {named}")
    else:
        yield from source.rows(path, parse)


def _rankings(path: Path) -> Iterator[Row | Refused]:
    """The rows of each ranking together, wherever a spreadsheet sorted them to: they are read to their end before the
    first is known. Where an answer comes again elsewhere, another ranking of the same number begins, as in tables that
    were put together."""
    begun: dict[tuple[Any, ...], list[Object]] = {}
    whole: list[list[Object]] = []
    for key, run in groupby(source.objects(path), key=_key):
        if isinstance(key, Refused):
            yield key
            continue
        found = [item for item in run if not isinstance(item, Refused)]
        said = {value.get("completion") for _, value in begun.get(key, ())}
        if key not in begun or any(value.get("completion") in said for _, value in found):
            begun[key] = []
            whole.append(begun[key])
        begun[key] += found
    for items in whole:
        yield attempt(items[0][0], _ranking, [_unguarded(value) for _, value in items])


def _unguarded(value: dict[str, Any]) -> dict[str, Any]:
    return {unguarded(name): unguarded(cell) if isinstance(cell, str) else cell for name, cell in value.items()}


def _key(item: Object | Refused) -> Refused | tuple[Any, ...]:
    return item if isinstance(item, Refused) else (item[1].get("ranking"), item[1].get("prompt"))


def _ranking(line: int, items: list[dict[str, Any]]) -> Row | Refused:
    first = items[0]
    items = [_ordered(item) for item in items]
    criteria = {name for item in items for name in item if name.startswith(BY)}
    return Row(
        line,
        _conversation(first),
        tags=tuple(map(str, jsonlines.loads(first.get("tags", "[]")))),
        split=fields.split_of(first),
        answers=tuple(
            Answer(
                item.get("completion", ""),
                whole(item.get("rank")),
                item.get("flag"),
                by_hand=item.get("written_by") or "",
                verdict=cast(Verdict, item.get("verdict")) or None,
            )
            for item in items
        ),
        flag=first.get("prompt_flag"),
        comment=first.get("comment", ""),
        labeler=first.get("labeler", ""),
        labeler_kind=labeler_kind(first.get("labeler_kind")),
        labeler_detail=first.get("labeler_detail", ""),
        criteria={name.removeprefix(BY): tuple(whole(item.get(name)) for item in items) for name in criteria},
        method=first.get("method", "order"),
        seconds=seconds(first.get("seconds")),
        strength=fields.number(first.get("strength")),
    )  # fmt: skip


def _ordered(item: dict[str, Any]) -> dict[str, Any]:
    """With the ranks of criteria that share a column each under its own name."""
    shared = jsonlines.loads(item.get(CRITERIA, "{}"))
    return item | {BY + name: rank for name, rank in shared.items()}


def _conversation(value: dict[str, Any]) -> Conversation:
    """Its turns as JSON, or the text of a table from before there were any. Raises `Unusable`."""
    if value.get("messages"):
        return dialogue.read(jsonlines.loads(value["messages"]))
    text = value.get("prompt", "")
    return of_named_turns(text) or Conversation.of_text(text)


def write(project: Project, path: Path) -> ExportReport:
    """One row for each completion of each ranking, so that ties and partial orders survive."""
    criteria = rankings.criteria(project)
    shared, criteria = ([CRITERIA], []) if len(criteria) > MOST_COLUMNS else ([], criteria)
    named = [guarded(BY + name) for name in criteria]
    written, guards = 0, sum(name != BY + criterion for name, criterion in zip(named, criteria, strict=True))
    with outgoing.written(path, newline="") as file:
        table = csv.writer(file, delimiter=source.TABLES.get(source.suffix(path), ","), quoting=csv.QUOTE_NONNUMERIC)
        table.writerow(
            [
                "ranking",
                "prompt",
                "completion",
                "rank",
                "flag",
                *named,
                *shared,
                *PLAIN,
                "tags",
                "prompt_flag",
                "messages",
                "written_by",
                "verdict",
            ]
        )
        for ranking in listed(project):
            written += 1
            row = ranking.row
            turns = json.dumps(row.conversation.data(), ensure_ascii=False)
            once = [*(getattr(row, name) for name in PLAIN), json.dumps(row.tags, ensure_ascii=False), row.flag, turns]
            for place, item in enumerate(row.answers):
                orders: list[Any] = [row.criteria[name][place] if name in row.criteria else None for name in criteria]
                if shared:
                    ranks = {name: order[place] for name, order in row.criteria.items()}
                    orders = [json.dumps(ranks, ensure_ascii=False) if ranks else None]
                cells = [
                    row.line,
                    row.prompt,
                    item.text,
                    item.rank,
                    item.flag,
                    *orders,
                    *once,
                    item.by_hand,
                    item.verdict,
                ]
                safe = [guarded(cell) for cell in cells]
                guards += sum(cell != other for cell, other in zip(cells, safe, strict=True))
                table.writerow(safe)
    return ExportReport("rankings", written, {}, guards)
