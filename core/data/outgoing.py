"""What exporters write, streamed by joins: pairs, whole rankings, and a count of what a format cannot carry."""

import gzip
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any, TextIO, cast

from core.conversation import Conversation
from core.data.rows import Answer, Row
from core.data.unpacked import is_packed
from core.store import Project, counting, pairs, verdicts
from core.store.counting import CountingRanking

TIES = "tied pairs"
UNRANKED = "unranked completions"
FLAGGED_PROMPTS = "flagged prompts"
FLAGGED = "flagged completions"
COMMENTS = "comments"
LABELERS = "labelers' names"
CRITERIA = "orders by criterion"
METHODS = "ways of ranking"
#: Counted only where there are any.
TURNS = "prompts of several turns, written as one text"
TOOLS = "prompts with tools or calls of them, written without"
STRENGTHS = "strengths of preferences"
BY_HAND = "answers written by hand, without that mark"
VERDICTS = "verdicts on single answers"

LOST = {
    UNRANKED: counting.unranked_completions,
    FLAGGED_PROMPTS: counting.flagged_prompts,
    FLAGGED: counting.flagged_completions,
    COMMENTS: counting.comments,
    LABELERS: counting.labelers,
    CRITERIA: counting.orders_by_criterion,
    METHODS: counting.other_methods,
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


class Turned:
    """Counts the prompts that a format writes with less than their turns."""

    def __init__(self) -> None:
        self._seen: dict[str, set[str]] = {TURNS: set(), TOOLS: set()}

    def text(self, asked: Conversation) -> str:
        """All of its turns as one text."""
        if not asked.is_plain:
            self._seen[TURNS].add(asked.key)
        return asked.text

    def turns(self, asked: Conversation) -> list[dict[str, str]]:
        """Its turns as roles and texts alone."""
        if has_tools(asked):
            self._seen[TOOLS].add(asked.key)
        return [{"role": turn.role, "content": turn.content} for turn in asked.messages]

    @property
    def lost(self) -> dict[str, int]:
        return {kind: len(seen) for kind, seen in self._seen.items() if seen}


def has_tools(asked: Conversation) -> bool:
    """Is more in it than roles and texts?"""
    return bool(asked.tools) or any(turn.extra for turn in asked.messages)


def losses(project: Project, *kinds: str) -> dict[str, int]:
    """How much of each kind there is among the rankings that count."""
    found = {kind: pairs.counts(project).ties if kind == TIES else LOST[kind](project) for kind in kinds}
    rare = {BY_HAND: counting.by_hand(project), VERDICTS: verdicts.count(project)}
    return found | {kind: count for kind, count in rare.items() if count}


def strengths_lost(project: Project) -> dict[str, int]:
    """How many rankings say how much better the better answer is."""
    count = counting.strengths(project)
    return {STRENGTHS: count} if count else {}


def listed(project: Project, *, by_group: bool = False) -> Iterator[Whole]:
    """Every ranking that counts, oldest first, or those of one group together."""
    return map(_whole, counting.listed(project, by_group=by_group))


def verdicts_alone(project: Project) -> Iterator[Whole]:
    """The rankings that an adjudication overruled but for verdicts, with those that count and nothing else."""
    stay = {(each.ranking_id, each.completion_id) for each in verdicts.counting(project) if each.overruled}
    rankings = {ranking for ranking, _ in stay}
    for ranking in counting.listed(project, overruled=True) if stay else ():
        if ranking.id in rankings:
            answers = tuple(
                answer._replace(
                    rank=None, flag=None,
                    verdict=answer.verdict if (ranking.id, answer.completion_id) in stay else None,
                )
                for answer in ranking.answers
            )  # fmt: skip
            yield _whole(replace(ranking, answers=answers, criteria={}, comment="", strength=None))


def grouped(project: Project) -> Iterator[list[Whole]]:
    """The rankings that give pairs; those over the same answers of the same group together."""
    for _, found in groupby(listed(project, by_group=True), key=lambda ranking: ranking.group_id):
        sets: dict[tuple[str, ...], list[Whole]] = {}
        for ranking in found:
            if ranking.comparable:
                sets.setdefault(tuple(answer.text for answer in ranking.comparable), []).append(ranking)
        yield from sets.values()


def _whole(ranking: CountingRanking) -> Whole:
    ids = [answer.completion_id for answer in ranking.answers]
    row = Row(
        line=ranking.id,
        conversation=ranking.conversation,
        tags=ranking.tags,
        split=ranking.split,
        answers=tuple(
            Answer(answer.text, answer.rank, answer.flag, by_hand=answer.written_by, verdict=answer.verdict)
            for answer in ranking.answers
        ),
        flag=ranking.flag,
        comment=ranking.comment,
        labeler=ranking.labeler.name,
        labeler_kind=ranking.labeler.kind,
        labeler_detail=ranking.labeler.detail,
        criteria={name: tuple(map(order.get, ids)) for name, order in ranking.criteria.items()},
        method=ranking.method,
        seconds=ranking.seconds,
        strength=ranking.strength,
    )
    return Whole(row, ranking.group_id, ranking.labeler.id, ranking.guidelines_id, ranking.created_at)


@contextmanager
def written(path: Path, newline: str | None = None) -> Iterator[TextIO]:
    """A file to write text to, packed where its name says so: an import unpacks by the name."""
    opened = partial(gzip.open, path, "wt") if is_packed(path) else partial(path.open, "w")
    with opened(encoding="utf-8", newline=newline) as file:
        yield cast(TextIO, file)


def write_array(path: Path, rows: Iterable[dict[str, Any]]) -> int:
    """Write a JSON array, one object a line; returns how many there were."""
    count = 0
    with written(path) as file:
        file.write("[")
        for count, row in enumerate(rows, start=1):
            file.write((",\n" if count > 1 else "\n") + json.dumps(row, ensure_ascii=False))
        file.write("\n]\n")
    return count
