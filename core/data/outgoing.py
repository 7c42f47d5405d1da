"""What exporters write, streamed by joins: pairs, whole rankings, and a count of what a format cannot carry."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from core.data.rows import Answer, Row
from core.preferences.pairs import counts
from core.store import Project

TIES = "tied pairs"
UNRANKED = "unranked completions"
FLAGGED_PROMPTS = "flagged prompts"
FLAGGED = "flagged completions"
COMMENTS = "comments"
LABELERS = "labelers' names"
CRITERIA = "orders by criterion"
METHODS = "ways of ranking"

LOST = {
    UNRANKED: "counting_rankings r join ranking_items i on i.ranking_id = r.id"
    " where r.flag is null and i.flag is null and i.rank is null",
    FLAGGED_PROMPTS: "counting_rankings where flag is not null",
    FLAGGED: "counting_rankings r join ranking_items i on i.ranking_id = r.id where i.flag is not null",
    COMMENTS: "counting_rankings where comment != ''",
    LABELERS: "(select distinct labeler_id from counting_rankings)",
    CRITERIA: "(select distinct c.ranking_id, c.criterion from criterion_ranks c"
    " join counting_rankings r on r.id = c.ranking_id)",
    METHODS: "counting_rankings where method != 'order'",
}
ALL_LOST = (TIES, *LOST)
#: What a format of whole rankings, with ties, does not carry.
BESIDES_ORDER = (FLAGGED_PROMPTS, FLAGGED, COMMENTS, LABELERS, CRITERIA, METHODS)


@dataclass(frozen=True)
class Whole:
    """One ranking that counts; the line of its row is its id, and its answers are in the order of their ids."""

    row: Row
    group_id: int
    labeler_id: int
    guidelines_id: int
    created_at: str

    @property
    def comparable(self) -> tuple[Answer, ...]:
        """The answers that give pairs: none of a flagged prompt, and no flagged one."""
        kept = tuple(answer for answer in self.row.answers if not answer.flag)
        some = any(answer.rank is not None for answer in kept)
        return kept if some and len(kept) > 1 and not self.row.flag else ()


def losses(project: Project, *kinds: str) -> dict[str, int]:
    """How much of each kind there is among the rankings that count."""
    return {
        kind: counts(project).ties if kind == TIES else int(project.value(f"select count(*) from {LOST[kind]}"))
        for kind in kinds
    }


def pairs(project: Project) -> Iterator[tuple[str, str, str]]:
    """Prompt, chosen and rejected of every pair, in the order of their rankings."""
    yield from project.db.conn.execute(
        "select q.text, c.text, d.text from pairs p join prompts q on q.id = p.prompt_id"
        " join completions c on c.id = p.chosen_id join completions d on d.id = p.rejected_id"
        " order by p.ranking_id, p.chosen_id, p.rejected_id"
    )


def listed(project: Project, *, by_group: bool = False) -> Iterator[Whole]:
    """Every ranking that counts, oldest first, or those of one group together."""
    criteria: dict[int, dict[str, dict[int, int | None]]] = {}
    for ranking, criterion, completion, rank in project.db.conn.execute(
        "select ranking_id, criterion, completion_id, rank from criterion_ranks order by ranking_id, criterion"
    ):
        criteria.setdefault(ranking, {}).setdefault(criterion, {})[completion] = rank
    found = project.db.conn.execute(
        "select r.id, i.completion_id, c.text, i.rank, i.flag, r.group_id, r.labeler_id, r.guidelines_id, r.created_at,"
        " q.text, q.tags, q.split, r.flag, r.comment, l.name, l.kind, l.detail, r.method, r.seconds"
        " from counting_rankings r join completion_groups g on g.id = r.group_id join prompts q on q.id = g.prompt_id"
        " join labelers l on l.id = r.labeler_id join ranking_items i on i.ranking_id = r.id"
        f" join completions c on c.id = i.completion_id order by {'r.group_id, ' * by_group} r.id, i.completion_id"
    )
    for ranking, group in groupby(found, key=lambda values: int(values[0])):
        yield _whole(ranking, list(group), criteria.get(ranking, {}))


def grouped(project: Project) -> Iterator[list[Whole]]:
    """The rankings that give pairs; those over the same answers of the same group together."""
    for _, found in groupby(listed(project, by_group=True), key=lambda ranking: ranking.group_id):
        sets: dict[tuple[str, ...], list[Whole]] = {}
        for ranking in found:
            if ranking.comparable:
                sets.setdefault(tuple(answer.text for answer in ranking.comparable), []).append(ranking)
        yield from sets.values()


def _whole(ranking: int, items: list[tuple[Any, ...]], criteria: dict[str, dict[int, int | None]]) -> Whole:
    group_id, labeler_id, version, created, prompt, tags, split, flag, comment, name, kind, detail, method, seconds = (
        items[0][5:]
    )
    row = Row(
        line=ranking,
        prompt=prompt,
        tags=tuple(json.loads(tags)),
        split=split,
        answers=tuple(Answer(text, rank, item_flag) for _, _, text, rank, item_flag, *_ in items),
        flag=flag,
        comment=comment,
        labeler=name,
        labeler_kind=kind,
        labeler_detail=detail,
        criteria={key: tuple(order.get(item[1]) for item in items) for key, order in criteria.items()},
        method=method,
        seconds=seconds,
    )
    return Whole(row, group_id, labeler_id, version, created)


def write_array(path: Path, rows: Iterable[dict[str, Any]]) -> int:
    """Write a JSON array, one object a line; returns how many there were."""
    written = 0
    with path.open("w", encoding="utf-8") as file:
        file.write("[")
        for written, row in enumerate(rows, start=1):
            file.write((",\n" if written > 1 else "\n") + json.dumps(row, ensure_ascii=False))
        file.write("\n]\n")
    return written
