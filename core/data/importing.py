"""Rows into the project: each row's prompt, answers and order, where they are not there already."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from core.data.noticed import Noticed
from core.data.rows import Answer, Refused, Row
from core.errors import BadInput
from core.events import NewCompletion
from core.records import Labeler, NewRanking, Prompt, Ranking, Split, Verdict
from core.store import Project, completions, guidelines, labelers, prompts, rankings
from core.store.batch import Batch


class Said(NamedTuple):
    """What somebody said of a group: the order, flags and verdicts that count for training, and what stands beside
    them."""

    order: dict[int, int | None]
    flag: str
    flags: dict[int, str]
    verdicts: dict[int, Verdict]
    comment: int = 0
    criteria: int = 0

    @classmethod
    def of(cls, ranking: NewRanking | Ranking) -> "Said":
        orders = sorted((name, sorted(rankings.dense(order).items())) for name, order in ranking.criteria.items())
        return cls(
            rankings.dense(ranking.ranks), ranking.flag or "", dict(ranking.flags), dict(ranking.verdicts),
            hash(ranking.comment) if ranking.comment else 0, hash(str(orders)) if orders else 0,
        )  # fmt: skip

    def contradicts(self, earlier: "Said") -> bool:
        """Does it say otherwise, flag what was not flagged, or judge what was not judged? Many files have no place for
        flags and verdicts. An order that only follows from the same verdicts is no other one."""
        is_flagged = bool(self.flag) and self.flag != earlier.flag
        implied = {item: 1 if self.verdicts.get(item) == "good" else 2 for item in self.order}
        follows = bool(self.verdicts) and self.verdicts == earlier.verdicts and self.order == implied
        more = not (self.flags.items() <= earlier.flags.items() and self.verdicts.items() <= earlier.verdicts.items())
        return (self.order != earlier.order and not follows) or is_flagged or more

    def adds_to(self, earlier: "Said") -> bool:
        """Has it a comment or criteria that the other has not?"""
        return any(new and new != old for new, old in zip(self[4:], earlier[4:], strict=True))


@dataclass
class Met:
    """A prompt of the file: its number, whether this import made it, and its groups by what their answers say, once
    they were asked for."""

    id: int
    made: bool
    split: Split
    groups: dict[int, int] | None = None


class Importer:
    """Adds rows of one file inside the caller's transaction. It remembers the prompts and groups that it met; the last
    rows are written by `finish`."""

    def __init__(self, project: Project, source: str, labeler: str, split: Split | None = None) -> None:
        self.project = project
        self.source = source
        self.labeler = labeler
        self.split = split
        self.noticed = Noticed()
        self.people: dict[tuple[str, str, str], Labeler] = {}
        self.prompts: dict[int, Met] = {}
        self.completions: dict[int, list[tuple[int, int]]] = {}
        self.said: dict[tuple[int, int], Said] = {}
        self.versions = {guidelines.digest(each): each.id for each in reversed(guidelines.versions(project))}
        self.batch = Batch(project)

    def add(self, row: Row) -> bool | Refused:
        """Is the row new? One with the same prompt, answers, order and labeler is known."""
        if not row.answers:
            return Refused(row.line, "it has a prompt but no ranked answers")
        try:
            person = self._person(row, row.labeler.strip() or self.labeler) if row.ranked else None
        except BadInput as error:
            return Refused(row.line, str(error))
        group_id, new = self._group(self._prompt(row), row)
        return new if person is None else self._verdict(row, group_id, person)

    def ask(self, row: Row) -> bool:
        """Add the row's prompt alone. Is it new?"""
        before = len(self.prompts)
        met = self._prompt(row)
        return met.made and len(self.prompts) > before

    def finish(self) -> None:
        self.batch.flush()

    def _verdict(self, row: Row, group_id: int, person: Labeler) -> bool:
        """Store what the row says of the group, unless that is known. Verdicts that a ranking of the same order lacks
        join it. What contradicts it is kept under a labeler of its own, so that both count; only a ranking that was in
        the project before, by somebody whom the file names, stays alone."""
        new = _ranking(row, group_id, self._matched(row, group_id))
        said = Said.of(new)
        name, number = person.name, 1
        while (earlier := self._earlier(group_id, person)) is not None:
            if not said.contradicts(earlier):
                if said.adds_to(earlier):
                    self.noticed.unkept.append(row.line)
                return False
            if not earlier.verdicts and not said._replace(verdicts={}).contradicts(earlier):
                self.batch.flush()
                rankings.add_verdicts(self.project, group_id, person.id, said.verdicts)
                self.said[group_id, person.id] = said
                return True
            if row.labeler.strip() and (group_id, person.id) not in self.said:
                self.noticed.revised.append(row.line)
                return False
            number += 1
            person = self._person(row, f"{name} ({number})")
        if number > 1:
            self.noticed.contradictions.append(row.line)
        self.batch.ranking(replace(new, labeler_id=person.id), self._version(row))
        self.said[group_id, person.id] = said
        return True

    def _earlier(self, group_id: int, person: Labeler) -> Said | None:
        """What the person said of the group: in this file, or in the project before."""
        found = self.said.get((group_id, person.id))
        if found is None and group_id not in self.batch.made:
            stored = rankings.current(self.project, group_id, person.id)
            return None if stored is None else Said.of(stored)
        return found

    def _person(self, row: Row, name: str) -> Labeler:
        key = (name, row.labeler_kind, row.labeler_detail)
        if key not in self.people:
            self.people[key] = labelers.named(self.project, name, kind=row.labeler_kind, detail=row.labeler_detail)
        return self.people[key]

    def _prompt(self, row: Row) -> Met:
        split, key = self.split or row.split, hash(row.key)
        met = self.prompts.get(key)
        if met is None:
            met = self.prompts[key] = self._met(row, split)
            if not met.made and met.split != split:
                self.noticed.kept_splits += 1
        elif met.made and met.split != split:
            self.noticed.leaks[key] = row.prompt
            if split == "heldout":
                self.batch.flush()
                prompts.edit(self.project, met.id, split=split)
                met.split = split
        return met

    def _met(self, row: Row, split: Split) -> Met:
        prompt = Prompt.of(row.conversation, tags=row.tags, split=split, source=self.source)
        found = prompts.id_of(self.project, row.conversation)
        if found is None:
            return Met(self.batch.prompt(prompt), True, split, {})
        return Met(found, False, prompts.get(self.project, found).split)

    def _groups(self, prompt_id: int) -> dict[int, int]:
        """Those of a prompt that was in the project before."""
        groups: dict[int, int] = {}
        for by_hand in (False, True):  # a file from before somebody wrote an answer is known, too
            texts = completions.texts_by_group(self.project, prompt_id, by_hand=by_hand)
            groups |= {_answers(texts[item]): item for item in sorted(texts, reverse=True)}
        return groups

    def _group(self, prompt: Met, row: Row) -> tuple[int, bool]:
        """The prompt's group of these answers, in whichever order, and whether it is new."""
        key = _answers([answer.text for answer in row.answers])
        if prompt.groups is None:
            prompt.groups = self._groups(prompt.id)
        if key in prompt.groups:
            return prompt.groups[key], False
        made = [NewCompletion(answer.text, 0, True, 0) for answer in row.answers]
        group_id = self.batch.group(prompt.id, made, [self._source(answer) for answer in row.answers])
        prompt.groups[key] = group_id
        ids = self.batch.made[group_id]
        self.completions[group_id] = [(item, hash(answer.text)) for item, answer in zip(ids, row.answers, strict=True)]
        return group_id, True

    def _source(self, answer: Answer) -> str:
        if answer.by_hand:
            return f"{self.source}, written by hand by {answer.by_hand}"
        return f"{self.source}, by {answer.model}" if answer.model else self.source

    def _matched(self, row: Row, group_id: int) -> list[int]:
        """The completion of each answer, by what it says."""
        if group_id not in self.completions:
            texts = completions.texts(self.project, completions.ids(self.project, group_id))
            self.completions[group_id] = sorted((item, hash(text)) for item, text in texts.items())
        left = list(self.completions[group_id])
        found = []
        for answer in row.answers:
            place = next(place for place, (_, text) in enumerate(left) if text == hash(answer.text))
            found.append(left.pop(place)[0])
        return found

    def _version(self, row: Row) -> int | None:
        """The version of the guidelines that the row was ranked under, if it is here."""
        version = self.versions.get(row.guidelines)
        self.noticed.other_guidelines += bool(row.guidelines) and version is None
        return version


def _ranking(row: Row, group_id: int, ids: list[int]) -> NewRanking:
    """What the row says of the group with these completions, by nobody yet."""
    return NewRanking(
        group_id,
        0,
        {item: answer.rank for item, answer in zip(ids, row.answers, strict=True)},
        flag=row.flag,
        comment=row.comment,
        flags={item: answer.flag for item, answer in zip(ids, row.answers, strict=True) if answer.flag},
        criteria={name: dict(zip(ids, order, strict=True)) for name, order in row.criteria.items()},
        method=row.method,
        seconds=row.seconds,
        strength=row.strength,
        verdicts=_verdicts(row, ids),
    )


def _verdicts(row: Row, ids: list[int]) -> dict[int, Verdict]:
    return {item: answer.verdict for item, answer in zip(ids, row.answers, strict=True) if answer.verdict}


def _answers(texts: Sequence[str]) -> int:
    """Equal for the same answers in any order."""
    return hash(tuple(sorted(texts)))
