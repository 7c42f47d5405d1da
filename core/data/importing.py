"""Rows into the project: each row's prompt, answers and order, where they are not there already."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from core.data.noticed import Noticed
from core.data.rows import Answer, Refused, Row
from core.errors import BadInput
from core.events import NewCompletion
from core.records import Labeler, NewRanking, Prompt, Split, Verdict
from core.store import Project, completions, labelers, prompts, rankings
from core.store.batch import Batch
from core.store.rankings import Said


@dataclass
class Met:
    """A prompt of the file: its number, whether this import made it, and its groups by what their answers say."""

    id: int
    made: bool
    split: Split
    groups: dict[int, int] = field(default_factory=dict)


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

    def finish(self) -> None:
        self.batch.flush()

    def _verdict(self, row: Row, group_id: int, person: Labeler) -> bool:
        """Store what the row says of the group, unless that is known. Verdicts that a ranking of the same order lacks
        join it. What contradicts it is kept under a labeler of its own, so that both count; only a ranking that was in
        the project before, by somebody whom the file names, stays alone."""
        ids = self._matched(row, group_id)
        ranks = {item: answer.rank for item, answer in zip(ids, row.answers, strict=True)}
        said = Said(rankings.dense(ranks), _verdicts(row, ids))
        name, number = person.name, 1
        while (earlier := self._earlier(group_id, person)) is not None:
            if _says_no_more(said, earlier):
                return False
            if said.ranks == earlier.ranks and not earlier.verdicts:
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
        self._rank(row, group_id, person, ids)
        self.said[group_id, person.id] = said
        return True

    def _earlier(self, group_id: int, person: Labeler) -> Said | None:
        """What the person said of the group: in this file, or in the project before."""
        found = self.said.get((group_id, person.id))
        if found is None and group_id not in self.batch.made:
            return rankings.said_by(self.project, group_id, person.id)
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
            return Met(self.batch.prompt(prompt), True, split)
        groups: dict[int, int] = {}
        for by_hand in (False, True):  # a file from before somebody wrote an answer is known, too
            texts = completions.texts_by_group(self.project, found, by_hand=by_hand)
            groups |= {_answers(texts[item]): item for item in sorted(texts, reverse=True)}
        return Met(found, False, prompts.get(self.project, found).split, groups)

    def _group(self, prompt: Met, row: Row) -> tuple[int, bool]:
        """The prompt's group of these answers, in whichever order, and whether it is new."""
        key = _answers([answer.text for answer in row.answers])
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

    def _rank(self, row: Row, group_id: int, person: Labeler, ids: list[int]) -> None:
        self.batch.ranking(
            NewRanking(
                group_id,
                person.id,
                {item: answer.rank for item, answer in zip(ids, row.answers, strict=True)},
                flag=row.flag,
                comment=row.comment,
                flags={item: answer.flag for item, answer in zip(ids, row.answers, strict=True) if answer.flag},
                criteria={name: dict(zip(ids, order, strict=True)) for name, order in row.criteria.items()},
                method=row.method,
                seconds=row.seconds,
                strength=row.strength,
                verdicts=_verdicts(row, ids),
            ),
        )


def _verdicts(row: Row, ids: list[int]) -> dict[int, Verdict]:
    return {item: answer.verdict for item, answer in zip(ids, row.answers, strict=True) if answer.verdict}


def _says_no_more(said: Said, earlier: Said) -> bool:
    """Is it what was said before? An order that only follows from the same verdicts is no other one."""
    implied = {item: 1 if said.verdicts.get(item) == "good" else 2 for item in said.ranks}
    return said == earlier or (said.verdicts == earlier.verdicts and said.ranks == implied and bool(said.verdicts))


def _answers(texts: Sequence[str]) -> int:
    """Equal for the same answers in any order."""
    return hash(tuple(sorted(texts)))
